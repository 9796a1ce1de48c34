"""Figures without a decoder: the decoder's, or none."""

import random
from pathlib import Path
from typing import Any

import av
import pytest
from media_films import grey, make_film

from runner.errors import Outside
from runner.media import headers
from runner.media.headers import figures
from runner.media.probe import decoded_figures, probe
from runner.media.sps import picture_size

FAST = {"movflags": "faststart"}


@pytest.mark.parametrize("options", [{}, FAST, {"use_editlist": "0"}])
@pytest.mark.parametrize("size", [(160, 96), (854, 480), (322, 182)])
@pytest.mark.parametrize(("frames", "fps", "sound"), [(1, 24, 0), (50, 25, 1), (7, 2, 0.5)])
def test_the_boxes_say_what_the_decoder_says(
    size: tuple[int, int],
    frames: int,
    fps: int,
    sound: float,
    options: dict[str, str],
    tmp_path: Path,
) -> None:
    """Pixels that fill no block, sound or none, an index at either end: no digit differs."""
    path = tmp_path / "x.mp4"
    make_film(
        path, [grey(n) for n in range(frames)], size=size, fps=fps, sound=sound, options=options
    )
    assert figures(path) == decoded_figures(path)


def reordered(path: Path, codec: str = "libx264", fmt: str = "yuv420p", **options: str) -> Path:
    """A film whose frames are not shown in the order they are stored, so it has an edit list."""
    with av.open(str(path), "w", format="mp4", options=options) as out:
        video: Any = out.add_stream(codec, rate=30)
        video.width, video.height, video.pix_fmt = 320, 184, fmt
        if codec == "libx264":
            video.options = {"preset": "veryfast", "threads": "1", "bf": "3"}
        for number in range(20):
            frame = av.VideoFrame(320, 184, fmt)
            for plane in frame.planes:
                plane.update(bytes([number * 9]) * plane.buffer_size)
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


@pytest.mark.parametrize("fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_a_delay_for_reordered_frames_shortens_nothing(fmt: str, tmp_path: Path) -> None:
    """Every encoder with B-frames writes an edit list that skips their delay, and shows all."""
    path = reordered(tmp_path / "x.mp4", fmt=fmt)
    assert b"elst" in path.read_bytes()
    assert figures(path) == decoded_figures(path)


def test_what_is_unusual_is_left_to_the_decoder(tmp_path: Path) -> None:
    """Fragments and other codecs are told nothing about here; `probe` knows them all the same."""
    fragments = reordered(tmp_path / "fragments.mp4", movflags="frag_keyframe+empty_moov")
    other = reordered(tmp_path / "other.mp4", "mpeg4")
    for path in (fragments, other):
        assert figures(path) is None
        assert probe(path) == decoded_figures(path)


def test_a_container_that_contradicts_its_stream_is_left_to_the_decoder(tmp_path: Path) -> None:
    """The size beside the stream is believed only if the stream says the same."""
    data = reordered(tmp_path / "x.mp4").read_bytes()
    sized = (320).to_bytes(2, "big") + (184).to_bytes(2, "big")
    at = data.index(b"avc1", data.index(b"stsd"))
    (tmp_path / "y.mp4").write_bytes(data[:at] + data[at:].replace(sized, b"\x01\x30\x00\xb8", 1))
    assert figures(tmp_path / "y.mp4") is None


def test_a_cut_by_an_edit_list_is_left_to_the_decoder(tmp_path: Path) -> None:
    """A list that shows only a part is not for us to interpret."""
    data = bytearray(reordered(tmp_path / "x.mp4").read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 4] = (100).to_bytes(4, "big")
    (tmp_path / "y.mp4").write_bytes(data)
    assert figures(tmp_path / "y.mp4") is None


def test_damage_never_makes_other_figures(tmp_path: Path) -> None:
    """Whatever bytes of the index are changed: the decoder's figures, or none."""
    data = make_film(tmp_path / "x.mp4", [grey(0)] * 10, fps=10, sound=1).read_bytes()
    at, rng, path = data.index(b"moov"), random.Random(1), tmp_path / "y.mp4"
    size = int.from_bytes(data[at - 4 : at], "big")
    for _ in range(150):
        damaged = bytearray(data)
        damaged[at + rng.randrange(4, size - 4)] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            told = decoded_figures(path)
        except Outside:
            continue
        assert figures(path) in (None, told)


@pytest.mark.parametrize("cut", range(10))
def test_a_parameter_set_that_ends_too_soon_says_nothing(cut: int) -> None:
    """Of 1280 by 720 pixels, whole; cut short it is no set at all."""
    whole = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
    assert picture_size(whole) == (1280, 720)
    assert picture_size(whole[:cut]) is None


def test_an_endless_top_level_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many boxes are walked in search of the index."""
    data = make_film(tmp_path / "x.mp4", [grey(0)] * 2).read_bytes()
    monkeypatch.setattr(headers, "MAX_BOXES", 2)
    (tmp_path / "y.mp4").write_bytes(b"\0\0\0\x08free" * 5 + data)
    assert figures(tmp_path / "y.mp4") is None
