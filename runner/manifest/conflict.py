"""A manifest that git could not merge by itself: two people added takes in the same place.

Both sides are read, and what only one of them has is taken. Only where both have rendered the
same take must a person choose.
"""

from dataclasses import replace
from pathlib import Path

from runner.errors import NeedsDecision
from runner.manifest.lock import Entry, Manifest, TakeId

OURS, BASE, THEIRS, END = "<<<<<<< ", "||||||| ", "=======", ">>>>>>> "


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
        names = ", ".join(f"{shot} take {take}" for shot, take in disputed)
        raise NeedsDecision(
            f"{path}: both sides of the merge have rendered {names}",
            do="keep one side: git checkout --ours (or --theirs) on the manifest, then run again",
        )
    return replace(ours, entries=tuple((mine | other).values()), cut=ours.cut or theirs.cut)


def _key(entry: Entry) -> TakeId:
    return entry.shot, entry.take


def _alike(one: Entry, other: Entry) -> bool:
    return (one.result.fingerprint, one.result.sha256) == (
        other.result.fingerprint,
        other.result.sha256,
    )
