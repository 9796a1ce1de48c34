"""Keys, types and ranges: a schema's refusals in the user's words."""

from collections.abc import Iterator, Mapping
from functools import cache

from runner.model import JSON, Severity
from runner.schema.complaint import Complaint, Path, did_you_mean, listed, shown
from runner.schema.data import data_file, read_json
from runner.schema.engine import Accepts, Refusal, accepts, refusals

STORYBOARD = "storyboard.schema.json"
MODELS = "models"  # the generated part of the storyboard schema, for editors only


def check_storyboard(data: JSON) -> list[Complaint]:
    """Every unknown key, wrong type and value out of range, with paths into `data`."""
    schema, fits = _storyboard()
    return [] if fits(data) else list(explain(schema, data, "storyboard"))


def explain(schema: Mapping[str, JSON], document: JSON, prefix: str) -> Iterator[Complaint]:
    """What a schema refuses, one complaint a fault; rule ids begin with `prefix`."""
    for refusal in refusals(schema, document):
        yield from _complaints(refusal, prefix)


@cache
def _storyboard() -> tuple[Mapping[str, JSON], Accepts]:
    schema = read_json(data_file(STORYBOARD))
    schema["$defs"][MODELS] = {}
    return schema, accepts(schema)


def _complaints(refusal: Refusal, prefix: str) -> Iterator[Complaint]:
    path = tuple(refusal.absolute_path)
    match refusal.validator:
        case "additionalProperties" | "unevaluatedProperties":
            yield from _unknown_keys(refusal, path, prefix)
        case "required" | "dependentRequired":
            yield _missing_key(refusal, path, prefix)
        case "type":
            yield _wrong_type(refusal, path, prefix)
        case _:
            yield _wrong_value(refusal, path, prefix)


def _unknown_keys(refusal: Refusal, path: Path, prefix: str) -> Iterator[Complaint]:
    known = list(refusal.schema.get("properties", {}))
    for key in refusal.instance:
        if key not in known:
            hint = did_you_mean(str(key), known) or f"known here: {', '.join(sorted(known))}"
            message = f"unknown key `{shown(key)}`{_inside(path)}"
            yield _error(f"{prefix}.unknown_key", (*path, key), message, hint, key=True)


def _missing_key(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    missing = [key for key in refusal.validator_value if key not in refusal.instance]
    message = f"`{'`, `'.join(missing)}` is missing{_inside(path)}"
    return _error(f"{prefix}.missing_key", path, message, f"add `{missing[0]}:`")


def _wrong_type(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    wanted = refusal.validator_value
    wanted = [wanted] if isinstance(wanted, str) else wanted
    message = f"{_name(path)} is {shown(refusal.instance)!r}, not {_either(wanted)}"
    return _error(f"{prefix}.type", path, message, _advice(refusal, wanted))


def _wrong_value(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    limit, value = refusal.validator_value, shown(refusal.instance)
    match refusal.validator:
        case "enum":
            said = f"{_name(path)} is {value}"
            hint = f"one of: {listed(limit)}"
            if isinstance(refusal.instance, str):
                words = [word for word in limit if isinstance(word, str)]
                hint = did_you_mean(refusal.instance, words) or hint
        case "const":
            said, hint = f"{_name(path)} is {value}", f"it must be {shown(limit)}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            said = f"{_name(path)} is {value}"
            hint = f"{LIMITS[refusal.validator]} {shown(limit)}"
        case "minItems" | "maxItems" | "minProperties" | "maxProperties":
            said = f"{_name(path)} has {len(refusal.instance)} entries"
            hint = f"{LIMITS[refusal.validator]} {limit}"
        case "minLength" | "maxLength":
            said = f"{_name(path)} has {len(refusal.instance)} characters"
            hint = f"{LIMITS[refusal.validator]} {limit}"
        case _:
            said, hint = f"{_name(path)} cannot be {value!r}", ""
    advice = refusal.schema.get("x-hint", hint)
    return _error(f"{prefix}.value", path, said, advice)


LIMITS = {
    "minimum": "at least", "maximum": "at most",
    "exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
    "minItems": "at least", "maxItems": "at most",
    "minProperties": "at least", "maxProperties": "at most",
    "minLength": "at least", "maxLength": "at most",
}  # fmt: skip
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


def _advice(refusal: Refusal, wanted: list[str]) -> str:
    if hint := refusal.schema.get("x-hint"):
        return str(hint)
    value = refusal.instance
    if wanted == ["string"] and isinstance(value, int | float):
        return f'write it in quotes: "{shown(value)}"'
    if isinstance(value, str) and {"integer", "number"} & set(wanted):
        return "write it without quotes" if value.strip().lstrip("-").isdecimal() else ""
    if value is None:
        return "give it a value, or remove the key"
    return ""


def _either(types: list[str]) -> str:
    return " or ".join(TYPES[name] for name in types)


def _name(path: Path) -> str:
    """How a message calls the value: its key, or its place in the list it stands in."""
    if not path:
        return "the storyboard"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1}{_inside(path[:-1])}"
    return f"`{path[-1]}`"


def _inside(path: Path) -> str:
    keys = [str(step) for step in path if isinstance(step, str)]
    return f" in `{keys[-1]}`" if keys else ""


def _error(rule: str, path: Path, message: str, hint: str = "", *, key: bool = False) -> Complaint:
    return Complaint(rule, Severity.ERROR, path, message, hint, key=key)
