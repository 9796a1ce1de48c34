"""A small picture to stand where a video will play."""

import io
from pathlib import Path

import pytest
from media_films import grey, make_film
from PIL import Image

from runner.errors import Outside
from runner.media.poster import poster


def test_a_poster_is_small_and_the_same_every_time(tmp_path: Path) -> None:
    """A JPEG in the video's shape, no larger than asked, byte for byte repeatable."""
    film = make_film(tmp_path / "a.mp4", [grey(10 * n) for n in range(24)], fps=8)
    with Image.open(io.BytesIO(poster(film, 32))) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) == 32
    assert poster(film, 32) == poster(film, 32)


def test_what_cannot_be_decoded_has_no_poster(tmp_path: Path) -> None:
    """A damaged file is told apart, never a crash."""
    broken = tmp_path / "b.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom" + bytes(200))
    with pytest.raises(Outside):
        poster(broken)
