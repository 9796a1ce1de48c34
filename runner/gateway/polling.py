"""When to look at a job next: a schedule learned from how long the model took before.

Looking every h seconds costs, over the life of a job, about E[1/h] looks a second, and finds a
finished job h/2 late. With S(t) the share of jobs still running and f(t) the density of finishes,
the sum of both is least where h(t) is proportional to sqrt(S/f): look often when a finish is
likely, seldom before and after. Scaled so that looks and lateness improve by the same factor over
a fixed interval, this is

    h(t) = every / sqrt(typical * hazard(t))        hazard = f / S

For renders without a typical duration (constant hazard) it falls back to the fixed interval; the
tighter the durations, the more it wins on both sides.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import erfc, exp, log, pi, sqrt
from statistics import median

from runner.gateway.profile import PollAdvice

_LATE = 0.05  # this share of jobs takes its own time, whatever the others did
_PRIOR = 0.25  # spread of log durations believed before anything is known, ...
_PRIOR_WEIGHT = 2.0  # ... worth so many observations
_LEAST_SPREAD, _MOST_SPREAD = 0.02, 1.0
_KEPT = 200  # newest durations that count
_STEPS = 400
CLOSEST = 8.0  # no two looks at a job are nearer than the usual interval divided by this
_FIRST_LOOK = 0.7  # of one look is due at the first one: near the 10th percentile


def next_poll(
    elapsed: float,
    polls_so_far: int,
    history: Sequence[float],
    advice: PollAdvice,
    fixed: float | None = None,
) -> float:
    """Seconds from now until the next look at a job submitted `elapsed` seconds ago.

    `history` holds past durations of the same model, oldest first, submit to completion.
    `fixed` overrides everything learned or advised (`REELMAKE_POLL_SECONDS`).
    """
    if fixed is not None:
        return max(0.0, fixed)
    durations = tuple(seconds for seconds in history[-_KEPT:] if seconds > 0)
    if durations:
        times = schedule(durations, advice.every)
        # A look that came late stands for the one that is nearly due.
        place = bisect_right(times, elapsed + advice.every / CLOSEST)
        if place < len(times):
            return times[place] - elapsed
    elif polls_so_far == 0:
        return max(0.0, advice.first - elapsed) or advice.every
    return min(max(advice.every, elapsed / 10), 4 * advice.every)


@lru_cache(maxsize=256)
def schedule(durations: tuple[float, ...], every: float) -> tuple[float, ...]:
    """The times, in seconds after the submit, at which jobs like these are best looked at."""
    middle, spread = _typical(durations)
    start, end = middle * exp(-4 * spread), middle * exp(4 * spread)
    step = (end - start) / _STEPS
    times, due = [], 1.0 - _FIRST_LOOK
    for n in range(_STEPS):
        now = start + n * step
        due += step * sqrt(middle * _hazard(now, middle, spread)) / every
        if due >= 1.0:
            times.append(now)
            due -= 1.0
    return tuple(times)


def _typical(durations: tuple[float, ...]) -> tuple[float, float]:
    """Median, and spread of the logarithms around it: robust, and pulled to a prior."""
    middle = median(durations)
    logs = sorted(abs(log(seconds / middle)) for seconds in durations)
    within = logs[int(0.68 * (len(logs) - 1) + 0.5)]  # one sigma of a normal distribution
    known = len(durations) - 1
    spread = sqrt((known * within**2 + _PRIOR_WEIGHT * _PRIOR**2) / (known + _PRIOR_WEIGHT))
    return middle, min(max(spread, _LEAST_SPREAD), _MOST_SPREAD)


def _hazard(now: float, middle: float, spread: float) -> float:
    """Finishes a second among the jobs still running: log-normal, and some that come late."""
    z = log(now / middle) / spread
    density = (1 - _LATE) * exp(-z * z / 2) / (now * spread * sqrt(2 * pi))
    running = (1 - _LATE) * erfc(z / sqrt(2)) / 2
    late = exp(-max(0.0, now - middle) / middle)
    if now > middle:
        density += _LATE * late / middle
    return density / (running + _LATE * late)
