"""Bytes by their SHA-256, written once: `.reelmake/store/ab/cdef…`.

A blob's name is the digest of its content and a blob is complete or absent, so two writers of
the same bytes cannot disagree and none needs a lock. Never knows videos or shots.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Container, Iterator
from pathlib import Path

from runner.disk import commit_file, copy_file, hash_file, make_private_dir, said, sync_folder
from runner.errors import Outside
from runner.model import Digest

READ_ONLY = 0o444  # a blob is never edited; whoever must, has to mean it
NAME = re.compile(r"[0-9a-f]{62}")


class Store:
    """One local store. The folder is made when the first bytes come in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: Digest) -> Path:
        """Where the blob lies, or would lie."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise Outside(f"{digest!r} is not a SHA-256 in lower-case hex")
        return self.root / digest[:2] / digest[2:]

    def has(self, digest: Digest) -> bool:
        """Whether the blob is here; `verify` tells whether it is intact."""
        return os.path.isfile(f"{self.root}/{digest[:2]}/{digest[2:]}")  # noqa: PTH113 - hot

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and self.has(Digest(digest))

    def take_in(self, tmp: Path, sha256: Digest | None = None) -> Digest:
        """Move a finished file into the store; durable when this returns. Gives its digest.

        Where the caller hashed while writing, `sha256` saves a second reading; it must then be
        the truth. Raises `Outside`, and `tmp` still lies where it was.
        """
        digest = sha256 or hash_file(tmp)
        dest = self.path(digest)
        self._make_shelf(dest.parent)
        with said(dest):
            if self.verify(digest):
                sync_folder(dest.parent)  # the other writer's rename may not be durable yet
                tmp.unlink()
            elif tmp.stat().st_dev == dest.parent.stat().st_dev:
                tmp.chmod(READ_ONLY)
                commit_file(tmp, dest)
            else:
                copy_file(tmp, dest, mode=READ_ONLY, expected=digest)
                tmp.unlink()
        return digest

    def _make_shelf(self, shelf: Path) -> None:
        make_private_dir(self.root)
        with said(shelf):
            try:
                shelf.mkdir(mode=0o700)
            except FileExistsError:
                return
            sync_folder(self.root)

    def place(self, digest: Digest, dest: Path) -> bool:
        """Put a copy of a blob at `dest`, whole and durable; False if the same bytes lie there.

        A copy (shared blocks where the file system can), never a hard link: what a user does to
        an output must not reach the store. Raises `Outside` where the blob is missing or damaged.
        """
        blob = self.path(digest)
        if same_bytes(dest, digest):
            return False
        if not self.has(digest):
            raise Outside(f"the store has no {digest}, wanted for {dest}")
        with said(dest):
            dest.parent.mkdir(parents=True, exist_ok=True)
        copy_file(blob, dest, mode=0o644, expected=digest)
        return True

    def verify(self, digest: Digest) -> bool:
        """Whether the blob is here with the bytes that its name promises; reads all of them."""
        return same_bytes(self.path(digest), digest)

    def prune(
        self, keep: Container[Digest], *, min_age: float, dry_run: bool = True
    ) -> tuple[tuple[Digest, int], ...]:
        """The blobs (with their bytes) that nobody keeps and that are older than `min_age`
        seconds; removed unless it is a dry run. The caller holds the project lock."""
        now, gone = time.time(), []
        for digest in self:
            if digest in keep:
                continue
            blob = self.path(digest)
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
            for shelf in sorted(os.listdir(self.root)):  # noqa: PTH208
                if len(shelf) == 2:
                    yield from (
                        Digest(shelf + name)
                        for name in sorted(os.listdir(self.root / shelf))  # noqa: PTH208
                        if NAME.fullmatch(name)
                    )


def same_bytes(path: Path, digest: Digest) -> bool:
    """Whether a regular file (no link) with exactly these bytes lies at `path`."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and hash_file(path) == digest
    except FileNotFoundError:
        return False
