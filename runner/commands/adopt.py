"""`reelmake adopt SHOT JOB`: this job is the one whose answer was lost."""

import os
from pathlib import Path

from runner.commands.settling import settled
from runner.errors import BadInput, ExitCode
from runner.gateway.filing import State
from runner.journal.decisions import GIVEN_UP, adopt
from runner.journal.writing import Journal
from runner.model import Attempt, JobId
from runner.progress import Out
from runner.project import project_here
from runner.project.endpoint import open_endpoint
from runner.project.wiring import ask_about


def main(out: Out, *, shot: str, job: str, take: int | None, preview: bool) -> ExitCode:
    """Record whose job it is; the next run collects it for free."""

    async def decide(journal: Journal, attempt: Attempt) -> None:
        await refuse_unknown(attempt, JobId(job))
        await adopt(journal, attempt, JobId(job))

    attempt = settled(shot, take, preview, decide, *GIVEN_UP)
    out.say(f"{attempt.shot} take {attempt.take} is job {job}: the next run collects it", "good")
    return ExitCode.DONE


async def refuse_unknown(attempt: Attempt, job: JobId) -> None:
    """Raises BadInput for a job that its gateway has never heard of.

    A wrong id would end as a lost job, and the right one could not be taken any more. Where the
    gateway cannot be asked, the person is believed.
    """
    project = project_here(Path.cwd(), os.environ)
    try:
        endpoint = open_endpoint(attempt.gateway, project.settings.data, project.environ)
    except BadInput:
        return  # it has no name here any more
    if endpoint.preview or not endpoint.key:
        return
    report = await ask_about(endpoint, job)
    if report.state is State.MISSING:
        raise BadInput(f"{attempt.gateway} does not know the job {job!r}", do="check the job's id")
