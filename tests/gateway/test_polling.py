"""The poll schedule: fewer looks and earlier news than a fixed interval, measured."""

import math
import random
from collections.abc import Callable
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.gateway.polling import CLOSEST, next_poll, schedule
from runner.gateway.profile import PollAdvice

EVERY = 15.0
ADVICE = PollAdvice(first=EVERY, every=EVERY)
Draw = Callable[[random.Random], float]

durations = st.lists(st.floats(0.01, 1e5), max_size=60)


def log_normal(middle: float, spread: float, late: float = 0.0) -> Draw:
    """Render times around `middle`; a share of `late` takes 1.5 to 3 times as long."""

    def draw(rng: random.Random) -> float:
        seconds = middle * math.exp(rng.gauss(0.0, spread))
        return seconds * rng.uniform(1.5, 3.0) if rng.random() < late else seconds

    return draw


def looks_and_lateness(draw: Draw, learned: int, jobs: int = 1500) -> tuple[float, float]:
    """Looks and lateness a job, each over what a fixed interval needs for the same jobs."""
    rng = random.Random(1)
    history = [draw(rng) for _ in range(learned)]
    looks = late = fixed_looks = fixed_late = 0.0
    for _ in range(jobs):
        takes, now, polls = draw(rng), 0.0, 0
        while now < takes:
            now += next_poll(now, polls, history, ADVICE)
            polls += 1
        looks, late = looks + polls, late + now - takes
        fixed = math.ceil(takes / EVERY)
        fixed_looks, fixed_late = fixed_looks + fixed, fixed_late + fixed * EVERY - takes
    return looks / fixed_looks, late / fixed_late


@pytest.mark.parametrize(
    "draw",
    [log_normal(95, 0.08), log_normal(120, 0.10), log_normal(300, 0.10)],
    ids=["95 s", "120 s", "300 s"],
)
def test_half_the_looks_and_half_the_lateness(draw: Draw) -> None:
    """A model that takes about as long each time is looked at half as often, and found sooner."""
    looks, late = looks_and_lateness(draw, learned=50)
    assert looks <= 0.5
    assert late <= 0.5


@pytest.mark.parametrize(
    "draw",
    [
        log_normal(180, 0.15),
        log_normal(60, 0.10),
        log_normal(120, 0.10, late=0.05),
        log_normal(120, 0.25),
        lambda rng: rng.uniform(83.0, 253.0),
    ],
    ids=["spread 15%", "short", "5% very late", "spread 25%", "83 to 253 s"],
)
def test_wider_durations_still_win_on_both_sides(draw: Draw) -> None:
    """Even where renders differ a lot, learning costs neither looks nor lateness."""
    looks, late = looks_and_lateness(draw, learned=50)
    assert looks <= 0.8
    assert late <= 0.8


def test_the_first_look_comes_when_the_first_tenth_is_done() -> None:
    """Nobody asks about a job that never finishes this early."""
    rng = random.Random(2)
    history = sorted(log_normal(120, 0.1)(rng) for _ in range(100))
    first = next_poll(0.0, 0, history, ADVICE)
    assert history[1] <= first <= history[25]


def test_without_a_past_the_profile_advises() -> None:
    """A model never rendered before is looked at as its gateway recommends."""
    advice = PollAdvice(first=20.0, every=15.0)
    assert next_poll(0.0, 0, [], advice) == 20.0
    assert next_poll(5.0, 0, [], advice) == 15.0
    assert next_poll(20.0, 1, [], advice) == 15.0


@given(st.floats(0, 1e6), st.integers(0, 1000), durations)
def test_a_person_who_names_an_interval_gets_it(
    elapsed: float, polls: int, history: list[float]
) -> None:
    """REELMAKE_POLL_SECONDS wins over everything learned."""
    assert next_poll(elapsed, polls, history, ADVICE, fixed=0.25) == 0.25


@given(st.floats(0, 1e6), st.integers(0, 1000), durations)
def test_the_next_look_always_comes(elapsed: float, polls: int, history: list[float]) -> None:
    """Whatever the past, the wait is positive and bounded: no storm, no forgotten job."""
    wait = next_poll(elapsed, polls, history, ADVICE)
    longest = 4 * EVERY + 60 * max(history, default=0.0)
    assert 0.0 < wait <= longest


@given(st.floats(0, 300), st.floats(0.02, 0.3))
def test_a_late_look_is_not_followed_by_one_at_once(elapsed: float, spread: float) -> None:
    """What is learned asks often where a finish is likely, never twice in a breath."""
    history = [100.0 * math.exp(spread * (n % 5 - 2)) for n in range(40)]
    assert next_poll(elapsed, 3, history, ADVICE) >= EVERY / CLOSEST


def test_a_job_that_hangs_is_asked_about_ever_more_rarely() -> None:
    """Six hours of a stuck job cost a few hundred looks, not thousands."""
    history, now, polls = [120.0] * 20, 0.0, 0
    while now < 6 * 3600:
        now += next_poll(now, polls, history, ADVICE)
        polls += 1
    assert polls < 450


def test_one_odd_render_does_not_spoil_what_was_learned() -> None:
    """An outlier in the past, say a night of queueing, moves the schedule little."""
    usual = tuple(100.0 + n % 7 for n in range(40))
    assert median(schedule((*usual, 30_000.0), EVERY)) == pytest.approx(
        median(schedule(usual, EVERY)), rel=0.1
    )
