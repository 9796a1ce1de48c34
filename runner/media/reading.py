"""A media file opened for reading, with nothing but that file within its reach."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from runner.errors import Outside

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


def picture(container: Any, path: Path) -> Any:
    """The first video stream, set to decode on one thread: same input, same frames."""
    streams = container.streams
    if not streams.video or len(streams) > MAX_STREAMS:
        raise Outside(f"{path}: {len(streams)} streams, {len(streams.video)} with a picture")
    stream = streams.video[0]
    if stream.codec_context is None:
        raise Outside(f"{path}: its picture is in no format that can be decoded here")
    stream.thread_type = "NONE"
    return stream


def seconds_of(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return round(float(Fraction(stream.duration) * stream.time_base), 6)
    return round((container.duration or 0) / 1_000_000, 6)


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames in the order they are shown. A damaged packet is passed over, as players do."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def seek(container: Any, stream: Any, seconds: Fraction) -> None:
    container.seek(int(seconds / stream.time_base), stream=stream, backward=True)


def start_of(stream: Any) -> Fraction:
    return Fraction((stream.start_time or 0) * stream.time_base)


def time_of(frame: Any) -> Fraction:
    return Fraction(-1) if frame.pts is None else Fraction(frame.pts * frame.time_base)
