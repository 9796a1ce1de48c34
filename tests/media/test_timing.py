"""Seconds into frames: what is counted is what the assembled film shows."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

import av
from media_films import grey, make_film

from runner.media.cut import assemble
from runner.media.timing import rate_of, spans
from runner.model import Clip, ShotId


def levels(film: Path) -> list[int]:
    """How bright each frame is."""
    with av.open(str(film)) as container:
        return [bytes(frame.planes[0])[80] for frame in container.decode(video=0)]


def test_frames_are_those_that_are_counted(tmp_path: Path) -> None:
    """A trim between two frames, and a dissolve: each frame is the one an editor would show."""
    stairs = make_film(tmp_path / "s.mp4", [grey(20 + 6 * n) for n in range(32)], fps=8)
    source = levels(stairs)
    first = Clip(ShotId("a"), Decimal("0.3"), Decimal("2.1"))
    second = Clip(ShotId("b"), Decimal("1.19"), Decimal("3.4"), Decimal("0.5"))
    cut = tmp_path / "cut.mp4"
    assemble([(stairs, first), (stairs, second)], None, cut)
    a, b = spans([(4.0, first), (4.0, second)], Fraction(8))
    shown = levels(cut)
    assert len(shown) == a.frames + b.frames - b.overlap
    begins_a, begins_b = (floor(span.start * 8 + Fraction(1, 2)) for span in (a, b))
    alone_a = range(a.frames - b.overlap)
    assert all(abs(shown[n] - source[begins_a + n]) < 3 for n in alone_a)
    alone_b = range(b.overlap, b.frames)
    at = a.frames - b.overlap
    assert all(abs(shown[at + n] - source[begins_b + n]) < 3 for n in alone_b)


def test_rates_are_what_was_meant() -> None:
    """A float of a container becomes the rate of a standard again."""
    known = [24.0, 23.976023976023978, 29.97002997002997, 59.94005994005994, 12.0]
    assert [str(rate_of(fps)) for fps in known] == [
        "24", "24000/1001", "30000/1001", "60000/1001", "12",
    ]  # fmt: skip
