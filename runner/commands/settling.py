"""What `adopt`, `resubmit` and `abandon` share: find the one submission that is meant."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from runner.errors import BadInput
from runner.journal import Realm
from runner.journal.decisions import named
from runner.journal.opening import open_journal
from runner.journal.writing import Journal
from runner.model import Attempt, Standing
from runner.project import project_here
from runner.project.wiring import SystemClock, locked

Decision = Callable[[Journal, Attempt], Awaitable[None]]


def settled(
    shot: str, take: int | None, preview: bool, decide: Decision, *then: Standing
) -> Attempt:
    """Carry out a decision about a shot of the project one stands in.

    It is about what is in doubt, else about what has one of the standings `then`.
    Raises BadInput unless exactly one submission is meant.
    """
    project = project_here(Path.cwd(), os.environ)
    realm: Realm = "preview" if preview else "paid"
    with locked(project):
        journal = open_journal(project.state, realm, SystemClock())
        try:
            attempt = the_one(named(journal, realm, shot, take, *then), shot)
            asyncio.run(decided(decide, journal, attempt))
        finally:
            journal.close()
    return attempt


async def decided(decide: Decision, journal: Journal, attempt: Attempt) -> None:
    await decide(journal, attempt)


def the_one(found: tuple[Attempt, ...], shot: str) -> Attempt:
    if not found:
        raise BadInput(f"no submission of {shot} is in doubt", do="reelmake status FILE shows all")
    if len(found) > 1:
        names = ", ".join(f"{a.id[:8]} (take {a.take} of {a.submitted_at})" for a in found)
        raise BadInput(
            f"{len(found)} submissions of {shot} may be meant: {names}",
            do=f"add --take, or write {found[0].id[:8]} instead of {shot}",
        )
    return found[0]


def at_risk(attempt: Attempt) -> str:
    return str(attempt.estimate.cost) if attempt.estimate else "an unknown price"
