"""Two JSON Schema validators with one meaning: a fast one for the yes, a plain one for the why.

`jsonschema_rs` decides; `jsonschema` is asked only about a document that was refused, because it
says where and which keyword. Both match patterns with the same linear regex engine, and neither
may fetch anything: a `$ref` that leaves its own document is an error when the schema is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from runner.errors import BadInput
from runner.model import JSON

Accepts = Callable[[JSON], bool]


class Refusal(Protocol):
    """What `jsonschema` says of one keyword that does not hold."""

    validator: str  # the keyword
    validator_value: JSON
    instance: JSON
    schema: Mapping[str, JSON]
    absolute_path: Sequence[str | int]
    absolute_schema_path: Sequence[str | int]


def accepts(schema: Mapping[str, JSON]) -> Accepts:
    """A predicate for documents. Raises `BadInput` for a schema that cannot be used."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(
            dict(schema),
            pattern_options=jsonschema_rs.RegexOptions(),
            retriever=_refuse,
        ).is_valid
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"schema {schema.get('title', '')!r} cannot be used: {reason}",
            do="patterns take no look-around and no back-references; $ref stays inside its file",
        ) from error


def refusals(schema: Mapping[str, JSON], document: JSON) -> Iterator[Refusal]:
    """What is wrong with a document, keyword by keyword, in the order of the schema."""
    errors: Iterator[Refusal] = _explainer()(schema, registry=_nothing_else()).iter_errors(document)
    return errors


@cache
def _explainer() -> Any:
    from jsonschema import Draft202012Validator, validators

    extend: Any = validators.extend  # not typed by types-jsonschema
    return extend(Draft202012Validator, {"pattern": _pattern})


@cache
def _nothing_else() -> Any:
    from referencing import Registry

    return Registry()


def _refuse(uri: str) -> JSON:
    raise ValueError(f"{uri} is outside the schema, and nothing is fetched")


def _pattern(_: object, pattern: str, instance: JSON, __: object) -> Iterator[Exception]:
    """The `pattern` keyword on the linear engine: Python's own can be made to run for years."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _matcher(pattern)(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


@cache
def _matcher(pattern: str) -> Accepts:
    return accepts({"pattern": pattern})
