"""Kills a run at a named step: everything in memory is gone, disk and gateway stay.

Every effect of the executor goes through its parts, so the steps are the calls of the parts, each
just before and just after. A dead process does nothing more: once killed, every call fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from film_set import FilmSet
from msgspec.structs import replace

from runner.errors import Outside
from runner.executor import Options, Parts, execute
from runner.gateway.download import Fetched
from runner.gateway.filing import Report
from runner.gateway.listing import Listing
from runner.gateway.receipt import Receipt
from runner.journal import Caps, Intent
from runner.journal.facts import Fact, Kind
from runner.journal.opening import open_journal
from runner.journal.writing import Admitted, Denied, Journal
from runner.model import Digest, JobId, Outcome, Storyboard
from runner.planner import make_plan

CALLS = (
    "intent", "submit", "receipt", "accepted", "look", "completed", "fetch", "take_in", "stored",
)  # fmt: skip
STEPS = tuple(f"{when} {call}" for call in CALLS for when in ("before", "after"))


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Trigger:
    """Fires at the n-th time a step is reached."""

    step: str
    time: int = 1
    fired: bool = False

    def reach(self, step: str) -> None:
        if self.fired:
            raise Killed
        if step == self.step:
            self.time -= 1
            if self.time == 0:
                self.fired = True
                raise Killed

    async def around(self, call: str, work: Callable[[], Awaitable[Any]]) -> Any:
        self.reach(f"before {call}")
        answer = await work()
        self.reach(f"after {call}")
        return answer


class MortalJournal:
    """The journal, until the process dies."""

    def __init__(self, real: Journal, trigger: Trigger) -> None:
        self._real, self._trigger = real, trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def intend(self, wish: Intent, caps: Caps) -> Admitted | Denied:
        answer = await self._trigger.around("intent", lambda: self._real.intend(wish, caps))
        assert isinstance(answer, Admitted | Denied)
        return answer

    async def append(self, *facts: Fact) -> None:
        kind = {Kind.ADOPTED: "accepted"}.get(facts[0].kind, str(facts[0].kind))
        await self._trigger.around(kind, lambda: self._real.append(*facts))


@dataclass
class MortalClient:
    real: Any
    trigger: Trigger

    async def submit(self, body: bytes, key: str | None, label: str = "") -> Receipt:
        answer = await self.trigger.around("submit", lambda: self.real.submit(body, key))
        assert isinstance(answer, Receipt)
        return answer

    async def look(self, job: JobId) -> Report:
        answer = await self.trigger.around("look", lambda: self.real.look(job))
        assert isinstance(answer, Report)
        return answer

    async def fetch(self, job: JobId, dest: Path) -> Fetched:
        answer = await self.trigger.around("fetch", lambda: self.real.fetch(job, dest))
        assert isinstance(answer, Fetched)
        return answer

    async def list_jobs(self, since: float) -> Listing:
        answer = await self.trigger.around("list", lambda: self.real.list_jobs(since))
        assert isinstance(answer, Listing)
        return answer


@dataclass
class MortalStore:
    real: Any
    trigger: Trigger

    def path(self, digest: Digest) -> Path:
        found: Path = self.real.path(digest)
        return found

    def take_in_all(self, files: Sequence[tuple[Path, Digest]]) -> Sequence[Outside | None]:
        self.trigger.reach("before take_in")
        troubles: Sequence[Outside | None] = self.real.take_in_all(files)
        self.trigger.reach("after take_in")
        return troubles


def mortal(parts: Parts, trigger: Trigger) -> Parts:
    return replace(
        parts,
        client=MortalClient(parts.client, trigger),
        journal=MortalJournal(parts.journal, trigger),
        store=MortalStore(parts.store, trigger),
    )


async def run_until(film_set: FilmSet, film: Storyboard, trigger: Trigger) -> list[Outcome] | None:
    """A run that dies at the trigger; its outcomes if it never got there."""
    film_set.runs += 1
    film_set.limits = {}
    facts = film_set.facts(film)
    plan = make_plan(film, facts, gateway=film_set.profile.name)
    journal = open_journal(film_set.state, film_set.realm, film_set.clock)
    parts = mortal(film_set.parts(journal), trigger)
    options = Options(run=f"run-{film_set.runs}")
    task = asyncio.ensure_future(execute(plan, film, facts, parts, options))
    try:
        return await task
    except Killed:
        return None
    finally:
        die(journal)


def die(journal: Journal) -> None:
    """What the kernel does with a dead process: its files are closed, nothing is written."""
    journal._waiting.clear()
    journal.close()
