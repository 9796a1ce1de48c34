"""Simulations under a clock that is not real: who starts when, and when a job is looked at.

Both are the test suite's own, so that what is reported here is what is held there.
"""

import random
import sys
from pathlib import Path
from statistics import median

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "gateway")]

import test_executor_board as board  # noqa: E402
import test_polling as polling  # noqa: E402

DRAWS = {
    "95 s ± 8 %": polling.log_normal(95, 0.08),
    "120 s ± 10 %": polling.log_normal(120, 0.10),
    "300 s ± 10 %": polling.log_normal(300, 0.10),
    "60 s ± 10 %": polling.log_normal(60, 0.10),
    "180 s ± 15 %": polling.log_normal(180, 0.15),
    "120 s ± 25 %": polling.log_normal(120, 0.25),
    "120 s ± 10 %, 5 % very late": polling.log_normal(120, 0.10, late=0.05),
    "83 to 253 s, evenly": lambda rng: rng.uniform(83.0, 253.0),
}
FIRM = ("95 s ± 8 %", "120 s ± 10 %", "300 s ± 10 %")  # durations that are worth learning


def makespans(films: int, seed: int = 7) -> dict[str, float]:
    """Ends of random films of 100 to 300 shots over what no order could beat.

    The bound knows every duration beforehand. `blind` is the end over the bound for orders that
    do not, `luck` that bound over the other one: what no order can do anything about.
    """
    dice = random.Random(seed)
    found = [board.ratios(dice) for _ in range(films)]
    blind, luck = sorted(one.blind for one in found), [one.luck for one in found]
    ends = sorted(one.all_knowing for one in found)
    dice = random.Random(seed)
    learned = sorted(board.as_learned(dice) for _ in range(films))
    return {
        "films": films,
        "median": median(ends),
        "99 of 100": ends[int(0.99 * (films - 1))],
        "worst": ends[-1],
        "blind, median": median(blind),
        "blind, 99 of 100": blind[int(0.99 * (films - 1))],
        "blind, worst": blind[-1],
        "learned, median": median(learned),
        "learned, 99 of 100": learned[int(0.99 * (films - 1))],
        "learned, worst": learned[-1],
        "luck, worst": max(luck),
        "luck, above 1.15": sum(one > 1.15 for one in luck),
    }


def looks() -> dict[str, list[float]]:
    """For each kind of duration: looks a job, and lateness, over a fixed interval of 15 s."""
    return {name: list(polling.looks_and_lateness(draw, 50)) for name, draw in DRAWS.items()}
