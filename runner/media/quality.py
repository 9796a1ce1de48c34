"""Is there a film in the file? What no header can tell: undecodable, black, frozen.

Findings for a person, never a verdict: a vendor was paid for these bytes and they are kept.
"""

from pathlib import Path
from typing import Any

from runner.media.canvas import Filter
from runner.media.reading import decoded, opened, picture
from runner.model import Finding

WIDTH, HEIGHT = 32, 18  # small enough to compare in Python, and noise averages out
BLACK = 24  # of 255: above the black of limited range, below the darkest night scene's lamps
STILL = 2  # of 255: what an encoder adds to a picture that does not move
MISSING = 0.1  # of all frames
SHRINK = (("scale", f"{WIDTH}:{HEIGHT}:flags=area"), ("format", "gray"))


def look_over(path: Path) -> tuple[Finding, ...]:
    """What is odd about a take's picture, from every frame of it (a fifth of a second for five
    seconds of 720p). Raises `Outside` where the file cannot be opened at all."""
    shrink = Filter(lambda _: SHRINK)
    with opened(path) as container:
        stream = picture(container, path)
        promised, seen, first = stream.frames, 0, b""
        black = frozen = True
        for frame in decoded(container, stream):
            grey = _levels(shrink(frame))
            first = first or grey
            black = black and max(grey) < BLACK
            frozen = frozen and max(abs(a - b) for a, b in zip(grey, first, strict=True)) <= STILL
            seen += 1
    return tuple(_findings(promised, seen, black=black, frozen=frozen))


def _levels(frame: Any) -> bytes:
    plane = frame.planes[0]
    rows = memoryview(plane)
    starts = range(0, plane.line_size * HEIGHT, plane.line_size)
    return b"".join(bytes(rows[start : start + WIDTH]) for start in starts)


def _findings(promised: int, seen: int, *, black: bool, frozen: bool) -> list[Finding]:
    if seen == 0:
        return [Finding("take.undecodable", "not one frame of it can be decoded")]
    found = []
    if promised and seen < promised * (1 - MISSING):
        said = f"only {seen} of its {promised} frames can be decoded"
        found.append(Finding("take.undecodable", said))
    if black:
        found.append(Finding("take.black", f"all {seen} frames are black"))
    elif frozen and seen > 1:
        found.append(Finding("take.frozen", f"nothing moves in its {seen} frames"))
    return found
