"""The project lock: one submitter a project, freed by the end of its process."""

import fcntl
import json
import os
import stat
import time
from pathlib import Path
from typing import Self

from msgspec import Struct

from runner.disk.write import said
from runner.errors import Outside


class Holder(Struct, frozen=True):
    """Who has the lock, for people to read: never used to break it."""

    pid: int
    host: str
    since: str  # ISO 8601, UTC

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host} since {self.since}"


class ProjectLock:
    """One submitter a project: a kernel lock on a file that is never deleted.

    Freed by the end of the process, however it ends, so nothing is ever left to break. Children
    do not inherit it. Not re-entrant.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def acquire(self, *, wait: bool = False) -> None:
        """Take the lock, or raise `Outside` that names the holder; with `wait`, wait for it."""
        with said(self.path):
            while self._fd < 0:
                fd = self._open()
                try:
                    self._take(fd, wait=wait)
                    if _same_file(fd, self.path):
                        _write_holder(fd)
                        self._fd, fd = fd, -1
                finally:
                    if fd >= 0:
                        os.close(fd)
        os.register_at_fork(after_in_child=self._forget)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(self.path, flags, 0o600)
        found = os.fstat(fd)
        ours = found.st_uid == os.geteuid() or os.geteuid() == 0
        if not stat.S_ISREG(found.st_mode) or not ours:
            os.close(fd)
            raise Outside(
                f"{self.path} is not a lock file of ours", do="look at it, then remove it"
            )
        return fd

    def _take(self, fd: int, *, wait: bool) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            who = self.holder() or "another process"
            raise Outside(
                f"another run holds this project: {who}", do="wait for it to end, or stop it"
            ) from None

    def release(self) -> None:
        if self._fd >= 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._forget()

    def _forget(self) -> None:
        """Close without unlocking: what a forked child does with its copy."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def holder(self) -> Holder | None:
        """Who took the lock last; whether it is still held only `acquire` can tell."""
        try:
            found = json.loads(self.path.read_bytes()[:1000])
            return Holder(int(found["pid"]), str(found["host"]), str(found["since"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _same_file(fd: int, path: Path) -> bool:
    """A lock on a file that was deleted meanwhile guards nothing."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def _write_holder(fd: int) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"pid": os.getpid(), "host": os.uname().nodename, "since": since}
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(line).encode() + b"\n", 0)
