"""Every storyboard that ships runs as it is on the built-in gateway."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from space import Space

from runner import manifest
from runner.cli import main
from runner.manifest.check import verify
from runner.media.boxes import check_mp4
from runner.media.probe import probe
from runner.schema import open_catalogue
from runner.store import Store
from runner.vendors import VENDORS

PIPELINES = Path(__file__).parents[2] / "pipelines"
FILMS = sorted(path.stem for path in PIPELINES.glob("*.yaml"))
QUICK = ("seedance-references", "kling-omni", "wan-image")  # the others in the longer proofs


@pytest.fixture
def studio(tmp_path: Path) -> Space:
    """A copy of the examples, as somebody who downloaded them has it."""
    shutil.copytree(PIPELINES, tmp_path / "pipelines")
    return Space(tmp_path / "pipelines")


def test_all_are_accepted_without_an_error() -> None:
    """`validate` warns of what a vendor has retired or sources dispute, and of nothing else."""
    files = [f"{film}.yaml" for film in FILMS]
    done = Space(PIPELINES).run("validate", *files, "--format", "json").ok()
    assert {problem["severity"] for problem in done.json["problems"]} <= {"warning"}


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in FILMS
        if name != "night-ferry"
    ],
)
def test_it_renders_what_it_asks_for(
    studio: Space, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each capability ends in a playable MP4 that a manifest vouches for."""
    assert in_process(studio, film, monkeypatch) == 0
    as_asked(studio, film)


def in_process(studio: Space, film: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """`reelmake run FILM` without the start of a program: there are many films."""
    monkeypatch.chdir(studio.root)
    monkeypatch.setattr(os, "environ", studio.environment)
    words = ["run", f"{film}.yaml"]
    monkeypatch.setattr(sys, "argv", ["reelmake", *words])
    return main(words)


@pytest.mark.slow
def test_the_short_film(studio: Space) -> None:
    """Nine shots, five vendors, chained frames, a cut; free the second time."""
    studio.run("run", "night-ferry.yaml").ok().says("9 done")
    as_asked(studio, "night-ferry")
    shots = studio.manifest("renders/night-ferry.preview")["shots"]
    assert len({shot["vendor"] for shot in shots}) >= 4
    cut = probe(studio.root / "renders/night-ferry.preview/cut.mp4")
    assert cut.audio
    assert 30 < cut.seconds < 45
    studio.run("run", "night-ferry.yaml").ok().says("nothing to render")


def as_asked(studio: Space, film: str) -> None:
    """Width, height, length and sound of every video are what the model gives for the request."""
    catalogue = open_catalogue()
    folder = f"renders/{film}.preview"
    pinned = manifest.read(studio.root / folder / "manifest.json")
    assert pinned
    store = Store(studio.root / ".reelmake" / "store")
    assert list(verify(pinned, studio.root / folder, store)) == []
    for shot in studio.manifest(folder)["shots"]:
        video = studio.root / folder / shot["output"]["path"]
        assert check_mp4(video) is None
        found, output = probe(video), shot["output"]
        assert (found.width, found.height) == (output["width"], output["height"])
        assert catalogue.facts(shot["model"])
        assert shot["vendor"] in VENDORS
        seconds = shot["request"].get("seconds")
        if seconds and not shot.get("findings"):
            assert abs(found.seconds - seconds) <= 1 / found.fps + 1e-6
        assert "findings" not in shot or not shot["findings"], shot
