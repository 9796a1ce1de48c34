"""The part where money leaves: admission, durable intent, one POST, durable receipt, verdict.

The order of these lines is the promise. Nothing is sent before the intent is on the disk,
nothing is judged before the answer is, and nothing is ever sent a second time because an answer
was missing.
"""

import hashlib
import json
import os
import socket
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import BadInput, Outside
from runner.executor import receipt as receipts
from runner.executor.run import Run
from runner.fingerprint import inputs
from runner.gateway.body import encode
from runner.gateway.filing import Verdict, classify
from runner.gateway.limits import backoff
from runner.gateway.profile import Refusal
from runner.gateway.receipt import Receipt
from runner.journal import Intent
from runner.journal import facts as record
from runner.journal.writing import Admitted, Denied
from runner.model import (
    JSON,
    Attempt,
    Digest,
    Expected,
    LocalFile,
    Medium,
    Outcome,
    Shot,
    ShotOutput,
    Standing,
    Status,
    Step,
    Take,
    Url,
)

TRIES = 6  # of a submit that was provably not taken; the run's retry budget holds besides


class Ended(Struct, frozen=True):
    """How a take ended; `failure` is set where the vendor said no, for what may come next."""

    outcome: Outcome
    failure: str | None = None  # moderation, input, capacity, unknown


async def submit(run: Run, shot: Shot, take: Take, step: Step) -> Attempt | Ended:
    """An attempt that is accepted, its job id on the disk, or in doubt; or why there is none."""
    if step.estimate is None and run.paid and not run.options.unpriced:
        detail = f"nobody knows what {take.request.model} costs; --unpriced sends it all the same"
        return Ended(Outcome(step, Status.UNDECIDED, detail=detail))
    async with run.desks[shot.vendor]:
        return closed(run, step) or await sent(run, shot, take, step)


async def sent(run: Run, shot: Shot, take: Take, step: Step) -> Attempt | Ended:
    """The body is written when a place is near: it may hold many megabytes of references."""
    if any(not isinstance(medium.origin, Url) for medium in take.request.media):
        body = await to_thread(written, run, take, shot.vendor)
    else:
        body = written(run, take, shot.vendor)
    run.retries.tried()
    for tries in range(1, TRIES + 1):
        found = await one_post(run, shot, take, step, body)
        if not isinstance(found, Verdict):
            return found
        if not found.again or tries == TRIES or not run.retries.spend():
            return refused(step, found)
        await pause(run, found, tries)
    raise AssertionError("the last try returns")


async def one_post(
    run: Run, shot: Shot, take: Take, step: Step, body: bytes
) -> Attempt | Ended | Verdict:
    """One intent and its POST. A verdict comes back only where provably no job was made."""
    while True:
        async with AsyncExitStack() as place:
            await place.enter_async_context(turn(run, shot.vendor))
            if end := closed(run, step):
                return end
            run.parts.preflight()
            warned = run.warned
            admitted = await run.parts.journal.intend(wish(run, shot, take, step, body), run.caps)
            if isinstance(admitted, Denied):
                return Ended(denied(step, admitted))
            if run.warned == warned:
                verdict = await run.guarded(post(run, admitted, body, place))
                return filed(run, admitted.attempt, verdict)
            why = "held back by the answer to another request"
            await run.parts.journal.append(record.not_sent(admitted.attempt.id, why))


def closed(run: Run, step: Step) -> Ended | None:
    return Ended(Outcome(step, Status.BLOCKED, detail=run.closed)) if run.closed else None


@asynccontextmanager
async def turn(run: Run, vendor: str) -> AsyncIterator[None]:
    """A place among the few POSTs in flight, when the vendor's pace allows one.

    Nobody keeps a place while waiting for a slow vendor; a pause that began meanwhile counts.
    """
    limiter = run.parts.limiter(vendor)
    while True:
        while limiter.wait > 0:
            await run.parts.clock.sleep(limiter.wait)
        async with run.posts:
            if limiter.wait <= 0:
                await limiter.turn()
                yield
                return


async def post(run: Run, admitted: Admitted, body: bytes, place: AsyncExitStack) -> Verdict:
    """From the first byte to the durable verdict; never cancelled on the way."""
    attempt = admitted.attempt
    answer = await submitted(run, attempt, body, admitted.key)
    # In line before the next intent can be: no crash finds more in doubt than there are places,
    # and one fsync does for both.
    receipt = run.parts.journal.append(record.receipt(attempt.id, receipts.save(answer)))
    await place.aclose()
    verdict = owned(run, attempt, await read_answer(run, attempt, answer, receipt))
    heed(run, attempt.vendor, verdict)
    return await file(run, attempt, verdict)


def heed(run: Run, vendor: str, verdict: Verdict) -> None:
    """What an answer means for every take that has not been sent yet."""
    if verdict.stops_all:
        run.close(f"nothing more is submitted: {verdict.detail}")
    if verdict.refusal is Refusal.RATE:
        run.parts.limiter(vendor).too_fast(verdict.retry_after)
    run.warned += verdict.stops_all or verdict.refusal is Refusal.RATE


def owned(run: Run, attempt: Attempt, verdict: Verdict) -> Verdict:
    """A job has one owner: who gives an id out twice is not believed."""
    if verdict.job is None:
        return verdict
    if run.owner(verdict.job) in (None, attempt.id):
        run.owners[verdict.job] = attempt.id
        return verdict
    detail = f"may have been accepted: job {verdict.job} belongs to another take already"
    return Verdict(Standing.AMBIGUOUS, detail, stops_all=True)


async def file(run: Run, attempt: Attempt, verdict: Verdict) -> Verdict:
    """Writes a verdict down."""
    verdict = owned(run, attempt, verdict)
    await run.parts.journal.append(fact_of(attempt, verdict))
    return verdict


async def answer_to(run: Run, attempt: Attempt, body: bytes, key: str) -> Verdict:
    """One POST, and what its durable answer means."""
    answer = await submitted(run, attempt, body, key)
    receipt = run.parts.journal.append(record.receipt(attempt.id, receipts.save(answer)))
    return await read_answer(run, attempt, answer, receipt)


async def submitted(run: Run, attempt: Attempt, body: bytes, key: str) -> Receipt:
    label = f"{attempt.shot} take {attempt.take}" if attempt.take > 1 else attempt.shot
    return await run.parts.client.submit(body, key, label)


async def read_answer(
    run: Run, attempt: Attempt, answer: Receipt, receipt: Awaitable[object]
) -> Verdict:
    """An answer is durable before anybody reads it: a bug must not lose a paid id."""
    try:
        await receipt
    except Outside:
        # The disk is gone: the verdict is rescued beside the receipt, then the trouble goes on.
        verdict = classify(answer, run.parts.profile, run.parts.clock.now())
        await run.parts.journal.append(fact_of(attempt, verdict))
        raise
    return classify(answer, run.parts.profile, run.parts.clock.now())


def fact_of(attempt: Attempt, verdict: Verdict) -> record.Fact:
    match verdict.standing, verdict.job:
        case Standing.ACCEPTED, str(job):
            return record.accepted(attempt.id, job)
        case Standing.NOT_SENT, _:
            return record.not_sent(attempt.id, verdict.detail)
        case Standing.REFUSED, _:
            reason = str(verdict.refusal)
            return record.refused(attempt.id, reason, verdict.detail, again=verdict.again)
        case _:
            return record.ambiguous(attempt.id, verdict.detail)


def filed(run: Run, attempt: Attempt, verdict: Verdict) -> Attempt | Verdict:
    """What a verdict means for this take."""
    match verdict.standing:
        case Standing.ACCEPTED:
            return accept(run, attempt, verdict)
        case Standing.AMBIGUOUS:
            doubtful = replace(attempt, standing=Standing.AMBIGUOUS, detail=verdict.detail)
            run.note(doubtful)
            return doubtful
        case _:
            return verdict


def accept(run: Run, attempt: Attempt, verdict: Verdict) -> Attempt:
    run.parts.limiter(attempt.vendor).went_well()
    accepted = replace(attempt, standing=Standing.ACCEPTED, job=verdict.job, detail="")
    run.note(accepted)
    return accepted


def in_doubt(step: Step, attempt: Attempt) -> Outcome:
    price = f"{attempt.estimate.cost} at risk" if attempt.estimate else "price unknown"
    why = attempt.detail or f"its answer from {attempt.gateway} waits to be read there"
    detail = f"{why} ({price}); adopt {step.shot} JOB, resubmit, or abandon it"
    return Outcome(step, Status.UNDECIDED, detail=detail)


def denied(step: Step, denied: Denied) -> Outcome:
    status = Status.UNDECIDED if denied.reason == "budget" else Status.BLOCKED
    return Outcome(step, status, detail=denied.detail)


def refused(step: Step, verdict: Verdict) -> Ended:
    failures = {Refusal.MODERATION: "moderation", Refusal.INVALID: "input"}
    failure = failures.get(verdict.refusal) if verdict.refusal else None
    return Ended(Outcome(step, Status.FAILED, detail=verdict.detail), failure)


async def pause(run: Run, verdict: Verdict, tries: int) -> None:
    """A 429 has slowed the vendor's every take already; a lost connection slows only this one."""
    if verdict.refusal is not Refusal.RATE:
        await run.parts.clock.sleep(verdict.retry_after or backoff(tries, run.parts.random))


def wish(run: Run, shot: Shot, take: Take, step: Step, body: bytes) -> Intent:
    assert step.fingerprint is not None
    assert step.asked is not None
    profile = run.parts.profile
    return Intent(
        shot=shot.id,
        take=take.number,
        fingerprint=step.fingerprint,
        asked=step.asked,
        gateway=profile.name,
        origin=profile.base_url,
        model=take.request.model,
        vendor=shot.vendor,
        storyboard=run.storyboard,
        run=run.options.run,
        body_sha256=Digest(hashlib.sha256(body).hexdigest()),
        sent=in_short(body),
        estimate=step.estimate,
        known=run.known(step.fingerprint),
        tool=run.options.tool,
        host=socket.gethostname(),
        pid=os.getpid(),
        key_variable=profile.key_variable,
        vars=take.vars,
        inputs=inputs(take.request, step.asked),
        instead_of=stood_for(step),
    )


def stood_for(step: Step) -> tuple[Digest, Mapping[str, JSON]] | None:
    """The request that the take of an `on_failure` step will stand for, if it is another one."""
    first = step.instead_of
    if first is None or first.fingerprint in (None, step.fingerprint) or first.asked is None:
        return None
    return first.fingerprint, first.asked


def in_short(body: bytes) -> dict[str, JSON]:
    """The part of a body that gateways tell again in their lists."""
    whole = json.loads(body)
    return {name: whole.get(name) for name in ("model", "prompt", "seconds", "size")}


# ── the body ────────────────────────────────────────────────────────────────────────────────


def written(run: Run, take: Take, vendor: str) -> bytes:
    """The bytes to send. Slow: reads media, takes frames out of videos."""
    facts = run.parts.facts(take.request.model)
    if facts is None:
        raise BadInput(f"no facts are known of the model {take.request.model!r}")
    body = run.parts.vendor(vendor).shape(take.request, facts)
    bytes_of, publish = partial(read, run), run.parts.publish
    upload = None if publish is None else lambda medium: publish(bytes_of(medium))
    return encode(body, run.parts.profile, bytes_of, publish=upload)


def read(run: Run, medium: Medium) -> bytes:
    """A medium's bytes, exactly those the plan was made with."""
    match medium.origin:
        case LocalFile(path):
            data = (run.parts.root / path).read_bytes()
            if hashlib.sha256(data).hexdigest() != run.facts.files.get(path):
                raise BadInput(f"{path} has changed since the plan was made", do="run again")
            return data
        case ShotOutput(shot, frame):
            video = run.parts.store.path(run.kept[shot])
            return video.read_bytes() if frame is None else run.parts.media.frame(video, frame)
    raise Outside(f"{medium.origin} has no bytes here")


def expected(run: Run, take: Take, vendor: str) -> Expected:
    facts = run.parts.facts(take.request.model)
    return run.parts.vendor(vendor).expected(take.request, facts) if facts else Expected()
