"""`reelmake plan FILE [SHOT…]`: what a run would do, why, and for how much. Never a POST."""

import json
import os
from collections import Counter
from pathlib import Path

from runner.errors import ExitCode
from runner.model import JSON, Action, Facts, History, Plan, ShotId, Step
from runner.planner import UP_TO_DATE, Selection, asked_after, fallbacks, spends, total
from runner.progress import Out, count, name
from runner.project import Film, open_project
from runner.project.excerpt import Part, changed_part
from runner.project.idle import Watch
from runner.why import diff, ripples

STYLES = {
    Action.REUSE: "dim",
    Action.RESTORE: "good",
    Action.RESUME: "good",
    Action.RENDER: "bold",
    Action.WAIT: "",
    Action.BLOCKED: "warn",
}


def main(
    out: Out,
    *,
    file: Path,
    shots: tuple[str, ...],
    gateway: str | None,
    out_dir: Path | None,
    fmt: str,
    save: Path | None,
    why: bool,
) -> ExitCode:
    """Show the plan; exit 0 also when there is work to do."""
    watch = Watch(out)
    out = watch.out
    chosen = Selection(tuple(map(ShotId, shots)) or None)
    project = open_project(file, watch.environ)
    part = None
    if not (shots or save or why or fmt == "json"):
        part = changed_part(project, file, gateway, out_dir)
    if part is None:
        film = project.film(file, gateway=gateway, out_dir=out_dir)
        part = whole(film, chosen, on_paper=save is not None)
    film, facts, plan = part.film, part.facts, part.plan
    if film.endpoint.note:
        out.say(film.endpoint.note)
    say_warnings(out, film, plan)
    if save:
        from runner import savedplan  # few plans go on paper

        on_paper = film.seen_from_root().plan(facts, chosen)
        save.write_bytes(savedplan.save(film.storyboard, on_paper, chosen))
    if fmt == "json":
        out.result(json.dumps(as_json(plan), indent=2))
    else:
        say_plan(out, plan, part.up_to_date)
        say_fallbacks(out, film, plan, facts)
        say_ripples(out, film, plan, facts.history)
        if why:
            say_why(out, plan, facts.history)
    if not save and all(step.action is Action.REUSE for step in plan.steps):
        watch.nothing_to_do(film, plan.steps, ExitCode.DONE, gateway=gateway, out_dir=out_dir)
    return ExitCode.DONE


def whole(film: Film, chosen: Selection, *, on_paper: bool) -> Part:
    """The plan of the whole film. Doubts that a run settles by itself block nothing in it, unless
    it goes on paper: there stands what is known now."""
    facts = film.gather()
    if film.profile.dedupe.contract != "quarantine" and not on_paper:
        facts = asked_after(facts, film.endpoint.name)
    return Part(film, facts, film.plan(facts, chosen))


def say_warnings(out: Out, film: Film, plan: Plan) -> None:
    """In full before anything is asked of a vendor, else only how many there are."""
    if any(spends(step) for step in plan.steps):
        out.problems(film.warnings)
    elif film.warnings:
        file = os.path.relpath(film.project.root / film.storyboard.path)
        out.say(f"{count(len(film.warnings), 'warning')}: reelmake validate {file}", "dim")


def say_ripples(out: Out, film: Film, plan: Plan, history: History) -> None:
    """One sentence for each change that reaches further than its own shot."""
    for ripple in ripples(plan, film.storyboard, history):
        if ripple.also or len(ripple.shots) > 1:
            out.say(str(ripple))


def say_why(out: Out, plan: Plan, history: History) -> None:
    """Everything that is asked for differently, the old value and the new."""
    for step in plan.steps:
        before = history.latest.get((step.shot, step.take))
        if before is not None and step.asked is not None:
            lines = list(diff(before.asked, step.asked))
            if lines:
                out.say(name(step), "bold")
            for line in lines:
                out.say(f"  {line}")


def as_json(plan: Plan) -> dict[str, JSON]:
    """The contract's shape."""
    return {
        "storyboard": plan.storyboard,
        "gateway": plan.gateway,
        "steps": [step_as_json(step) for step in plan.steps],
        "totals": {
            "actions": dict(Counter(str(step.action) for step in plan.steps)),
            "cost": {
                "amount": str(total(plan.steps).cost.amount),
                "currency": total(plan.steps).cost.currency,
            },
        },
    }


def step_as_json(step: Step) -> dict[str, JSON]:
    cost = step.estimate.cost if step.estimate else None
    return {
        "shot": step.shot,
        "take": step.take,
        "action": str(step.action),
        "reason": step.reason,
        "fingerprint": step.fingerprint,
        "cost": cost and {"amount": str(cost.amount), "currency": cost.currency},
        "depends_on": list(step.depends_on),
    }


def say_plan(out: Out, plan: Plan, besides: int = 0) -> None:
    """A line for each take there is something to say about, and a sum.

    `besides` are takes up to date that are not in the plan.
    """
    idle = besides + sum(step.reason == UP_TO_DATE for step in plan.steps)
    busy = [step for step in plan.steps if step.reason != UP_TO_DATE]
    width = max((len(name(step)) for step in busy), default=0)
    for step in busy:
        price = priced(step)
        line = f"{name(step):{width}}  {step.action:7}  {price:>10}  {step.reason}"
        out.say(line, STYLES[step.action])
    if idle:
        out.say(f"{idle} up to date", "dim")
    out.say(summary(plan))


def say_fallbacks(out: Out, film: Film, plan: Plan, facts: Facts) -> None:
    more = fallbacks(film.storyboard, plan.steps, facts)
    if more.cost.amount or more.unpriced:
        unpriced = f", and {count(more.unpriced, 'step')} of unknown price" * bool(more.unpriced)
        out.say(f"on_failure may add at most {more.cost}{unpriced}", "warn")


def priced(step: Step) -> str:
    if not spends(step):
        return ""
    if step.estimate is None:
        return "price ?"
    return f"{'≤ ' if step.estimate.bound else ''}{step.estimate.cost}"


def summary(plan: Plan) -> str:
    spending = [step for step in plan.steps if spends(step)]
    if not spending:
        return "nothing to render"
    sum_ = total(plan.steps)
    unpriced = f", {sum_.unpriced} of unknown price" if sum_.unpriced else ""
    free = " (free on the local gateway)" if plan.gateway == "local" else ""
    return f"{len(spending)} to render, at most {sum_.cost}{unpriced}{free}"
