"""The storyboard schema as editors use it: with a part per model, made from the catalogue.

An editor knows one schema and the text so far. So what can be said of a model from single fields
is written out: `if model is … then seconds is one of …`, in a shot that names its model, and
through `defaults` in one that does not. Rules marked `editor` are added: they are decided by the
fields that are there. All others need the whole cascade and are the command line's.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from runner.model import JSON, ModelFacts
from runner.schema.catalogue import Catalogue
from runner.schema.complaint import PLACE, fill, listed
from runner.schema.data import data_file, read_json
from runner.schema.rules import Rule, legal
from runner.schema.shots import rules_for, vocabulary
from runner.schema.structure import GENERATED, STORYBOARD

HERE = "#/$defs/models/$defs"
WIDTH = 150
ENUMS = {  # field -> the fact that lists its legal values
    "seconds": "seconds",
    "size": "sizes",
    "resolution": "resolutions",
    "aspect_ratio": "aspect_ratios",
}


def editor_schema(catalogue: Catalogue) -> dict[str, JSON]:
    """The shipped structure with everything that the catalogue knows of each model."""
    schema: dict[str, JSON] = read_json(data_file(STORYBOARD))
    parts = _models(catalogue, schema["$defs"]), _inherited(catalogue)
    schema["$defs"].update(zip(GENERATED, parts, strict=True))
    return schema


def text(schema: JSON, indent: int = 0) -> str:
    """JSON for people: what fits on a line stands on one."""
    flat = json.dumps(schema, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(schema, dict | list):
        return flat
    pad, end = " " * (indent + 2), " " * indent
    if isinstance(schema, dict):
        rows = (f"{json.dumps(k)}: {text(v, indent + 2)}" for k, v in schema.items())
        return "{\n" + ",\n".join(pad + row for row in rows) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + text(item, indent + 2) for item in schema) + f"\n{end}]"


def _models(catalogue: Catalogue, fields: Mapping[str, JSON]) -> dict[str, JSON]:
    """What a mapping that names its model may say."""
    known = catalogue.models.values()
    return {
        "properties": {"model": {"anyOf": [{"enum": list(catalogue.models)}, {"type": "string"}]}},
        "allOf": [{"if": _names(facts), "then": {"$ref": _ref(facts.id)}} for facts in known],
        "$defs": {
            **{facts.id: _model(catalogue, facts, fields) for facts in known},
            **{f"options-of-{name}": _options(catalogue, name) for name in catalogue.vendors},
        },
    }


def _inherited(catalogue: Catalogue) -> dict[str, JSON]:
    """The same for shots whose model comes from `defaults`."""
    nameless = {"not": {"required": ["model"]}}
    return {
        "allOf": [
            {
                "if": {"required": ["defaults"], "properties": {"defaults": _names(facts)}},
                "then": {
                    "properties": {
                        "shots": {"items": {"if": nameless, "then": {"$ref": _ref(facts.id)}}}
                    }
                },
            }
            for facts in catalogue.models.values()
        ]
    }


def _names(facts: ModelFacts) -> dict[str, JSON]:
    return {"required": ["model"], "properties": {"model": {"const": facts.id}}}


def _ref(name: str) -> str:
    """A reference to a part; a model's id may hold anything."""
    return f"{HERE}/{quote(name.replace('~', '~0').replace('/', '~1'), safe='')}"


def _options(catalogue: Catalogue, vendor: str) -> JSON:
    return catalogue.vendors[vendor].schema.get("properties", {}).get("options", {})


def _model(catalogue: Catalogue, facts: ModelFacts, fields: Mapping[str, JSON]) -> dict[str, JSON]:
    title, known = catalogue.vendors[facts.vendor].title, legal(facts)
    definitions = catalogue.definitions_of(facts.vendor)["$defs"]
    properties: dict[str, JSON] = {
        field: {
            "enum": known[fact],
            "description": f"{fields[field]['description']} {_says(facts, field, known[fact])}",
        }
        for field, fact in ENUMS.items()
        if known[fact]
    }
    properties["options"] = {"$ref": _ref(f"options-of-{facts.vendor}")}
    joined: list[JSON] = []
    for rule, schema in rules_for(catalogue, facts):
        if rule.editor:
            excluded = _excluded(schema)
            for field in excluded:
                properties[field] = _nothing(_words(catalogue, facts, rule))
            joined += [] if excluded else [_inlined(schema, definitions)]
    about = f"{title}, {facts.status}. {facts.notes}".strip()
    return {"description": about, "properties": properties, **({"allOf": joined} if joined else {})}


def _nothing(words: str) -> dict[str, JSON]:
    """No value fits: null, which the field's own schema excludes. Editors word this one freely."""
    return {"type": "null", "errorMessage": words}


def _says(facts: ModelFacts, field: str, values: list[JSON]) -> str:
    usual, unit = getattr(facts, f"default_{field}"), " s" if field == "seconds" else ""
    default = "" if usual is None else f" Left out: {usual}{unit}."
    return f"{facts.id} makes {listed(values)}{unit}.{default} ({facts.source})"


def _excluded(schema: JSON) -> list[str]:
    """The fields that a rule excludes altogether."""
    return [key for key, value in schema.get("properties", {}).items() if value is False]


def _words(catalogue: Catalogue, facts: ModelFacts, rule: Rule) -> str:
    """What the rule says, as far as it says it without the shot's values."""
    said = [part for part in (rule.message, rule.hint) if set(PLACE.findall(part)) <= {"model"}]
    able = [rule.hint] if rule.hint not in said and "{able." in rule.hint else []
    look = vocabulary(catalogue, facts, {}, (), {})
    return "; ".join(fill(part, look) for part in said + able)


def _inlined(part: JSON, definitions: Mapping[str, JSON]) -> JSON:
    """A rule's schema without references: they point into another document."""
    if isinstance(part, Mapping):
        if "$ref" in part:
            return _inlined(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
        return {key: _inlined(value, definitions) for key, value in part.items()}
    return [_inlined(item, definitions) for item in part] if isinstance(part, list) else part
