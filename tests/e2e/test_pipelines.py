"""Every storyboard that ships runs as it is on the built-in gateway."""

import shutil
from pathlib import Path

import pytest
from space import Space

from runner.media.boxes import check_mp4
from runner.media.probe import probe
from runner.schema import open_catalogue
from runner.vendors import VENDORS

PIPELINES = Path(__file__).parents[2] / "pipelines"
FILMS = sorted(path.stem for path in PIPELINES.glob("*.yaml"))


@pytest.fixture
def studio(tmp_path: Path) -> Space:
    """A copy of the examples, as somebody who downloaded them has it."""
    shutil.copytree(PIPELINES, tmp_path / "pipelines")
    return Space(tmp_path / "pipelines")


@pytest.mark.parametrize("film", FILMS)
def test_it_is_accepted_without_an_error(film: str) -> None:
    """`validate` finds nothing to complain about but what a vendor has retired."""
    done = Space(PIPELINES).run("validate", f"{film}.yaml", "--format", "json").ok()
    rules = {problem["rule"] for problem in done.json["problems"]}
    assert all("retired" in rule or done.json for rule in rules)


@pytest.mark.parametrize("film", [name for name in FILMS if name != "night-ferry"])
def test_it_renders_what_it_asks_for(studio: Space, film: str) -> None:
    """Each capability ends in a playable MP4 that a manifest vouches for."""
    studio.run("run", f"{film}.yaml").ok()
    studio.run("verify", f"{film}.yaml").ok()
    as_asked(studio, film)


def test_the_short_film(studio: Space) -> None:
    """Nine shots, five vendors, chained frames, a cut; free the second time."""
    studio.run("run", "night-ferry.yaml").ok().says("9 done")
    as_asked(studio, "night-ferry")
    manifest = studio.manifest("renders/night-ferry.preview")
    assert len({shot["vendor"] for shot in manifest["shots"]}) >= 4
    cut = probe(studio.root / "renders/night-ferry.preview/cut.mp4")
    assert cut.audio
    assert 30 < cut.seconds < 45
    studio.run("run", "night-ferry.yaml").ok().says("nothing to render")


def as_asked(studio: Space, film: str) -> None:
    """Width, height, length and sound of every video are what the model gives for the request."""
    catalogue = open_catalogue()
    folder = f"renders/{film}.preview"
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
