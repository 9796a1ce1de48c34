"""A cut counted in frames: which part of each take it shows, and for how long. Pure.

Whatever is made of a cut (the film itself, a timeline for an editor) counts here, so that all of
it has the same length and changes at the same frame.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

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


def spans(clips: Sequence[tuple[float, Clip]], rate: Fraction) -> tuple[Span, ...]:
    """Clips of takes that last so many seconds, or `BadInput` with every trim and dissolve that
    does not fit."""
    counted, problems = [], []
    for seconds, clip in clips:
        length = Fraction(seconds)
        start = Fraction(clip.start or 0)
        end = length if clip.end is None else Fraction(clip.end)
        if not 0 <= start < end or end > length + 1 / rate:
            problems.append(_trim_problem(clip, seconds))
        frames = max(1, round((end - start) * rate))
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
    for index, (clip, span) in enumerate(zip(clips, counted, strict=True)):
        after = counted[index + 1].overlap if index + 1 < len(counted) else 0
        if span.overlap > room_before or span.overlap + after > span.frames:
            yield Problem(
                "cut.dissolve",
                f"{clip.shot}: no room for a dissolve of {clip.dissolve} s",
                clip.at,
                hint="a dissolve joins a clip to the one before it, and two dissolves "
                "in one clip may not overlap",
            )
        room_before = span.frames - span.overlap
