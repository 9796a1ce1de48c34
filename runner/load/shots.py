"""A draft → a shot: its takes, what it must wait for, and what is said about it as a whole."""

from collections.abc import Iterator, Mapping

from msgspec.structs import fields, replace

from runner.load.drafts import Draft, Layer, Origins, cascade, used
from runner.load.takes import Surroundings, TakeReader
from runner.model import JSON, Problem, Request, Shot, ShotId, Take


def read_shot(around: Surroundings, draft: Draft) -> Shot | None:
    """The shot, or None where a take of it cannot be read; why is in `around.found`."""
    given = draft.fields
    count = given.get("takes", 1)
    keep = given.get("keep", 1)
    if keep > count:
        message = f"`keep` is {keep}, and there are {count} takes"
        problem = Problem("shot.keep", message, draft.loc(("keep",)), hint=f"1 to {count}")
        around.found.add(problem, draft.about)
    first = TakeReader(around, draft, 1)
    request = first.read()
    requests = [request] * count
    if count > 1 and any(name[0] == "take" for name in first.names):
        others = (TakeReader(around, draft, number) for number in range(2, count + 1))
        requests[1:] = [other.read() for other in others]
    facts = first.facts
    if facts is None or request is None or (count > 1 and None in requests):
        return None
    id_ = ShotId(draft.id)
    names = frozenset(first.names)
    variables = used(draft, names)
    return Shot(
        id_,
        facts.vendor,
        tuple([Take(id_, i, asked, variables) for i, asked in enumerate(requests, 1) if asked]),
        keep,
        tuple(map(ShotId, given["after"])) if "after" in given else (),
        given.get("pin", False),
        tuple(_steps(around, draft, request)) if "on_failure" in given else (),
        Origins(draft, names),
    )


def _steps(around: Surroundings, draft: Draft, request: Request) -> Iterator[Mapping[str, JSON]]:
    """What each step of `on_failure` changes in the request, markers of another vendor included.

    A step is checked as a shot is: no fallback is found to be wrong when it is needed.
    """
    for index, step in enumerate(draft.fields["on_failure"]):
        _, path = draft.find(("on_failure", index))
        layers = (Layer(step, path), *draft.layers)
        other = TakeReader(around, replace(draft, layers=layers, fields=cascade(layers)), 1).read()
        if other is not None:
            changed = {
                field.name: getattr(other, field.name)
                for field in fields(Request)
                if getattr(other, field.name) != getattr(request, field.name)
            }
            yield changed or {"again": True}
