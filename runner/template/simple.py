"""Templates that only name things: values, markers and other prompt files. No engine needed."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from runner.model import JSON
from runner.template.base import (
    MAX_TEXT,
    Broken,
    Budget,
    Compiled,
    Fault,
    Names,
    Ref,
    to_text,
    too_large,
    undefined,
)
from runner.template.prompts import Prompts

Compile = Callable[[str], Compiled]

MAX_INCLUDES = 16  # prompt files inside one another
_OPENS = re.compile(r"\{[{%#]").search
_TAG = re.compile(
    r"""\{\{\ *(?:
            ref\(\ *(?P<q>['"])(?P<ref>[^'"\\\n{}]+)(?P=q)\ *\)
          | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
        )\ *\}\}
      | \{%\ *include\ +(?P<i>['"])(?P<include>[^'"\\\n{}]+)(?P=i)\ *%\}""",
    re.VERBOSE | re.ASCII,
)
_RESERVED = frozenset({  # names that mean something to the engine
    "and", "caller", "else", "false", "False", "if", "import", "in", "is", "kwargs", "loop",
    "none", "None", "not", "or", "range", "ref", "self", "super", "true", "True", "varargs",
})  # fmt: skip


def opens(text: str) -> bool:
    """Whether a tag begins anywhere in the text."""
    return _OPENS(text) is not None


class Compiler:
    """Takes simple templates apart; each prompt file once."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._files: dict[str, Simple | None] = {}

    def compile(self, text: str, inside: tuple[str, ...] = ()) -> "Simple | None":
        """The pieces of a template, or None if it takes more than naming things.

        `inside`: the prompt files around it. Raises Broken.
        """
        if len(text) > MAX_TEXT:
            raise Broken(too_large())
        pieces: list[Piece] = []
        end = 0
        for tag in _TAG.finditer(text):
            plain, end = text[end : tag.start()], tag.end()
            piece = self._piece(tag, inside)
            if piece is None or plain.endswith("{") or opens(plain):
                return None
            pieces += [plain, piece] if plain else [piece]
        if opens(text[end:]):
            return None
        return Simple((*pieces, text[end:]), _names(pieces))

    def _piece(self, tag: re.Match[str], inside: tuple[str, ...]) -> "Piece | None":
        file = self._prompts.shown(inside[-1]) if inside else ""
        if tag["name"]:
            path = tuple(tag["name"].split("."))
            return None if path[0] in _RESERVED else Value(path, tag.start("name"), file)
        if tag["ref"]:
            return Marker(tag["ref"], tag.start("ref") - 1, file)
        name, at = tag["include"], tag.start("include") - 1
        if name in inside or len(inside) == MAX_INCLUDES:
            way = " → ".join((*inside, name))
            fault = Fault("template.include", f"prompt files go round in a circle: {way}")
            raise Broken(fault.at(at, file))
        if name not in self._files:
            text = self._prompts.text(name)
            if isinstance(text, Fault):
                raise Broken(text.at(at, file))
            self._files[name] = self.compile(text, (*inside, name))
        return self._files[name]


class Value(Struct, frozen=True):
    """`{{ vars.grade }}`"""

    path: tuple[str, ...]
    at: int
    file: str

    def find(self, scope: Mapping[str, JSON]) -> str:
        value: JSON = scope
        at = self.at
        for name in self.path:
            if not isinstance(value, Mapping) or name not in value:
                fault = undefined(name, value, top=value is scope)
                raise Broken(fault.at(at, self.file))
            value = value[name]
            at += len(name) + 1
        try:
            return to_text(value)
        except Broken as broken:
            raise Broken(broken.fault.at(self.at, self.file)) from None


class Marker(Struct, frozen=True):
    """`{{ ref('mara') }}`"""

    name: str
    at: int
    file: str

    def find(self, ref: Ref) -> str:
        marker = ref(self.name)
        if isinstance(marker, Fault):
            raise Broken(marker.at(self.at, self.file))
        return marker


class Simple(Struct, frozen=True):
    """A template as its pieces, in order."""

    pieces: Sequence["Piece"]
    names: Names

    def fill(self, scope: Mapping[str, JSON], ref: Ref, budget: Budget) -> str:
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(budget.write(piece))
            elif isinstance(piece, Value):
                parts.append(budget.write(piece.find(scope)))
            elif isinstance(piece, Marker):
                parts.append(budget.write(piece.find(ref)))
            else:
                parts.append(piece.fill(scope, ref, budget))
        return "".join(parts)


def _names(pieces: Sequence["Piece"]) -> Names:
    names = {piece.path for piece in pieces if isinstance(piece, Value)}
    return frozenset(names.union(*(piece.names for piece in pieces if isinstance(piece, Simple))))


Piece = str | Value | Marker | Simple
