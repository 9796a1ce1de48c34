"""A manifest after a merge that was not obvious: two people wrote in the same place.

Beside a manifest lies a `.gitattributes` that has git keep the lines of both sides (`union`), so
that it never stops at the digest of storyboard or cut; where that file is missing, git leaves its
marks. Either way what only one side has is taken, and the next run writes the rest anew. Only
where both have rendered the same take must a person choose.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import NeedsDecision
from runner.manifest.lock import Entry, Manifest, TakeId
from runner.model import JSON

OURS, BASE, THEIRS, END = "<<<<<<< ", "||||||| ", "=======", ">>>>>>> "


LINE = re.compile(r'( {2}| {6})"(\w+)": (.*)')  # of the head, or of an entry
FRAME = re.compile(r'\{|\}| {4}\{| {4}\},?| {2}\]| {2}"shots": \[')  # the lines between
HEAD = "  "


def in_union(text: str) -> bool:
    """Whether git has kept lines of both sides: whole lines of ours, but not one document."""
    try:
        json.loads(text, object_pairs_hook=once)
    except ValueError:
        lines = text.splitlines()
        return lines[-1:] == ["}"] and all(FRAME.fullmatch(line) or _fact(line) for line in lines)
    return False


def once(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def sorted_out(text: str, path: Path) -> str:
    """The text as JSON again. Raises NeedsDecision, naming the takes that both have rendered."""
    head: dict[str, JSON] = {}
    entries: list[dict[str, JSON]] = []
    written: list[dict[str, int]] = []  # on which line each key of an entry stands first
    disputed: dict[str, set[int]] = {}
    cut_off: list[tuple[dict[str, JSON], str]] = []  # entries whose last lines are the next one's
    last = ""
    for number, line in enumerate(text.splitlines(), 1):
        fact = _fact(line)
        if fact is None:
            cut_off, last = [], ""
        elif fact.indent == HEAD:
            head[fact.key] = fact.value
        elif fact.key == "id":
            if last:
                cut_off.append((entries[-1], last))
            entries.append({"id": fact.value})
            written.append({"id": number})
        else:
            first = written[-1].setdefault(fact.key, number)
            if entries[-1].setdefault(fact.key, fact.value) != fact.value:
                disputed.setdefault(_name(entries[-1]), set()).update((first, number))
            for entry, end in cut_off:
                if end in entries[-1]:
                    entry.setdefault(fact.key, fact.value)
            last = fact.key if fact.goes_on else ""
    takes: dict[str, dict[str, JSON]] = {}
    begun: dict[str, int] = {}
    for entry, lines in zip(entries, written, strict=True):
        first = begun.setdefault(_name(entry), lines["id"])
        if takes.setdefault(_name(entry), entry) != entry:
            disputed.setdefault(_name(entry), set()).update((first, lines["id"]))
    if disputed:
        raise _choose(path, (_with_lines(*item) for item in disputed.items()))
    return json.dumps({**head, "shots": list(takes.values())})


class Fact(Struct, frozen=True):
    """A line that says something; `goes_on`: a comma says that more follows."""

    indent: str
    key: str
    value: JSON
    goes_on: bool


def _fact(line: str) -> Fact | None:
    found = LINE.fullmatch(line)
    if found is None:
        return None
    indent, key, written = found.groups()
    try:
        return Fact(indent, key, json.loads(written.removesuffix(",")), written.endswith(","))
    except ValueError:
        return None


def _name(entry: Mapping[str, JSON]) -> str:
    return f"{entry['id']} take {entry.get('take')}"


def _with_lines(name: str, lines: Iterable[int]) -> str:
    return f"{name} (lines {', '.join(map(str, sorted(lines)))})"


def in_text(text: str) -> bool:
    """Whether git has left its marks; no line of a manifest begins like them."""
    return f"\n{OURS}" in text


def sides(text: str) -> tuple[str, str]:
    """The text as one side has it, and as the other has it."""
    ours: list[str] = []
    theirs: list[str] = []
    into = [ours, theirs]
    for line in text.splitlines(keepends=True):
        if line.startswith(OURS):
            into = [ours]
        elif line.startswith(BASE):
            into = []
        elif line.rstrip() == THEIRS:
            into = [theirs]
        elif line.startswith(END):
            into = [ours, theirs]
        else:
            for side in into:
                side.append(line)
    return "".join(ours), "".join(theirs)


def settled(ours: Manifest, theirs: Manifest, path: Path) -> Manifest:
    """Both sides in one. Raises NeedsDecision, naming the takes that both have rendered."""
    mine = {_key(entry): entry for entry in ours.entries}
    other = {_key(entry): entry for entry in theirs.entries}
    disputed = [key for key in mine if key in other and not _alike(mine[key], other[key])]
    if disputed:
        raise _choose(path, (f"{shot} take {take}" for shot, take in disputed))
    return replace(ours, entries=tuple((mine | other).values()), cut=ours.cut or theirs.cut)


def _choose(path: Path, names: Iterable[str]) -> NeedsDecision:
    return NeedsDecision(
        f"{path}: both sides of the merge have rendered {', '.join(names)}",
        do="of the lines that stand there twice keep one side's, then run again",
    )


def _key(entry: Entry) -> TakeId:
    return entry.shot, entry.take


def _alike(one: Entry, other: Entry) -> bool:
    return (one.result.fingerprint, one.result.sha256) == (
        other.result.fingerprint,
        other.result.sha256,
    )
