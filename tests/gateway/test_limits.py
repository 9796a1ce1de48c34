"""How fast we go, by a clock that only moves when told."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.gateway.limits import (
    LONGEST_WAIT,
    Limiter,
    Pace,
    RetryBudget,
    Turns,
    backoff,
    read_retry_after,
)
from runner.gateway.profile import Limit


@dataclass
class Hands:
    """A clock moved by hand, and by whoever sleeps on it."""

    time: float = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


def half() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0), ("0", 0.0), (" 12 ", 12.0), ("-5", 0.0), ("1e9", None), ("999999999", 300.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 10.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:01:00", 10.0), ("Sun, 06 Nov 2044 08:49:37 GMT", 300.0),
        ("Thursday", None), ("", None), ("3, 900", None), ("nan", None), ("9" * 400, None),
        ("Thu, 99 Jan 1970 00:01:00 GMT", None), ("٣", None), (None, None),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    """Seconds or a date, within bounds; garbage leaves the choice to us."""
    assert read_retry_after(value, now=50.0) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_holds_us_for_ever(value: str) -> None:
    """Whatever stands there, the wait is between nothing and five minutes."""
    wait = read_retry_after(value, now=0.0)
    assert wait is None or 0.0 <= wait <= LONGEST_WAIT


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_anywhere_up_to_its_cap(tries: int, luck: float) -> None:
    """Full jitter: a crowd that failed together does not come back together."""
    assert 0.0 <= backoff(tries, lambda: luck) <= min(60.0, 2.0 ** min(tries, 10))


def test_retries_stay_a_small_share_of_a_run() -> None:
    """Ten at first, then at most one in ten first tries, however much fails."""
    budget = RetryBudget()
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2
    for _ in range(100):
        budget.tried()
    assert sum(budget.spend() for _ in range(100)) == 10


def test_submits_keep_the_vendor_s_pace() -> None:
    """60 a minute is one a second, also when a hundred shots want to go at once."""

    async def run() -> list[float]:
        clock = Hands()
        limiter = Limiter(Limit(rpm=60), clock, half)
        times = []
        for _ in range(5):
            await limiter.turn()
            times.append(clock.time)
        return times

    assert asyncio.run(run()) == [100.0, 101.0, 102.0, 103.0, 104.0]


def test_waiting_crowds_keep_the_pace_too() -> None:
    """Tasks that wake together do not go together."""

    async def run() -> list[float]:
        clock = Hands()
        limiter = Limiter(Limit(rpm=60), clock, half)
        times: list[float] = []

        async def one() -> None:
            await limiter.turn()
            times.append(clock.time)

        await asyncio.gather(*(one() for _ in range(20)))
        return times

    times = asyncio.run(run())
    assert all(b - a >= 1.0 for a, b in pairwise(times))


def test_no_more_jobs_than_the_vendor_allows() -> None:
    """The third job has no room until one of two has ended."""
    limiter = Limiter(Limit(concurrency=2), Hands(), half)
    rooms = [limiter.room]
    for step in (limiter.enter, limiter.enter, limiter.leave, limiter.enter):
        step()
        rooms.append(limiter.room)
    assert rooms == [2, 1, 0, 1, 0]


def test_one_429_slows_every_shot() -> None:
    """The pause holds for all of the vendor's submits, and at least as long as was asked."""
    clock = Hands()
    limiter = Limiter(Limit(concurrency=8), clock, half)
    for _ in range(8):
        limiter.enter()
    assert limiter.too_fast(3.0) >= 3.0
    assert limiter.wait >= 3.0
    for _ in range(8):
        limiter.leave()
    assert limiter.room == 4
    asyncio.run(limiter.turn())
    assert clock.time >= 103.0


def test_room_and_pace_come_back() -> None:
    """After enough good submits all is as the profile allows, and never more."""
    clock = Hands()
    limiter = Limiter(Limit(concurrency=8, rpm=600), clock, half)
    for _ in range(3):
        limiter.enter()
        limiter.too_fast(None)
        limiter.leave()
    assert limiter.room == 1
    for _ in range(200):
        limiter.went_well()
    assert limiter.room == 8

    async def twice() -> float:
        await limiter.turn()
        before = clock.time
        await limiter.turn()
        return clock.time - before

    assert asyncio.run(twice()) == pytest.approx(0.1)


def test_429_without_end_waits_ever_longer_but_bounded() -> None:
    """Without a Retry-After the pauses grow to a minute, jittered."""
    limiter = Limiter(Limit(), Hands(), lambda: 0.999)
    pauses = [limiter.too_fast(None) for _ in range(12)]
    assert pauses == sorted(pauses)
    assert 30.0 < pauses[-1] <= 60.0


def test_a_vendor_without_published_limits_has_room() -> None:
    """Nothing published means nothing invented."""
    limiter = Limiter(Limit(), Hands(), half)
    assert limiter.room > 10_000
    assert limiter.wait == 0.0


def test_looks_are_spread_evenly() -> None:
    """Ten thousand jobs do not all ask in the same second."""
    pace = Pace(4.0)
    assert [pace.book(100.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert pace.book(200.0) == 0.0


def test_a_pause_holds_every_look() -> None:
    """The gateway asked one look to wait, so all of them do."""
    pace = Pace(None)
    assert pace.book(100.0) == 0.0
    pace.hold(130.0)
    pace.hold(110.0)
    assert [pace.book(100.0), pace.book(105.0)] == pytest.approx([30.0, 25.0], abs=0.1)
    assert pace.book(131.0) == 0.0


def test_whoever_was_held_comes_back_one_by_one() -> None:
    """A thousand looks at the end of a pause would earn the next one."""
    pace = Pace(None)
    pace.hold(130.0)
    turns = [pace.book(100.0) for _ in range(1_000)]
    assert all(later - sooner >= 0.009 for sooner, later in pairwise(turns))
    assert turns[-1] < 60.0


def test_a_turn_is_when_it_is_wished_for() -> None:
    """Whoever is alone waits for nobody: only for the next slot to begin."""
    turns = Turns(20.0)
    for now, seconds in ((100.0, 15.0), (100.3, 0.0), (117.77, 2.5)):
        assert seconds <= turns.book(now, seconds) < seconds + 1 / 20


@given(
    wishes=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 100)), min_size=1, max_size=200),
    a_second=st.sampled_from([0.5, 1.0, 20.0, 30.0, 300.0]),
)
@example(wishes=[(0.0, 5.0)] * 200, a_second=1.0)
@example(wishes=[(0.0, 5.0)] * 200, a_second=300.0)
def test_turns_are_dense_and_no_more_than_there_may_be(
    wishes: list[tuple[float, float]], a_second: float
) -> None:
    """No turn before it is wished for, none where there is no room, and no earlier one had any."""
    room = max(1, round(a_second / 20))
    turns, now, taken, slots = Turns(a_second), 1_000_000.0, Counter[int](), a_second / room
    for passed, seconds in wishes:
        now += passed
        wished = (now + seconds) * slots
        slot = round((now + turns.book(now, seconds)) * slots)
        taken[slot] += 1
        assert taken[slot] <= room
        assert slot > wished - 1e-3
        assert all(taken[earlier] == room for earlier in range(ceil(wished - 1e-3) + 1, slot))


def test_what_is_past_is_forgotten() -> None:
    """A run of days does not remember every look."""
    turns = Turns(10.0)
    for number in range(20_000):
        turns.book(number / 5, 1.0)
    assert len(vars(turns)["_taken"]) < 1_100


def test_what_is_to_come_is_not_forgotten() -> None:
    """All of them now: each has a slot of its own, however many there are."""
    turns = Turns(10.0)
    booked = [turns.book(0.0, 0.0) for _ in range(5_000)]
    assert booked == pytest.approx([number / 10 for number in range(5_000)])
