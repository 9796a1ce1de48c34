"""Shots before anything in them is understood: the cascade, variants and rows of tables."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from runner.load.found import Path, loc_of
from runner.model import JSON, Loc
from runner.source import Document, Map, Spot, find, merge, pointer

# Mappings of many values; a source is one value.
MERGED = frozenset({"vars", "options", "extra_body"})
OWN = frozenset({"variants", "for_each"})  # said once for the whole entry


class Layer(NamedTuple):
    """One mapping of the cascade, and where it stands in its file."""

    data: Map
    path: Path


class Draft(Struct, frozen=True):
    """One shot with its cascade applied and nothing rendered."""

    id: str
    fields: dict[str, JSON]
    layers: tuple[Layer, ...]  # the nearest first; the last is the storyboard, for its `vars`
    row: Map | None = None
    row_number: int = 0

    def find(self, parts: Path, *, key: bool = False) -> tuple[Spot | None, Path]:
        """Where a field (or its key) was set, in the layer that says most of it."""
        best: tuple[Spot | None, Path] = (None, ())
        for layer in self.layers:
            if parts and parts[0] not in layer.data:
                continue
            spot = find(layer.data, parts, key=key)
            if best[0] is None or (spot is not None and spot.depth > best[0].depth):
                best = spot, (*layer.path, *parts)
        if best[0] is None:
            return Spot(*self._own_place(), 0), (*self.layers[0].path, *parts)
        return best

    def loc(self, parts: Path = (), *, key: bool = False) -> Loc:
        if parts:
            return loc_of(*self.find(parts, key=key))
        doc, offset = self._own_place()
        return doc.loc(offset, pointer(self.layers[0].path))

    def _own_place(self) -> tuple[Document, int]:
        """The `id` of the shot, or the beginning of the variant."""
        data = self.layers[0].data
        return data.spot("id") or (data.doc, min(data.marks.values(), default=0) >> 32)

    @property
    def about(self) -> str:
        """Which row of which table this is, for messages."""
        if self.row is None:
            return ""
        at = Spot(self.row.doc, min(self.row.marks.values(), default=0) & 0xFFFFFFFF, 0).loc()
        return f"row {self.row_number}, {at.file}:{at.line}"


class Origins(Mapping[str, Loc]):
    """Where each field of a shot, and each `vars.x` or `row.x` its texts look at, was set.

    Places are looked up when asked for: most shots of most runs are never asked about.
    """

    __slots__ = ("draft", "names")

    def __init__(self, draft: Draft, names: frozenset[tuple[str, ...]] = frozenset()) -> None:
        self.draft, self.names = draft, names

    def __getitem__(self, name: str) -> Loc:
        if name not in set(self):
            raise KeyError(name)
        parts = tuple(name.split("."))
        row = self.draft.row
        if parts[0] == "row" and row is not None:
            spot = row.spot(parts[1])
            return Spot(*spot, 1).loc() if spot else self.draft.loc()
        return self.draft.loc(parts)

    def __iter__(self) -> Iterator[str]:
        yield from self.draft.fields
        yield from sorted(filter(None, map(self.named, self.names)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def named(self, path: tuple[str, ...]) -> str:
        """`grade` and `vars.grade` are one thing, called `vars.grade`."""
        variables = self.draft.fields.get("vars", {})
        if path[0] in variables:
            path = ("vars", *path)
        if path[0] == "vars" and len(path) > 1 and path[1] in variables:
            return f"vars.{path[1]}"
        if path[0] == "row" and len(path) > 1 and self.draft.row is not None:
            return f"row.{path[1]}" if path[1] in self.draft.row else ""
        return ""


def used(draft: Draft, names: frozenset[tuple[str, ...]]) -> dict[str, JSON]:
    """What texts that look at `names` found there: `vars.grade`, `row.city` -> value."""
    found: dict[str, JSON] = {}
    if not names:
        return found  # most texts of a long film
    for name in sorted(set(filter(None, map(Origins(draft, names).named, names)))):
        scope, _, key = name.partition(".")
        values = draft.row if scope == "row" and draft.row else draft.fields["vars"]
        found[name] = values[key]
    return found


def cascade(layers: tuple[Layer, ...]) -> dict[str, JSON]:
    """The fields of a shot. `defaults` < shot < variant: mappings of values merge, others replace.

    The last layer is the storyboard, which gives only its `vars`.
    """
    *own, board = layers
    fields: dict[str, JSON] = {}
    if "vars" in board.data:
        fields["vars"] = board.data["vars"]
    for layer in reversed(own):
        fields = laid_over(fields, layer.data)
    return fields


def laid_over(fields: Mapping[str, JSON], data: Map) -> dict[str, JSON]:
    """The fields of one more layer of the cascade."""
    laid = {**fields, **data}
    for name in MERGED & data.keys():
        if isinstance(data[name], Map) and isinstance(fields.get(name), Map):
            laid[name] = merge(fields[name], data[name])
    for name in OWN & data.keys():
        del laid[name]
    return laid
