"""What becomes of one take, from top to bottom."""

from dataclasses import replace

from runner.errors import ReelmakeError
from runner.executor.board import Work
from runner.executor.collect import collect, fetch_again
from runner.executor.run import Run
from runner.executor.settle import reconcile
from runner.executor.submit import Ended, expected, submit
from runner.model import Action, Attempt, Expected, Outcome, Status, Step, Take


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
    step = Step(
        attempt.shot,
        attempt.take,
        Action.RESUME,
        f"job {attempt.job} was asked for earlier",
        attempt.fingerprint,
        asked=attempt.asked,
    )
    try:
        outcome = await collect(run, attempt, step, Expected())
    except ReelmakeError as error:
        return Outcome(step, Status.FAILED, detail=error.what)
    if outcome.status is Status.DONE:
        detail = f"job {attempt.job} from an earlier version of the shot is kept in the store"
        return replace(outcome, detail=detail)
    return outcome


async def make(run: Run, work: Work) -> Outcome:
    step, fingerprint = work.step, work.step.fingerprint
    if fingerprint is None:
        return Outcome(step, Status.BLOCKED, detail=step.reason)
    hopes = expected(run, work.take, work.shot.vendor)
    attempt = run.running.get(fingerprint)
    if attempt is None and step.action is Action.RESUME and step.result:
        return await fetch_again(run, step, step.result)
    if attempt is None and fingerprint in run.doubtful:
        found = await reconcile(run, work)
        if isinstance(found, Outcome):
            return found
        attempt = found
    if attempt is not None:
        return await collect(run, attempt, step, hopes)
    return await render(run, work)


async def render(run: Run, work: Work) -> Outcome:
    """Submits and collects. Lack of capacity at the vendor is tried once more by itself."""
    ended = await once(run, work, work.take, work.step)
    if ended.failure == "capacity" and run.capacity_retries.spend():
        run.parts.progress.note(f"{work.step.shot}: no capacity, tried once more")
        ended = await once(run, work, work.take, work.step)
    return ended.outcome


async def once(run: Run, work: Work, take: Take, step: Step) -> Ended:
    run.capacity_retries.tried()
    sent = await submit(run, work.shot, take, step)
    if isinstance(sent, Ended):
        return sent
    outcome = await collect(run, sent, step, expected(run, take, work.shot.vendor))
    return Ended(outcome, run.failures.get(sent.id))
