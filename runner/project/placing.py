"""Takes go to their places while a run lasts, and are told of when they lie there.

The copy of a large film takes seconds. It is made in a thread, or looks that are due would wait.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from runner.errors import Outside
from runner.manifest.outputs import place
from runner.model import Action, History, Outcome, Plan, Result, Shot, ShotId, Status, Step
from runner.ports import Progress
from runner.project.opened import Film

AT_ONCE = 2  # copies; more would only wait for the same disk


class Placing:
    """Puts each take's video where people look for it as soon as it is there, then tells."""

    def __init__(self, inner: Progress, film: Film, history: History) -> None:
        self.inner, self.film, self.history = inner, film, history
        self._shots: dict[ShotId, Shot] = {shot.id: shot for shot in film.storyboard.shots}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._copies = set[asyncio.Task[None]]()
        self._unplaced: dict[tuple[ShotId, int], Outcome] = {}

    def planned(self, plan: Plan) -> None:
        self.inner.planned(plan)

    def started(self, step: Step) -> None:
        self.inner.started(step)

    def heard(self, step: Step, status: str, percent: int | None) -> None:
        self.inner.heard(step, status, percent)

    def finished(self, outcome: Outcome) -> None:
        """To be called while a loop runs, which is left only after `all_told`."""
        names = self._names(outcome)
        if outcome.result is None or names is None:
            self.inner.finished(outcome)
            return
        self._copies.add(asyncio.create_task(self._place(outcome, outcome.result, names)))

    async def all_told(self) -> None:
        """Waits until everything that is finished lies in its place, or was found not to."""
        await asyncio.gather(*self._copies)

    def with_unplaced(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, corrected by what came to light when they were put in their places."""
        return [self._unplaced.get((o.step.shot, o.step.take), o) for o in outcomes]

    def note(self, text: str) -> None:
        self.inner.note(text)

    def close(self) -> None:
        self.inner.close()

    def _names(self, outcome: Outcome) -> Sequence[str] | None:
        """Where a take belongs that has just come; None where nothing is to be put anywhere."""
        shot, step = self._shots.get(outcome.step.shot), outcome.step
        new = outcome.status is Status.DONE and step.action is not Action.REUSE
        return shot.outputs(step.take) if new and shot and step.take <= len(shot.takes) else None

    async def _place(self, outcome: Outcome, result: Result, names: Sequence[str]) -> None:
        async with self._turn:
            try:
                moved = await asyncio.to_thread(self._copy, result, names)
            except Outside as error:
                outcome = self._failed(outcome, error)
            else:
                for path in moved:
                    self.inner.note(f"an edited file was kept as {path.name}")
                outcome = replace(outcome, output=names[0] if names else None)
            self.inner.finished(outcome)

    def _copy(self, result: Result, names: Sequence[str]) -> list[Path]:
        store = self.film.project.store
        return place(names, result.sha256, self.film.folder, store, self.history)

    def _failed(self, outcome: Outcome, error: Outside) -> Outcome:
        """What cannot be put in its place (damaged, no room) fails alone; its bytes are paid."""
        detail = f"{error.what}; {error.do}" if error.do else error.what
        failed = replace(outcome, status=Status.FAILED, detail=detail)
        self._unplaced[outcome.step.shot, outcome.step.take] = failed
        return failed
