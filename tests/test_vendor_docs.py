"""docs/vendors.md is followed to the letter; docs/vendor-rules.md is what the catalogue says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.model import ModelId, Severity
from runner.schema import check_shot, open_catalogue
from runner.schema.reference import reference
from runner.source import read_yaml

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "vendors.md").read_text("utf-8")
FILES = dict(re.findall(r"\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
PACKAGE = ("pyproject.toml", "reelmake_acme/__init__.py", "reelmake_acme/acme.schema.json")


def test_the_reference_is_what_the_catalogue_says() -> None:
    """Stale? `python tools/vendor_rules.py` writes it anew."""
    assert (DOCS / "vendor-rules.md").read_text("utf-8") == reference(open_catalogue())


def test_the_settings_on_the_page_work() -> None:
    """What the page puts into reelmake.yaml is accepted and does what it says."""
    settings, problems = read_yaml(FILES["reelmake.yaml"], "reelmake.yaml")
    catalogue = open_catalogue(settings)
    assert (problems, catalogue.complaints) == ([], ())
    assert catalogue.models[ModelId("wan2.9-t2v")].seconds == (5, 10, 20)
    assert catalogue.models[ModelId("kling-v4")].vendor == "kling"
    shot = {"model": "sora-2", "prompt": "A pier."}
    assert check_shot(catalogue, shot) == []
    assert catalogue.severities["model.retired"] is Severity.ERROR
    assert catalogue.severities["veo.image_was_rejected"] is None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's package, built and installed by pip, apart from everything else."""
    source, target = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("site")
    for name in PACKAGE:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(FILES[name], encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, *alone, str(source)], check=True)
    return target


def reelmake(site: Path, film: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command about a film; about the vendor, `film` is only the place where it runs."""
    about = (film.name,) if film.suffix == ".yaml" else ()
    command = [sys.executable, "-m", "runner", *arguments, *about]
    root = Path(__file__).parent.parent
    paths = {"PYTHONPATH": os.pathsep.join((str(site), str(root)))}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=film.parent, env={**os.environ, **paths}
    )


@pytest.mark.slow
def test_the_vendor_on_the_page_works(site: Path, tmp_path: Path) -> None:
    """Installed as the page says, its rules answer as the page says."""
    film = tmp_path / "film.yaml"
    film.write_text(FILES["film.yaml"])
    run = reelmake(site, film, "validate")
    [said] = re.findall(r"```console\n\$ reelmake validate film.yaml\n(.*?)```", PAGE, re.DOTALL)
    assert run.returncode == 2
    assert said in run.stdout + run.stderr


@pytest.mark.slow
def test_its_models_and_its_schema_are_printed_like_any_others(site: Path, tmp_path: Path) -> None:
    """`models acme` and `schema acme`."""
    assert "acme-1" in reelmake(site, tmp_path / "here", "models", "acme").stdout
    printed = reelmake(site, tmp_path / "here", "schema", "acme").stdout
    assert json.loads(printed) == json.loads(FILES["reelmake_acme/acme.schema.json"])


def test_without_the_package_its_model_is_unknown(tmp_path: Path) -> None:
    """The answer on the page comes from the package and from nowhere else."""
    film = tmp_path / "film.yaml"
    film.write_text(FILES["film.yaml"])
    run = reelmake(tmp_path, film, "validate")
    assert "unknown model acme-1" in run.stdout + run.stderr


@pytest.mark.slow
def test_its_adapter_shapes_what_the_page_shows(site: Path, tmp_path: Path) -> None:
    """A legal film of that vendor goes through plan: schema and adapter fit each other."""
    film = tmp_path / "film.yaml"
    film.write_text(FILES["film.yaml"].replace("seconds: 5", "seconds: 3"))
    (tmp_path / ".reelmake").mkdir()
    run = reelmake(site, film, "plan", "--format", "json")
    assert run.returncode == 0, run.stderr
    assert '"action": "render"' in run.stdout
