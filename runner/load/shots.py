"""A draft → a shot: its takes, what it must wait for, and what is said about it as a whole."""

from runner.load.drafts import Draft, Origins, used
from runner.load.takes import Surroundings, TakeReader
from runner.model import Problem, Request, Shot, ShotId, Take


def read_shot(around: Surroundings, draft: Draft) -> Shot | None:
    """The shot, or None where a take of it cannot be read; why is in `around.found`."""
    fields = draft.fields
    count = fields.get("takes", 1)
    keep = fields.get("keep", 1)
    if keep > count:
        message = f"`keep` is {keep}, and there are {count} takes"
        problem = Problem("shot.keep", message, draft.loc(("keep",)), hint=f"1 to {count}")
        around.found.add(problem, draft.about)
    first = TakeReader(around, draft, 1)
    request = first.read()
    requests: list[Request | None] = [request] * count
    if count > 1 and any(name[0] == "take" for name in first.names):
        others = (TakeReader(around, draft, number) for number in range(2, count + 1))
        requests[1:] = [other.read() for other in others]
    facts = first.facts
    if facts is None or any(request is None for request in requests):
        return None
    id_ = ShotId(draft.id)
    names = frozenset(first.names)
    variables = used(draft, names)
    takes = (
        Take(id_, number, request, variables)
        for number, request in enumerate(requests, 1)
        if request
    )
    return Shot(
        id=id_,
        vendor=facts.vendor,
        takes=tuple(takes),
        keep=keep,
        after=tuple(map(ShotId, fields.get("after", ()))),
        pin=fields.get("pin", False),
        on_failure=tuple(fields.get("on_failure", ())),
        at=draft.loc(),
        origins=Origins(draft, names),
    )
