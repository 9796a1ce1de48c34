"""What a video file turned out to be: pixels, seconds, frames a second, sound."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from runner.errors import Outside
from runner.model import Probe

MAX_SIDE = 16_384  # pixels
MAX_SECONDS = 4 * 3600
MAX_FPS = 480
MAX_STREAMS = 64
# The demuxer is forced and may read nothing but the file it was given: a playlist or a reference
# inside a hostile file must not make us open a URL or another file.
OPTIONS = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}


@contextlib.contextmanager
def opened(path: Path, demuxer: str = "mp4") -> Iterator[Any]:
    """A container open for reading; whatever the decoder dislikes inside becomes `Outside`."""
    import av

    try:
        name = f"file:{path.resolve()}"
        with av.open(name, format=demuxer, options=OPTIONS, metadata_errors="replace") as container:
            yield container
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise Outside(f"{path}: not readable as video ({error})") from error


def probe(path: Path) -> Probe:
    """Pixels, seconds and rate of the first video stream, from headers only (about a millisecond).

    Raises `Outside` where the file is no MP4, has no picture, or claims what no vendor renders.
    """
    with opened(path) as container:
        stream = picture(container, path)
        found = Probe(
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            seconds=seconds_of(container, stream),
            fps=float(stream.average_rate or stream.guessed_rate or 0),
            audio=bool(container.streams.audio),
        )
    _within_limits(path, found)
    return found


def picture(container: Any, path: Path) -> Any:
    """The first video stream, set to decode on one thread: same input, same frames."""
    streams = container.streams
    if not streams.video or len(streams) > MAX_STREAMS:
        raise Outside(f"{path}: {len(streams)} streams, {len(streams.video)} with a picture")
    stream = streams.video[0]
    stream.thread_type = "NONE"
    return stream


def seconds_of(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return round(float(Fraction(stream.duration) * stream.time_base), 6)
    return round((container.duration or 0) / 1_000_000, 6)


def _within_limits(path: Path, found: Probe) -> None:
    if not (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE):
        raise Outside(f"{path}: claims a picture of {found.width}x{found.height} pixels")
    if not (0 < found.seconds <= MAX_SECONDS and 0 < found.fps <= MAX_FPS):
        raise Outside(f"{path}: claims {found.seconds:g} s at {found.fps:g} frames a second")
