"""What only the pictures tell: black, frozen, undecodable."""

from pathlib import Path

import pytest
from media_films import grey, make_film

from runner.errors import Outside
from runner.media.quality import look_over


def rules(path: Path) -> list[str]:
    return [finding.rule for finding in look_over(path)]


def test_a_film_is_a_film(tmp_path: Path) -> None:
    """Nothing is said about pictures that move."""
    assert rules(make_film(tmp_path / "x.mp4", [grey(10 * n) for n in range(24)])) == []


def test_a_dark_film_is_no_black_film(tmp_path: Path) -> None:
    """A night scene with a slow lamp is not reported."""
    assert rules(make_film(tmp_path / "x.mp4", [grey(15 + 2 * n) for n in range(24)])) == []


def test_black(tmp_path: Path) -> None:
    """A paid take of nothing but black is said."""
    assert rules(make_film(tmp_path / "x.mp4", [grey(n % 3) for n in range(24)])) == ["take.black"]


def test_frozen(tmp_path: Path) -> None:
    """A paid take in which nothing moves is said."""
    assert rules(make_film(tmp_path / "x.mp4", [(90, 60, 30)] * 24)) == ["take.frozen"]


def test_a_single_frame_is_not_frozen(tmp_path: Path) -> None:
    """One picture has nothing to be compared with."""
    assert rules(make_film(tmp_path / "x.mp4", [(90, 60, 30)])) == []


def test_bytes_that_are_no_pictures(tmp_path: Path) -> None:
    """A whole MP4 with rubbish for its samples passes every header check, but not this one."""
    path = make_film(tmp_path / "x.mp4", [grey(10 * n) for n in range(24)])
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    path.write_bytes(data[:start] + b"\xff" * (end - start) + data[end:])
    assert rules(path) == ["take.undecodable"]


def test_what_is_no_film(tmp_path: Path) -> None:
    """There is nothing to look over in a page of HTML."""
    (tmp_path / "x.mp4").write_bytes(b"<html>")
    with pytest.raises(Outside):
        look_over(tmp_path / "x.mp4")
