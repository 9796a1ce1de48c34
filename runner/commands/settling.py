"""What `adopt`, `resubmit` and `abandon` share: find the one submission that is meant."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from runner.errors import BadInput
from runner.journal import Journal, Realm, open_journal
from runner.journal.decisions import doubts
from runner.model import Attempt, ShotId
from runner.project import project_here
from runner.project.wiring import SystemClock, locked

Decision = Callable[[Journal, Attempt], Awaitable[None]]


def settled(shot: str, take: int | None, preview: bool, decide: Decision) -> Attempt:
    """Carry out a decision about a shot of the project one stands in.

    Raises BadInput unless exactly one submission of it is in doubt.
    """
    project = project_here(Path.cwd(), os.environ)
    realm: Realm = "preview" if preview else "paid"
    with locked(project):
        journal = open_journal(project.state, realm, SystemClock())
        try:
            attempt = the_one(doubts(journal, realm, ShotId(shot), take), shot)
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
        names = ", ".join(f"take {a.take} of {a.submitted_at}" for a in found)
        raise BadInput(f"{len(found)} submissions of {shot} are in doubt: {names}", do="add --take")
    return found[0]


def at_risk(attempt: Attempt) -> str:
    return str(attempt.estimate.cost) if attempt.estimate else "an unknown price"
