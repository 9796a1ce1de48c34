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


def makespans(films: int) -> dict[str, float]:
    """Ends of random films of 100 to 300 shots over what no order could beat."""
    dice, ratios = random.Random(7), []
    for _ in range(films):
        shots = board.random_film(dice, (100, 300))
        took = {shot.id: board.lasts(dice, shot) for shot in shots}
        ratios.append(board.play(shots, took).end / board.lower_bound(shots, took))
    ratios.sort()
    return {
        "films": films,
        "median": median(ratios),
        "99 of 100": ratios[int(0.99 * (len(ratios) - 1))],
        "worst": ratios[-1],
    }


def looks() -> dict[str, list[float]]:
    """For each kind of duration: looks a job, and lateness, over a fixed interval of 15 s."""
    return {name: list(polling.looks_and_lateness(draw, 50)) for name, draw in DRAWS.items()}
