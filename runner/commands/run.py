"""`reelmake run FILE [SHOT…]`: render what is missing or changed, and put it where it belongs."""

import asyncio
import gc
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from runner import __version__, savedplan
from runner.commands.editing import rewrite
from runner.commands.plan import as_json, say_fallbacks, say_plan, say_warnings
from runner.edit import set_field
from runner.errors import BadInput, ExitCode, NeedsDecision
from runner.executor import Options, Stop, execute, listening
from runner.journal import Caps
from runner.model import (
    JSON,
    Action,
    Facts,
    Money,
    Outcome,
    Plan,
    Result,
    ShotId,
    Status,
)
from runner.planner import SETTLED, Selection, asked_after, fallbacks, missing, total
from runner.ports import Progress
from runner.progress import Lines, Out, face
from runner.project import Film, Project, open_project
from runner.project.finish import write_down
from runner.project.idle import Watch
from runner.project.placing import Placing
from runner.project.wiring import client_for, journal_for, locked, served, wired
from runner.savedplan import SavedPlan

JOBS = 1000
WIRED = (Action.RENDER, Action.WAIT, Action.RESUME, Action.BLOCKED)


def main(
    out: Out,
    *,
    file: Path,
    shots: tuple[str, ...],
    gateway: str | None,
    out_dir: Path | None,
    fmt: str,
    jobs: int | None,
    max_cost: Decimal | None,
    unpriced: bool,
    take: int | None,
    force: bool,
    keep_going: bool,
    frozen: bool,
    saved: Path | None,
    yes: bool,
) -> ExitCode:
    """Make it so. Results go to stdout only with `--format json`."""
    approved = read_saved(saved) if saved else None
    watch = Watch(out)
    out = watch.out
    project = open_project(file, watch.environ)
    more = None if take is None else another_take(project, file, shots, take)
    texts = {str(file): more.edit(file.read_bytes().decode()).encode()} if more else None
    film = project.film(file, gateway=gateway, out_dir=out_dir, texts=texts)
    if film.endpoint.note:
        out.say(film.endpoint.note, "bold")
    cap = None if max_cost is None else Money(max_cost)
    selection = chosen(shots, take, force, approved)
    with locked(film.project):
        facts = film.gather()
        plan = film.plan(facts, selection)
        say_warnings(out, film, plan)
        if approved:
            hold_to(approved, film, plan)
        if frozen:
            refuse_missing(plan)
        consent(out, film, plan, facts, selection, approved=approved is not None, yes=yes, cap=cap)
        if more and rewrite(file, more.edit):
            out.say(more.said)
        options = Options(
            run=uuid.uuid4().hex,
            jobs=jobs or film.project.settings.data.get("jobs", JOBS),
            keep_going=keep_going,
            unpriced=unpriced,
            caps=Caps(cap, film.storyboard.budget, film.project.settings.budget_per_day),
            tool=f"reelmake {__version__}",
        )
        outcomes = carry_out(out, film, plan, facts, options)
        unshared = write_down(film, rendered(outcomes))
    for error in unshared.values():
        out.say(f"not shared: {error.what}", "warn")
    if fmt == "json":
        out.result(json.dumps(results_as_json(film, plan, outcomes), indent=2))
    say_end(out, film, outcomes)
    if idle(outcomes) and approved is None and take is None:
        steps = [outcome.step for outcome in outcomes]
        watch.nothing_to_do(film, steps, leave(outcomes), gateway=gateway, out_dir=out_dir)
    return leave(outcomes)


def idle(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.step.action is Action.REUSE for outcome in outcomes)


def rendered(outcomes: Sequence[Outcome]) -> list[Result]:
    """What this run has made, not only found."""
    return [o.result for o in outcomes if o.result and o.step.action not in SETTLED]


def read_saved(path: Path) -> SavedPlan:
    try:
        return savedplan.read_saved(path.read_bytes(), str(path))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def chosen(
    shots: tuple[str, ...], take: int | None, force: bool, approved: SavedPlan | None
) -> Selection:
    """What is wanted: by the command line, or as it was when the plan was saved."""
    if approved is None:
        if force and not shots:
            raise BadInput(
                "--force renders again what is paid for already: say which shots",
                do="reelmake run FILE SHOT --force",
            )
        takes = None if take is None else (take,)
        return Selection(tuple(map(ShotId, shots)) or None, takes, force)
    if shots or take or force:
        raise BadInput("a saved plan says itself which shots it is about", do="leave them out")
    return approved.selection


class AnotherTake(NamedTuple):
    """A take beyond those the storyboard asks for is written into it: it stays the truth."""

    edit: Callable[[str], str]  # of the storyboard's text
    said: str


def another_take(
    project: Project, file: Path, shots: tuple[str, ...], take: int
) -> AnotherTake | None:
    """What is to be written for `--take`; None where the storyboard asks for that take already."""
    if len(shots) != 1:
        raise BadInput("--take goes with one shot", do="reelmake run FILE SHOT --take N")
    storyboard, _ = project.storyboard(file)
    shot = next((shot for shot in storyboard.shots if shot.id == shots[0]), None)
    if shot is None or take <= len(shot.takes):
        return None
    between = range(len(shot.takes) + 1, take)
    more = f"; a run without --take renders take {between[0]} too" if between else ""
    return AnotherTake(
        lambda text: set_field(text, shot.id, "takes", take, str(file)),
        f"{file}: {shot.id} now has takes: {take}{more}",
    )


def hold_to(approved: SavedPlan, film: Film, plan: Plan) -> None:
    """Raises NeedsDecision, naming everything that is no longer as it was approved."""
    changes = savedplan.moved(approved, film.storyboard, plan)
    if changes:
        lines = "\n".join(f"  {change}" for change in changes)
        raise NeedsDecision(
            f"the plan has moved since it was saved:\n{lines}", do="reelmake plan --save again"
        )


def refuse_missing(plan: Plan) -> None:
    """Raises NeedsDecision for everything a frozen run would have to pay for."""
    gone = missing(plan)
    if gone:
        lines = "\n".join(f"  {step.shot} take {step.take}: {step.reason}" for step in gone)
        raise NeedsDecision(
            f"{len(gone)} takes cannot be restored, and a frozen run spends nothing:\n{lines}"
        )


def consent(
    out: Out,
    film: Film,
    plan: Plan,
    facts: Facts,
    selection: Selection,
    *,
    approved: bool,
    yes: bool,
    cap: Money | None,
) -> None:
    """Ask before money is spent. Raises NeedsDecision where nobody can be asked."""
    if film.endpoint.profile.dedupe.contract != "quarantine":
        # The run settles doubts by itself, and goes on to what hangs on them.
        facts = asked_after(facts, film.endpoint.name)
        ahead = film.plan(facts, selection)
        approved, plan = approved and ahead == plan, ahead
    cost, again = total(plan.steps), sent_again(plan, facts)
    if film.endpoint.preview or not (cost.cost.amount or cost.unpriced or again):
        return
    say_plan(out, plan)
    say_fallbacks(out, film, plan, facts)
    if again:
        out.say(f"{Money(again)} more if what is in doubt came to nothing and is sent again")
    if yes or approved:
        return
    fallen = fallbacks(film.storyboard, plan.steps, facts).cost.amount
    most = Money(cost.cost.amount + fallen + again)
    if cap is not None:
        most = Money(min(most.amount, cap.amount))
    if sys.stdin.isatty() and sys.stderr.isatty():
        out.stderr.write(f"Spend up to {most} at {film.endpoint.name}? [y/N] ")
        out.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise NeedsDecision("nothing was sent")
    if cap is None:
        raise NeedsDecision(
            f"this run may spend {most} at {film.endpoint.name}: nobody is here to say yes",
            do="pass --yes, or a limit: --max-cost 5.00",
        )


def sent_again(plan: Plan, facts: Facts) -> Decimal:
    """What it costs to send anew the submissions of this plan whose answers were lost."""
    running = facts.history.running
    lost = [running.get(s.fingerprint) for s in plan.steps if s.fingerprint]
    prices = [a.estimate.cost.amount for a in lost if a and a.job is None and a.estimate]
    return sum(prices, Decimal(0))


def carry_out(
    out: Out, film: Film, plan: Plan, facts: Facts, options: Options
) -> Sequence[Outcome]:
    """Do the plan's steps, showing them as they go. Without anything to ask, no gateway."""
    # A job under way is collected although no step asks for it any more: it is paid.
    wired_up = bool(facts.history.running) or any(step.action in WIRED for step in plan.steps)
    progress = Placing(face(out) if wired_up else Lines(out), film, facts.history)
    progress.planned(plan)
    try:
        if wired_up:
            with served(film) as ready:
                work = render(ready, plan, facts, options, progress)
                outcomes = asyncio.run(placed(progress, work))
        else:
            outcomes = asyncio.run(placed(progress, restore(plan, progress)))
        return progress.with_unplaced(outcomes)
    finally:
        progress.close()


async def placed(progress: Placing, work: Awaitable[Sequence[Outcome]]) -> Sequence[Outcome]:
    """What comes of the work; returns when every film lies where it belongs."""
    try:
        return await work
    finally:
        await progress.all_told()


async def restore(plan: Plan, progress: Progress) -> Sequence[Outcome]:
    """A plan for which everything is there, if not in its place."""
    outcomes = [Outcome(step, Status.DONE, step.result) for step in plan.steps]
    for outcome in outcomes:
        progress.finished(outcome)
    return outcomes


async def render(
    film: Film, plan: Plan, facts: Facts, options: Options, progress: Progress
) -> Sequence[Outcome]:
    stop = Stop()
    journal = journal_for(film)
    try:
        async with client_for(film) as client:
            parts = wired(film, client, journal, progress)
            with listening(stop), seldom_collected():
                return await execute(plan, film.storyboard, facts, parts, options, stop)
    finally:
        journal.close()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Film and plan last as long as the run: the collector need not look through them again and
    again, while looks that are due wait for it."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def results_as_json(film: Film, plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, JSON]:
    """The plan, with how each step ended and where its video lies."""
    shots = {shot.id: shot for shot in film.storyboard.shots}
    ends = {(o.step.shot, o.step.take): o for o in outcomes}
    shown = as_json(plan)
    for step, row in zip(plan.steps, shown["steps"], strict=True):
        outcome = ends[step.shot, step.take]
        done = outcome.status is Status.DONE
        names = shots[step.shot].outputs(step.take) if done else ()
        row["status"] = str(outcome.status)
        row["output"] = names[0] if names else None
        row["detail"] = outcome.detail
    return shown


def say_end(out: Out, film: Film, outcomes: Sequence[Outcome]) -> None:
    if idle(outcomes):
        out.say(f"{len(outcomes)} up to date, nothing to render", "good")
        return
    busy = [outcome for outcome in outcomes if outcome.step.action is not Action.REUSE]
    for status, word, style in (
        (Status.DONE, "done", "good"),
        (Status.FAILED, "failed", "bad"),
        (Status.BLOCKED, "blocked", "warn"),
        (Status.UNDECIDED, "waiting for a decision, as said above", "warn"),
        (Status.INTERRUPTED, "interrupted: run again to go on", "warn"),
    ):
        if number := sum(o.status is status for o in busy):
            out.say(f"{number} {word}", style)
    if len(busy) < len(outcomes):
        out.say(f"{len(outcomes) - len(busy)} up to date", "dim")
    out.say(f"in {os.path.relpath(film.folder)}")


def leave(outcomes: Sequence[Outcome]) -> ExitCode:
    """Interrupted before undecided before failed: what the next command depends on comes first."""
    ended = {outcome.status for outcome in outcomes}
    if Status.INTERRUPTED in ended:
        return ExitCode.INTERRUPTED
    if Status.UNDECIDED in ended:
        return ExitCode.NEEDS_DECISION
    return ExitCode.FAILED if ended & {Status.FAILED, Status.BLOCKED} else ExitCode.DONE
