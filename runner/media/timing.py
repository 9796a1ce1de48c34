"""A cut counted in frames: which part of each take it shows, and for how long. Pure.

Whatever is made of a cut (the film itself, a timeline for an editor) counts here, so that all of
it has the same length and changes at the same frame.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor

from msgspec import Struct

from runner.errors import BadInput
from runner.model import Clip, Problem


class Span(Struct, frozen=True):
    """One clip. Counts are in frames of the cut; `overlap` is its dissolve with the one before."""

    start: Fraction  # seconds into the take
    frames: int
    overlap: int


def rate_of(fps: float) -> Fraction:
    """Frames a second as they were meant: 23.976… is 24000/1001."""
    return Fraction(fps).limit_denominator(1001)


def lasting(seconds: float, fps: float) -> Fraction:
    """How long a take is in whole frames of its own: what a container says is rounded."""
    rate = rate_of(fps)
    return max(1, round(Fraction(seconds) * rate)) / rate


def spans(clips: Sequence[tuple[Fraction, Clip]], rate: Fraction) -> tuple[Span, ...]:
    """Clips of takes that last so many seconds, or `BadInput` with every trim and dissolve that
    does not fit. No clip is longer than its take, also where their rates differ."""
    counted, problems = [], []
    for length, clip in clips:
        start = Fraction(clip.start or 0)
        end = length if clip.end is None else Fraction(clip.end)
        if not 0 <= start < end or end > length + 1 / rate:
            problems.append(_trim_problem(clip, float(length)))
        frames = max(1, min(round((min(end, length) - start) * rate), floor(length * rate)))
        counted.append(Span(start, frames, round(Fraction(clip.dissolve) * rate)))
    problems += _dissolve_problems([clip for _, clip in clips], counted)
    if problems:
        raise BadInput("the cut does not fit its clips", problems=problems)
    return tuple(counted)


def _trim_problem(clip: Clip, seconds: float) -> Problem:
    return Problem(
        "cut.trim",
        f"{clip.shot}: from {clip.start or 0} to {clip.end} does not lie within its {seconds:g} s",
        clip.at,
        hint=f"`in` before `out`, both between 0 and {seconds:g}",
    )


def _dissolve_problems(clips: Sequence[Clip], counted: Sequence[Span]) -> Iterator[Problem]:
    """A dissolve needs room in both of its clips, beside the dissolve at a clip's other end."""
    room_before = 0
    for clip, span in zip(clips, counted, strict=True):
        if span.overlap and span.overlap > min(room_before, span.frames):
            yield Problem(
                "cut.dissolve",
                f"{clip.shot}: no room for a dissolve of {clip.dissolve} s",
                clip.at,
                hint="a dissolve joins a clip to the one before it, and two dissolves "
                "in one clip may not overlap",
            )
        room_before = span.frames - span.overlap
