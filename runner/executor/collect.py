"""From a job id to bytes in the store: look, fetch, check, keep.

Everything here is a GET and may be done again. Whatever goes wrong, the job stays on record and
the next run goes on from there; no trouble here ever leads to a new POST by itself.
"""

from decimal import Decimal
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner.executor.review import review
from runner.executor.run import Run
from runner.gateway.download import Fetched, Got
from runner.gateway.filing import Report, State
from runner.gateway.limits import backoff
from runner.gateway.polling import next_poll
from runner.journal import facts as record
from runner.journal.facts import seconds_of
from runner.model import (
    Attempt,
    Estimate,
    Expected,
    JobId,
    Money,
    Outcome,
    Probe,
    Result,
    Standing,
    Status,
    Step,
)

SHORTEST = 0.05  # s between two looks, whatever the schedule says
DRIFT = Decimal("0.1")  # of an estimate; a bill further from it is told
DENIALS = 3  # looks that the key was not good for, in a row
FETCHES = 6  # rounds of downloading; each tries several times by itself
LATER = (Got.NOT_READY, Got.UNREACHABLE, Got.BROKEN, Got.MISSING)


async def collect(run: Run, attempt: Attempt, step: Step, expected: Expected) -> Outcome:
    """The outcome of an accepted attempt."""
    if place := run.elsewhere(attempt):
        return Outcome(step, Status.BLOCKED, detail=f"job {attempt.job} is {place}")
    assert attempt.job is not None
    seen = await watch(run, attempt, attempt.job, step)
    if isinstance(seen, Outcome):
        return seen
    return await take_home(run, attempt, attempt.job, step, seen, expected)


# ── looking ─────────────────────────────────────────────────────────────────────────────────


class Told(Struct, frozen=True):
    """What the last looks told alike, and since when (monotonic seconds)."""

    state: State
    since: float
    times: int = 0

    def then(self, state: State, now: float) -> "Told":
        if state is self.state:
            return replace(self, times=self.times + 1)
        return Told(state, now, 1)


async def watch(run: Run, attempt: Attempt, job: JobId, step: Step) -> Report | Outcome:
    """Looks until the job has come to an end: the completed report, or the outcome."""
    began, looks = run.parts.clock.monotonic(), 0
    told = Told(State.UNKNOWN, began)
    age = max(0.0, run.parts.clock.now() - seconds_of(attempt.submitted_at))
    if age > run.parts.profile.retention / 2:
        kept = run.parts.profile.retention / 3600
        run.parts.progress.note(
            f"{step.shot}: job {job} was sent {age / 3600:.0f} h ago; results are kept {kept:.0f} h"
        )
    while True:
        elapsed = run.parts.clock.monotonic() - began
        if elapsed > run.parts.profile.poll.give_up:
            return later(step, f"job {job} is still running; the next run looks again")
        await run.parts.clock.sleep(wait(run, attempt, age + elapsed, looks))
        looks += 1
        report = await run.parts.client.look(job)
        run.parts.progress.heard(step, report.word or str(report.state), report.percent)
        if report.anomaly:
            run.parts.progress.note(f"{step.shot}: {report.anomaly}")
        told = told.then(report.state, run.parts.clock.monotonic())
        if told.state is State.DENIED and told.times >= DENIALS:
            return later(step, f"job {job} cannot be read with this key: {report.detail}")
        now = run.parts.clock.monotonic()
        ended = await judge(run, attempt, report, step, age + now - began, now - told.since)
        if ended is not None:
            return ended


def wait(run: Run, attempt: Attempt, age: float, looks: int) -> float:
    """Seconds until the next look. A job from an earlier run may be ready: look at once."""
    advice, fixed = run.parts.profile.poll, run.parts.poll_seconds
    seconds = max(SHORTEST, next_poll(age, looks, run.times[attempt.model], advice, fixed))
    if looks == 0 and run.is_earlier(attempt):
        seconds = 0.0
    return run.looks.book(run.parts.clock.monotonic(), seconds)


async def judge(
    run: Run, attempt: Attempt, report: Report, step: Step, age: float, lasted: float
) -> Report | Outcome | None:
    """What a report means, after `lasted` seconds of its state; None: look again."""
    match report.state:
        case State.COMPLETED:
            return await completed(run, attempt, report, age)
        case State.FAILED:
            return await failed(run, attempt, report, step)
        case State.GONE:
            return await expired(run, attempt, step, report.detail or "the result is gone")
        # Soon after the submit it is lag, later a gateway in trouble: either passes.
        case State.MISSING if lasted > run.parts.profile.poll.grace:
            return await expired(run, attempt, step, "the gateway does not know the job any more")
        case _:
            return None


async def completed(run: Run, attempt: Attempt, report: Report, age: float) -> Report:
    if attempt.standing is not Standing.COMPLETED:
        took = None if run.is_earlier(attempt) else age
        await run.parts.journal.append(record.completed(attempt.id, run.parts.journal.now(), took))
        if took is not None:
            run.times[attempt.model].append(took)
    return report


async def failed(run: Run, attempt: Attempt, report: Report, step: Step) -> Outcome:
    failure, billing = report.failure or "unknown", report.billing or "maybe"
    await run.parts.journal.append(
        record.failed(attempt.id, failure, report.detail, billing, money(report))
    )
    run.note(replace(attempt, standing=Standing.FAILED))
    run.failures[attempt.id] = failure
    price = "" if billing == "free" else f", {billing}"
    return Outcome(step, Status.FAILED, detail=f"{failure}{price}: {report.detail}")


async def expired(run: Run, attempt: Attempt, step: Step, why: str) -> Outcome:
    """Told once: the next run finds an attempt that has ended."""
    await run.parts.journal.append(record.expired(attempt.id, why, attempt.job))
    run.note(replace(attempt, standing=Standing.EXPIRED))
    price = f"{attempt.estimate.cost} lost" if attempt.estimate else "price unknown"
    return Outcome(step, Status.FAILED, detail=f"job {attempt.job}: {why} ({price})")


def later(step: Step, detail: str) -> Outcome:
    return Outcome(step, Status.INTERRUPTED, detail=detail)


def money(report: Report) -> Money | None:
    return Money(report.cost) if report.cost is not None else None


# ── fetching ────────────────────────────────────────────────────────────────────────────────


class Home(Struct, frozen=True):
    """A whole video in the store."""

    fetched: Fetched
    probe: Probe


async def take_home(
    run: Run, attempt: Attempt, job: JobId, step: Step, report: Report, expected: Expected
) -> Outcome:
    home = await fetch(run, attempt, job, step)
    if isinstance(home, Outcome):
        return home
    findings = review(attempt.model, expected, report.echo, home.probe)
    billed = money(report)
    sha256 = home.fetched.sha256
    assert sha256 is not None
    at = run.parts.journal.now()
    fact = record.stored(
        attempt.id,
        sha256=sha256,
        size=home.fetched.bytes,
        probe=home.probe,
        at=at,
        billed=billed,
        findings=findings,
    )
    await run.parts.journal.append(fact)
    tell_drift(run, attempt, billed)
    result = Result(
        attempt=attempt.id,
        shot=attempt.shot,
        take=attempt.take,
        fingerprint=attempt.fingerprint,
        asked=attempt.asked,
        gateway=attempt.gateway,
        job=job,
        submitted_at=attempt.submitted_at,
        completed_at=at,
        sha256=sha256,
        bytes=home.fetched.bytes,
        probe=home.probe,
        cost=Estimate(billed, "billed by the gateway") if billed else attempt.estimate,
        findings=findings,
        vendor=attempt.vendor,
        vars=attempt.vars,
        inputs=attempt.inputs,
    )
    run.landed(result)
    return Outcome(step, Status.DONE, result)


def tell_drift(run: Run, attempt: Attempt, billed: Money | None) -> None:
    """A price table that is wrong is wrong for every shot still to come."""
    if billed is None or attempt.estimate is None:
        return
    thought = attempt.estimate.cost
    over = billed.amount - thought.amount
    apart = over if attempt.estimate.bound else abs(over)
    if apart > DRIFT * thought.amount:
        run.parts.progress.note(f"{attempt.shot}: billed {billed}, thought to cost {thought}")


async def fetch(run: Run, attempt: Attempt, job: JobId, step: Step) -> Home | Outcome:
    """Bytes into the store, durable before anybody is told."""
    dest = run.parts.scratch / f"{attempt.id}.mp4"
    for tries in range(FETCHES):
        fetched = await run.parts.client.fetch(job, dest)
        if fetched.got is Got.DONE and fetched.path and fetched.sha256:
            return await keep(run, fetched, fetched.path)
        if fetched.got is Got.EXPIRED:
            return await expired(run, attempt, step, fetched.detail or "the result is gone")
        if fetched.got not in LATER:
            break
        await run.parts.clock.sleep(fetched.retry_after or backoff(tries, run.parts.random))
    # The job stays on record as completed: the next run downloads again, and pays nothing.
    detail = f"job {job} is ready, but not here: {fetched.got}, {fetched.detail}".rstrip(", ")
    return Outcome(step, Status.FAILED, detail=detail)


async def keep(run: Run, fetched: Fetched, path: Path) -> Home:
    assert fetched.sha256 is not None
    try:
        probe = await run.shelving.take_in(path, fetched.sha256)
    finally:
        path.unlink(missing_ok=True)
    run.held.add(fetched.sha256)
    return Home(fetched, probe)


async def fetch_again(run: Run, step: Step, result: Result) -> Outcome:
    """The bytes of a stored take that was lost here and is still on offer there; free."""
    assert result.job is not None
    if result.gateway != run.parts.profile.name:
        at = result.gateway
        detail = f"its bytes are in no store; job {result.job} is at {at}: run with --gateway {at}"
        return Outcome(step, Status.BLOCKED, detail=detail)
    # A result that only a manifest tells of has no attempt to be named after.
    dest = run.parts.scratch / f"{result.sha256}.mp4"
    fetched = await run.parts.client.fetch(result.job, dest)
    for tries in range(1, DENIALS):
        if fetched.got is not Got.MISSING:
            break
        await run.parts.clock.sleep(fetched.retry_after or backoff(tries, run.parts.random))
        fetched = await run.parts.client.fetch(result.job, dest)
    detail = f"job {result.job} could not be downloaded again: {fetched.got}, {fetched.detail}"
    if fetched.got in (Got.MISSING, Got.EXPIRED):
        await run.parts.journal.append(record.expired(result.attempt, detail, result.job))
        return Outcome(step, Status.FAILED, detail=f"{detail}; the next run renders it anew")
    if fetched.got is not Got.DONE or not fetched.path:
        return Outcome(step, Status.FAILED, detail=f"{detail}; --force renders it anew")
    if fetched.sha256 != result.sha256:
        fetched.path.unlink(missing_ok=True)
        detail = f"job {result.job} now gives other bytes than those recorded; none were kept"
        return Outcome(step, Status.FAILED, detail=detail)
    await keep(run, fetched, fetched.path)
    return Outcome(step, Status.DONE, result)
