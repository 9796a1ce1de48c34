"""Settles a doubt by the gateway's list of jobs, where the profile says that it proves something.

An entry equal to what was sent, and bound to nothing else, is ours: equal requests may be
exchanged for each other. Absence proves something only after the quiet period, in a complete
list, that echoes prompts, from a gateway whose clock is known.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from runner.executor.run import Run
from runner.executor.submit import in_doubt
from runner.gateway.listing import Listed, Listing
from runner.journal import facts as record
from runner.journal.facts import seconds_of
from runner.model import JSON, Attempt, JobId, Outcome, Standing, Step

WINDOW = 3600.0  # s before the submit that are read too; clocks further apart prove nothing
SKEW = 120.0  # s that a job may seem older than its submit


class Evidence(Struct, frozen=True):
    """What a list says about one attempt."""

    matches: tuple[JobId, ...]  # equal to what was sent, and nobody's
    absent: bool  # nothing matches, and that proves something
    why: str = ""  # it proves nothing


async def by_list(run: Run, attempt: Attempt, step: Step) -> Attempt | Outcome | None:
    """The attempt with its job, None if there provably is none, or an outcome that waits."""
    sent_at = seconds_of(attempt.submitted_at)
    quiet = sent_at + run.parts.profile.dedupe.quiet - run.parts.clock.now()
    if quiet > 0:
        run.parts.progress.note(f"{attempt.shot}: in doubt, looking in the list in {quiet:.0f} s")
        await run.parts.clock.sleep(quiet)
    listing = await run.parts.client.list_jobs(sent_at - WINDOW)
    found = judge(run, attempt, listing)
    if found.matches:
        return await bind(run, attempt, found.matches)
    if found.absent:
        await run.parts.journal.append(record.absent(attempt.id))
        run.note(replace(attempt, standing=Standing.ABANDONED))
        return None
    return in_doubt(step, replace(attempt, detail=f"{attempt.detail}; {found.why}"))


async def bind(run: Run, attempt: Attempt, jobs: Sequence[JobId]) -> Attempt:
    """The first job is the attempt's. More were paid all the same: each goes on record."""
    first, *more = jobs
    run.owners |= dict.fromkeys(jobs, attempt.id)  # at once: two attempts must not take one job
    facts = [record.adopted(attempt.id, first, "list")]
    facts += [record.orphan(attempt.id, job) for job in more]
    await run.parts.journal.append(*facts)
    for job in more:
        run.parts.progress.note(f"{attempt.shot}: job {job} was paid too, and belongs to nothing")
    attempt = replace(attempt, standing=Standing.ACCEPTED, job=first)
    run.note(attempt)
    return attempt


def judge(run: Run, attempt: Attempt, listing: Listing) -> Evidence:
    journal = run.parts.journal
    sent = journal.intent(attempt.id)
    since = seconds_of(attempt.submitted_at) - SKEW + (offset(run, listing) or 0.0)
    equal = [job for job in listing.jobs if matches(job, sent["sent"], since)]
    free = tuple(job.id for job in equal if run.owner(job.id) is None)
    if free and rivals(run, attempt, sent):
        return Evidence((), absent=False, why="another request in doubt looks the same in the list")
    if free:
        return Evidence(free, absent=False)
    why = proves_nothing(run, listing)
    return Evidence((), absent=not why, why=why)


def matches(job: Listed, sent: Mapping[str, JSON], since: float) -> bool:
    """Equal in all that both sides name; the prompt must be named."""
    if job.prompt is None or job.prompt != sent["prompt"]:
        return False
    if job.created is not None and job.created < since:
        return False
    return all(
        same(job.echo[name], sent[name])
        for name in ("model", "seconds", "size")
        if name in job.echo and sent.get(name) is not None
    )


def same(told: str, sent: JSON) -> bool:
    try:
        return float(told) == float(sent)
    except (TypeError, ValueError):
        return told.lower() == str(sent).lower()


def rivals(run: Run, attempt: Attempt, sent: Mapping[str, JSON]) -> bool:
    """Whether another attempt in doubt would match the same entries with another body.

    Lists do not show media: two shots with one prompt and different first frames look alike.
    """
    journal = run.parts.journal
    others = (journal.intent(other.id) for other in run.doubtful.values() if other.id != attempt.id)
    return any(
        other["sent"] == sent["sent"] and other["body_sha256"] != sent["body_sha256"]
        for other in others
    )


def proves_nothing(run: Run, listing: Listing) -> str:
    """Why an attempt's absence from the list is no proof, or nothing."""
    if listing.ending != "complete":
        return f"the list is no proof: {listing.detail or listing.ending}"
    if any(job.prompt is None for job in listing.jobs):
        return "the list is no proof: it does not tell prompts"
    apart = offset(run, listing)
    if apart is None:
        return "the list is no proof: the gateway's clock is not known"
    if abs(apart) > WINDOW / 2:
        return f"the list is no proof: the gateway's clock is {apart:.0f} s from ours"
    return ""


def offset(run: Run, listing: Listing) -> float | None:
    """The gateway's clock minus ours, in seconds."""
    if listing.gateway_clock is None:
        return None
    return listing.gateway_clock - run.parts.clock.now()
