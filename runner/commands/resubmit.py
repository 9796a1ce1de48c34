"""`reelmake resubmit SHOT`: send it again, although the first may have been paid."""

from runner.commands.settling import at_risk, settled
from runner.errors import ExitCode
from runner.journal.decisions import UNDER_WAY, resubmit
from runner.progress import Out


def main(out: Out, *, shot: str, take: int | None, preview: bool) -> ExitCode:
    """Record the decision; the next run submits once more."""
    attempt = settled(shot, take, preview, resubmit, *UNDER_WAY)
    out.say(
        f"{attempt.shot} take {attempt.take} will be sent again; the first may still cost "
        f"{at_risk(attempt)}",
        "warn",
    )
    return ExitCode.DONE
