"""Decide what must be done about every take, and why.

Pure: storyboard and facts in, a plan out. Never reads a file, a clock, the network or the
environment, so the same facts give the same plan, byte for byte.

For one take, in this order:

    an input's bytes are not known     WAIT, or BLOCKED where they will not come
    a job for the same request runs    RESUME
    a submission is in doubt           BLOCKED until a person settles it
    bytes for the same request exist   REUSE in place, RESTORE otherwise
    they are lost but still on offer   RESUME: downloading again is free
    nothing of the kind                RENDER
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from runner import graph
from runner.errors import BadInput
from runner.fingerprint import asked, digest
from runner.model import (
    JSON,
    Action,
    Attempt,
    Digest,
    Facts,
    JobId,
    LocalFile,
    Medium,
    Money,
    Plan,
    Request,
    Result,
    Shot,
    ShotId,
    ShotOutput,
    Standing,
    Step,
    Storyboard,
    Take,
)
from runner.why import because

SPENDING = (Action.RENDER, Action.WAIT)
SHOWN = 16  # characters of a job id
SETTLED = (Action.REUSE, Action.RESTORE)
UP_TO_DATE = "up to date"


class Selection(Struct, frozen=True):
    """What is wanted of a film: these shots, and of these the takes; None: all of them.

    `force` renders them although they are up to date.
    """

    only: tuple[ShotId, ...] | None = None
    takes: tuple[int, ...] | None = None
    force: bool = False


def make_plan(
    storyboard: Storyboard,
    facts: Facts,
    *,
    gateway: str,
    only: Collection[ShotId] | None = None,
    takes: Collection[int] | None = None,
    force: bool = False,
) -> Plan:
    """What a run would do, step by step, in an order in which it could be done.

    `only` names the shots that are wanted (None: all) and `takes` the takes of these; of what
    they hang on, the kept takes come along. `force` renders what is wanted although it is up to
    date. The storyboard has no cycles. Raises BadInput for an id it does not have.
    """
    shots = {shot.id: shot for shot in storyboard.shots}
    _check_outputs(shots)
    wanted = _known(shots if only is None else only, shots)
    order = _order(storyboard.shots, shots)
    needed = _with_needs(order, wanted)
    board = _Board()
    for shot in order:
        if shot.id in needed:
            direct = shot.id in wanted
            numbers = takes if direct else (shot.keep,)
            for take in shot.takes:
                if numbers is None or take.number in numbers:
                    step = decide(shot, take, facts, board.kept, force=force and direct)
                    board.put(shot, _among(step, shot, board))
    return Plan(storyboard.path, gateway, tuple(board.steps))


def decide(
    shot: Shot, take: Take, facts: Facts, kept: Mapping[ShotId, Digest], *, force: bool = False
) -> Step:
    """What must be done about one take, when `kept` gives the bytes of settled upstream shots.

    The executor asks this again for every waiting take once its upstream is settled; a take whose
    upstream came out as before is then found to be up to date.
    """
    document = asked(take, lambda medium: _identity(medium, facts, kept))
    fingerprint = digest(document) if document else None
    verdict = (
        _judge(shot, take, facts, document, fingerprint, force)
        if document and fingerprint
        else _unknown(take, facts, kept)
    )
    if shot.pin and (verdict.action in SPENDING or document is None):
        verdict = _pinned(verdict, shot, take, facts, document)
    spends = verdict.action in SPENDING
    return Step(
        shot=shot.id,
        take=take.number,
        action=verdict.action,
        reason=verdict.reason,
        fingerprint=fingerprint,
        estimate=facts.estimate(take.request) if spends else None,
        depends_on=shot.needs,
        result=verdict.result,
        asked=document,
        forced=force and spends,
    )


def missing(plan: Plan) -> tuple[Step, ...]:
    """What a frozen run cannot bring back: everything that is neither in place nor in a store."""
    return tuple(step for step in plan.steps if step.action not in SETTLED)


def asked_after(facts: Facts, gateway: str) -> Facts:
    """The facts when `gateway` itself can tell what became of the submissions in doubt there.

    Then a doubt blocks nothing: what hangs on it will be rendered in the same run.
    """
    history = facts.history
    known = {f: attempt for f, attempt in history.doubtful.items() if attempt.gateway == gateway}
    doubtful = {f: attempt for f, attempt in history.doubtful.items() if f not in known}
    history = replace(history, running={**history.running, **known}, doubtful=doubtful)
    return replace(facts, history=history)


class Total(Struct, frozen=True):
    """What a plan may cost. A waiting take is counted in full: it may still turn out free."""

    cost: Money
    unpriced: int  # steps that may cost money nobody can tell


def total(steps: Sequence[Step]) -> Total:
    """The price of everything that may be rendered."""
    spending = [step for step in steps if spends(step)]
    known = [step.estimate.cost.amount for step in spending if step.estimate]
    return Total(Money(sum(known, Decimal(0))), len(spending) - len(known))


def fallbacks(storyboard: Storyboard, steps: Sequence[Step], facts: Facts) -> Total:
    """What `on_failure` may cost besides: if all of it is needed, and what fails is billed."""
    spending = {(step.shot, step.take) for step in steps if spends(step)}
    prices = [
        facts.estimate(fallback(take.request, change))
        for shot in storyboard.shots
        for take in shot.takes
        if (shot.id, take.number) in spending
        for change in shot.on_failure
    ]
    known = [price.cost.amount for price in prices if price]
    return Total(Money(sum(known, Decimal(0))), len(prices) - len(known))


def fallback(request: Request, change: Mapping[str, JSON]) -> Request:
    """The request of one `on_failure` step; `again` alone changes nothing."""
    return replace(request, **{key: value for key, value in change.items() if key != "again"})


class _Board(Struct):
    """What the plan has settled so far, in the order of the steps."""

    steps: list[Step] = field(default_factory=list)
    kept: dict[ShotId, Digest] = field(default_factory=dict)
    blocked: set[ShotId] = field(default_factory=set)  # shots whose kept take will not come
    asked: dict[Digest, Step] = field(default_factory=dict)

    def put(self, shot: Shot, step: Step) -> None:
        self.steps.append(step)
        if step.fingerprint and step.action in (Action.RENDER, Action.RESUME):
            self.asked[step.fingerprint] = step
        if step.take == shot.keep:
            if step.action in SETTLED and step.result:
                self.kept[shot.id] = step.result.sha256
            elif step.action is Action.BLOCKED:
                self.blocked.add(shot.id)


def _among(step: Step, shot: Shot, board: _Board) -> Step:
    """The step as its place among the others makes it."""
    if step.action in SETTLED or step.action is Action.BLOCKED:
        return step
    if step.fingerprint and (other := board.asked.get(step.fingerprint)):
        return replace(
            step,
            action=Action.WAIT,
            reason=f"asks for exactly what {other.shot} take {other.take} asks: one serves both",
            estimate=None,
            depends_on=tuple(dict.fromkeys((*step.depends_on, other.shot))),
            forced=False,
        )
    if step.action is not Action.RESUME:
        for upstream in shot.needs:
            if upstream in board.blocked:
                reason = f"hangs on {upstream}, which is blocked"
                return replace(step, action=Action.BLOCKED, reason=reason, estimate=None)
    return step


def spends(step: Step) -> bool:
    """Whether a step may cost something; one that another's take will serve does not."""
    shared = step.action is Action.WAIT and step.fingerprint is not None
    return step.action in SPENDING and not shared


def _known(names: Collection[ShotId], shots: Mapping[ShotId, Shot]) -> frozenset[ShotId]:
    unknown = [name for name in names if name not in shots]
    if unknown:
        raise BadInput(
            f"the storyboard has no shot {', '.join(repr(str(name)) for name in unknown)}",
            do=f"one of: {', '.join(list(shots)[:12])}{', ...' if len(shots) > 12 else ''}",
        )
    return frozenset(names)


def _check_outputs(shots: Mapping[ShotId, Shot]) -> None:
    """The only names that can meet: a variant called `t2`, and take 2 of the shot it varies."""
    for shot_id in shots:
        of, _, variant = shot_id.rpartition(".")
        if variant[:1] in ("t", "T") and variant[1:].isdigit() and ShotId(of) in shots:
            names = {
                n for t in shots[ShotId(of)].takes for n in shots[ShotId(of)].outputs(t.number)
            }
            if f"{shot_id}.mp4".lower() in {name.lower() for name in names}:
                raise BadInput(
                    f"{shot_id} and take {variant[1:]} of {of} would be one file, {shot_id}.mp4",
                    do=f"rename the variant {variant}",
                )


def _order(written: Sequence[Shot], shots: Mapping[ShotId, Shot]) -> Sequence[Shot]:
    """Every shot after what it needs. Most storyboards are written so, and that is seen at once."""
    seen: set[ShotId] = set()
    for shot in written:
        if not seen.issuperset(shot.needs):
            return [shots[name] for name in graph.order({s.id: s.needs for s in written})]
        seen.add(shot.id)
    return written


def _with_needs(order: Sequence[Shot], wanted: Collection[ShotId]) -> set[ShotId]:
    needed = set(wanted)
    if len(needed) == len(order):
        return needed
    for shot in reversed(order):
        if shot.id in needed:
            needed.update(shot.needs)
    return needed


def _identity(medium: Medium, facts: Facts, kept: Mapping[ShotId, Digest]) -> Digest | None:
    match medium.origin:
        case LocalFile(path):
            return facts.files.get(path)
        case ShotOutput(shot):
            return kept.get(shot)
    raise AssertionError(f"{medium.origin} needs no identity")


class _Verdict(NamedTuple):
    action: Action
    reason: str
    result: Result | None = None


def _judge(
    shot: Shot,
    take: Take,
    facts: Facts,
    document: Mapping[str, JSON],
    fingerprint: Digest,
    force: bool,
) -> _Verdict:
    history = facts.history
    if attempt := history.running.get(fingerprint):
        return _Verdict(Action.RESUME, _in_flight(attempt))
    if attempt := history.doubtful.get(fingerprint):
        return _Verdict(Action.BLOCKED, _in_doubt(attempt))
    result = history.results.get(fingerprint)
    if result is None:
        return _Verdict(Action.RENDER, _difference(shot, take, document, facts))
    if force:
        return _Verdict(Action.RENDER, "forced", result)
    return _known_result(shot, take, result, facts)


def _unknown(take: Take, facts: Facts, kept: Mapping[ShotId, Digest]) -> _Verdict:
    origins = [medium.origin for medium in take.request.media]
    for origin in origins:
        if isinstance(origin, LocalFile) and origin.path not in facts.files:
            return _Verdict(Action.BLOCKED, f"{origin.path} cannot be read")
    missing = dict.fromkeys(
        origin.shot
        for origin in origins
        if isinstance(origin, ShotOutput) and origin.shot not in kept
    )
    return _Verdict(Action.WAIT, f"waits for {', '.join(missing)}")


def short(job: JobId | None) -> str:
    """A job id as a sentence can bear it; `status` shows the whole."""
    return str(job) if job is None or len(job) <= SHOWN else f"{job[: SHOWN - 1]}…"


def _in_flight(attempt: Attempt) -> str:
    if attempt.job is None:
        return f"its answer was lost: {attempt.gateway} is asked whether there is a job"
    if attempt.standing is Standing.COMPLETED:
        return f"job {short(attempt.job)} is ready and not stored yet"
    return f"job {short(attempt.job)} is in flight at {attempt.gateway}"


def _in_doubt(attempt: Attempt) -> str:
    price = f"{attempt.estimate.cost} at risk" if attempt.estimate else "price unknown"
    return (
        f"submitted {attempt.submitted_at} and never answered ({price}): "
        "adopt, resubmit or abandon it"
    )


def _known_result(shot: Shot, take: Take, result: Result, facts: Facts) -> _Verdict:
    names = shot.outputs(take.number)
    intact = [name for name in names if facts.outputs.get(name) == result.sha256]
    if result.sha256 in facts.held:
        if len(intact) == len(names):
            return _Verdict(Action.REUSE, _accepted(result, shot, take) or UP_TO_DATE, result)
        wrong = next(name for name in names if name not in intact)
        return _Verdict(Action.RESTORE, _misplaced(wrong, result, facts), result)
    if intact:
        reason = f"{intact[0]} has the bytes, the store has not"
        return _Verdict(Action.RESTORE, reason, result)
    if result.job is not None and result.job in facts.fetchable:
        reason = f"its bytes are in no store; job {short(result.job)} still has them"
        return _Verdict(Action.RESUME, reason, result)
    return _Verdict(Action.RENDER, f"rendered {result.completed_at}, but its bytes are in no store")


def _accepted(result: Result, shot: Shot, take: Take) -> str:
    if result.accepted is None:
        return ""
    before = replace(result, asked=result.accepted)
    return f"accepted as it is: {because(before, result.asked, shot, take)}"


def _pinned(
    verdict: _Verdict, shot: Shot, take: Take, facts: Facts, document: Mapping[str, JSON] | None
) -> _Verdict:
    """A pinned take stays what it was, whatever is asked by now; the first one must be rendered."""
    before = facts.history.latest.get((shot.id, take.number))
    if before is None:
        return verdict
    found = _known_result(shot, take, before, facts)
    if found.action is Action.REUSE:
        changed = because(before, document, shot, take) if document else ""
        reason = f"pinned, although {changed}" if changed else "pinned"
        return found._replace(reason=reason)
    if found.action is Action.RENDER:
        reason = "pinned, but its bytes are in no store: unpin it to render it again"
        return _Verdict(Action.BLOCKED, reason)
    return found._replace(reason=f"pinned; {found.reason}")


def _misplaced(name: str, result: Result, facts: Facts) -> str:
    """What is wrong with an output: `name` does not hold the bytes of `result`."""
    found = facts.outputs.get(name)
    if found is None:
        return f"{name} is missing"
    if found in facts.held:
        return f"{name} holds another render"
    size = facts.sizes.get(name)
    if size is not None and size < result.bytes:
        return f"{name} was truncated: {size} of {result.bytes} bytes"
    return f"{name} was edited"


def _difference(shot: Shot, take: Take, document: Mapping[str, JSON], facts: Facts) -> str:
    before = facts.history.latest.get((shot.id, take.number))
    if before is None:
        return "new"
    return because(before, document, shot, take) or "rendered before, but its result is not known"
