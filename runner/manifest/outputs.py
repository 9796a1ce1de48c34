"""Puts the bytes of takes where people look for them, and never over what a person has made.

An output is always a copy of a blob. What lies in its place is overwritten only if the store has
those bytes too: a take it has lost goes back there first, and what nobody rendered is moved aside
under a name that says so.
"""

import os
import shutil
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from runner.disk import hash_file, open_temp, said
from runner.errors import Outside
from runner.model import Digest, History
from runner.store import Store


def place(
    names: Sequence[str],
    sha256: Digest,
    folder: Path,
    store: Store,
    history: History | None = None,
) -> list[Path]:
    """Make every output of a take hold the bytes `sha256`; gives the files moved aside for it.

    Where the store has lost the blob but one of the outputs is intact, the store gets it back.
    `history` tells renders from what a person has made.
    Raises `Outside` where the bytes are nowhere, or the disk will not do it.
    """
    wrong = [name for name in names if _found(folder / name) != sha256]
    if not store.has(sha256):
        intact = [name for name in names if name not in wrong]
        if not intact:
            raise Outside(f"{names[0] if names else sha256}: its bytes are in no store")
        _take_back(folder / intact[0], sha256, store)
    moved = []
    for name in wrong:
        found = _found(folder / name)
        if found is not None and not store.has(found):
            if history is not None and _rendered(found, history):
                _take_back(folder / name, found, store)
            else:
                moved.append(set_aside(folder / name, found))
        store.place(sha256, folder / name)
    return moved


def set_aside(path: Path, sha256: Digest) -> Path:
    """Move a file a person has changed to `<name>.edited-<hash8>.<ext>`; gives the new path."""
    stem = f"{path.stem}.edited-{sha256[:8]}"
    aside = path.with_name(f"{stem}{path.suffix}")
    number = 1
    while aside.exists() and hash_file(aside) != sha256:
        number += 1
        aside = path.with_name(f"{stem}-{number}{path.suffix}")
    with said(path):
        path.rename(aside)
    return aside


def _rendered(sha256: Digest, history: History) -> bool:
    """Slow, and asked only of files that are not what they should be."""
    results = chain(history.results.values(), history.latest.values())
    return any(result.sha256 == sha256 for result in results)


def _found(path: Path) -> Digest | None:
    return hash_file(path) if path.exists() else None


def _take_back(path: Path, sha256: Digest, store: Store) -> None:
    with said(path):
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd, tmp = open_temp(store.root / "back")
        with os.fdopen(fd, "wb") as copy, path.open("rb") as source:
            shutil.copyfileobj(source, copy)
    if hash_file(tmp) != sha256:
        tmp.unlink()
        raise Outside(f"{path} changed while it was read")
    store.take_in(tmp, sha256)
