"""What a video file turned out to be: pixels, seconds, frames a second, sound."""

from pathlib import Path

from runner.errors import Outside
from runner.media.headers import figures
from runner.media.reading import opened, picture, seconds_of
from runner.model import Probe

MAX_SIDE = 8_192  # pixels; vendors end at 4K
MAX_SECONDS = 4 * 3600
MIN_FPS, MAX_FPS = 1, 480


def probe(path: Path) -> Probe:
    """Pixels, seconds and rate of the first video stream.

    Of the usual MP4 from its boxes, of any other by the decoder, which takes fifty times as long.
    Raises `Outside` where the file is no MP4, has no picture, or claims what no vendor renders.
    """
    found = figures(path) or decoded_figures(path)
    _within_limits(path, found)
    return found


def decoded_figures(path: Path) -> Probe:
    """What the decoder says. Raises `Outside` as `probe` does."""
    with opened(path) as container:
        stream = picture(container, path)
        return Probe(
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            seconds=seconds_of(container, stream),
            fps=float(stream.average_rate or stream.guessed_rate or 0),
            audio=bool(container.streams.audio),
        )


def _within_limits(path: Path, found: Probe) -> None:
    if not (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE):
        raise Outside(f"{path}: claims a picture of {found.width}x{found.height} pixels")
    if not (0 < found.seconds <= MAX_SECONDS and MIN_FPS <= found.fps <= MAX_FPS):
        raise Outside(f"{path}: claims {found.seconds:g} s at {found.fps:g} frames a second")
