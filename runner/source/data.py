"""Plain data to everyone else, plus where each key and value was written."""

from bisect import bisect_right
from collections.abc import Sequence
from io import StringIO
from itertools import accumulate
from typing import NamedTuple

from runner.model import JSON, Loc
from runner.source.scalar import offset_inside

KEY_BITS = 32  # a mark is `key offset << KEY_BITS | value offset`
VALUE = (1 << KEY_BITS) - 1


class Document:
    """One file that was read: turns an offset into a line and a column, when somebody asks."""

    __slots__ = ("_starts", "anchored", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.anchored = False  # whether a value in it has an anchor
        self._starts: list[int] | None = None

    def loc(self, offset: int, path: str = "") -> Loc:
        """Where the character at `offset` stands; lines and columns count from 1."""
        if self._starts is None:
            lines = StringIO(self.text + "\n", newline="\n")
            self._starts = list(accumulate(map(len, lines), initial=0))
        line = bisect_right(self._starts, offset)
        return Loc(self.file, line, offset - self._starts[line - 1] + 1, path)

    def loc_inside(self, start: int, value: str, offset: int, path: str = "") -> Loc:
        """Where the character `value[offset]` of the scalar written at `start` stands.

        Quotes, escapes, folding and block indentation only ever add or drop white space and
        marks between the visible characters, so those are matched one by one, in order.
        """
        return self.loc(self.offset_inside(start, value, offset), path)

    def offset_inside(self, start: int, value: str, offset: int) -> int:
        """As `loc_inside`, as an offset."""
        return offset_inside(self.text, start, value, offset)


class Spot(NamedTuple):
    """An offset in a document, and how many parts of a pointer led there."""

    doc: Document
    offset: int
    depth: int

    def loc(self, path: str = "") -> Loc:
        return self.doc.loc(self.offset, path)


class Map(dict[str, JSON]):
    """A mapping that knows where it was written. `under`: what it was laid over (`merge`)."""

    __slots__ = ("doc", "marks", "under")
    doc: Document
    marks: dict[str, int]
    under: "Map | None"

    def spot(self, key: str, *, of_key: bool = False) -> tuple[Document, int] | None:
        """Document and offset of the value at `key`, or of the key; None: not from a file."""
        layer: Map | None = self
        while layer is not None:
            mark = layer.marks.get(key)
            if mark is not None:
                return layer.doc, mark >> KEY_BITS if of_key else mark & VALUE
            layer = layer.under
        return None


class Seq(list[JSON]):
    """A sequence that knows where each item was written."""

    __slots__ = ("doc", "marks")
    doc: Document
    marks: list[int]


def merge(base: Map, over: Map) -> Map:
    """`over` laid on `base`: mappings merge, everything else replaces. Places travel along."""
    merged = Map(base)
    merged.doc, merged.marks, merged.under = over.doc, over.marks, base
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Map) and isinstance(value, Map):
            value = merge(below, value)
        merged[key] = value
    return merged


def pointer(parts: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) of keys and indices."""
    joined = "/".join(map(str, parts))
    if "~" in joined or joined.count("/") >= len(parts):  # a part that needs escapes, or none
        texts = [str(part).replace("~", "~0").replace("/", "~1") for part in parts]
        return "".join("/" + text for text in texts)
    return "/" + joined


def parts_of(pointer: str) -> list[str | int]:
    """The keys and indices of a JSON pointer; all digits make an index."""
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return [int(part) if part.isdigit() else part for part in parts]


def locate(data: JSON, parts: Sequence[str | int], *, key: bool = False) -> Loc:
    """The place of the value at `parts` (or of its key), as near as the data goes.

    A part that is not there gives the place of what should have held it. `Loc.path` is always the
    whole of `parts`. Data that came from no file gives `Loc("", 0, 0)`.
    """
    spot = find(data, parts, key=key)
    return spot.loc(pointer(parts)) if spot else Loc("", 0, 0, pointer(parts))


def find(data: JSON, parts: Sequence[str | int], *, key: bool = False) -> Spot | None:
    """The spot of the value at `parts`, or of the last part on the way that is there."""
    doc = getattr(data, "doc", None)
    best = Spot(doc, 0, 0) if doc is not None else None
    for depth, part in enumerate(parts, start=1):
        spot = _step(data, part, of_key=key and depth == len(parts))
        if spot is None:
            break
        best = Spot(*spot, depth)
        data = data[part]
    return best


def _step(data: JSON, part: str | int, *, of_key: bool) -> tuple[Document, int] | None:
    if isinstance(data, Map) and part in data:
        return data.spot(str(part), of_key=of_key)
    if isinstance(data, Seq) and isinstance(part, int) and 0 <= part < len(data):
        return data.doc, data.marks[part]
    return None
