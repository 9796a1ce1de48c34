"""Vendors from other packages: really on the path, with real metadata, loaded only when asked."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from runner.errors import BadInput
from runner.model import ModelFacts, ModelId, Request
from runner.vendors import VENDORS, find, installed_schemas

Install = Callable[..., Path]
ADAPTER = """
from pathlib import Path

from runner.vendors import base

NAME = "acme"
FIELDS = frozenset({"seconds", "size"})
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
        (site / "acme.schema.json").write_text("{}")
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
        (ADAPTER.replace('"size"', '"bitrate"'), "FIELDS names bitrate"),
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
