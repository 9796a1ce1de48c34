"""What becomes of a shot when it moves to another model: field by field, and the edits that do it.

Computed, never written down per pair of vendors: an adapter says for which fields there is a
place, the catalogue's rules say which values are legal there, and an illegal value is answered by
the nearest one among the model's facts. What no value can mend is lost, and said to be.

fields    a request as the catalogue checks it, and back
markers   how prompts point at references
repair    makes a shot legal, losing as little as possible
report    the lines
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from runner.errors import BadInput
from runner.model import JSON, Medium, ModelFacts, Request, Severity
from runner.port.fields import Fields, fields_of, request_of
from runner.port.markers import Markers, calls_in, markers, repointed, spelled_out
from runner.port.repair import fitted, refused, settled
from runner.port.report import PortLine, field_lines, gains, prompt_lines, silent_changes
from runner.schema import Catalogue, Complaint
from runner.vendors import Vendor, base

__all__ = ["Port", "PortLine", "port"]


class Port(Struct, frozen=True):
    """The report, the edits of the shot that carry it out, and what they cannot mend."""

    request: Request  # as it would be asked of the new model
    lines: tuple[PortLine, ...]
    edits: Mapping[str, JSON]  # field of the shot -> new value; None: the field goes
    left: tuple[Complaint, ...]  # errors that stay; paths lead into the ported shot


def port(
    request: Request,
    to: str,
    catalogue: Catalogue,
    written: Mapping[str, JSON],
    find: Callable[[str], Vendor],
) -> Port:
    """Moves a request to another model, keeping as much as that model can do.

    `written` is the shot as it stands in the storyboard, cascade applied, templates not rendered:
    edits of `prompt` and `references` are made of it. `find` gives a vendor by name. Raises
    `BadInput` for a model, old or new, that is unknown.
    """
    old, new = _facts(catalogue, request.model), _facts(catalogue, to)
    leaves, enters = find(old.vendor), find(new.vendor)
    before = fields_of(request)
    marks = markers(request, _stays(before, before), leaves, old, enters, new)
    after = settled(catalogue, _translated(before, old, new, enters, marks), new)
    if _refusal(enters, request_of(request, before, after), new):
        after = settled(catalogue, fitted(after, new), new)
    stays = _stays(before, after)
    marks = markers(request, stays, leaves, old, enters, new)
    after = {**after, "prompt": repointed(request.prompt, marks)}
    ported = request_of(request, before, after)
    lost = [m for m, kept in zip(request.references, stays, strict=True) if not kept]
    hopes, still = leaves.expected(request, old), enters.expected(ported, new)
    lines = (
        *field_lines(before, after, catalogue),
        *prompt_lines(request, written, marks, lost),
        *silent_changes(request, old, new, hopes, still),
        *gains(old, new),
    )
    edits = _edits(before, after, written, marks, lost)
    left = refused(catalogue, after) or _refusal(enters, ported, new)
    left += _nameless(str(written.get("prompt", "")), lost)
    return Port(ported, lines, edits, tuple(left))


def _translated(
    fields: Fields, old: ModelFacts, new: ModelFacts, enters: Vendor, marks: Markers
) -> Fields:
    """The fields in the new model's words; what has no place there is gone."""
    moved = {**fields, "model": new.id, "prompt": repointed(fields["prompt"], marks)}
    if "size" in moved and ("size" not in enters.FIELDS or not base.row_of(moved["size"], new)):
        moved = {**_framing(moved.pop("size"), old), **moved}
    if old.vendor != new.vendor:
        moved.pop("extra_body", None)  # words of another vendor, checked by nobody
    places = enters.FIELDS | {"model", "prompt", "extra_body"}
    return {name: value for name, value in moved.items() if name in places}


def _framing(size: str, facts: ModelFacts) -> Fields:
    """Pixels as resolution and ratio: the model's own names for them, or worked out."""
    row, (width, height) = base.row_of(size, facts), base.pixels(size)
    if row is not None:
        return {"resolution": row.resolution, "aspect_ratio": row.aspect_ratio}
    if not (width and height):
        return {}
    common = math.gcd(width, height)
    ratio = f"{width // common}:{height // common}"
    return {"resolution": f"{min(width, height)}p", "aspect_ratio": ratio}


def _refusal(vendor: Vendor, request: Request, facts: ModelFacts) -> list[Complaint]:
    """What the adapter itself will not send, where no rule has said so before."""
    try:
        vendor.shape(request, facts)
    except BadInput as bad:
        return [Complaint("port.refused", Severity.ERROR, (), bad.what, bad.do)]
    return []


def _nameless(prompt: str, lost: Sequence[Medium]) -> Iterator[Complaint]:
    """What the prompt calls by `ref()` and no `as:` can spell out."""
    for call, medium in calls_in(prompt, lost):
        if not medium.alias:
            said, hint = f"{call} names a reference that is lost", "say in words what it shows"
            yield Complaint("reference.unknown", Severity.ERROR, ("prompt",), said, hint)


def _stays(before: Fields, after: Fields) -> list[bool]:
    """Of each reference, whether it comes along."""
    kept = after.get("references", ())
    return [any(source is item for item in kept) for source in before.get("references", ())]


def _edits(
    before: Fields,
    after: Fields,
    written: Mapping[str, JSON],
    marks: Markers,
    lost: Sequence[Medium],
) -> dict[str, JSON]:
    """The shot's fields to set, or to remove where the value is None, in the file's own words."""
    edits: dict[str, JSON] = {
        name: after.get(name)
        for name in dict.fromkeys((*before, *after))
        if name not in ("prompt", "references") and before.get(name) != after.get(name)
    }
    prompt = str(written.get("prompt", ""))
    said = spelled_out(repointed(prompt, marks), lost)
    if said != prompt:
        edits["prompt"] = said
    if before.get("references") != after.get("references"):
        pairs = zip(written["references"], _stays(before, after), strict=True)
        edits["references"] = [given for given, kept in pairs if kept] or None
    return edits


def _facts(catalogue: Catalogue, model: str) -> ModelFacts:
    facts = catalogue.facts(model)
    if facts is None:
        near = catalogue.closest(model)
        hint = f"did you mean {near}?" if near else "`reelmake models` lists what is known"
        raise BadInput(f"unknown model {model!r}", do=hint)
    return facts
