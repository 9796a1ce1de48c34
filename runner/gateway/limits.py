"""How fast we may go: one limiter a gateway and vendor, one retry budget a run, one backoff.

All of it is arithmetic on a clock that is handed in; nothing here waits except `Limiter.turn`.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil

from runner.gateway.profile import Limit
from runner.ports import Clock

Random = Callable[[], float]  # in [0, 1)

LONGEST_WAIT = 300.0  # s; whatever a Retry-After says, we ask again after this
_UNLIMITED = 1_000_000
AFTER_A_PAUSE = 0.01  # s between two who were held: all at once would earn the next 429
SLOT = 0.05  # s; about how far looks are moved so that some go together


def backoff(
    tries: int, rand: Random = random.random, first: float = 1.0, cap: float = 60.0
) -> float:
    """Seconds to wait after `tries` failures; full jitter, or a crowd would return as one."""
    return rand() * min(cap, first * 2.0 ** min(tries, 30))


def read_retry_after(value: str | None, now: float) -> float | None:
    """Seconds from either form of `Retry-After`, within [0, LONGEST_WAIT]; None for garbage."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.lstrip("+-").isdigit() and len(text) <= 20:
        return min(max(float(text), 0.0), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    instant = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(instant.timestamp() - now, 0.0), LONGEST_WAIT)


class RetryBudget:
    """Retries of a whole run stay within a share of its first tries, plus a small floor.

    When everything fails at once, this is what keeps us from doubling the load.
    """

    def __init__(self, share: float = 0.1, floor: int = 10) -> None:
        self._share, self._floor = share, floor
        self._first = self._again = 0

    def tried(self) -> None:
        """Counts a first try."""
        self._first += 1

    def spend(self) -> bool:
        """Takes one retry out of the budget; False when there is none left."""
        if self._again >= self._floor + self._share * self._first:
            return False
        self._again += 1
        return True


class Pace:
    """Spreads looks evenly over time, for all jobs together; a 429 holds every one of them."""

    def __init__(self, a_second: float | None) -> None:
        self._gap = 1.0 / a_second if a_second else 0.0
        self._next = 0.0

    def book(self, now: float) -> float:
        """Seconds until the turn that is hereby taken; `now` by any clock, always the same."""
        turn = max(now, self._next)
        self._next = turn + (max(self._gap, AFTER_A_PAUSE) if turn > now else self._gap)
        return turn - now

    def hold(self, until: float) -> None:
        """No further turn before then."""
        self._next = max(self._next, until)


class Turns:
    """When each of many may look, of whom all together may look `a_second` times at most.

    Time is cut into slots, and a turn is in the first one with room at or after the moment that was
    wished for. So no room stays empty while somebody is waiting whose moment has come, and where
    more is wished for than there is, all wait alike. Nobody stands in line: whoever books knows
    when to come back. Few slots with some room each, not many for one: what looks find out
    together is written down together.
    """

    def __init__(self, a_second: float) -> None:
        self._room = max(1, round(a_second * SLOT))
        self._slot = self._room / a_second  # seconds
        self._taken = Counter[int]()
        self._after: dict[int, int] = {}  # for a slot that is full, one from which to look on
        self._largest = 1_000  # so many are kept before those of the past are forgotten

    def book(self, now: float, seconds: float) -> float:
        """Seconds until the turn of somebody who would like it in so many; `now` by any clock."""
        turn = self._free(ceil((now + seconds) / self._slot))
        self._taken[turn] += 1
        if self._taken[turn] == self._room:
            self._after[turn] = turn + 1
        if len(self._taken) > self._largest:
            self._forget(int(now / self._slot))
        return turn * self._slot - now

    def _free(self, slot: int) -> int:
        """The first slot with room from this one on; the way there is shorter the next time."""
        way = []
        while slot in self._after:
            way.append(slot)
            slot = self._after[slot]
        self._after.update(dict.fromkeys(way, slot))
        return slot

    def _forget(self, before: int) -> None:
        self._taken = Counter({slot: n for slot, n in self._taken.items() if slot >= before})
        self._after = {slot: after for slot, after in self._after.items() if slot >= before}
        self._largest = 1_000 + 2 * len(self._taken)


class Limiter:
    """What all shots of one gateway and vendor share: room, pace, and a pause after a 429.

    `room` counts jobs in flight; it halves on a 429 and grows back by one after as many good
    submits as it is wide. Pace is a submit every 60/rpm seconds, slowed and recovered likewise.
    """

    def __init__(self, limit: Limit, clock: Clock, rand: Random = random.random) -> None:
        self._clock, self._random = clock, rand
        self._most = limit.concurrency or _UNLIMITED
        self._room = float(self._most)
        self._gap = self._usual_gap = 60.0 / limit.rpm if limit.rpm else 0.0
        self._not_before = clock.monotonic()
        self._in_flight = 0
        self._slowed = 0  # 429s in a row

    @property
    def room(self) -> int:
        """How many more jobs may be in flight now."""
        return max(0, int(self._room) - self._in_flight)

    @property
    def wait(self) -> float:
        """Seconds until the next submit may go."""
        return max(0.0, self._not_before - self._clock.monotonic())

    def enter(self) -> None:
        """A job is about to be submitted, or one from an earlier run is picked up."""
        self._in_flight += 1

    def leave(self) -> None:
        """A job has come to its end, or there is none."""
        self._in_flight -= 1

    async def turn(self) -> None:
        """Waits for the pace, and books the next slot of it. Room is the caller's `enter`."""
        while self.wait > 0:
            await self._clock.sleep(self.wait)
        self._not_before = self._clock.monotonic() + self._gap

    def too_fast(self, retry_after: float | None) -> float:
        """The gateway said 429: slows every shot down. Returns the seconds all of them wait."""
        self._slowed += 1
        pause = backoff(self._slowed, self._random)
        pause = pause if retry_after is None else retry_after + backoff(0, self._random)
        self._not_before = max(self._not_before, self._clock.monotonic() + pause)
        self._room = max(1.0, min(self._room, self._in_flight) / 2)
        self._gap = min(60.0, max(self._gap * 2, 1.0))
        return pause

    def went_well(self) -> None:
        """A submit was accepted: room and pace grow back to what the profile allows."""
        self._slowed = 0
        self._room = min(float(self._most), self._room + 1.0 / max(1.0, self._room))
        self._gap = max(self._usual_gap, self._gap * 0.9 if self._gap > 0.05 else 0.0)
