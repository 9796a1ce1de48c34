"""What both ways of filling in a template share: faults, limits, and how a value becomes text."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from runner.model import JSON

MAX_TEXT = 64 << 10  # characters of a template, a value, and what comes out
MAX_STEPS = 100_000  # loop turns, pieces, calls, and items that filters look at

Names = frozenset[tuple[str, ...]]


class Fault(Struct, frozen=True):
    """What is wrong with a template: at `offset` of its text, or of the prompt file `file`."""

    rule: str
    message: str
    hint: str = ""
    offset: int = 0
    file: str = ""  # "": the text that was to be rendered

    def at(self, offset: int, file: str) -> "Fault":
        return replace(self, offset=offset, file=file)


Ref = Callable[[str], str | Fault]


class Broken(Exception):
    """Carries a Fault out of the depth of a template; never leaves this package."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Budget:
    """What one rendering may still do."""

    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.characters = MAX_TEXT

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Broken(
                Fault(
                    "template.too_long",
                    f"a template that takes more than {MAX_STEPS:,} steps",
                    "a prompt is a few hundred words: make the loop or the list shorter",
                )
            )

    def write(self, text: str) -> str:
        """The same text, counted as part of what comes out."""
        self.spend(1)
        self.characters -= len(text)
        if self.characters < 0:
            raise Broken(too_large())
        return text


class Compiled(Protocol):
    """A template ready to be filled in."""

    @property
    def names(self) -> Names: ...

    def fill(self, scope: Mapping[str, JSON], ref: Ref, budget: Budget) -> str:
        """Raises Broken."""
        ...


def too_large() -> Fault:
    message = f"a template that makes more than {MAX_TEXT:,} characters"
    return Fault("template.too_large", message, "no vendor reads a prompt that long")


def undefined(name: str, owner: object, *, top: bool) -> Fault:
    """The fault of a name that is not there, with the names that are (at most a dozen)."""
    known = sorted(map(str, owner)) if isinstance(owner, Mapping) else []
    close = _closest(name, known)
    shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    hint = f"did you mean {close!r}?" if close else f"there is: {shown}" if known else ""
    if top and not close:
        hint = f"set it under `vars:`; {hint}" if hint else "set it under `vars:`"
    if not top and not isinstance(owner, Mapping):
        hint = f"fields belong to mappings; filters are written `|{name}`"
        return Fault("template.undefined", f"{kind(owner)} has no field {name!r}", hint)
    return Fault("template.undefined", f"{name!r} is not defined", hint)


def _closest(name: str, known: list[str]) -> str | None:
    from difflib import get_close_matches  # 5 ms that only a mistake should cost

    return next(iter(get_close_matches(name, known, n=1)), None)


def to_text(value: JSON) -> str:
    """A value as it reads in a prompt: text and numbers as they are, `true`, `false`.

    Raises Broken for what would print as something nobody wrote: mappings, lists, nothing.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    hint = _HINTS.get(what := kind(value), "name a value")
    raise Broken(Fault("template.not_text", f"{what} cannot be part of a text", hint))


_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]").search


def clean(text: str) -> str:
    """The same text; raises Broken for characters that an escape in a template slipped in."""
    if found := _UNSENDABLE(text):
        message = f"the character U+{ord(found[0]):04X} in a text"
        raise Broken(Fault("template.encoding", message, "remove it"))
    return text


_HINTS = {
    "nothing (null)": "give it a value, or write `|default('…', true)`",
    "a mapping": "name one of its fields",
    "a list": "a list can be joined: `|join(', ')`",
}


def kind(value: object) -> str:
    """What a value is, as a message calls it."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return "text" if isinstance(value, str) else f"a {type(value).__name__}"
