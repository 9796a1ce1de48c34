"""A long storyboard whose text has changed in a few shots is read again in these only.

An *outline* remembers where the entries of `shots:` stand in a text that was read and found good,
and which of them name which; of the text itself only digests, for it may hold secrets. After an
edit inside some entries, the *excerpt* is the new text with every entry left out that neither
changed, nor hangs on one that did, nor is needed by one of those. What is left out becomes
comments, line by line, so that every place stays where it was, and the excerpt is a storyboard
like any other: it is read and checked as the whole would be.

Pure. Where the excerpt might be read otherwise than the whole there is none: flow style, anchors,
an edit outside the shots or one that leaves its indentation.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec
from msgspec import Struct

from runner import graph
from runner.load import Loaded
from runner.load.drafts import Draft
from runner.model import Shot, ShotId
from runner.source import Map

STRETCH = 64  # so that few digests are taken to find what has changed
_DASH = re.compile(r" *- +(\{ *)?\Z").match  # before an entry's first key
_WORD = re.compile(r"\w[\w.-]*")  # an id, or anything else


class Outline(Struct, frozen=True):
    """Offsets in a text that was read; shots and what else belongs to an entry, by its number."""

    length: int  # characters
    starts: list[int]  # each entry's first line, and where the list ends
    around: tuple[str, str]  # digests of what stands before the entries, and of what comes after
    digests: list[str]  # of each entry
    stretches: list[str]  # of each `STRETCH` entries that follow one another
    indent: int  # columns before the dashes
    cut: tuple[int, int] | None  # the lines of `cut:`
    takes: int  # of the whole film
    shots: list[dict[ShotId, int]]  # what an entry makes: the ids, each with its takes
    disabled: list[ShotId]  # shots that are written but not in the film
    needs: dict[int, list[int]]  # entries that an entry names
    loud: list[int]  # entries there is something to say about, changed or not

    def saved(self) -> bytes:
        return msgspec.json.encode(self)


def read_outline(saved: bytes) -> Outline:
    return msgspec.json.decode(saved, type=Outline)


class Excerpt(Struct, frozen=True):
    """A text to be read in place of the whole, and what to expect of it."""

    of: Outline
    text: str
    shots: frozenset[ShotId]  # what its entries made before the edit
    left_out: int  # takes of the film that are not in it

    def holds(self, shots: Sequence[Shot]) -> bool:
        """Whether these shots, read from the text, are those of the whole.

        None may be gone, for what is left out could name it; a new one must have a name of its
        own; and they follow one another as they would among all others.
        """
        before = dict[ShotId, None]()
        for shot in shots:
            if not before.keys() >= set(shot.needs):
                return False
            before[shot.id] = None
        new = before.keys() - self.shots
        return len(new) + len(self.shots) == len(before) and not (new and self._taken(new))

    def _taken(self, names: Iterable[ShotId]) -> bool:
        known = {id_.lower() for each in (*self.of.shots, self.of.disabled) for id_ in each}
        return any(name.lower() in known for name in names)


# ── of a film that was read ─────────────────────────────────────────────────────────────────


def outline(
    file: str,
    loaded: Loaded,
    spoken_of: Collection[ShotId],
) -> Outline | None:
    """The outline of the storyboard `file`, if it has a plain enough form.

    `spoken_of` are shots that a plan has more to say about than that they are up to date.
    """
    shots, drafts, problems = loaded.shots, loaded.drafts, loaded.problems
    if not shots or any(draft.layers[-1].data.doc.file != file for draft in drafts.values()):
        return None
    board = drafts[shots[0].id].layers[-1].data
    sections = _sections(board)
    starts = _starts(board, drafts)
    if board.doc.anchored or not sections or not starts:
        return None
    entry_of = {id_: bisect_right(starts, _place(draft)) - 1 for id_, draft in drafts.items()}
    lines = [board.doc.loc(start).line for start in starts]
    loud = {bisect_right(lines, problem.at.line) - 1 for problem in problems}
    end = sections["shots"][1]
    if -1 in loud or any(board.doc.loc(end).line <= problem.at.line for problem in problems):
        return None
    makes: list[dict[ShotId, int]] = [{} for _ in starts]
    needs: dict[int, set[int]] = {}
    for shot in shots:
        makes[entry_of[shot.id]][shot.id] = len(shot.takes)
        for needed in shot.needs:
            if entry_of[needed] > entry_of[shot.id]:
                return None  # an excerpt might bring its steps into another order
            needs.setdefault(entry_of[shot.id], set()).add(entry_of[needed])
    loud |= {entry_of[id_] for id_ in spoken_of}
    text, bounds = board.doc.text, [*starts, end]
    return Outline(
        len(text),
        bounds,
        (_digest(text[: starts[0]]), _digest(text[end:])),
        [_digest(text[a:b]) for a, b in pairwise(bounds)],
        [_digest(text[a:b]) for a, b in pairwise((*starts[::STRETCH], end))],
        text.index("-", starts[0]) - starts[0],
        sections.get("cut"),
        sum(len(shot.takes) for shot in shots),
        makes,
        sorted(loaded.disabled),
        {number: sorted(named - {number}) for number, named in needs.items()},
        sorted(loud),
    )


def _sections(board: Map) -> dict[str, tuple[int, int]]:
    """From where to where each field of a storyboard reaches; empty in flow style."""
    text = board.doc.text
    keys = sorted((mark >> 32, name) for name, mark in board.marks.items())
    if any(at and text[at - 1] != "\n" for at, _ in keys):
        return {}
    ends = [at for at, _ in keys[1:]] + [len(text)]
    return {name: (at, end) for (at, name), end in zip(keys, ends, strict=True)}


def _starts(board: Map, drafts: Mapping[ShotId, Draft]) -> list[int]:
    """Where the line of each entry begins that makes a shot; empty in any but the usual form."""
    text = board.doc.text
    found: dict[int, None] = {}
    leads = set()
    for first in sorted({_place(draft) for draft in drafts.values()}):
        line = text.rfind("\n", 0, first) + 1
        leads.add(text[line:first])
        found[line] = None
    plain = len({lead.index("-") for lead in leads if _DASH(lead)}) == 1
    return list(found) if plain and all(map(_DASH, leads)) else []


def _place(draft: Draft) -> int:
    """The offset of an entry's first key, also for its variants and rows."""
    entry = next(layer.data for layer in draft.layers if len(layer.path) == 2)
    return min(entry.marks.values()) >> 32


# ── of an edited text ───────────────────────────────────────────────────────────────────────


def excerpt(of: Outline, text: str) -> Excerpt | None:
    """The part of `text` that must be read again; None where that cannot be told."""
    grown = len(text) - of.length
    changed = _changed(of, text, grown)
    if changed is None:
        return None
    first, last = changed
    block = text[of.starts[first] : of.starts[last + 1] + grown]
    if not _keeps_to_itself(block, of.indent):
        return None
    kept = _kept(of, range(first, last + 1), block)
    starts = [*of.starts[: last + 1], *(at + grown for at in of.starts[last + 1 :])]
    shots = [of.shots[number] for number in kept]
    return Excerpt(
        of,
        _without(text, _left_out(of, starts, kept, grown)),
        frozenset(id_ for each in shots for id_ in each),
        of.takes - sum(sum(each.values()) for each in shots),
    )


def _changed(of: Outline, text: str, grown: int) -> tuple[int, int] | None:
    """The first and the last entry that is not as it was; None where something else is not."""
    before, after = of.around
    if _digest(text[: of.starts[0]]) != before or _digest(text[of.starts[-1] + grown :]) != after:
        return None
    first = next(_altered(of, text, 0), len(of.digests) - 1)
    last = next(_altered(of, text, grown, -1), first)
    return first, max(first, last)


def _altered(of: Outline, text: str, shift: int, step: int = 1) -> Iterator[int]:
    """Entries that are not as they were, `shift` characters further on; the last first for -1."""

    def same(digest: str, first: int, end: int) -> bool:
        return _digest(text[of.starts[first] + shift : of.starts[end] + shift]) == digest

    count = len(of.digests)
    for first in range(0, count, STRETCH)[::step]:
        end = min(first + STRETCH, count)
        if not same(of.stretches[first // STRETCH], first, end):
            for number in range(first, end)[::step]:
                if not same(of.digests[number], number, number + 1):
                    yield number


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _keeps_to_itself(block: str, indent: int) -> bool:
    """Whether some entries, as they are written now, cannot change how others are read."""
    dash = " " * indent + "- "
    outside = rf"^(?! {{{indent}}}( |- |#)|[ \r]*$)"
    whole_lines = block.startswith(dash) and block.endswith("\n")
    return whole_lines and not re.search(outside, block, re.MULTILINE)


def _kept(of: Outline, changed: Iterable[int], block: str) -> list[int]:
    """What changed and what there is something to say about, all that hangs on these, and all
    that any of it needs. What has changed may need whatever it has the name of."""
    reached = graph.downstream(of.needs, {*changed, *of.loud})
    words = set(_WORD.findall(block))
    named = {number for number, ids in enumerate(of.shots) if not words.isdisjoint(ids)}
    return sorted(graph.upstream(of.needs, reached | named))


def _left_out(
    of: Outline, starts: list[int], kept: Iterable[int], grown: int
) -> Iterator[tuple[int, int]]:
    """The spans of the new text that go, in order: other entries, and the cut, which names them."""
    cut = [of.cut] if of.cut else []
    yield from (span for span in cut if span[1] <= starts[0])
    for before, after in pairwise((-1, *kept, len(of.shots))):
        if starts[before + 1] < starts[after]:
            yield starts[before + 1], starts[after]
    yield from ((at + grown, end + grown) for at, end in cut if at >= of.starts[-1])


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with a bare comment for every line of `spans`, so that lines keep their numbers."""
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], "#\n" * text.count("\n", start, end)]
        if end == len(text) and not text.endswith("\n"):
            parts.append("#")
        done = end
    return "".join((*parts, text[done:]))
