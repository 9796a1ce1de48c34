"""Where a fact goes when the journal cannot take it: a paid id must outlive a broken disk.

First into space that was set aside while the disk was well, then to standard error as one line
of JSON. `returned` gives back, at the next start, what landed in the reserve.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from runner.journal.facts import Fact, Kind, Realm
from runner.model import AttemptId

SIZE = 256 * 1024  # bytes: some hundreds of ids
NAME = "reserve"

Saved = tuple[Realm, str, Fact]  # realm, time, fact


class Reserve:
    """A file whose blocks exist before they are needed; written in place, never grown."""

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        """Raises OSError if there is no room to set aside."""
        path = folder / NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        self._size = size
        self._fd = os.open(path, flags, 0o600)
        held = os.fstat(self._fd).st_size
        if held < size:
            # Written, not only allocated: a file of holes would ask the full disk for blocks.
            os.pwrite(self._fd, b"\0" * (size - held), held)
            os.fsync(self._fd)
        self._end = len(self._read())

    def close(self) -> None:
        os.close(self._fd)

    def put(self, line: bytes) -> bool:
        """Whether the line is now durable here."""
        if self._end + len(line) > self._size:
            return False
        try:
            written = os.pwrite(self._fd, line, self._end)
            os.fsync(self._fd)
        except OSError:
            return False
        self._end += len(line)
        return written == len(line)

    def returned(self) -> tuple[Saved, ...]:
        """What was put here, in order; a torn last line is left out."""
        lines = self._read().split(b"\n")[:-1]
        return tuple(saved for line in lines if (saved := read_line(line)))

    def clear(self) -> None:
        """Only after everything returned is durable elsewhere."""
        os.pwrite(self._fd, b"\0" * self._end, 0)
        os.fsync(self._fd)
        self._end = 0

    def _read(self) -> bytes:
        return os.pread(self._fd, self._size, 0).rstrip(b"\0")


def rescue(reserve: Reserve | None, facts: Sequence[Saved]) -> None:
    """Saves what must not be lost wherever it still can be. Raises nothing."""
    for realm, at, fact in facts:
        if fact.kind is Kind.INTENT:
            continue  # nothing has been sent for it
        line = write_line(realm, at, fact)
        if reserve is None or not reserve.put(line):
            shout(line)


def shout(line: bytes) -> None:
    try:
        os.write(2, line)
    except OSError:
        return  # there is nowhere left to say it


def write_line(realm: Realm, at: str, fact: Fact) -> bytes:
    body = fact.body
    if fact.kind is Kind.RECEIPT and len(fact.text()) > 4096:
        body = {**body, "body": str(body.get("body", ""))[:2048], "cut": True}
    record = {"reelmake": 1, "realm": realm, "at": at, "attempt": fact.attempt}
    return json.dumps({**record, "kind": fact.kind, "body": body}).encode() + b"\n"


def read_line(line: bytes) -> Saved | None:
    try:
        saved = json.loads(line)
        fact = Fact(AttemptId(saved["attempt"]), Kind(saved["kind"]), saved["body"])
        return saved["realm"], saved["at"], fact
    except (ValueError, KeyError, TypeError):
        return None
