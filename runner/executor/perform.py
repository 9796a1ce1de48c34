"""What becomes of one take, from top to bottom."""

from collections.abc import Mapping

from msgspec.structs import replace

from runner.errors import BadInput, ReelmakeError
from runner.executor.board import Work
from runner.executor.collect import collect, fetch_again
from runner.executor.listed import by_list
from runner.executor.run import Run
from runner.executor.settle import reconcile, stray_step
from runner.executor.submit import Ended, expected, submit
from runner.journal import facts as record
from runner.model import (
    JSON,
    Action,
    Attempt,
    Expected,
    Outcome,
    Shot,
    Status,
    Step,
    Take,
)
from runner.planner import decide, fallback

# Fields that an `on_failure` step may give another value by itself.
PLAIN = frozenset(
    [
        "model", "prompt", "negative_prompt", "seconds", "size", "resolution", "aspect_ratio",
        "again", "audio", "watermark", "seed", "media", "options", "extra_body",
    ]
)  # fmt: skip


async def perform(run: Run, work: Work) -> Outcome:
    """One take, from decision to store. What the outside will not do is a failure, not a crash."""
    try:
        return await make(run, work)
    except ReelmakeError as error:
        if run.parts.journal.broken:
            run.close(run.parts.journal.broken)
        return Outcome(work.step, Status.FAILED, detail=error.what)


async def pick_up(run: Run, attempt: Attempt) -> Outcome:
    """A job that no step asks for any more: it is paid, so its take is kept in the store."""
    step = stray_step(attempt)
    try:
        found = await by_list(run, attempt, step) if attempt.job is None else attempt
        if found is None:
            return Outcome(step, Status.DONE, detail="an answer was lost, but there is no job")
        if isinstance(found, Outcome):
            return found
        outcome = await collect(run, found, step, Expected())
    except ReelmakeError as error:
        return Outcome(step, Status.FAILED, detail=error.what)
    if outcome.status is Status.DONE:
        detail = f"job {found.job} from an earlier version of the shot is kept in the store"
        return replace(outcome, detail=detail)
    return outcome


async def make(run: Run, work: Work) -> Outcome:
    step, fingerprint = work.step, work.step.fingerprint
    if fingerprint is None:
        return Outcome(step, Status.BLOCKED, detail=step.reason)
    attempt = run.running.get(fingerprint)
    if attempt is None and step.action is Action.RESUME and step.result:
        return await fetch_again(run, step, step.result)
    attempt = attempt or run.doubtful.get(fingerprint)
    if attempt is not None:
        settled = await follow(run, attempt, work.shot, work.take, step)
        if settled is not None:
            return settled.outcome
        work = again(run, work)
    return await render(run, work)


def again(run: Run, work: Work) -> Work:
    """The same take, judged by what is known now."""
    step = decide(work.shot, work.take, run.facts, run.kept, force=work.step.forced)
    return replace(work, step=step)


async def follow(run: Run, attempt: Attempt, shot: Shot, take: Take, step: Step) -> Ended | None:
    """How an attempt ended; None if it provably came to nothing and may be sent again."""
    if attempt.job is None:
        found = await reconcile(run, attempt, shot, take, step)
        if isinstance(found, Outcome):
            return Ended(found)
        if found is None:
            return None
        attempt = found
    outcome = await collect(run, attempt, step, expected(run, take, shot.vendor))
    return Ended(outcome, run.failures.get(attempt.id))


async def render(run: Run, work: Work) -> Outcome:
    """Submits and collects, then whatever `on_failure` says, until something comes of it."""
    changes = list(work.shot.on_failure)
    number = in_hand(run, work)
    if number is None:
        ended, rest = await at_first(run, work), changes
    else:
        ended = await instead(run, work, changes[number], "an earlier run had come to this")
        rest = changes[number + 1 :]
    for change in rest:
        if ended.failure is None:
            break
        ended = await instead(run, work, change, ended.outcome.detail)
    return ended.outcome


async def at_first(run: Run, work: Work) -> Ended:
    """The request itself. Lack of capacity at the vendor is tried once more without being told."""
    ended = await once(run, work.shot, work.take, work.step)
    if ended.failure == "capacity" and run.capacity_retries.spend():
        run.parts.progress.note(f"{work.step.shot}: no capacity, tried once more")
        ended = await once(run, work.shot, work.take, work.step)
    return ended


def in_hand(run: Run, work: Work) -> int | None:
    """The `on_failure` step that an earlier run had sent for this take, by its number."""
    sent = {
        attempt.fingerprint
        for attempt in (*run.running.values(), *run.doubtful.values())
        if attempt.instead_of is not None and attempt.instead_of == work.step.fingerprint
    }
    for number, change in enumerate(work.shot.on_failure if sent else ()):
        if stand_in(run, work, change)[2].fingerprint in sent:
            return number
    return None


def stand_in(run: Run, work: Work, change: Mapping[str, JSON]) -> tuple[Shot, Take, Step]:
    """Shot, take and step as one step of `on_failure` has them."""
    shot, take = changed(run, work.shot, work.take, change)
    step = decide(shot, take, run.facts, run.kept, force=work.step.forced)
    return shot, take, replace(step, instead_of=work.step)


async def instead(run: Run, work: Work, change: Mapping[str, JSON], why: str) -> Ended:
    """One step of the shot's `on_failure`. What it renders stands for the take that failed."""
    shot, take, step = stand_in(run, work, change)
    names = ", ".join(f"{key}: {value}" for key, value in change.items() if key != "media")
    run.parts.progress.note(f"{shot.id}: {why}; instead, {names}")
    if step.action in (Action.REUSE, Action.RESTORE):
        ended = Ended(Outcome(step, Status.DONE, step.result))
    elif step.fingerprint in run.running or step.fingerprint in run.doubtful:
        attempt = run.running.get(step.fingerprint) or run.doubtful[step.fingerprint]
        ended = await follow(run, attempt, shot, take, step) or await once(run, shot, take, step)
    else:
        ended = await once(run, shot, take, step)
    result = ended.outcome.result
    fingerprint, asked = work.step.fingerprint, work.step.asked
    if result is not None and fingerprint is not None and asked is not None:
        await run.parts.journal.append(record.stands_for(result, fingerprint, asked))
        sent = result.accepted or result.asked
        result = replace(result, fingerprint=fingerprint, asked=asked, accepted=sent)
        run.landed(result)
    return replace(ended, outcome=replace(ended.outcome, step=work.step, result=result))


def changed(run: Run, shot: Shot, take: Take, change: Mapping[str, JSON]) -> tuple[Shot, Take]:
    """The shot and take with the overrides of one step; a new model may bring another vendor.

    Raises BadInput for an override that only the storyboard's reader could resolve.
    """
    for key, value in change.items():
        if key not in PLAIN:
            raise BadInput(f"{shot.id}: on_failure cannot change {key} to {value!r}")
    request = fallback(take.request, change)
    facts = run.parts.facts(request.model)
    if facts is None:
        raise BadInput(f"{shot.id}: on_failure names the unknown model {request.model!r}")
    return replace(shot, vendor=facts.vendor), replace(take, request=request)


async def once(run: Run, shot: Shot, take: Take, step: Step) -> Ended:
    """Sends until there is an answer to follow: again only where nothing provably came of it."""
    run.capacity_retries.tried()
    while True:
        sent = await submit(run, shot, take, step)
        if isinstance(sent, Ended):
            return sent
        ended = await follow(run, sent, shot, take, step)
        if ended is not None:
            return ended
