"""A plan on paper: saved, reviewed, and later done exactly as approved, or not at all.

The bytes are the same for the same plan, so that it can be committed and read in a pull request.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from runner.errors import BadInput
from runner.model import JSON, Action, Digest, Money, Plan, ShotId, Step, Storyboard
from runner.planner import SETTLED, SPENDING, Selection, total

FORMAT = 1

# What a step may have become since it was saved: further along the way it was approved for.
# A wait has shown its request by then, a render may have been done, bytes are where they were.
FURTHER = {
    Action.REUSE: {*SETTLED},
    Action.RESTORE: {*SETTLED},
    Action.RESUME: {Action.RESUME, *SETTLED},
    Action.RENDER: {Action.RENDER, Action.RESUME, *SETTLED},
    Action.WAIT: {Action.WAIT, Action.RENDER, Action.RESUME, *SETTLED},
    Action.BLOCKED: {Action.BLOCKED},
}


class SavedStep(Struct, frozen=True):
    action: Action
    fingerprint: Digest | None
    cost: Money | None
    sha256: Digest | None  # bytes that were known for it


class SavedPlan(Struct, frozen=True):
    storyboard: str
    sha256: Digest
    gateway: str
    selection: Selection
    steps: Mapping[tuple[ShotId, int], SavedStep]


def save(storyboard: Storyboard, plan: Plan, selection: Selection) -> bytes:
    """The plan as reviewable JSON, a step a line."""
    price = total(plan.steps)
    head = {
        "plan": FORMAT,
        "storyboard": {"path": storyboard.path, "sha256": storyboard.sha256},
        "gateway": plan.gateway,
        "only": selection.only,
        "takes": selection.takes,
        "force": selection.force,
        "totals": {"cost": _money(price.cost), "unpriced": price.unpriced},
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    steps = ",\n".join(f"    {json.dumps(_step(step), ensure_ascii=False)}" for step in plan.steps)
    text = "\n".join(["{", *lines, '  "steps": [', steps, "  ]", "}", ""])
    return text.encode("utf-8", "backslashreplace")


def read_saved(data: bytes, name: str) -> SavedPlan:
    """A saved plan from its bytes. Raises BadInput with `name` for anything else."""
    try:
        saved = json.loads(data)
        if saved["plan"] != FORMAT:
            raise BadInput(f"{name} has format {saved['plan']!r}; this version reads {FORMAT}")
        steps = {(ShotId(s["shot"]), s["take"]): _read_step(s) for s in saved["steps"]}
        costs = (step.cost.amount for step in steps.values() if step.cost)
        if Decimal(saved["totals"]["cost"]["amount"]) != sum(costs):
            raise ValueError("its total is not the sum of its steps")  # and was approved
        return SavedPlan(
            storyboard=saved["storyboard"]["path"],
            sha256=Digest(saved["storyboard"]["sha256"]),
            gateway=saved["gateway"],
            selection=Selection(
                only=None if saved["only"] is None else tuple(map(ShotId, saved["only"])),
                takes=None if saved["takes"] is None else tuple(saved["takes"]),
                force=saved["force"],
            ),
            steps=steps,
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise BadInput(f"{name} is not a saved plan ({error!r})", do="plan --save again") from error


def moved(saved: SavedPlan, storyboard: Storyboard, plan: Plan) -> tuple[str, ...]:
    """What is no longer as approved, a line each; empty if the plan may be done.

    Steps may only be further along: a plan that was interrupted can be taken up again.
    """
    return tuple(_moved(saved, storyboard, plan))


def _moved(saved: SavedPlan, storyboard: Storyboard, plan: Plan) -> Iterator[str]:
    for what, before, now in (
        ("storyboard", saved.storyboard, storyboard.path),
        ("storyboard's content", saved.sha256[:12], storyboard.sha256[:12]),
        ("gateway", saved.gateway, plan.gateway),
    ):
        if before != now:
            yield f"{what}: {before} -> {now}"
    present = {(step.shot, step.take): step for step in plan.steps}
    for key, before_step in saved.steps.items():
        name = f"{key[0]} take {key[1]}"
        step = present.get(key)
        if step is None:
            yield f"{name}: no longer in the plan"
        else:
            yield from (f"{name}: {text}" for text in _moved_step(before_step, step))
    yield from (
        f"{shot} take {take}: not in the saved plan"
        for shot, take in present
        if (shot, take) not in saved.steps
    )


def _moved_step(before: SavedStep, now: Step) -> Iterator[str]:
    if before.fingerprint and now.fingerprint != before.fingerprint:
        yield f"asks for something else ({now.reason})"
    elif now.action not in FURTHER[before.action]:
        yield f"{before.action} -> {now.action} ({now.reason})"
    elif before.sha256 and now.result and now.result.sha256 != before.sha256:
        yield f"its bytes are others: {before.sha256[:12]} -> {now.result.sha256[:12]}"
    cost = now.estimate.cost if now.estimate else None
    if now.action in SPENDING and before.action in SPENDING and cost != before.cost:
        yield f"price {before.cost or 'unknown'} -> {cost or 'unknown'}"


def _step(step: Step) -> dict[str, JSON]:
    return {
        "shot": step.shot,
        "take": step.take,
        "action": step.action,
        "reason": step.reason,
        "fingerprint": step.fingerprint,
        "cost": _money(step.estimate.cost) if step.estimate else None,
        "sha256": step.result.sha256 if step.result else None,
    }


def _money(money: Money) -> dict[str, str]:
    return {"amount": f"{money.amount:f}", "currency": money.currency}


def _read_step(saved: Mapping[str, JSON]) -> SavedStep:
    cost = saved["cost"]
    return SavedStep(
        action=Action(saved["action"]),
        fingerprint=saved["fingerprint"],
        cost=None if cost is None else Money(Decimal(cost["amount"]), cost["currency"]),
        sha256=saved["sha256"],
    )
