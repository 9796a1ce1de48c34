"""Which take may start: a take waits for the kept takes of the shots it hangs on.

Per vendor a queue, the longest remaining path first, so that a long chain is not left for last.
A vendor's last free slot is spared while a longer path is about to come: a render cannot be
interrupted, and would keep that path waiting for minutes.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from runner.model import Action, Digest, Outcome, Plan, Shot, ShotId, Status, Step, Storyboard, Take

TakeId = tuple[ShotId, int]

THERE = (Action.REUSE, Action.RESTORE, Action.RESUME)  # what exists, or is being rendered already
RAGGED = 0.5  # of a take: how much later than evenly shared work the last slot ends, on average
PATIENCE = 1.5  # times what a take usually lasts; after that nobody knows when it will end


class Work(Struct, frozen=True):
    """A step of the plan with the shot and take it is about."""

    index: int  # its place in the plan
    step: Step
    shot: Shot
    take: Take

    @property
    def keeper(self) -> bool:
        return self.take.number == self.shot.keep


def works(plan: Plan, storyboard: Storyboard) -> list[Work]:
    shots = {shot.id: shot for shot in storyboard.shots}
    return [
        Work(index, step, shots[step.shot], take_of(shots[step.shot], step.take))
        for index, step in enumerate(plan.steps)
    ]


def take_of(shot: Shot, number: int) -> Take:
    return next(take for take in shot.takes if take.number == number)


class Board:
    """Takes that wait, are ready, under way, or settled."""

    def __init__(
        self,
        plan: Plan,
        storyboard: Storyboard,
        lasts: Callable[[Step], float],
        now: Callable[[], float],
    ) -> None:
        """`lasts` says how many seconds a step will probably take, `now` what a clock shows (s)."""
        self.works = works(plan, storyboard)
        self._now = now
        self._keepers = {work.shot.id: work.index for work in self.works if work.keeper}
        self._needs = {
            work.index: {shot for shot in needs(work.step) if shot in self._keepers}
            for work in self.works
        }
        self._waiting_for = defaultdict[ShotId, list[Work]](list)
        for work in self.works:
            for shot in self._needs[work.index]:
                self._waiting_for[shot].append(work)
        self._seconds = [lasts(work.step) for work in self.works]
        self._length = remaining(self.works, self._waiting_for, self._seconds)
        self._ready = defaultdict[str, list[tuple[float, int]]](list)
        self._began = dict[int, float]()  # takes under way, by the clock
        self._busy = defaultdict[str, set[int]](set)  # the same, by vendor
        self._coming = defaultdict[str, set[int]](set)  # all that they still need is under way
        self._unbegun = defaultdict[str, float](float)  # seconds of work, by vendor
        self._in_hand = dict[Digest, Work]()
        self._twins = defaultdict[Digest, list[Work]](list)
        self._outcomes: list[Outcome | None] = [None] * len(self.works)
        self._left = len(self.works)
        for work in self.works:
            self._unbegun[work.shot.vendor] += self._seconds[work.index]
            if not self._needs[work.index]:
                self.ready(work)

    @property
    def unfinished(self) -> bool:
        return self._left > 0

    @property
    def unsettled(self) -> Iterator[Work]:
        return (work for work in self.works if self._outcomes[work.index] is None)

    def outcomes(self) -> list[Outcome]:
        """In the order of the plan; only once everything is settled."""
        return [outcome for outcome in self._outcomes if outcome]

    def ready(self, work: Work) -> None:
        entry = (-self._length[work.index], work.index)
        heapq.heappush(self._ready[work.shot.vendor], entry)

    def startable(self, room: Callable[[str], int]) -> Iterator[Work]:
        """Takes that may start now; `room` says how many more a vendor takes at once."""
        for vendor, queue in list(self._ready.items()):
            while queue and (free := room(vendor)) > 0:
                if free == 1 and self._spared(vendor, queue[0][1]):
                    break
                work = self.works[heapq.heappop(queue)[1]]
                self._begin(work)
                yield work

    def _begin(self, work: Work) -> None:
        self._began[work.index] = self._now()
        self._busy[work.shot.vendor].add(work.index)
        self._unbegun[work.shot.vendor] -= self._seconds[work.index]
        for dependent in self._waiting_for.get(work.shot.id, ()) if work.keeper else ():
            if all(self._keepers[shot] in self._began for shot in self._needs[dependent.index]):
                self._coming[dependent.shot.vendor].add(dependent.index)

    def _end(self, work: Work) -> None:
        """Settled: whether it was under way, or will never be."""
        vendor = work.shot.vendor
        self._coming[vendor].discard(work.index)
        self._busy[vendor].discard(work.index)
        if self._began.pop(work.index, None) is None:
            self._unbegun[vendor] -= self._seconds[work.index]

    def _spared(self, vendor: str, ready: int) -> bool:
        """Whether the last free slot is better left to the longest path that is about to come."""
        coming = max(self._coming[vendor], key=self._length.__getitem__, default=ready)
        return (
            self._length[coming] > self._length[ready]
            and self.works[ready].step.action not in THERE
            and self._foreseeable(coming)
            and self._would_end_last(coming, ready)
        )

    def _foreseeable(self, coming: int) -> bool:
        """Nothing it waits for is long overdue, and something else will end too.

        Without the latter, a render that never ends would keep the slot empty for good.
        """
        now, awaited = self._now(), self._awaited(coming)
        late = (now > self._began[index] + PATIENCE * self._seconds[index] for index in awaited)
        return len(self._began) > len(awaited) and not any(late)

    def _would_end_last(self, coming: int, ready: int) -> bool:
        """If `ready` starts, `coming` has to wait, and then ends after all else of its vendor."""
        now, vendor = self._now(), self.works[coming].shot.vendor
        ends = [max(now, self._due(index)) for index in self._busy[vendor]]
        slot = min([now + self._seconds[ready], *ends])
        load = self._unbegun[vendor] + sum(end - now for end in ends)
        rest = now + load / (len(ends) + 1) + RAGGED * self._seconds[ready]
        comes = max(self._due(index) for index in self._awaited(coming))
        return comes < slot and slot + self._length[coming] > rest

    def _awaited(self, coming: int) -> list[int]:
        return [self._keepers[shot] for shot in self._needs[coming]]

    def _due(self, index: int) -> float:
        return self._began[index] + self._seconds[index]

    def twin(self, work: Work) -> bool:
        """Whether the same thing is already being rendered: then this take shares its outcome."""
        if work.step.fingerprint is None:
            return False
        first = self._in_hand.setdefault(work.step.fingerprint, work)
        if first is work:
            return False
        self._twins[work.step.fingerprint].append(work)
        return True

    def settle(self, work: Work, outcome: Outcome) -> Iterator[tuple[Work, Outcome]]:
        """Writes an outcome down; also those of takes which can no longer be made."""
        settled = [(work, outcome)]
        while settled:
            work, outcome = settled.pop()
            if self._outcomes[work.index] is not None:
                continue
            self._outcomes[work.index] = outcome
            self._left -= 1
            self._end(work)
            yield work, outcome
            settled += self._twins_of(work, outcome)
            if not work.keeper:
                continue
            for dependent in self._waiting_for.pop(work.shot.id, []):
                if outcome.status is not Status.DONE:
                    settled.append((dependent, held_up(dependent.step, work.shot.id, outcome)))
                    continue
                self._needs[dependent.index].discard(work.shot.id)
                if not self._needs[dependent.index]:
                    self._coming[dependent.shot.vendor].discard(dependent.index)
                    self.ready(dependent)

    def _twins_of(self, work: Work, outcome: Outcome) -> list[tuple[Work, Outcome]]:
        fingerprint = outcome.step.fingerprint
        first = self._in_hand.get(fingerprint) if fingerprint else None
        if fingerprint is None or first is None or first.index != work.index:
            return []
        del self._in_hand[fingerprint]
        twins = self._twins.pop(fingerprint, [])
        return [(twin, replace(outcome, step=twin.step, output=None)) for twin in twins]


def needs(step: Step) -> tuple[ShotId, ...]:
    """What is there hangs on nothing any more."""
    if step.action in THERE:
        return ()
    return step.depends_on


def held_up(step: Step, upstream: ShotId, outcome: Outcome) -> Outcome:
    if outcome.status is Status.INTERRUPTED:
        return Outcome(step, Status.INTERRUPTED, detail="not started")
    return Outcome(step, Status.BLOCKED, detail=f"{upstream} is {outcome.status}")


def remaining(
    works: list[Work], waiting_for: Mapping[ShotId, list[Work]], seconds: list[float]
) -> list[float]:
    """For each take the seconds of the longest path from its start to the end of the film."""
    length = list(seconds)
    for work in reversed(works):
        if work.keeper:
            after = (length[dependent.index] for dependent in waiting_for.get(work.shot.id, ()))
            length[work.index] += max(after, default=0.0)
    return length
