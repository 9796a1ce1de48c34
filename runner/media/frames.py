"""One frame of a video as a PNG: what the next shot starts from.

The same file and selector give the same bytes on every run: one decoding thread, bit-exact
conversion, no metadata. The pixels are those of the video, neither scaled nor rotated.
"""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

from runner.errors import Outside
from runner.media.canvas import to_rgb
from runner.media.reading import decoded, opened, picture, seconds_of, seek, start_of, time_of
from runner.model import Frame

TAIL = 2  # seconds decoded to find the last frame, before trying the whole file


def frame_png(path: Path, frame: Frame) -> bytes:
    """PNG bytes of the first, the last decodable, or the frame on screen at a time in seconds.

    Raises `Outside` where the file cannot be decoded or ends before the time asked for.
    """
    with opened(path) as container:
        stream = picture(container, path)
        if frame == "first":
            found = next(decoded(container, stream), None)
        elif frame == "last":
            found = _last(container, stream)
        else:
            found = _at(container, stream, Fraction(frame), path)
        if found is None:
            raise Outside(f"{path}: not one frame of it can be decoded")
        return _png(to_rgb()(found))


def _last(container: Any, stream: Any) -> Any:
    """The frame shown last. Seeking lands on a key frame before the tail; a damaged tail may
    hold no frame at all, then the whole file is read."""
    end = start_of(stream) + Fraction(seconds_of(container, stream))
    seek(container, stream, max(Fraction(0), end - TAIL))
    return _final(container, stream) or _from_the_start(container, stream)


def _from_the_start(container: Any, stream: Any) -> Any:
    seek(container, stream, Fraction(0))
    return _final(container, stream)


def _final(container: Any, stream: Any) -> Any:
    last = None
    for found in decoded(container, stream):
        if last is None or time_of(found) >= time_of(last):
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
    wanted = start_of(stream) + seconds
    seek(container, stream, wanted)
    best = None
    for found in decoded(container, stream):
        if best is not None and time_of(found) > wanted:
            break
        best = found
    return best


def _png(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.to_image().save(out, "PNG", compress_level=6)
    return out.getvalue()
