"""One frame of a video as a PNG: what the next shot starts from.

The same file and selector give the same bytes on every run: one decoding thread, bit-exact
conversion, no metadata. The pixels are those of the video, neither scaled nor rotated.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from runner.errors import Outside
from runner.media.probe import opened, picture, seconds_of
from runner.model import Frame

# Where a file does not say which matrix made its colours, HD means BT.709 (players agree);
# the converter's own default is BT.601, which turns reds orange in a chain of shots.
HD_HEIGHT = 720
UNSPECIFIED = 2
BT601, BT709 = "bt601", "bt709"
EXACT = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
TAIL = 2  # seconds decoded to find the last frame, before trying the whole file


def frame_png(path: Path, frame: Frame) -> bytes:
    """PNG bytes of the first, the last decodable, or the frame on screen at a time in seconds.

    Raises `Outside` where the file cannot be decoded or ends before the time asked for.
    """
    with opened(path) as container:
        stream = picture(container, path)
        if frame == "first":
            found = next(_decoded(container, stream), None)
        elif frame == "last":
            found = _last(container, stream)
        else:
            found = _at(container, stream, Fraction(frame), path)
        if found is None:
            raise Outside(f"{path}: not one frame of it can be decoded")
        return _png(_rgb(found))


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames in the order they are shown. A damaged packet is passed over, as players do."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def _last(container: Any, stream: Any) -> Any:
    """The frame shown last. Seeking lands on a key frame before the tail; a damaged tail may
    hold no frame at all, then the whole file is read."""
    end = _start(stream) + Fraction(seconds_of(container, stream))
    _seek(container, stream, max(Fraction(0), end - TAIL))
    return _final(container, stream) or _from_the_start(container, stream)


def _from_the_start(container: Any, stream: Any) -> Any:
    _seek(container, stream, Fraction(0))
    return _final(container, stream)


def _final(container: Any, stream: Any) -> Any:
    last = None
    for found in _decoded(container, stream):
        if last is None or _time(found) >= _time(last):
            last = found
    return last


def _at(container: Any, stream: Any, seconds: Fraction, path: Path) -> Any:
    """The frame on screen: the last one that is not later than the time asked for."""
    length = seconds_of(container, stream)
    if not 0 <= seconds < Fraction(length):
        raise Outside(
            f"{path}: has no frame at {float(seconds):g} s, it is {length:g} s long",
            do="ask for `last`, or for a time before its end",
        )
    wanted = _start(stream) + seconds
    _seek(container, stream, wanted)
    best = None
    for found in _decoded(container, stream):
        if best is not None and _time(found) > wanted:
            break
        best = found
    return best


def _seek(container: Any, stream: Any, seconds: Fraction) -> None:
    container.seek(int(seconds / stream.time_base), stream=stream, backward=True)


def _start(stream: Any) -> Fraction:
    return Fraction((stream.start_time or 0) * stream.time_base)


def _time(frame: Any) -> Fraction:
    return Fraction(-1) if frame.pts is None else Fraction(frame.pts * frame.time_base)


def _rgb(frame: Any) -> Any:
    """The frame as 8-bit RGB through a filter, because only there the conversion is bit-exact."""
    import av

    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format.name,
        time_base=Fraction(1, 1000),
    )
    matrix = "auto"
    if frame.colorspace == UNSPECIFIED:
        matrix = BT709 if frame.height >= HD_HEIGHT else BT601
    scale = graph.add("scale", f"flags={EXACT}:in_color_matrix={matrix}")
    formatted = graph.add("format", "rgb24")
    sink = graph.add("buffersink")
    for one, other in ((source, scale), (scale, formatted), (formatted, sink)):
        one.link_to(other)
    graph.configure()
    frame.pts, frame.time_base = 0, Fraction(1, 1000)
    graph.push(frame)
    return graph.pull()


def _png(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.to_image().save(out, "PNG", compress_level=6)
    return out.getvalue()
