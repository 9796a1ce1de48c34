"""Why takes must be rendered, in a person's words, down to the line of the storyboard.

Pure: two documents in, sentences out. Knows what fields mean to a reader, not when anything
renders.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from runner.fingerprint import Change, changes, in_order, same
from runner.model import (
    JSON,
    Action,
    History,
    Loc,
    LocalFile,
    Medium,
    Money,
    Plan,
    Result,
    Shot,
    ShotId,
    ShotOutput,
    Step,
    Storyboard,
    Take,
    Url,
)

NAMED = 3  # causes a one-line reason spells out
SHORT = 40  # characters of a value that still fit in a line
TEXTS = ("prompt", "negative_prompt")  # fields that templates write


class Cause(Struct, frozen=True):
    """One thing that was changed: a field of the shot, or a variable inside its texts."""

    text: str  # "vars.grade teal -> amber", "seconds 5 -> 8", "first_frame: sh010 came out new"
    at: Loc | None = None  # where it is written now
    inside: tuple[str, ...] = ()  # of a variable: the fields it shows up in

    def __str__(self) -> str:
        where = f", {self.at.file}:{self.at.line}" if self.at else ""
        inside = f", in the {' and the '.join(self.inside)}" if self.inside else ""
        return f"{self.text}{where}{inside}"


class Ripple(Struct, frozen=True):
    """One cause with everything in a plan that it reaches.

    A take with several causes counts under each of them.
    """

    cause: Cause
    shots: tuple[ShotId, ...]
    cost: Money
    unpriced: int  # takes nobody can tell the price of
    also: tuple[ShotId, ...]  # shots that hang on these, and may come out as before
    also_cost: Money

    def __str__(self) -> str:
        return ripple_text(self)


def because(before: Result, asked: Mapping[str, JSON], shot: Shot, take: Take) -> str:
    """Why `asked` is not what was rendered before: the first few causes, in a line."""
    found = causes(before, asked, shot, take)
    texts = [str(cause) for cause in found[:NAMED]]
    if len(found) > NAMED:
        texts.append(f"and {len(found) - NAMED} more")
    return "; ".join(texts)


def causes(before: Result, asked: Mapping[str, JSON], shot: Shot, take: Take) -> tuple[Cause, ...]:
    """Everything that was changed since `before`; empty exactly if the fingerprints are equal.

    A text that changed because variables in it did is told as these variables.
    """
    found = changes(before.asked, asked)
    texts = tuple(change.field for change in found if change.path[0] in TEXTS)
    variables = _variables(before, shot, take, texts) if texts else ()
    media = media_by_field(take)
    rest = (
        Cause(describe(change, media.get(change.field)), _origin(shot, change))
        for change in found
        if not (variables and change.field in texts)
    )
    return (*variables, *rest)


def ripples(plan: Plan, storyboard: Storyboard, history: History) -> tuple[Ripple, ...]:
    """The causes behind a plan's renders, each once, with what they reach and cost."""
    shots = {shot.id: shot for shot in storyboard.shots}
    by_cause: dict[Cause, list[Step]] = {}
    for step in plan.steps:
        before = history.latest.get((step.shot, step.take))
        if step.action is Action.RENDER and before and step.asked:
            shot = shots[step.shot]
            take = next(take for take in shot.takes if take.number == step.take)
            for cause in causes(before, step.asked, shot, take):
                by_cause.setdefault(cause, []).append(step)
    return tuple(_ripple(cause, steps, plan, shots) for cause, steps in by_cause.items())


def ripple_text(ripple: Ripple) -> str:
    """`vars.grade teal -> amber, film.yaml:4, in the prompt of 12 shots; + $6.00; …`."""
    count = len(ripple.shots)
    shots = f"{count} shots" if count > 1 else ripple.shots[0]
    parts = [
        f"{ripple.cause}{' of' if ripple.cause.inside else ', in'} {shots}",
        f"+ {ripple.cost}",
    ]
    if ripple.unpriced:
        parts.append(f"{ripple.unpriced} without a known price")
    if ripple.also:
        names = ", ".join(ripple.also[:NAMED])
        more = f" and {len(ripple.also) - NAMED} more" if len(ripple.also) > NAMED else ""
        parts.append(f"would also touch {names}{more} (up to {ripple.also_cost})")
    return "; ".join(parts)


def diff(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Iterator[str]:
    """The full difference of two asked documents: a field, then its old and its new value."""
    for change in changes(old, new):
        yield change.field
        for sign, value in (("-", change.old), ("+", change.new)):
            if value is not None:
                yield from (f"  {sign} {line}" for line in _value(value).split("\n"))


def media_by_field(take: Take) -> dict[str, Medium]:
    """The take's media by the name a change gives them: `first_frame`, `reference 2`."""
    named: dict[str, Medium] = {}
    references = 0
    for medium in in_order(take.request):
        references += medium.role == "reference"
        named[f"reference {references}" if medium.role == "reference" else medium.role] = medium
    return named


def describe(change: Change, medium: Medium | None = None) -> str:
    """One change in a few words; `medium` is what stands there now, if it is about media."""
    if change.new is None:
        return f"{change.field} dropped"
    if medium is not None:
        return f"{change.field}: {_medium(change, medium)}"
    if change.path[0] in TEXTS:
        return f"{change.field} changed" if change.old is not None else f"{change.field} added"
    if change.old is None:
        return _fits(f"{change.field} set to {_value(change.new)}", f"{change.field} added")
    return _fits(
        f"{change.field} {_value(change.old)} -> {_value(change.new)}", f"{change.field} changed"
    )


def _variables(before: Result, shot: Shot, take: Take, texts: tuple[str, ...]) -> tuple[Cause, ...]:
    return tuple(
        Cause(
            _fits(f"{name} {_value(before.vars[name])} -> {_value(value)}", f"{name} changed"),
            shot.origins.get(name),
            texts,
        )
        for name, value in take.vars.items()
        if name in before.vars and not same(before.vars[name], value)
    )


def _origin(shot: Shot, change: Change) -> Loc | None:
    name = "references" if change.path[0] == "reference" else str(change.path[0])
    if name == "prompt":
        return shot.origins.get("prompt") or shot.origins.get("prompt_file")
    return shot.origins.get(name)


def _ripple(
    cause: Cause, steps: Sequence[Step], plan: Plan, shots: Mapping[ShotId, Shot]
) -> Ripple:
    touched = {step.shot for step in steps if step.take == shots[step.shot].keep}
    also: dict[ShotId, Decimal] = {}
    for step in plan.steps:
        if step.action is Action.WAIT and touched & set(step.depends_on):
            price = step.estimate.cost.amount if step.estimate else Decimal(0)
            also[step.shot] = also.get(step.shot, Decimal(0)) + price
            if step.take == shots[step.shot].keep:
                touched.add(step.shot)
    prices = [step.estimate.cost.amount for step in steps if step.estimate]
    return Ripple(
        cause=cause,
        shots=tuple(dict.fromkeys(step.shot for step in steps)),
        cost=Money(sum(prices, Decimal(0))),
        unpriced=len(steps) - len(prices),
        also=tuple(also),
        also_cost=Money(sum(also.values(), Decimal(0))),
    )


def _medium(change: Change, medium: Medium) -> str:
    name = _name(medium)
    if change.old is None:
        return f"{name} added"
    if change.old.get("sha256") == change.new.get("sha256") is not None:
        return f"frame {change.old.get('frame')} -> {change.new.get('frame')} of {name}"
    return f"{name} came out new" if isinstance(medium.origin, ShotOutput) else f"{name} changed"


def _name(medium: Medium) -> str:
    match medium.origin:
        case LocalFile(path):
            return path
        case Url(url):
            return url.partition("?")[0]
        case ShotOutput(shot):
            return shot


def _value(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fits(text: str, otherwise: str) -> str:
    return text if len(text) <= SHORT + len(otherwise) else otherwise
