"""Digests of files that have not moved since they were hashed."""

import contextlib
import os
import stat
import sys
import time
import zlib
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.disk.write import hash_file, said, writing
from runner.errors import Outside
from runner.model import Digest

Stamp = tuple[int, int, int, int]  # mtime_ns, size, inode, ctime_ns

MAGIC = b"reelmake stat cache 1 " + sys.byteorder.encode() + b"\n"
CLOCK_STEP = 20_000_000  # ns; kernels stamp files with a clock that may lag by a tick of 10 ms
COARSE_STEP = 2_000_000_000  # ns; FAT counts in steps of two seconds
MASK = (1 << 64) - 1
MANY = 100_000


class StatCache:
    """Digests of files that have not moved since they were hashed. Disposable, never authority.

    A file is taken as unchanged when its mtime, size, inode and ctime are the ones seen while it
    was hashed. A file so young that a later write could bear the same stamp is hashed again every
    time ("racily clean"): neither is it remembered, nor is an entry believed that is not older
    than the cache itself.
    """

    def __init__(self, file: Path, root: Path) -> None:
        self._file = file
        self._root = os.path.join(root, "")  # noqa: PTH118 - 10,000 Path joins cost 30 ms
        self._saved, self._written = _read_cache(file)
        self._learned: dict[str, Entry] = {}
        self._seen: set[str] = set()
        self._changed = False

    def digest(self, path: str) -> Digest | None:
        """SHA-256 of the regular file at `path`, relative to the root; None if there is none.

        Raises `Outside` where a file is there but cannot be read.
        """
        return self.digests((path,))[path]

    def digests(self, paths: Iterable[str]) -> dict[str, Digest | None]:
        """The same for many, in one tight loop: this is what an unchanged project costs."""
        # Relative to an open folder, the kernel walks a sixth less than along whole paths.
        with said(self._root):
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            found = self._look(paths, folder)
        finally:
            os.close(folder)
        self._seen.update(found)
        return found

    def _look(self, paths: Iterable[str], folder: int) -> dict[str, Digest | None]:
        learned, saved = self._learned.get, self._saved.get
        written, status = self._written, os.stat
        found: dict[str, Digest | None] = {}
        for path in paths:
            try:
                seen = status(path, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError):
                found[path] = None
                continue
            entry = learned(path) or saved(path)
            if (
                entry is not None
                and entry[0] == seen.st_mtime_ns < written
                and entry[1] == seen.st_size
                and entry[2] == seen.st_ino
                and entry[3] == seen.st_ctime_ns
            ):
                found[path] = entry[4]
            else:
                found[path] = self._hash(path, seen)
        return found

    def _hash(self, path: str, before: os.stat_result) -> Digest | None:
        if not stat.S_ISREG(before.st_mode):
            return None
        now = time.time_ns()
        digest = hash_file(self._root + path)
        with said(path):
            after = os.stat(self._root + path)  # noqa: PTH116
        stamp = _stamp(before)
        if stamp == _stamp(after) and _settled(stamp, now):
            self._learned[path] = (*stamp, digest)
            self._changed = True
        return digest

    def save(self) -> None:
        """Keep what was learned, if anything was. A cache that cannot be written is no error."""
        if not self._changed:
            return
        entries = self._saved.entries() | self._learned
        if len(entries) > MANY:
            entries = {path: entry for path, entry in entries.items() if path in self._seen}
        with contextlib.suppress(Outside):
            _write_cache(self._file, entries)
            self._changed = False


Entry = tuple[int, int, int, int, Digest]  # a stamp, and the digest of what bore it


class Columns:
    """Entries as they lie in the file; one is made when somebody asks for it."""

    def __init__(self, paths: Iterable[str], stamps: "array[int]", digests: bytes) -> None:
        self._rows = {path: row for row, path in enumerate(paths)}
        self._stamps, self._digests = stamps, digests

    def get(self, path: str) -> Entry | None:
        row = self._rows.get(path)
        if row is None:
            return None
        mtime, size, inode, ctime = self._stamps[4 * row : 4 * row + 4]
        return mtime, size, inode, ctime, Digest(self._digests[32 * row : 32 * row + 32].hex())

    def entries(self) -> dict[str, Entry]:
        return {path: entry for path in self._rows if (entry := self.get(path))}


NONE = Columns((), array("Q"), b"")


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def _settled(stamp: Stamp, now: int) -> bool:
    """Whether a write after `now` (ns, before the file was read) must move the stamp."""
    latest = max(stamp[0], stamp[3])
    step = COARSE_STEP if stamp[0] % 1_000_000_000 == 0 else CLOCK_STEP
    return latest + step < now


def _write_cache(file: Path, entries: Mapping[str, Entry]) -> None:
    """Columns, because they load ten times faster than records: stamps, digests, paths."""
    rows = list(entries.values())
    stamps = array("Q", (number & MASK for row in rows for number in row[:4]))
    digests = bytes.fromhex("".join(row[4] for row in rows))
    body = (
        len(rows).to_bytes(8, "big")
        + stamps.tobytes()
        + digests
        + "\0".join(entries).encode("utf-8", "surrogateescape")
    )
    with writing(file) as out:
        out.write(MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)


def _read_cache(file: Path) -> tuple[Columns, int]:
    """The entries and when they were written (ns, by the file system's own clock).

    Anything odd, another version or a flipped bit, is an empty cache.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read()
            written = os.fstat(opened.fileno()).st_mtime_ns
    except OSError:
        return NONE, MASK
    body = memoryview(data)[len(MAGIC) + 4 :]
    checksum = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big")
    if not data.startswith(MAGIC) or len(body) < 8 or zlib.crc32(body) != checksum:
        return NONE, MASK
    count = int.from_bytes(body[:8], "big")
    stamps = array("Q", body[8 : 8 + 32 * count].tobytes())
    digests = bytes(body[8 + 32 * count : 8 + 64 * count])
    paths = bytes(body[8 + 64 * count :]).decode("utf-8", "surrogateescape").split("\0")
    return (Columns(paths, stamps, digests) if count else NONE), written
