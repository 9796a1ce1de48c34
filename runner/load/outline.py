"""A long storyboard whose text has changed in a few shots is read again in these only.

An *outline* remembers where the entries of `shots:` stand in the files of a film that was read and
found good, and which of them name which; of the texts themselves only digests, for they may hold
secrets. After an edit inside some entries, the *excerpt* is the new text of each file with every
entry left out that neither changed, nor hangs on one that did, nor is needed by one of those. What
is left out becomes comments, line by line, so that every place stays where it was, and the excerpt
is a storyboard like any other: it is read and checked as the whole would be.

Pure. Where the excerpt might be read otherwise than the whole there is none: an edit outside the
entries or one that leaves their indentation, or one of a file in flow style or with anchors.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

import msgspec
from msgspec import Struct

from runner import graph
from runner.load import Loaded
from runner.load.drafts import Draft
from runner.model import ShotId
from runner.source import Document, Map, read_yaml

STRETCH = 64  # so that few digests are taken to find what has changed
_DASH = re.compile(r" *- +(\{ *)?\Z").match  # before an entry's first key
_WORD = re.compile(r"\w[\w.-]*")  # an id, or anything else


class Form(Struct, frozen=True):
    """How one file is written: offsets in its text, and digests of it."""

    first: int  # the number of its first entry in the film
    length: int  # characters
    starts: list[int]  # each entry's first line, and where the list ends
    around: tuple[str, str]  # digests of what stands before the entries, and of what comes after
    digests: list[str]  # of each entry
    stretches: list[str]  # of each `STRETCH` entries that follow one another
    indent: int | None  # columns before the dashes; None: nothing of it can be left out
    cut: tuple[int, int] | None  # the lines of `cut:`, outside the entries

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.digests))


class Outline(Struct, frozen=True):
    """The files of a film; shots and what else belongs to an entry, by its number in the film."""

    forms: dict[str, Form]  # by file, in the order of the film
    takes: int  # of the whole film
    shots: list[dict[ShotId, int]]  # what an entry makes: the ids, each with its takes
    disabled: list[ShotId]  # shots that are written but not in the film
    needs: dict[int, list[int]]  # entries that an entry names
    loud: list[int]  # entries that are always read, changed or not

    def saved(self) -> bytes:
        return msgspec.json.encode(self)


def read_outline(saved: bytes) -> Outline:
    return msgspec.json.decode(saved, type=Outline)


class Excerpt(Struct, frozen=True):
    """Texts to be read in place of the whole, and what to expect of them."""

    of: Outline
    texts: dict[str, str]  # by file
    shots: frozenset[ShotId]  # what their entries made before the edit
    left_out: int  # takes of the film that are not in them

    def holds(self, loaded: Loaded) -> bool:
        """Whether the shots read from the texts are those of the whole.

        None may be gone, for what is left out could name it, and a new one must have a name of its
        own; of disabled ones, all of which are read, there must be as many and the same. All that
        shots need is among them: so they follow one another as among all others.
        """
        now = {shot.id for shot in loaded.shots}
        new = now - self.shots
        same = loaded.disabled.keys() == set(self.of.disabled)
        return same and now >= self.shots and not (new and self._taken(new))

    def _taken(self, names: Iterable[ShotId]) -> bool:
        known = {id_.lower() for each in (*self.of.shots, self.of.disabled) for id_ in each}
        return any(name.lower() in known for name in names)


# ── of a film that was read ─────────────────────────────────────────────────────────────────


def outline(loaded: Loaded, spoken_of: Collection[ShotId]) -> Outline | None:
    """The outline of a film, if some of it could be left out.

    `spoken_of` are shots that a plan has more to say about than that they are up to date.
    """
    forms = _forms(loaded.boards)
    entry_of = {id_: _number(draft, forms) for id_, draft in loaded.drafts.items()}
    warned = _warned(loaded, forms)
    if warned is None or all(form.indent is None for form in forms.values()):
        return None
    makes: list[dict[ShotId, int]] = [{} for form in forms.values() for _ in form.numbers]
    needs: dict[int, set[int]] = {}
    for shot in loaded.shots:
        number = entry_of[shot.id]
        makes[number][shot.id] = len(shot.takes)
        if shot.needs:
            needs.setdefault(number, set()).update(entry_of[needed] for needed in shot.needs)
    disabled = {_number(draft, forms) for draft in loaded.disabled.values()}  # may be named
    disabled |= {number for number, shots in enumerate(makes) if not shots}
    whole = {form.first for form in forms.values() if form.indent is None and form.digests}
    return Outline(
        forms,
        sum(len(shot.takes) for shot in loaded.shots),
        makes,
        sorted(loaded.disabled),
        {number: sorted(named) for number, named in needs.items()},
        sorted({entry_of[id_] for id_ in spoken_of} | warned | disabled | whole),
    )


def _warned(loaded: Loaded, forms: Mapping[str, Form]) -> set[int] | None:
    """The entries with a problem in them; None where there is one outside the entries."""
    docs = {board.doc.file: board.doc for board in loaded.boards}
    found = set()
    for problem in loaded.problems:
        file, line = problem.at.file, problem.at.line
        index = _index(docs[file], forms[file], line) if file in docs else -1
        if index < 0 or index == len(forms[file].digests):
            return None
        found.add(forms[file].numbers[index])
    return found


def _index(doc: Document, form: Form, line: int) -> int:
    """Which entry a line stands in, by its place in the file; -1 before all of them."""
    return bisect_right(form.starts, line, key=lambda at: doc.loc(at).line) - 1


def _number(draft: Draft, forms: Mapping[str, Form]) -> int:
    """The number of a draft's entry, also of its variants and rows."""
    index = draft.layers[0].path[1]
    form = forms[draft.layers[-1].data.doc.file]
    return form.first if form.indent is None else form.numbers[int(index)]


def _forms(boards: Iterable[Map]) -> dict[str, Form]:
    forms: dict[str, Form] = {}
    first = 0
    for board in boards:
        form = forms[board.doc.file] = _form(board, first)
        first = form.numbers.stop
    return forms


def _form(board: Map, first: int) -> Form:
    """Entry by entry; a file of any but the usual form is one entry, or has none."""
    text, sections = board.doc.text, _sections(board)
    starts, end, indent, cut = list[int](), len(text), None, sections.get("cut")
    if board.get("shots"):
        starts = _starts(board) if sections and not board.doc.anchored else []
        if starts:
            end, indent = sections["shots"][1], text.index("-", starts[0]) - starts[0]
        else:
            starts, cut = [0], None
    bounds = [*starts, end]
    return Form(
        first,
        len(text),
        bounds,
        (_digest(text[: bounds[0]]), _digest(text[end:])),
        [_digest(text[a:b]) for a, b in pairwise(bounds)],
        [_digest(text[a:b]) for a, b in pairwise((*starts[::STRETCH], end))],
        indent,
        cut,
    )


def _sections(board: Map) -> dict[str, tuple[int, int]]:
    """From where to where each field of a storyboard reaches; empty in flow style."""
    text = board.doc.text
    keys = sorted((mark >> 32, name) for name, mark in board.marks.items())
    if any(at and text[at - 1] != "\n" for at, _ in keys):
        return {}
    ends = [at for at, _ in keys[1:]] + [len(text)]
    return {name: (at, end) for (at, name), end in zip(keys, ends, strict=True)}


def _starts(board: Map) -> list[int]:
    """Where the line of each entry begins; empty in any but the usual form."""
    text = board.doc.text
    found: dict[int, None] = {}
    leads = set()
    for entry in board["shots"]:
        key = min(entry.marks.values()) >> 32
        line = text.rfind("\n", 0, key) + 1
        leads.add(text[line:key])
        found[line] = None
    plain = len(found) == len(board["shots"]) and all(map(_DASH, leads))
    return list(found) if plain and len({lead.index("-") for lead in leads}) == 1 else []


# ── of an edited film ───────────────────────────────────────────────────────────────────────


class Edit(Struct, frozen=True):
    """Which entries of a file are not as they were, and what stands in their place."""

    numbers: range
    text: str


SAME = Edit(range(0), "")


def excerpt(of: Outline, texts: Mapping[str, str]) -> Excerpt | None:
    """The part of these texts that must be read again; None where that cannot be told."""
    edits: dict[str, Edit] = {}
    for file, form in of.forms.items():
        edit = _edit(form, texts[file])
        if edit is None:
            return None
        edits[file] = edit
    kept = _kept(of, edits.values())
    shots = [of.shots[number] for number in kept]
    return Excerpt(
        of,
        {file: _part(of.forms[file], texts[file], edits[file], kept) for file in edits},
        frozenset(id_ for each in shots for id_ in each),
        of.takes - sum(sum(each.values()) for each in shots),
    )


def _edit(form: Form, text: str) -> Edit | None:
    """What has been done to a file; None where it is more than changed and added entries."""
    grown = len(text) - form.length
    before, after = form.around
    start, end = form.starts[0], form.starts[-1]
    if _digest(text[:start]) != before or _digest(text[end + grown :]) != after:
        return None
    first = next(_altered(form, text, 0), None)
    if first is None and not grown:
        return SAME
    if form.indent is None:
        return None
    if first is None:
        first = len(form.digests) - 1  # something has come after it
    last = max(first, next(_altered(form, text, grown, -1), first))
    block = text[form.starts[first] : form.starts[last + 1] + grown]
    numbers = form.numbers[first : last + 1]
    return Edit(numbers, block) if _keeps_to_itself(block, form.indent) else None


def _altered(form: Form, text: str, shift: int, step: int = 1) -> Iterator[int]:
    """Entries that are not as they were, `shift` characters further on; the last first for -1."""

    def same(digest: str, first: int, end: int) -> bool:
        return _digest(text[form.starts[first] + shift : form.starts[end] + shift]) == digest

    count = len(form.digests)
    for first in range(0, count, STRETCH)[::step]:
        end = min(first + STRETCH, count)
        if not same(form.stretches[first // STRETCH], first, end):
            for number in range(first, end)[::step]:
                if not same(form.digests[number], number, number + 1):
                    yield number


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _keeps_to_itself(block: str, indent: int) -> bool:
    """Whether some entries, as they are written now, cannot change how others are read."""
    dash = " " * indent + "- "
    outside = rf"^(?! {{{indent}}}( |- |#)|[ \r]*$)"
    whole_lines = block.startswith(dash) and block.endswith("\n")
    return whole_lines and not re.search(outside, block, re.MULTILINE) and _ends(block)


def _ends(block: str) -> bool:
    """Whether entries can be read alone: no quote or bracket is open that something further on
    might close."""
    data, problems = read_yaml(f"shots:\n{block}", "")
    return not problems and isinstance(data, Map) and list(data) == ["shots"]


def _kept(of: Outline, edits: Collection[Edit]) -> list[int]:
    """What changed and what there is something to say about, all that hangs on these, and all
    that any of it needs. What has changed may need whatever it has the name of."""
    changed = {number for edit in edits for number in edit.numbers}
    reached = graph.downstream(of.needs, changed.union(of.loud))
    words = {word for edit in edits for word in _WORD.findall(edit.text)}
    named = {number for number, ids in enumerate(of.shots) if not words.isdisjoint(ids)}
    return sorted(graph.upstream(of.needs, reached | named))


def _part(form: Form, text: str, edit: Edit, kept: Iterable[int]) -> str:
    """A file's new text without all other entries, and without the cut, which names them."""
    grown = len(text) - form.length
    starts = [
        at + grown if number >= edit.numbers.stop else at
        for number, at in enumerate(form.starts, form.first)
    ]
    here = [number - form.first for number in kept if number in form.numbers]
    ends = pairwise((-1, *here, len(form.digests)))
    gaps = {starts[before + 1]: starts[after] for before, after in ends if after > before + 1}
    parts, done = [], 0
    for start, end in sorted({*gaps.items(), *_cut(form, grown)}):
        empty = start in gaps and not here  # the list goes on, without an item
        parts += [text[done:start], _blank(text[start:end], " []" if empty else "#")]
        done = end
    return "".join((*parts, text[done:]))


def _cut(form: Form, grown: int) -> Iterator[tuple[int, int]]:
    if form.cut:
        shift = grown if form.cut[0] >= form.starts[-1] else 0
        yield form.cut[0] + shift, form.cut[1] + shift


def _blank(gone: str, first: str) -> str:
    """As many lines, so that what follows keeps its number: bare comments, `first` before them."""
    return first + "\n#" * gone.count("\n", 0, -1) + "\n" * gone.endswith("\n")
