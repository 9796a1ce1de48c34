"""Rules as data: one JSON Schema each, with a name, a source, words for people, and examples."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from runner.model import JSON, ModelFacts, Severity
from runner.schema.complaint import Path

FACT = "$fact"


class Rule(Struct, frozen=True):
    """One rule of a schema file.

    `when` and `must` are schemas of a resolved shot (of a measured medium where `on` is "medium",
    of all of them where it is "media"); `check` names a function for what a schema cannot say.
    """

    id: str
    severity: Severity
    message: str
    hint: str = ""
    source: str = ""
    when: JSON = True
    must: JSON = True
    check: str | None = None
    at: tuple[Path, ...] = ()
    on: str = "shot"
    editor: bool = False  # decided by the fields that are there, whatever `defaults` may add
    families: frozenset[str] = frozenset()  # empty: every family of the vendor
    without: str | None = None  # for models that lack this capability
    having: str | None = None  # for models that have it
    unless: str | None = None  # not in projects with this setting in reelmake.yaml
    examples: Mapping[str, JSON] = field(default_factory=dict)

    def concerns(self, facts: ModelFacts) -> bool:
        if self.families and facts.family not in self.families:
            return False
        if self.without is not None and self.without in facts.capabilities:
            return False
        return self.having is None or self.having in facts.capabilities

    def schema_for(self, facts: ModelFacts) -> JSON:
        """The rule as one schema, facts filled in; None where a fact it needs is not known."""
        known = legal(facts)
        needed = {name for part in (self.when, self.must) for name in _facts_in(part)}
        if not all(known.get(name) for name in needed):
            return None
        must = _with_facts(self.must, known)
        if self.when is True:
            return must
        return {"if": _with_facts(self.when, known), "then": must}


def legal(facts: ModelFacts) -> dict[str, list[JSON]]:
    """What rules may ask of a model's facts by `{"$fact": name}`; an empty list: not known."""
    frames = dict.fromkeys((row.resolution, row.aspect_ratio) for row in facts.sizes)
    return {
        "seconds": list(facts.seconds),
        "sizes": list(dict.fromkeys(row.native for row in facts.sizes if row.native)),
        "resolutions": list(dict.fromkeys(row.resolution for row in facts.sizes)),
        "aspect_ratios": list(dict.fromkeys(row.aspect_ratio for row in facts.sizes)),
        "frames": [
            {"properties": {"resolution": {"const": r}, "aspect_ratio": {"const": a}}}
            for r, a in frames
        ],
    }


def read_rules(rules: Iterable[Mapping[str, JSON]]) -> tuple[Rule, ...]:
    return tuple(_read_rule(rule) for rule in rules)


def _read_rule(data: Mapping[str, JSON]) -> Rule:
    values = dict(data)
    source = values.pop("source")
    return Rule(
        severity=Severity(values.pop("severity")),
        source=" ".join(filter(None, (source["kind"], source.get("date")))),
        at=tuple(_path(place) for place in values.pop("at", ())),
        families=frozenset(values.pop("families", ())),
        **values,
    )


def _path(place: str) -> Path:
    return tuple(int(step) if step.isdecimal() else step for step in place.split("."))


def _facts_in(part: JSON) -> list[str]:
    if isinstance(part, Mapping):
        if FACT in part:
            return [part[FACT]]
        return [name for value in part.values() for name in _facts_in(value)]
    if isinstance(part, list):
        return [name for value in part for name in _facts_in(value)]
    return []


def _with_facts(part: JSON, known: Mapping[str, list[JSON]]) -> JSON:
    if isinstance(part, Mapping):
        if FACT in part:
            return known[part[FACT]]
        return {key: _with_facts(value, known) for key, value in part.items()}
    if isinstance(part, list):
        return [_with_facts(value, known) for value in part]
    return part
