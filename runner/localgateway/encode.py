"""Frames and a tone into H.264 + AAC in MP4.

A slate has few pictures and many frames: each picture is converted once, and only the running
clock is pasted into the brightness plane of every frame.
"""

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import av
from PIL import Image

FPS = 12
RATE = 48_000  # audio samples a second
_FRAME = 1024  # samples of one AAC frame
_BT709 = 1

# Called for each frame with its number and the brightness plane, to write on it.
Overlay = Callable[[int, Image.Image], None]


class Picture:
    """One still as YUV, ready to be sent to the encoder again and again."""

    def __init__(self, image: Image.Image) -> None:
        rgb = av.VideoFrame.from_image(image.convert("RGB"))  # type: ignore[no-untyped-call]
        self.frame: av.VideoFrame = rgb.reformat(format="yuv420p", dst_colorspace=_BT709)
        plane = self.frame.planes[0]
        self.luma = Image.frombytes("L", (plane.line_size, plane.height), bytes(plane))

    def with_overlay(self, number: int, overlay: Overlay) -> av.VideoFrame:
        overlay(number, self.luma)
        self.frame.planes[0].update(self.luma.tobytes())
        return self.frame


def film(
    path: Path,
    pictures: Sequence[tuple[int, Image.Image]],
    frames: int,
    overlay: Overlay | None,
    chord: tuple[int, ...] | None,
    seconds: float,
    *,
    fps: int = FPS,
) -> None:
    """Write an MP4. `pictures`: (first frame, still), in order; `chord`: Hz, None for silence."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        first = pictures[0][1]
        video = out.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
        # Constant quantiser: rate control costs half as much again and a still needs none.
        video.options = {
            "preset": "ultrafast",
            "qp": "19",
            "threads": "1",
            "x264-params": f"keyint={FPS * 5}:scenecut=0:rc-lookahead=0:bframes=0",
        }
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1
        audio = out.add_stream("aac", rate=RATE, layout="mono") if chord else None
        if audio is not None:
            audio.bit_rate = 64_000
            audio.options = {"aac_coder": "fast"}
        for number, frame in enumerate(_frames(pictures, frames, overlay)):
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and chord:
            _tone(out, audio, chord, seconds)


def _frames(
    pictures: Sequence[tuple[int, Image.Image]], count: int, overlay: Overlay | None
) -> Iterator[av.VideoFrame]:
    following = list(pictures)
    picture: Picture | None = None
    for number in range(count):
        while following and following[0][0] <= number:
            picture = Picture(following.pop(0)[1])
        assert picture is not None
        yield picture.with_overlay(number, overlay) if overlay else picture.frame


@lru_cache(maxsize=16)
def _second(chord: tuple[int, ...]) -> "array[float]":
    """One second of a soft chord. Whole numbers of Hz, so it can be repeated without a seam."""
    turn = 2 * math.pi / RATE
    sines = [(turn * hz, 0.05 / (place + 1)) for place, hz in enumerate(chord)]
    return array(
        "f",
        (
            sum(level * math.sin(step * n) for step, level in sines)
            * (0.85 + 0.15 * math.sin(turn * n))
            for n in range(RATE)
        ),
    )


def _tone(
    out: av.container.OutputContainer,
    stream: av.AudioStream,
    chord: tuple[int, ...],
    seconds: float,
) -> None:
    second = _second(chord)
    frames = max(1, int(seconds * RATE) // _FRAME)  # never longer than the picture
    fade = max(1, min(24, frames // 4))
    for number in range(frames):
        start = number * _FRAME % RATE
        samples = second[start : start + _FRAME]
        if len(samples) < _FRAME:
            samples = samples + second[: _FRAME - len(samples)]
        edge = min(number, frames - 1 - number) / fade
        if edge < 1:
            samples = array("f", (s * edge for s in samples))
        frame = av.AudioFrame(format="fltp", layout="mono", samples=_FRAME)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = RATE
        frame.pts = number * _FRAME
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
