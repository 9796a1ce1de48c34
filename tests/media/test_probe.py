"""What a video turned out to be."""

from pathlib import Path

import pytest
from media_films import grey, make_film

from runner.errors import Outside
from runner.media.probe import probe
from runner.model import Probe


@pytest.mark.parametrize("sound", [0, 2])
@pytest.mark.parametrize("size", [(160, 96), (96, 160), (1280, 720)])
def test_the_figures_are_the_ones_that_were_encoded(
    size: tuple[int, int], sound: int, tmp_path: Path
) -> None:
    """Pixels, seconds, rate and sound are told as they are."""
    path = make_film(tmp_path / "x.mp4", [grey(0)] * 50, size=size, fps=25, sound=sound)
    assert probe(path) == Probe(*size, seconds=2.0, fps=25.0, audio=bool(sound))


def test_sound_longer_than_the_picture_does_not_stretch_it(tmp_path: Path) -> None:
    """The length of a take is the length of its picture."""
    path = make_film(tmp_path / "x.mp4", [grey(0)] * 8, fps=8, sound=3)
    assert probe(path).seconds == 1.0


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"#EXTM3U\nhttp://localhost/a.ts\n", b"ffconcat version 1.0\n"]
)
def test_what_is_no_mp4_is_not_opened_as_something_else(content: bytes, tmp_path: Path) -> None:
    """A playlist named .mp4 must not make us read other files or URLs."""
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(Outside, match=r"x\.mp4"):
        probe(tmp_path / "x.mp4")


def test_odd_names_are_files(tmp_path: Path) -> None:
    """A name that looks like a protocol, an option or a pattern is still the name of a file."""
    for name in ("http:x.mp4", "concat:a|b.mp4", "-i.mp4", "%03d.mp4", "cut é.mp4"):
        assert probe(make_film(tmp_path / name, [grey(0)] * 8)).seconds == 1.0


def test_sound_alone_is_no_take(tmp_path: Path) -> None:
    """A file with no picture is refused as a take."""
    path = tmp_path / "x.mp4"
    make_film(path, [], sound=1)
    with pytest.raises(Outside):
        probe(path)
