"""Makes a shot legal for a model, losing as little as possible.

Nothing here knows a vendor: the catalogue's rules say what is wrong, the model's facts say what
would be legal, and of several ways to be legal the nearest is taken.
"""

import math
from collections.abc import Iterator, Sequence

from runner.model import JSON, ModelFacts, Severity
from runner.port.fields import Fields, kind_of
from runner.schema import Catalogue, Complaint, check_shot
from runner.vendors import base

MOST_REPAIRS = 60  # each one removes a complaint or a field, so this is only a guard


def settled(catalogue: Catalogue, fields: Fields, facts: ModelFacts) -> Fields:
    """The fields after repairs, each the smallest that leaves fewer complaints."""
    for _ in range(MOST_REPAIRS):
        repaired = _repaired(catalogue, fields, facts)
        if repaired is None:
            break
        fields = repaired
    return fields


def refused(catalogue: Catalogue, fields: Fields) -> list[Complaint]:
    """The errors that the rules of the fields' model find."""
    return [c for c in check_shot(catalogue, fields) if c.severity is Severity.ERROR]


def fitted(fields: Fields, facts: ModelFacts) -> Fields:
    """Every value that stands in no list of the model's facts becomes the nearest one that does."""
    fit = dict(fields)
    for name in ("seconds", "resolution", "aspect_ratio"):
        known = _nearest(name, fields[name], facts) if name in fields else []
        if known and fields[name] not in known:
            fit[name] = known[0]
    return fit


def _repaired(catalogue: Catalogue, fields: Fields, facts: ModelFacts) -> Fields | None:
    complaints = refused(catalogue, fields)
    for complaint in complaints:
        field = complaint.path[0] if complaint.path else None
        if field not in fields or field in ("model", "prompt"):
            continue
        for candidate in _candidates(fields, complaint, facts):
            if len(refused(catalogue, candidate)) < len(complaints):
                return candidate
        return _without(fields, complaint.path)
    return None


def _candidates(fields: Fields, complaint: Complaint, facts: ModelFacts) -> Iterator[Fields]:
    """Ways to mend a complaint that keep its field, the nearest value first."""
    name = str(complaint.path[0])
    for value in _nearest(name, fields[name], facts):
        yield {**fields, name: value}
    if name == "references":
        yield from _fewer(fields, complaint.path, facts)


def _nearest(name: str, value: JSON, facts: ModelFacts) -> list[JSON]:
    """The model's own values of a field, the closest first; of two as close, the larger."""
    if name == "seconds":
        wish = value if value > 0 else facts.default_seconds or 0
        return sorted((s for s in facts.seconds if s > 0), key=lambda s: (abs(s - wish), -s))
    if name == "resolution":
        lines = _lines(value)
        made = {row.resolution for row in facts.sizes}
        return sorted(made, key=lambda r: (abs(_lines(r) - lines), -_lines(r)))
    if name == "aspect_ratio":
        shape = _shape(value)
        ratios = {row.aspect_ratio for row in facts.sizes if _shape(row.aspect_ratio) is not None}
        home = base.defaults(facts)[1]
        if shape is None:
            return [home] if home else []
        return sorted(ratios, key=lambda r: (abs((_shape(r) or 0.0) - shape), r))
    return []


def _fewer(fields: Fields, path: Sequence[str | int], facts: ModelFacts) -> Iterator[Fields]:
    """Fewer references: without the one complained of, if it is one; without the kinds the model
    does not take; then without the last ones."""
    given = fields["references"]
    if len(path) > 1 and len(given) > 1:
        yield {**fields, "references": [s for n, s in enumerate(given) if n != path[1]]}
    kept = [s for s in given if f"reference_{kind_of(s)}" in facts.capabilities]
    for count in range(len(kept), 0, -1):
        yield {**fields, "references": kept[:count]}


def _without(fields: Fields, path: Sequence[str | int]) -> Fields:
    """The fields without what is complained of: one parameter of `options`, or a whole field."""
    name = str(path[0])
    rest = {key: value for key, value in fields.items() if key != name}
    if name in ("options", "extra_body") and len(path) > 1:
        inner = {key: value for key, value in fields[name].items() if key != path[1]}
        return {**rest, name: inner} if inner else rest
    return rest


def _lines(resolution: str) -> int:
    """Scan lines of "720p"; 4k has 2160."""
    digits = resolution.rstrip("pk")
    return 2160 if resolution == "4k" else int(digits) if digits.isdecimal() else 0


def _shape(ratio: str) -> float | None:
    """How wide a ratio is, so that 16:9 and 9:16 are equally far from 1:1."""
    width, _, height = ratio.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return None
    return math.log(int(width) / int(height))
