"""A resolved shot against everything known of its model."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from runner.model import JSON, ModelFacts, Severity
from runner.schema.catalogue import Catalogue
from runner.schema.checks import CHECKS, Check
from runner.schema.complaint import Complaint, Path, did_you_mean, fill, listed, shown
from runner.schema.engine import Accepts, accepts, refusals
from runner.schema.rules import Rule, legal
from runner.schema.structure import explain

Fields = Mapping[str, JSON]
NAMED = 4  # models a hint names before it stops


def check_shot(catalogue: Catalogue, fields: Fields) -> list[Complaint]:
    """Everything known to be wrong with a resolved shot; paths lead into `fields`.

    Resolved: cascade applied, templates rendered, every source in its long form. The types of
    the neutral fields are `check_storyboard`'s; here stand `options` and all rules.
    """
    model = fields.get("model")
    facts = catalogue.facts(model) if isinstance(model, str) else None
    if facts is None:
        return [_unknown_model(catalogue, model)]
    complaints = list(model_checks(catalogue, facts).complaints(fields))
    if facts.status == "retired":
        complaints.insert(0, _retired(facts))
    return list(as_wanted(catalogue, complaints)) if complaints else complaints


class ModelChecks(Struct, frozen=True):
    """The rules that concern one model, compiled."""

    catalogue: Catalogue
    facts: ModelFacts
    options: Mapping[str, JSON]  # the vendor's own parameters, as a schema of the shot
    rules: tuple[tuple[Rule, JSON], ...]  # each with its schema as it reads for this model
    checks: tuple[tuple[Rule, Check], ...]  # what no schema can say
    all_well: Accepts
    one_by_one: dict[str, Accepts] = field(default_factory=dict)

    def complaints(self, fields: Fields) -> Iterator[Complaint]:
        if not self.all_well(fields):
            yield from self._refused(fields)
        for rule, check in self.checks:
            for path, words in check(fields, self.facts):
                yield self._complaint(rule, fields, path, words)

    def _refused(self, fields: Fields) -> Iterator[Complaint]:
        malformed = list(explain(self.options, fields, self.facts.vendor))
        yield from malformed
        sore = {complaint.path for complaint in malformed}
        for rule, schema in self.rules:
            if rule.check is None and not self._holds(rule, schema, fields):
                for path in places(rule, self._alone(schema), fields):
                    if path not in sore:
                        yield self._complaint(rule, fields, path)

    def _holds(self, rule: Rule, schema: JSON, fields: Fields) -> bool:
        if rule.id not in self.one_by_one:
            self.one_by_one[rule.id] = accepts(self._alone(schema))
        return self.one_by_one[rule.id](fields)

    def _alone(self, schema: JSON) -> dict[str, JSON]:
        return {"$defs": self.options["$defs"], "allOf": [schema]}

    def _complaint(
        self, rule: Rule, fields: Fields, path: Path, words: Mapping[str, JSON] | None = None
    ) -> Complaint:
        look = vocabulary(self.catalogue, self.facts, fields, path, words or {})
        return Complaint(
            rule.id,
            rule.severity,
            path,
            fill(rule.message, look),
            fill(rule.hint, look),
            rule.source,
        )


def model_checks(catalogue: Catalogue, facts: ModelFacts) -> ModelChecks:
    """The compiled checks of one model; compiled once."""
    if facts.id not in catalogue.kept:
        rules = tuple(rules_for(catalogue, facts))
        options = catalogue.definitions_of(facts.vendor)
        all_well = accepts(whole_schema(catalogue, facts))
        checks = tuple((rule, CHECKS[rule.check]) for rule, _ in rules if rule.check is not None)
        catalogue.kept[facts.id] = ModelChecks(catalogue, facts, options, rules, checks, all_well)
    return cast("ModelChecks", catalogue.kept[facts.id])


def whole_schema(catalogue: Catalogue, facts: ModelFacts) -> dict[str, JSON]:
    """One schema that says all that schemas can say about a model's shots."""
    options = catalogue.definitions_of(facts.vendor)
    parts = [schema for rule, schema in rules_for(catalogue, facts) if rule.check is None]
    return {**options, "title": facts.id, "allOf": [*options.get("allOf", ()), *parts]}


def rules_for(
    catalogue: Catalogue, facts: ModelFacts, on: str = "shot"
) -> Iterator[tuple[Rule, JSON]]:
    """The rules that concern a model and are not switched off, each as it reads for it."""
    for rule in (*catalogue.common.rules, *catalogue.vendors[facts.vendor].rules):
        if rule.on == on and rule.concerns(facts) and catalogue.wants(rule):
            schema = rule.schema_for(facts)
            if schema is not None:
                yield rule, schema


def places(rule: Rule, schema: Mapping[str, JSON], document: Mapping[str, JSON]) -> Iterable[Path]:
    """The values a broken rule is about: the first of `at` that is there, else where it broke."""
    if rule.at:
        return (where(rule, document),)
    return dict.fromkeys(tuple(broken.absolute_path) for broken in refusals(schema, document))


def where(rule: Rule, document: Mapping[str, JSON]) -> Path:
    return next((path for path in rule.at if at(document, path) is not None), ("model",))


def at(document: JSON, path: Iterable[str | int]) -> JSON:
    """The value a path leads to, or None."""
    for step in path:
        if isinstance(document, Mapping):
            document = document.get(cast("str", step))
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def vocabulary(
    catalogue: Catalogue,
    facts: ModelFacts,
    document: Mapping[str, JSON],
    path: Path,
    words: Mapping[str, JSON],
) -> Callable[[str], str]:
    """What the `{places}` of a message may name: a field, `value`, `legal.*`, `able.*`.

    `able` are the other models that can; `elsewhere` those of other vendors among them.
    """

    def look(place: str) -> str:
        head, _, rest = place.partition(".")
        if head == "legal":
            return listed(legal(facts)[rest])
        if head in ("able", "elsewhere"):
            return _named(catalogue, facts, rest, elsewhere=head == "elsewhere")
        known = {"model": facts.id, "value": at(document, path), **words}
        return shown(known[place] if place in known else at(document, place.split(".")))

    return look


def as_wanted(catalogue: Catalogue, complaints: Iterable[Complaint]) -> Iterator[Complaint]:
    """Complaints as the project wants them: a rule made an error, a warning, or silent."""
    for complaint in complaints:
        severity = catalogue.severities.get(complaint.rule, complaint.severity)
        if severity is not None:
            yield replace(complaint, severity=severity)


def _named(catalogue: Catalogue, facts: ModelFacts, capability: str, *, elsewhere: bool) -> str:
    """Other models that can do it: of the same vendor, then the first of each other one."""
    seen: Counter[str] = Counter()
    ranked = []
    for model in catalogue.able(capability):
        vendor = catalogue.models[model].vendor
        if model == facts.id or (elsewhere and vendor == facts.vendor):
            continue
        ranked.append((vendor != facts.vendor, seen[vendor], model))
        seen[vendor] += 1
    named = [model for *_, model in sorted(ranked, key=lambda rank: rank[:2])]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more if named else "no model"


def _retired(facts: ModelFacts) -> Complaint:
    return Complaint(
        "model.retired",
        Severity.WARNING,
        ("model",),
        f"{facts.id}: its vendor retired it on {facts.retired}; the gateway still lists it",
        f"the nearest model is {facts.replacement}" if facts.replacement else "",
        f"vendor doc {facts.retired}",
    )


def _unknown_model(catalogue: Catalogue, model: JSON) -> Complaint:
    if model is None:
        return Complaint(
            "model.missing",
            Severity.ERROR,
            (),
            "no model is chosen",
            "write `model:` in the shot or in `defaults`; `reelmake models` lists them",
        )
    hint = did_you_mean(str(model), catalogue.models)
    if vendor := catalogue.vendor_of(str(model)):
        add = f"if it is new, add it to reelmake.yaml: `models: {{{model}: {{vendor: {vendor}}}}}`"
        hint = f"{hint} {add}".strip()
    return Complaint(
        "model.unknown",
        Severity.ERROR,
        ("model",),
        f"unknown model {model}",
        hint or "`reelmake models` lists what is known; reelmake.yaml can add to it",
    )
