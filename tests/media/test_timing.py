"""Seconds into frames: what is counted is what the assembled film shows."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

import av
import pytest
from media_films import grey, make_film

from runner.errors import BadInput
from runner.media.cut import assemble
from runner.media.timing import lasting, rate_of, spans
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
    a, b = spans([(Fraction(4), first), (Fraction(4), second)], Fraction(8))
    shown = levels(cut)
    assert len(shown) == a.frames + b.frames - b.overlap
    begins_a, begins_b = (floor(span.start * 8 + Fraction(1, 2)) for span in (a, b))
    alone_a = range(a.frames - b.overlap)
    assert all(abs(shown[n] - source[begins_a + n]) < 3 for n in alone_a)
    alone_b = range(b.overlap, b.frames)
    at = a.frames - b.overlap
    assert all(abs(shown[at + n] - source[begins_b + n]) < 3 for n in alone_b)


def test_a_dissolve_without_room_is_said_of_the_clip_that_has_it() -> None:
    """Not of its neighbours, which have none."""
    clips = [
        Clip(ShotId(name), dissolve=Decimal(many)) for name, many in zip("abc", "090", strict=True)
    ]
    with pytest.raises(BadInput) as caught:
        spans([(Fraction(4), clip) for clip in clips], Fraction(24))
    assert [problem.message for problem in caught.value.problems] == [
        "b: no room for a dissolve of 9 s"
    ]


def test_no_clip_is_longer_than_its_take() -> None:
    """Half a frame of another rate is not shown, nor what a trim asks for beyond the end."""
    whole, late = Clip(ShotId("a")), Clip(ShotId("a"), end=Decimal(4))
    counted = spans([(lasting(3.98, 50.0), whole), (lasting(3.98, 50.0), late)], Fraction(24))
    assert [span.frames for span in counted] == [95, 95]
    assert lasting(5.005, 23.976023976023978) == Fraction(120 * 1001, 24000)


def test_rates_are_what_was_meant() -> None:
    """A float of a container becomes the rate of a standard again."""
    known = [24.0, 23.976023976023978, 29.97002997002997, 59.94005994005994, 12.0]
    assert [str(rate_of(fps)) for fps in known] == [
        "24", "24000/1001", "30000/1001", "60000/1001", "12",
    ]  # fmt: skip
