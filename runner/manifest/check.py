"""Does everything the manifest names exist, with exactly the bytes it names?"""

from collections.abc import Callable, Iterator
from pathlib import Path

from runner.disk import hash_file
from runner.fingerprint import digest
from runner.manifest.lock import CutFile, Entry, Manifest
from runner.model import Digest, Finding
from runner.store import Store

Look = Callable[[Path], Digest | None]


def look(path: Path) -> Digest | None:
    """SHA-256 of a regular file, None where nothing lies. Raises `Outside`."""
    return hash_file(path) if path.exists() else None


def verify(
    manifest: Manifest, folder: Path, store: Store, look_at: Look = look
) -> Iterator[Finding]:
    """Everything that is not as the manifest says, in its order; nothing means all is well.

    Reads all bytes of outputs and blobs, one file at a time. Paths in findings are relative to
    `folder`; `store.*` findings name the blob.
    """
    for entry in manifest.entries:
        yield from _of_entry(entry, folder, store, look_at)
    if manifest.cut:
        yield from _of_cut(manifest.cut, folder, look_at)


def _of_entry(entry: Entry, folder: Path, store: Store, look_at: Look) -> Iterator[Finding]:
    name, result = f"{entry.shot} take {entry.take}", entry.result
    if digest(result.asked) != result.fingerprint:
        message = f"{name}: `request` does not have the fingerprint {result.fingerprint[:12]}"
        yield Finding("manifest.request", message, "manifest.json")
    for path in entry.outputs:
        if problem := _of_output(folder / path, result.sha256, result.bytes, look_at):
            rule, what = problem
            yield Finding(rule, f"{name}: {path} {what}", path)
    if not store.has(result.sha256):
        message = f"{name}: the store has no {result.sha256[:12]}"
        yield Finding("store.missing", message, result.sha256)
    elif look_at(store.path(result.sha256)) != result.sha256:
        lies = f"the store's copy {store.path(result.sha256)} is damaged"
        message = f"{name}: {lies}; remove it, and `plan` says what it is restored from"
        yield Finding("store.damaged", message, result.sha256)


def _of_output(path: Path, sha256: Digest, size: int, look_at: Look) -> tuple[str, str] | None:
    found = look_at(path)
    if found == sha256:
        return None
    if found is None:
        return "output.missing", "is missing"
    there = path.stat().st_size
    if there < size:
        return "output.truncated", f"was truncated: {there} of {size} bytes"
    return "output.edited", "was edited"


def _of_cut(cut: CutFile, folder: Path, look_at: Look) -> Iterator[Finding]:
    found = look_at(folder / cut.path)
    if found is None:
        yield Finding("cut.missing", f"the cut {cut.path} is missing", cut.path)
    elif found != cut.sha256:
        yield Finding("cut.edited", f"the cut {cut.path} is not the one that was made", cut.path)
