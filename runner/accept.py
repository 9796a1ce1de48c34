"""Declares present bytes good for what the storyboard asks by now. Pure: says what to record."""

from collections import ChainMap
from collections.abc import Collection
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import BadInput
from runner.model import Action, Digest, Facts, Result, ShotId, Step, Storyboard
from runner.planner import SETTLED, make_plan


class Acceptance(Struct, frozen=True):
    """A take a person says yes to, although something else is asked by now."""

    old: Digest  # the fingerprint it had
    result: Result  # as it now counts: new fingerprint and document, `accepted` is what was sent
    reason: str  # what has changed since


def accept(
    storyboard: Storyboard, facts: Facts, shots: Collection[ShotId]
) -> tuple[Acceptance, ...]:
    """What must be recorded so that these shots are up to date as they are; empty if they are.

    A shot that hangs on another accepted here counts with the other's bytes. Raises BadInput for
    a shot without bytes to accept, or one that hangs on a shot still to be rendered.
    """
    accepted: dict[Digest, Result] = {}
    found: list[Acceptance] = []
    results = ChainMap(accepted, cast("dict[Digest, Result]", facts.history.results))
    known = replace(facts, history=replace(facts.history, results=results))
    while True:
        plan = make_plan(storyboard, known, gateway="", only=shots)
        stale = [s for s in plan.steps if s.shot in shots and s.action not in SETTLED]
        ready = [step for step in stale if step.action is Action.RENDER]
        if not stale:
            return tuple(found)
        if not ready:
            raise BadInput(f"{stale[0].shot} cannot be accepted: {stale[0].reason}")
        for step in ready:
            acceptance = _one(step, known)
            accepted[acceptance.result.fingerprint] = acceptance.result
            found.append(acceptance)


def _one(step: Step, facts: Facts) -> Acceptance:
    before = facts.history.latest.get((step.shot, step.take))
    name = f"{step.shot} take {step.take}"
    if before is None:
        raise BadInput(f"{name} was never rendered: there is nothing to accept")
    if before.sha256 not in facts.held:
        raise BadInput(f"{name} cannot be accepted: its bytes are in no store")
    assert step.fingerprint is not None
    assert step.asked is not None
    result = replace(
        before,
        fingerprint=step.fingerprint,
        asked=step.asked,
        accepted=before.accepted or before.asked,
    )
    return Acceptance(before.fingerprint, result, step.reason)
