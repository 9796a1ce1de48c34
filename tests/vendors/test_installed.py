"""Vendors from other packages: really on the path, with real metadata, loaded only when asked."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from film_set import settle, undrawn

from runner import cli, uptodate
from runner.errors import BadInput
from runner.model import ModelFacts, ModelId, Request
from runner.port import port
from runner.prices import estimate, read_table
from runner.schema import check_shot, open_catalogue
from runner.vendors import VENDORS, find, installed_files, installed_schemas

Install = Callable[..., Path]
ADAPTER = """
from pathlib import Path

from runner.vendors import base

NAME = "acme"
FIELDS = base.FRAMING | {"seconds"}
SCHEMA = Path(__file__).parent / "acme.schema.json"
marker = base.no_marker


def shape(request, facts):
    base.refuse_strangers(request, NAME, FIELDS)
    body = base.opening(request)
    if size := base.size(request, facts):
        body["dimensions"] = size
    return base.close(body, {}, request.extra_body)


def expected(request, facts):
    return base.expected(request, facts)
"""


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Acme",
    "description": "A shot for Acme.",
    "x-vendor": "acme",
    "x-read": "2026-11-23",
    "x-prefixes": ["acme-"],
    "x-sizes": {
        "360p": [
            {
                "resolution": "360p",
                "aspect_ratio": "16:9",
                "native": "640x360",
                "width": 640,
                "height": 360,
            }
        ]
    },
    "x-models": {
        "acme-1": {
            "family": "acme",
            "capabilities": ["t2v"],
            "seconds": [5],
            "default_seconds": 5,
            "sizes": ["360p"],
            "default_size": "640x360",
            "audio": "never",
            "source": {"kind": "vendor doc", "date": "2026-11-23"},
        }
    },
    "type": "object",
    "properties": {"options": {"type": "object", "properties": {}, "additionalProperties": False}},
    "x-rules": [
        {
            "id": "acme.seconds",
            "severity": "error",
            "must": {"properties": {"seconds": {"enum": {"$fact": "seconds"}}}},
            "at": ["seconds"],
            "message": "{model} renders {legal.seconds} s, not {seconds}",
            "hint": "write {legal.seconds}",
            "source": {"kind": "vendor doc", "date": "2026-11-23"},
            "examples": {
                "fail": [{"model": "acme-1", "seconds": 6}],
                "pass": [{"model": "acme-1", "seconds": 5}],
            },
        }
    ],
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package with an entry point on the path, the way an installer would."""
    before = set(sys.modules)

    def put(code: str = ADAPTER, vendor: str = "acme", package: str = "reelmake_acme") -> Path:
        site = tmp_path / package
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            dedent(f"""
                [reelmake.vendors]
                {vendor} = {package}
            """)
        )
        (site / f"{package}.py").write_text(code)
        (site / "acme.schema.json").write_text(json.dumps(SCHEMA))
        monkeypatch.syspath_prepend(str(site))
        return site

    yield put
    for name in set(sys.modules) - before:
        if name.startswith("reelmake_"):
            del sys.modules[name]


def test_an_installed_vendor_is_asked_like_any_other(install: Install) -> None:
    """Schema and adapter from another package; nothing of ours is touched."""
    site = install()
    acme = find("acme")
    facts = ModelFacts(ModelId("acme-1"), "acme")
    request = Request(ModelId("acme-1"), "A ferry.", seconds=5, size="640x360")
    assert acme.shape(request, facts) == {
        "model": "acme-1",
        "prompt": "A ferry.",
        "seconds": "5",
        "dimensions": "640x360",
    }
    assert acme.expected(request, facts).width == 640
    assert installed_schemas() == {"acme": site / "acme.schema.json"}
    with pytest.raises(BadInput, match="acme has no place for seed 3"):
        acme.shape(Request(ModelId("acme-1"), "A ferry.", seed=3), facts)


def test_an_installed_vendor_has_rules_a_port_and_a_price(install: Install) -> None:
    """Its schema joins the catalogue; shots move to it; a project may say what it costs."""
    install()
    catalogue = open_catalogue(installed=installed_schemas())
    wrong = {"model": "acme-1", "prompt": "A ferry.", "seconds": 6}
    assert [complaint.rule for complaint in check_shot(catalogue, wrong)] == ["acme.seconds"]
    request = Request(ModelId("wan2.6-t2v"), "A ferry.", seconds=8, size="1280x720")
    moved = port(request, "acme-1", catalogue, {"prompt": "A ferry."}, find)
    assert (moved.request.seconds, moved.left) == (5, ())
    facts = catalogue.models[ModelId("acme-1")]
    assert find("acme").shape(moved.request, facts)["dimensions"] == "640x360"
    cost = estimate(moved.request, facts, read_table({}, {"acme": "0.02"}))
    assert cost is not None
    assert str(cost.cost) == "$0.10"


def test_a_package_is_looked_at_whole(install: Install) -> None:
    """Of a module its file, of a package all that lies in it; the schema wherever it is."""
    site = install()
    assert set(installed_files()) == {site / "reelmake_acme.py", site / "acme.schema.json"}
    del sys.modules["reelmake_acme"]
    folder = site / "reelmake_acme"
    (folder / "data").mkdir(parents=True)
    (site / "reelmake_acme.py").rename(folder / "__init__.py")
    (site / "acme.schema.json").rename(folder / "acme.schema.json")
    (folder / "data/words.txt").write_text("slow")
    importlib.invalidate_caches()
    names = ("", "__init__.py", "acme.schema.json", "data", "data/words.txt")
    assert set(installed_files()) == {folder / name for name in names}


def test_an_edited_package_is_not_up_to_date(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes a vendor edits its rules and asks for the plan again."""
    schema = install() / "acme.schema.json"
    film, words = tmp_path / "film.yaml", ["plan", "film.yaml", "--gateway", "local"]
    film.write_text(
        "storyboard: 1\nshots: [{id: one, model: acme-1, seconds: 5, prompt: A ferry.}]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELMAKE_RENDER_SECONDS", "0.01")
    monkeypatch.setenv("REELMAKE_POLL_SECONDS", "0.05")
    monkeypatch.setattr(sys, "argv", ["reelmake", *words])
    undrawn(monkeypatch)
    assert cli.main(["run", *words[1:]]) == 0
    settle(tmp_path)
    assert cli.main(words) == 0
    assert uptodate.again(words) == 0
    schema.write_text(schema.read_text().replace('"seconds": [5]', '"seconds": [4]'))
    assert uptodate.again(words) is None
    assert cli.main(words) == 2


def test_nothing_of_a_package_runs_before_its_vendor_is_asked_for(install: Install) -> None:
    """A broken plug-in must not break storyboards that do not use it."""
    install("raise SystemExit('must not run')")
    for name in VENDORS:
        assert find(name) is VENDORS[name]
    with pytest.raises(BadInput, match="no vendor 'acne' is known") as raised:
        find("acne")
    assert raised.value.do.endswith("kling, acme")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import no_such_module_anywhere", "cannot be loaded: No module named"),
        (ADAPTER.replace("def shape", "def form"), "no function shape"),
        (ADAPTER.replace('"acme"', '"zenith"', 1), "NAME is 'zenith', not 'acme'"),
        (ADAPTER.replace('"seconds"}', '"bitrate"}'), "FIELDS names bitrate"),
        (ADAPTER.replace("acme.schema", "missing.schema"), "which is no file"),
        ("", "no function shape; no function marker; no function expected"),
    ],
)
def test_a_half_finished_vendor_is_refused(install: Install, code: str, why: str) -> None:
    """The message names the package and what it lacks."""
    install(code)
    with pytest.raises(BadInput, match=r"vendor acme from reelmake_acme 1\.0") as raised:
        find("acme")
    assert why in raised.value.what


def test_two_vendors_of_one_name_are_refused(install: Install) -> None:
    """Which of two is meant is not for us to choose; a built-in one cannot be replaced unseen."""
    install()
    install(package="reelmake_other")
    with pytest.raises(BadInput, match="acme of reelmake_"):
        find("acme")


def test_a_built_in_vendor_cannot_be_taken_over(install: Install) -> None:
    """A package that calls itself kling is named when another vendor is looked for."""
    install(vendor="kling")
    assert find("kling") is VENDORS["kling"]
    with pytest.raises(BadInput, match=r"kling of reelmake_acme 1\.0 is built in"):
        installed_schemas()
