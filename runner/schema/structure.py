"""Keys, types and ranges: a schema's refusals in the user's words."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice

from runner.model import JSON, Severity
from runner.schema.complaint import Complaint, Path, did_you_mean, listed, quoted, shown
from runner.schema.data import data_file, read_json
from runner.schema.engine import Accepts, Refusal, accepts, refusals

STORYBOARD = "storyboard.schema.json"
GENERATED = ("models", "by_default")  # its parts for editors, made from the catalogue


MOST = 100  # unknown keys of one mapping that are told
SAID_AS = {  # words of vendors and of the gateway -> the field that says it to every vendor
    "duration": "seconds",
    "ratio": "aspect_ratio",
    "image": "first_frame",
    "image_url": "first_frame",
    "input_reference": "first_frame",
    "image_tail": "last_frame",
    "content": "references",
    "image_list": "references",
    "video_list": "references",
    "generate_audio": "audio",
    "sound": "audio",
    "watermark_info": "watermark",
    "n": "takes",
}


def check_storyboard(data: JSON) -> list[Complaint]:
    """Every unknown key, wrong type and value out of range, with paths into `data`."""
    schema, fits = storyboard_schema()
    return [] if fits(data) else list(explain(schema, data, "storyboard"))


def explain(schema: Mapping[str, JSON], document: JSON, prefix: str) -> Iterator[Complaint]:
    """What a schema refuses, one complaint a fault; rule ids begin with `prefix`."""
    for refusal in refusals(schema, document):
        yield from _complaints(refusal, prefix)


@cache
def storyboard_schema() -> tuple[Mapping[str, JSON], Accepts]:
    """The structural schema, without what is generated for editors, and its fast yes."""
    schema = read_json(data_file(STORYBOARD))
    schema["$defs"].update({name: {} for name in GENERATED})
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
        case _ if "propertyNames" in refusal.absolute_schema_path:
            yield _wrong_key(refusal, path, prefix)
        case _:
            yield _wrong_value(refusal, path, prefix)


def _unknown_keys(refusal: Refusal, path: Path, prefix: str) -> Iterator[Complaint]:
    known = list(refusal.schema.get("properties", {}))
    every = f"known here: {', '.join(sorted(known))}" if known else "no key is known here"
    unknown = (key for key in refusal.instance if key not in known)
    for key in islice(unknown, MOST):
        hint = _said_as(key, path, known) or did_you_mean(str(key), known) or every
        message = f"unknown key `{shown(key)}`{_inside(path)}"
        yield _error(f"{prefix}.unknown_key", (*path, key), message, hint, key=True)


def _said_as(key: JSON, path: Path, known: Sequence[str]) -> str:
    """Where a vendor's own word, or a field of the shot among a vendor's options, belongs."""
    field = SAID_AS.get(key, key)
    shot, _ = storyboard_schema()
    if path[-1:] == ("options",) and field in shot["$defs"]["shot"]["properties"]:
        return f"write `{field}:` beside `options`; each vendor gets it in its own words"
    return f"write `{field}:`" if field != key and field in known else ""


def _missing_key(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    wanted = refusal.validator_value
    if isinstance(wanted, Mapping):  # dependentRequired: what each key that is there asks for
        wanted = [
            key for there, keys in wanted.items() if there in refusal.instance for key in keys
        ]
    missing = [key for key in wanted if key not in refusal.instance]
    message = f"`{'`, `'.join(missing)}` is missing{_inside(path)}"
    first = refusal.schema.get("properties", {}).get(missing[0], {})
    value = f" {shown(first['const'])}" if "const" in first else ""
    return _error(f"{prefix}.missing_key", path, message, f"add `{missing[0]}:{value}`")


def _wrong_type(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    wanted = refusal.validator_value
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if not path and refusal.instance is None:
        return _error(f"{prefix}.type", path, "the file is empty", "`reelmake init` writes one")
    given = "a list" if isinstance(refusal.instance, list) else quoted(refusal.instance)
    message = f"{_name(path)} is {given}, not {_either(wanted)}"
    return _error(f"{prefix}.type", path, message, _advice(refusal, wanted))


def _wrong_key(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    message = f"the key `{shown(refusal.instance)}`{_inside(path)} cannot be used"
    hint = str(refusal.schema.get("x-hint", ""))
    return _error(f"{prefix}.key", (*path, refusal.instance), message, hint, key=True)


def _wrong_value(refusal: Refusal, path: Path, prefix: str) -> Complaint:
    keyword, limit, value = refusal.validator, refusal.validator_value, refusal.instance
    said, hint = f"{_name(path)} is {quoted(value)}", ""
    if keyword == "enum":
        words = [word for word in limit if isinstance(word, str)]
        near = did_you_mean(value, words) if isinstance(value, str) else ""
        hint = near or f"one of: {listed(limit)}"
    elif keyword == "const":
        hint = f"it must be {shown(limit)}"
    elif keyword in MEASURES:
        unit, word = MEASURES[keyword]
        said = f"{_name(path)} has {len(value)} {unit}" if unit else said
        hint = f"{word} {shown(limit)}"
    elif names := _alternatives(keyword, limit):
        there = [name for name in names if name in value]
        said = f"{_name(path)} has {' and '.join(there) or 'none'} of `{'`, `'.join(names)}`"
        hint = "it takes exactly one of them" if keyword == "oneOf" else "it needs one of them"
    else:
        said = f"{_name(path)} cannot be {quoted(value)}"
    return _error(f"{prefix}.value", path, said, str(refusal.schema.get("x-hint", hint)))


def _alternatives(keyword: str, branches: JSON) -> list[str]:
    """The keys of which one is wanted, where that is all that the branches say."""
    if keyword not in ("anyOf", "oneOf") or not all(
        [*branch] == ["required"] for branch in branches
    ):
        return []
    return [key for branch in branches for key in branch["required"]]


MEASURES = {  # keyword -> (what is counted, how the limit reads)
    "minimum": ("", "at least"),
    "maximum": ("", "at most"),
    "exclusiveMinimum": ("", "more than"),
    "exclusiveMaximum": ("", "less than"),
    "minItems": ("items", "at least"),
    "maxItems": ("items", "at most"),
    "minLength": ("characters", "at least"),
    "maxLength": ("characters", "at most"),
    "minProperties": ("keys", "at least"),
    "maxProperties": ("keys", "at most"),
}
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


NUMERIC = {"integer", "number"}


def _advice(refusal: Refusal, wanted: list[str]) -> str:
    value = refusal.instance
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and NUMERIC & {*wanted}:
        return "write it without quotes"
    if hint := refusal.schema.get("x-hint"):
        return str(hint)
    if wanted == ["string"] and is_number:
        return f'write it in quotes: "{shown(value)}"'
    if value is None:
        return "give it a value, or remove the key"
    return {"string": "put it in quotes if text is meant", "object": "write `key: value`"}.get(
        wanted[0], f"write {_either(wanted)}"
    )


def _either(types: list[str]) -> str:
    return " or ".join(TYPES[name] for name in types)


def _name(path: Path) -> str:
    """How a message calls the value: its key, or its place in the list it stands in."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1}{_inside(path[:-1])}"
    return f"`{path[-1]}`"


def _inside(path: Path) -> str:
    keys = [str(step) for step in path if isinstance(step, str)]
    return f" in `{keys[-1]}`" if keys else ""


def _error(rule: str, path: Path, message: str, hint: str = "", *, key: bool = False) -> Complaint:
    return Complaint(rule, Severity.ERROR, path, message, hint, key=key)
