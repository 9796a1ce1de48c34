"""What an earlier run left behind: open intents, answers in doubt, jobs nobody waits for.

How a doubt is settled is the profile's contract: by the key, by a listing, or by a person.
"""

from dataclasses import replace

from runner.executor import receipt as receipts
from runner.executor.board import Work
from runner.executor.run import Run
from runner.executor.submit import fact_of, in_doubt
from runner.gateway.filing import Verdict, classify
from runner.model import Attempt, Outcome, Plan, Standing

CRASHED = "the program ended before an answer came"


async def recover(run: Run) -> None:
    """Files every open attempt. The lock is ours, so nobody else is waiting for its answer."""
    for attempt in run.parts.journal.attempts(run.parts.journal.realm, Standing.OPEN):
        saved = run.parts.journal.receipt(attempt.id)
        if saved is None:
            verdict = Verdict(Standing.AMBIGUOUS, CRASHED)
        else:
            verdict = classify(receipts.read(saved), run.parts.profile, run.parts.clock.now())
        await run.parts.journal.append(fact_of(attempt, verdict))
        run.note(
            replace(attempt, standing=verdict.standing, job=verdict.job, detail=verdict.detail)
        )


async def reconcile(run: Run, work: Work) -> Attempt | Outcome | None:
    """Settles a doubt: the accepted attempt, None where it may be sent again, or an outcome."""
    assert work.step.fingerprint is not None
    attempt = run.doubtful[work.step.fingerprint]
    return in_doubt(work.step, attempt)


def forgotten(run: Run, plan: Plan) -> list[Attempt]:
    """Jobs under way that no step of this plan asks for: paid, so their takes are kept."""
    wanted = {step.fingerprint for step in plan.steps}
    return [
        attempt
        for attempt in run.running.values()
        if attempt.fingerprint not in wanted and attempt.gateway == run.parts.profile.name
    ]
