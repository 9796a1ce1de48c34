"""What a person may decide about a submission in doubt. Nothing here sends anything.

Each raises BadInput where the decision does not fit what is on record, and Outside where the
journal cannot be written.
"""

from runner.errors import BadInput
from runner.journal import facts
from runner.journal.reading import Reader
from runner.journal.writing import Journal
from runner.model import Attempt, JobId, ShotId, Standing

IN_DOUBT = (Standing.OPEN, Standing.AMBIGUOUS)
UNDER_WAY = (Standing.ACCEPTED, Standing.COMPLETED)
GIVEN_UP = (Standing.ABANDONED, Standing.EXPIRED)  # a wrong id may have been looked for in vain


def doubts(
    reader: Reader, realm: facts.Realm, shot: ShotId | None = None, take: int | None = None
) -> tuple[Attempt, ...]:
    """The submissions whose outcome nobody knows: of one shot and take, or all."""
    return tuple(
        attempt
        for attempt in reader.attempts(realm, *IN_DOUBT)
        if shot in (None, attempt.shot) and take in (None, attempt.take)
    )


def named(
    reader: Reader, realm: facts.Realm, name: str, take: int | None, *then: Standing
) -> tuple[Attempt, ...]:
    """Those in doubt that a person may mean by a shot's name or an attempt's first 8 characters.

    Where nothing is in doubt, those of the standings `then`.
    """
    for standings in (IN_DOUBT, then):
        found = tuple(
            attempt
            for attempt in reader.attempts(realm, *standings)
            if name in (attempt.shot, attempt.id[:8]) and take in (None, attempt.take)
        )
        if found:
            return found
    return ()


async def adopt(journal: Journal, attempt: Attempt, job: JobId) -> None:
    """The job is this attempt's: the next run collects it, for free.

    Also brings back an attempt that was given up, such as a job found in a list.
    """
    if attempt.standing not in (*IN_DOUBT, *GIVEN_UP):
        raise BadInput(f"{attempt.shot} take {attempt.take} is not in doubt: {attempt.standing}")
    holder = journal.holder(journal.realm, job)
    if holder not in (None, attempt.id):
        other = journal.attempt(holder)
        name = f"{other.shot} take {other.take}" if other else holder
        raise BadInput(f"job {job!r} already belongs to {name}", do="check the job's id")
    if not job.strip() or len(job) > 1024:
        raise BadInput(f"{job!r} is not a job id")
    await journal.append(facts.adopted(attempt.id, job, "user"))


async def resubmit(journal: Journal, attempt: Attempt) -> None:
    """Gives the attempt up, so that the next run sends the take again; it may be paid twice."""
    _must_be_unsettled(attempt)
    await journal.append(facts.resubmitted(attempt.id, "user"))


async def abandon(journal: Journal, attempt: Attempt) -> None:
    """Gives the attempt up; its price stays in the ledger as possibly lost.

    Also a job that is known, where its gateway never hands the result out; `adopt` takes it back.
    """
    _must_be_unsettled(attempt)
    await journal.append(facts.abandoned(attempt.id))


def _must_be_unsettled(attempt: Attempt) -> None:
    if attempt.standing not in (*IN_DOUBT, *UNDER_WAY):
        raise BadInput(f"{attempt.shot} take {attempt.take} is settled: {attempt.standing}")
