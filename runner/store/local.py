"""Bytes by their SHA-256, written once: `.reelmake/store/ab/cdef…`.

A blob's name is the digest of its content and a blob is complete or absent, so two writers of
the same bytes cannot disagree and none needs a lock. Behind the local folder there may be a
store that a team shares: what is only there is fetched when it is wanted.
"""

import contextlib
import os
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from runner.disk import (
    copy_file,
    hash_file,
    make_private_dir,
    move_file,
    open_temp,
    said,
    sync_folder,
)
from runner.errors import Outside
from runner.model import Digest

READ_ONLY = 0o444  # a blob is never edited; whoever must, has to mean it
AT_ONCE = 4  # transfers
LIST_AFTER = 64  # questions


class Behind(Protocol):
    """The store that a team shares, as far as it is needed here."""

    def has(self, digest: Digest) -> bool: ...

    def fetch(self, digest: Digest, dest: Path) -> None: ...

    def put(self, digest: Digest, blob: Path) -> bool: ...


class Store:
    """A local folder, made when the first bytes come in, and perhaps a shared store behind it."""

    def __init__(self, root: Path, shared: Behind | None = None) -> None:
        self.root = root
        self._shared = shared
        self._making = threading.Lock()
        self._asked = 0
        self._listed: frozenset[Digest] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether there is a shared store behind the folder."""
        return self._shared is not None

    def path(self, digest: Digest) -> Path:
        """Where the blob lies, or would lie; what only the shared store has is fetched first."""
        only_there = self._shared is not None and not self.here(digest)
        return self.bring(digest) if only_there and self.has(digest) else self._spot(digest)

    def _spot(self, digest: Digest) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise Outside(f"{digest!r} is not a SHA-256 in lower-case hex")
        return self.root / digest[:2] / digest[2:]

    def here(self, digest: Digest) -> bool:
        """Whether the blob lies in the local folder; `verify` tells whether it is intact."""
        return os.path.isfile(f"{self.root}/{digest[:2]}/{digest[2:]}")  # noqa: PTH113 - hot

    def has(self, digest: Digest) -> bool:
        """Whether the bytes can be had without paying: here, or in the shared store.

        Raises `Outside` where the shared store cannot be asked: to guess "no" would be to pay.
        """
        return self.here(digest) or self.has_shared(digest)

    def has_shared(self, digest: Digest) -> bool:
        """Whether the shared store has the blob, if there is one. Raises `Outside`."""
        return self._shared is not None and self._shared.has(digest)

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and self.has(Digest(digest))

    def bring(self, digest: Digest) -> Path:
        """The path of a blob, fetched from the shared store if it is only there.

        Raises `Outside` where it is in neither, or arrives damaged.
        """
        blob = self._spot(digest)
        if self.here(digest):
            return blob
        if self._shared is None or not self._shared.has(digest):
            raise Outside(f"no store has {digest}")
        make_private_dir(self.root)
        self._make_shelf(blob.parent)
        with said(blob):
            fd, tmp = open_temp(blob)
            os.close(fd)
        try:
            self._shared.fetch(digest, tmp)
            self.take_in(tmp, digest)
        finally:
            tmp.unlink(missing_ok=True)
        return blob

    def share(self, digest: Digest) -> bool:
        """Put a blob into the shared store; False if it is there already, or there is none.

        Raises `Outside` where the blob is damaged or the shared store will not take it.
        """
        if self._shared is None:
            return False
        if not self.verify(digest):
            raise Outside(f"{self._spot(digest)} is missing or damaged, so it is not shared")
        return self._shared.put(digest, self._spot(digest))

    def bring_all(self, digests: Iterable[Digest]) -> dict[Digest, Outside]:
        """Fetch many, a few at a time; gives what could not be had, and why."""
        return _each(self.bring, (digest for digest in digests if not self.here(digest)))

    def share_all(self, digests: Iterable[Digest]) -> dict[Digest, Outside]:
        """Share what is here and not there, a few at a time; gives what could not be, and why."""
        shared = self._shared
        if shared is None:
            return {}
        here = filter(self.here, digests)
        return _each(lambda digest: shared.has(digest) or self.share(digest), here)

    def take_in(self, tmp: Path, sha256: Digest | None = None) -> Digest:
        """Move a finished file into the store; durable when this returns. Gives its digest.

        Where the caller hashed while writing, `sha256` saves a second reading; it must then be
        the truth. Raises `Outside`, and `tmp` still lies where it was.
        """
        digest = sha256 or hash_file(tmp)
        for trouble in self.take_in_all([(tmp, digest)]):
            if trouble is not None:
                raise trouble
        return digest

    def take_in_all(self, files: Sequence[tuple[Path, Digest]]) -> list[Outside | None]:
        """Move finished files into the store; for each the trouble, or None: it is durable.

        Files that come to lie in one folder share the fsync of it.
        """
        make_private_dir(self.root)
        troubles: dict[int, Outside] = {}
        shelves = defaultdict[Path, list[int]](list)
        for index, (tmp, digest) in enumerate(files):
            try:
                shelves[self._shelve(tmp, digest)].append(index)
            except Outside as error:
                troubles[index] = error
        for shelf, indices in shelves.items():
            try:
                with said(shelf):
                    sync_folder(shelf)
                    for index in indices:
                        files[index][0].unlink(missing_ok=True)
            except Outside as error:
                troubles |= dict.fromkeys(indices, error)
        return [troubles.get(index) for index in range(len(files))]

    def _shelve(self, tmp: Path, digest: Digest) -> Path:
        """Bring the bytes, synced, under their name; the folder that is to be synced yet.

        Where they lay there already, that may be another writer's doing, and not durable yet.
        """
        dest = self._spot(digest)
        self._make_shelf(dest.parent)
        with said(dest):
            if not self.verify(digest):
                if tmp.stat().st_dev == dest.parent.stat().st_dev:
                    tmp.chmod(READ_ONLY)
                    move_file(tmp, dest)
                else:
                    copy_file(tmp, dest, mode=READ_ONLY, expected=digest)
        return dest.parent

    def _make_shelf(self, shelf: Path) -> None:
        with self._making, said(shelf):  # nobody uses a shelf whose own name may still be lost
            if not shelf.is_dir():
                shelf.mkdir(mode=0o700)
                sync_folder(self.root)

    def place(self, digest: Digest, dest: Path) -> bool:
        """Put a copy of a blob at `dest`, whole and durable; False if the same bytes lie there.

        A copy (shared blocks where the file system can), never a hard link: what a user does to
        an output must not reach the store. Raises `Outside` where the blob is missing or damaged.
        """
        self._spot(digest)
        if same_bytes(dest, digest):
            return False
        blob = self.bring(digest)
        with said(dest):
            dest.parent.mkdir(parents=True, exist_ok=True)
        copy_file(blob, dest, mode=0o644, expected=digest)
        return True

    def verify(self, digest: Digest) -> bool:
        """Whether the blob is here with the bytes that its name promises; reads all of them."""
        return same_bytes(self._spot(digest), digest)

    def prune(
        self, keep: Container[Digest], *, min_age: float, dry_run: bool = True
    ) -> tuple[tuple[Digest, int], ...]:
        """The blobs (with their bytes) that nobody keeps and that are older than `min_age`
        seconds; removed unless it is a dry run. The caller holds the project lock."""
        now, gone = time.time(), []
        self._listed = frozenset()
        for digest in self:
            if digest in keep:
                continue
            blob = self._spot(digest)
            with said(blob):
                found = blob.lstat()
                if now - max(found.st_mtime, found.st_ctime) >= min_age:
                    gone.append((digest, found.st_size))
                    if not dry_run:
                        blob.unlink()
        return tuple(gone)

    def __iter__(self) -> Iterator[Digest]:
        """Every blob, in order."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for shelf in sorted(os.listdir(self.root)):  # noqa: PTH208 - Path would double it
                if len(shelf) == 2:
                    for name in sorted(os.listdir(f"{self.root}/{shelf}")):  # noqa: PTH208
                        if len(name) == 62:
                            yield Digest(shelf + name)


def _each(act: Callable[[Digest], object], digests: Iterable[Digest]) -> dict[Digest, Outside]:
    from concurrent.futures import ThreadPoolExecutor

    def tried(digest: Digest) -> Outside | None:
        try:
            act(digest)
        except Outside as error:
            return error
        return None

    wanted = list(dict.fromkeys(digests))
    if not wanted:
        return {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = zip(wanted, pool.map(tried, wanted), strict=True)
        return {digest: error for digest, error in outcomes if error is not None}


def same_bytes(path: Path, digest: Digest) -> bool:
    """Whether a regular file (no link) with exactly these bytes lies at `path`."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and hash_file(path) == digest
    except FileNotFoundError:
        return False
