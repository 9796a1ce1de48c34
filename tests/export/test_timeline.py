"""Takes laid out: the same frames as in the cut, whatever the rate."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
from cut_facts import clip, cuts, film, take
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.errors import BadInput
from runner.export import Timeline, laid_out
from runner.export.timeline import EDITORS_KNOW, editing_rate, media_frames
from runner.media.timing import rate_of
from runner.model import ShotId


@given(cuts())
@settings(max_examples=50)
def test_the_timeline_is_as_long_as_the_cut(timeline: Timeline) -> None:
    """All clips less all dissolves, without a hole or a frame twice."""
    clips = timeline.clips
    assert timeline.frames == sum(c.frames - c.overlap for c in clips)
    assert clips[0].begins == 0
    for before, after in pairwise(clips):
        assert before.ends == after.begins
        assert after.at == before.at + before.frames - after.overlap
        assert after.at <= after.begins <= after.at + after.overlap
    for each in clips:
        assert each.start <= each.source
        assert each.source + each.ends - each.begins <= each.start + each.frames


@given(cuts())
@settings(max_examples=100)
def test_no_clip_reaches_beyond_its_take(timeline: Timeline) -> None:
    """Whatever the rates, its dissolves included: an editor would find nothing there."""
    for each in timeline.clips:
        frames, rate = media_frames(each.take)
        assert each.start >= 0
        assert (each.start + each.frames) / timeline.rate <= frames / rate


@pytest.mark.parametrize(("start", "begins", "lasts"), [("", 0, 95), ("0.5", 11, 84)])
def test_a_take_of_another_rate_is_shown_to_its_end(start: str, begins: int, lasts: int) -> None:
    """3.98 s are 95.5 frames: the half one is not shown, a trim begins a frame earlier."""
    takes = {ShotId(name): (take(name, seconds=s, fps=f),) for name, s, f in
             (("a", 4.0, 24.0), ("b", 3.98, 50.0))}  # fmt: skip
    placed = laid_out("t", [clip("a"), clip("b", start)], takes).clips[1]
    assert (placed.start, placed.frames) == (begins, lasts)


@given(st.decimals(0, 3, places=3), st.sampled_from([12.0, 16.0, 23.976023976023978, 24.0, 30.0]))
@example(Decimal("0.150"), 30.0)
def test_a_trim_between_two_frames_begins_where_the_cut_does(start: Decimal, fps: float) -> None:
    """The cut shows the frame that a player would show in the middle of the first tick; a clip that
    lasts to the end of its take, and begins halfway, begins with the frame before."""
    facts = take("a", fps=fps, seconds=8.0)
    (placed,) = laid_out("t", [clip("a", str(start))], {facts.shot: (facts,)}).clips
    rate = rate_of(fps)
    shown = floor((Fraction(start) + 1 / (2 * rate)) * rate)
    times = int(editing_rate(rate) / rate)
    latest = media_frames(facts)[0] - placed.frames // times
    assert placed.start == min(shown, latest) * times
    assert shown - latest <= 1


@pytest.mark.parametrize(
    ("rendered", "edited"),
    [("24", "24"), ("16", "48"), ("12", "24"), ("10", "30"), ("15", "30"), ("7", "7"),
     ("24000/1001", "24000/1001"), ("15000/1001", "30000/1001")],
)  # fmt: skip
def test_odd_rates_become_ones_that_can_be_edited(rendered: str, edited: str) -> None:
    """Every frame stays where it is: the timeline counts in a multiple."""
    assert editing_rate(Fraction(rendered)) == Fraction(edited)


def test_a_shot_to_come_keeps_its_place() -> None:
    """As long as it is planned to be; where only the model knows, as long as its clip."""
    facts = take("a", made=False, seconds=5.0)
    assert laid_out("t", [clip("a")], {facts.shot: (facts,)}).frames == 5 * 24
    guess = {facts.shot: (replace(facts, guessed=True),)}
    assert laid_out("t", [clip("a", end="9")], guess).frames == 9 * 24
    assert laid_out("t", [clip("a", "7")], guess).frames == 24
    assert [c.missing for c in film().clips] == [False, False, True]


def test_what_does_not_fit_is_said_with_its_place() -> None:
    """As a run says it, also before there is anything but a plan; and a film without a clip has
    no timeline."""
    for facts in (take("a"), take("a", made=False)):
        with pytest.raises(BadInput) as caught:
            laid_out("t", [clip("a", "1", "9")], {facts.shot: (facts,)})
        assert [problem.rule for problem in caught.value.problems] == ["cut.trim"]
    with pytest.raises(BadInput, match="no clip"):
        laid_out("t", [], {ShotId("a"): (facts,)})


def test_the_rates_that_editors_know_hold_still() -> None:
    assert sorted(float(rate) for rate in EDITORS_KNOW if rate.denominator == 1) == [
        24, 25, 30, 48, 50, 60,
    ]  # fmt: skip
