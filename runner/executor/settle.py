"""What an earlier run left behind: open intents, answers in doubt, jobs nobody waits for.

How a doubt is settled is the profile's contract: by the key, by a listing, or by a person.
"""

from asyncio import to_thread
from collections.abc import Container
from hashlib import sha256

from msgspec.structs import replace

from runner.executor import receipt as receipts
from runner.executor.listed import by_list
from runner.executor.run import Run
from runner.executor.submit import accept, answer_to, file, in_doubt, turn, written
from runner.gateway.filing import Verdict, classify
from runner.gateway.limits import backoff
from runner.journal import facts as record
from runner.journal.facts import seconds_of
from runner.model import (
    Action,
    Attempt,
    Digest,
    Outcome,
    Plan,
    Shot,
    ShotId,
    Standing,
    Status,
    Step,
    Take,
)

CRASHED = "the program ended before an answer came"
SKEW = 60.0  # s
REPEATS = 12  # of a keyed POST: any answer but a job or a refusal means the same once more


async def recover(run: Run) -> None:
    """Files every open attempt. The lock is ours, so nobody else is waiting for its answer.

    What another gateway answered is left to a run there: its profile says what that proves.
    """
    sweep(run)
    if not run.paid:
        await let_go(run)
    for attempt in run.parts.journal.attempts(run.parts.journal.realm, Standing.OPEN):
        saved = run.parts.journal.receipt(attempt.id)
        if saved is not None and run.elsewhere(attempt):
            continue
        if saved is None:
            verdict = Verdict(Standing.AMBIGUOUS, CRASHED)
        else:
            verdict = classify(receipts.read(saved), run.parts.profile, run.parts.clock.now())
        verdict = await file(run, attempt, verdict)
        run.found(
            replace(attempt, standing=verdict.standing, job=verdict.job, detail=verdict.detail)
        )


def sweep(run: Run) -> None:
    """Unfinished downloads of a run that was killed; nobody else can be at work on them."""
    for part in run.parts.scratch.glob(".*.part"):
        part.unlink(missing_ok=True)


async def let_go(run: Run) -> None:
    """A preview whose answer was lost is drawn again: it was free, so nobody need be asked.

    Jobs that were accepted are collected like any others: the built-in gateway keeps them.
    """
    left = list(run.doubtful.values())
    if not left:
        return
    await run.parts.journal.append(*(record.gone(attempt.id) for attempt in left))
    for attempt in left:
        run.note(replace(attempt, standing=Standing.ABANDONED))


def forgotten(run: Run, plan: Plan) -> list[Attempt]:
    """Jobs that no step of this plan asks for: paid, or perhaps, so their takes are kept."""
    wanted = {step.fingerprint for step in plan.steps}
    unknown = {(step.shot, step.take) for step in plan.steps if step.fingerprint is None}
    listed = run.parts.profile.dedupe.contract == "listed"
    attempts = (*run.running.values(), *(run.doubtful.values() if listed else ()))
    return [
        attempt
        for attempt in attempts
        if attempt.fingerprint not in wanted
        and not (attempt.instead_of and stands_for_one(attempt, wanted, unknown))
        and not run.elsewhere(attempt)
    ]


def stands_for_one(
    attempt: Attempt, wanted: Container[Digest | None], unknown: Container[tuple[ShotId, int]]
) -> bool:
    """Whether an `on_failure` step's attempt is for a take of the plan, which will ask for it.

    `unknown` are takes whose request is known only once what they wait for is there.
    """
    return attempt.instead_of in wanted or (attempt.shot, attempt.take) in unknown


async def reconcile(
    run: Run, attempt: Attempt, shot: Shot, take: Take, step: Step
) -> Attempt | Outcome | None:
    """Settles a doubt: the accepted attempt, None where it may be sent again, or an outcome."""
    if place := run.elsewhere(attempt):
        return in_doubt(step, replace(attempt, detail=f"its answer was lost {place}"))
    dedupe = run.parts.profile.dedupe
    age = run.parts.clock.now() - seconds_of(attempt.submitted_at)
    age = 0.0 if -SKEW < age < 0 else age  # a clock set right; one set back by a day tells nothing
    if dedupe.contract == "keyed" and dedupe.holds(age):
        return await by_key(run, attempt, shot, take, step)
    if dedupe.contract == "listed":
        return await by_list(run, attempt, step)
    return in_doubt(step, attempt)


async def by_key(
    run: Run, attempt: Attempt, shot: Shot, take: Take, step: Step
) -> Attempt | Outcome:
    """The same bytes under the same key: the gateway answers with the same job, or makes it."""
    intent = run.parts.journal.intent(attempt.id)
    body = await to_thread(written, run, take, shot.vendor)
    if sha256(body).hexdigest() != intent["body_sha256"]:
        detail = "the same bytes cannot be sent again: the request is written differently now"
        return in_doubt(step, replace(attempt, detail=detail))
    for tries in range(1, REPEATS + 1):
        async with turn(run, shot.vendor):
            if run.closed:
                return Outcome(step, Status.BLOCKED, detail=run.closed)
            verdict = await run.guarded(repeat(run, attempt, body, intent["key"]))
        if verdict.standing is Standing.ACCEPTED:
            return accept(run, attempt, verdict)
        if verdict.stops_all:
            run.close(f"nothing more is submitted: {verdict.detail}")
        if verdict.standing is Standing.REFUSED and not verdict.again:
            return in_doubt(step, replace(attempt, detail=verdict.detail))
        wait = verdict.retry_after or 1.0 + backoff(tries, run.parts.random)
        await run.parts.clock.sleep(wait)
    return in_doubt(step, attempt)


async def repeat(run: Run, attempt: Attempt, body: bytes, key: str) -> Verdict:
    """Only an acceptance moves the attempt on: a refusal now says nothing of the first POST."""
    await run.parts.journal.append(record.repeated(attempt.id))
    verdict = await answer_to(run, attempt, body, key)
    if verdict.standing is Standing.ACCEPTED and verdict.job:
        await run.parts.journal.append(record.adopted(attempt.id, verdict.job, "key"))
    return verdict


def stray_step(attempt: Attempt) -> Step:
    """A step for a job that no plan asks for any more."""
    return Step(
        attempt.shot,
        attempt.take,
        Action.RESUME,
        f"job {attempt.job} was asked for earlier",
        attempt.fingerprint,
        asked=attempt.asked,
    )
