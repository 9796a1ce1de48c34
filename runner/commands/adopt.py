"""`reelmake adopt SHOT JOB`: this job is the one whose answer was lost."""

from runner.commands.settling import settled
from runner.errors import ExitCode
from runner.journal.decisions import GIVEN_UP, adopt
from runner.model import JobId
from runner.progress import Out


def main(out: Out, *, shot: str, job: str, take: int | None, preview: bool) -> ExitCode:
    """Record whose job it is; the next run collects it for free."""
    attempt = settled(
        shot, take, preview, lambda journal, a: adopt(journal, a, JobId(job)), *GIVEN_UP
    )
    out.say(f"{attempt.shot} take {attempt.take} is job {job}: the next run collects it", "good")
    return ExitCode.DONE
