"""`reelmake abandon SHOT`: give a submission up; its price stays on the books as at risk."""

from runner.commands.settling import at_risk, settled
from runner.errors import ExitCode
from runner.journal.decisions import UNDER_WAY, abandon
from runner.progress import Out


def main(out: Out, *, shot: str, take: int | None, preview: bool) -> ExitCode:
    """Record a possible loss; the take may be rendered anew."""
    attempt = settled(shot, take, preview, abandon, *UNDER_WAY)
    out.say(
        f"{attempt.shot} take {attempt.take} is given up: {at_risk(attempt)} may be lost; "
        "a run that still wants the take pays for it anew",
        "warn",
    )
    return ExitCode.DONE
