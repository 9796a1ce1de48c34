"""One storyboard file: read, its structure checked, its shots drafted; what it includes, too."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from runner.load.drafts import Draft, Layer, cascade, laid_over
from runner.load.found import Found
from runner.load.found import Path as Parts
from runner.load.sources import Files, Refusal
from runner.load.tables import KINDS, read_rows
from runner.load.takes import Surroundings, TakeReader
from runner.model import JSON, Loc, Problem, Request, Severity
from runner.schema import Catalogue, Complaint, check_storyboard
from runner.source import MAX_BYTES, Map, Seq, locate, read_yaml
from runner.template import Prompts, Templates

MAX_INCLUDES = 16
SHARED = {("defaults",), ("vars",), ("references",)}  # what every shot of a file stands on
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z").match


class Board(Struct, frozen=True):
    """A storyboard file with its drafts in order."""

    data: Map
    around: Surroundings  # what its shots share
    parts: tuple["Board", ...]  # the storyboards it includes
    drafts: tuple[Draft, ...]
    unread: tuple[str, ...]  # ids of shots with a wrong value in them
    sore: frozenset[Parts]  # places with a wrong value in them

    def good(self, name: str) -> JSON:
        """A field of the storyboard, or None where it is absent or has something wrong in it."""
        return None if (name,) in self.sore else self.data.get(name)

    def boards(self) -> Iterator["Board"]:
        """The included storyboards, then this one: the order of the film."""
        for part in self.parts:
            yield from part.boards()
        yield self


class BoardReader(Struct):
    """Reads a storyboard and what it includes."""

    files: Files
    catalogue: Catalogue
    found: Found
    inputs: dict[str, bytes] = field(default_factory=dict)  # what was read, by shown name
    texts: dict[str, str] = field(default_factory=dict)  # prompt files among it
    asked: list[Request] = field(default_factory=list)  # what shots with local media ask for
    _seen: set[str] = field(default_factory=set)

    def read(
        self, path: Path, inside: tuple[str, ...] = (), named: Loc | None = None
    ) -> Board | None:
        """The storyboard at `path`, or None if nothing in it can be used."""
        shown = str(path)
        self.found.opened(shown)
        raw = self.inputs[shown] if shown in self.inputs else self._bytes(path, named)
        if raw is None:
            return None
        data, problems = read_yaml(raw, shown)
        for problem in problems:
            self.found.add(problem)
        if data is None and problems:
            return None
        complaints = check_storyboard(data)
        for complaint in complaints:
            at = locate(data, complaint.path, key=complaint.key)
            self.found.complaint(complaint, at if at.file else Loc(shown, 1, 1))
        return self._board(path, data, _sore(complaints), inside) if isinstance(data, Map) else None

    def _bytes(self, path: Path, named: Loc | None) -> bytes | None:
        at = named or Loc(str(path), 1, 1)
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror or error}"
            hint = "name a storyboard: `reelmake init` writes one"
            self.found.add(Problem("storyboard.unreadable", message, at, hint=hint))
            return None
        if len(raw) > MAX_BYTES:
            message = f"{path} has more than {MAX_BYTES:,} bytes"
            hint = "split the film with `include:`, or a table in two"
            self.found.add(Problem("storyboard.too_large", message, at, hint=hint))
            return None
        self.inputs[str(path)] = raw
        return raw

    def _board(
        self, path: Path, data: Map, sore: frozenset[Parts], inside: tuple[str, ...]
    ) -> Board:
        around = self._surroundings(path, data if ("references",) not in sore else Map())
        names = () if ("include",) in sore else data.get("include", ())
        parts = self._parts(path, data, names, (*inside, os.path.realpath(path)))
        entries = data.get("shots", ())
        entries = entries if isinstance(entries, Seq) else ()
        bad = {
            index
            for index in range(len(entries))
            if sore and (sore & SHARED or ("shots", index) in sore)
        }
        drafts = tuple(self._drafts(data, entries, bad, around))
        unread = tuple(id_ for index in sorted(bad) for id_ in _ids_of(entries[index]))
        return Board(data, around, parts, drafts, unread, sore)

    def _surroundings(self, path: Path, data: Map) -> Surroundings:
        prefix = "" if str(path.parent) == "." else f"{path.parent}/"
        return Surroundings(
            path.parent,
            prefix,
            self.files,
            Templates(Prompts(path.parent / "prompts", f"{prefix}prompts", self.files.root)),
            data.get("references", {}),
            self.catalogue,
            self.found,
            self.texts,
            self.asked,
        )

    # ── other storyboards ───────────────────────────────────────────────────────────────────

    def _parts(
        self, path: Path, data: Map, names: Iterable[str], inside: tuple[str, ...]
    ) -> tuple[Board, ...]:
        parts = []
        for index, name in enumerate(names):
            at = locate(data, ("include", index))
            if self._may_include(path, name, at, inside):
                board = self.read(path.parent / name, inside, at)
                parts += [board] if board else []
        return tuple(parts)

    def _may_include(self, path: Path, name: str, at: Loc, inside: tuple[str, ...]) -> bool:
        file = self.files.find(name, path.parent)
        if isinstance(file, Refusal):
            self.found.add(Problem(file.rule, file.message, at, hint=file.hint))
            return False
        real = os.path.realpath(path.parent / name)
        if real in inside or len(inside) > MAX_INCLUDES:
            way = " → ".join(Path(step).name for step in (*inside, real))
            message = f"storyboards that include each other: {way}"
            self.found.add(Problem("include.cycle", message, at, hint="remove one `include:`"))
            return False
        if real in self._seen:
            message = f"{name} is included a second time"
            self.found.add(Problem("include.twice", message, at, hint="remove one of the two"))
            return False
        self._seen.add(real)
        return True

    # ── shots ───────────────────────────────────────────────────────────────────────────────

    def _drafts(
        self, data: Map, entries: Sequence[Map], bad: set[int], around: Surroundings
    ) -> Iterator[Draft]:
        below: tuple[Layer, ...] = (Layer(data, ()),)
        if "defaults" in data:
            below = (Layer(data["defaults"], ("defaults",)), *below)
        shared = cascade(below) if len(bad) < len(entries) else {}
        for index, entry in enumerate(entries):
            if index not in bad:
                layers = (Layer(entry, ("shots", index)), *below)
                draft = Draft(entry["id"], laid_over(shared, entry), layers)
                drafts = self._rows(draft, around) if "for_each" in entry else (draft,)
                for draft in drafts:
                    yield draft
                    if "variants" in entry:
                        self._refuse_take_names(draft, entry["variants"])
                        yield from _variants(draft, entry["variants"])

    def _refuse_take_names(self, draft: Draft, variants: Map) -> None:
        """`sh010.t2.mp4` is take 2 of sh010: no variant may be called so beside it."""
        takes = draft.fields.get("takes", 1)
        numbers = [f"t{number}" for number in range(1, takes + 1)] if takes > 1 else []
        for name in variants:
            if name.lower() in numbers and draft.row_number <= 1:
                message = f"variant {name} and take {name[1:]} would be one file"
                at = draft.loc(("variants", name), key=True)
                self.found.add(Problem("shot.variant_name", message, at, hint="rename it"))

    def _rows(self, draft: Draft, around: Surroundings) -> Iterator[Draft]:
        """The draft once a row, its id rendered."""
        at = draft.loc(("for_each",))
        for number, row in enumerate(self._table(draft.layers[0].data["for_each"], at, around), 1):
            of_row = replace(draft, row=row, row_number=number)
            id_ = TakeReader(around, of_row, 1).text(draft.id, ("id",))
            if _ID(id_):
                yield replace(of_row, id=id_)
            elif id_:
                hint = "letters, digits, `-`, `_`: `{{ row.x|lower|replace(' ', '-') }}`"
                problem = Problem("shot.id", f"the id {id_[:80]!r}", draft.loc(), hint=hint)
                self.found.add(problem, of_row.about)

    def _table(self, name: str, at: Loc, around: Surroundings) -> list[Map]:
        file = self.files.find(name, around.folder)
        if isinstance(file, Refusal):
            self.found.add(Problem(file.rule, file.message, at, hint=file.hint))
            return []
        if not name.endswith(KINDS):
            hint = f"one of {', '.join(KINDS)}"
            self.found.add(Problem("table.kind", f"{name} is not a table", at, hint=hint))
            return []
        path = around.folder / name
        self.found.opened(str(path))
        raw = self.inputs.get(str(path)) or self._bytes(path, at)
        rows, problems = read_rows(raw, str(path)) if raw is not None else ([], [])
        for problem in problems:
            self.found.add(problem)
        if raw is not None and not rows and not problems:
            message = f"{name} has no rows, so it makes no shots"
            self.found.add(Problem("table.empty", message, at, Severity.WARNING))
        return [] if any(p.severity is Severity.ERROR for p in problems) else rows


def _variants(draft: Draft, variants: Map) -> Iterator[Draft]:
    path = draft.layers[0].path
    for name, variant in variants.items():
        layers = (Layer(variant, (*path, "variants", name)), *draft.layers)
        yield replace(draft, id=f"{draft.id}.{name}", fields=cascade(layers), layers=layers)


def _sore(complaints: Iterable[Complaint]) -> frozenset[Parts]:
    """Every place with a wrong value in it; an unknown key stops nothing else from being read."""
    return frozenset(
        complaint.path[:depth]
        for complaint in complaints
        if not complaint.key
        for depth in range(1, len(complaint.path) + 1)
    )


def _ids_of(entry: JSON) -> Iterator[str]:
    if isinstance(entry, Map) and isinstance(entry.get("id"), str):
        yield entry["id"]
        variants = entry.get("variants")
        if isinstance(variants, Map):
            yield from (f"{entry['id']}.{name}" for name in variants)
