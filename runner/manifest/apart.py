"""A long manifest taken apart into its entries; each is read only when somebody asks for it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar

from runner.errors import BadInput
from runner.manifest.conflict import once
from runner.manifest.lock import TakeId
from runner.manifest.text import read_entry
from runner.model import Digest, Result

BEGIN, END = b"\n    {\n", b"\n    }"
TAKE = b'      "id": "%s",\n      "take": %s,\n      "kept": '
FINGERPRINT = b'\n      "fingerprint": "%s",\n'
FEW = 16  # takes; to find more of them, one by one, takes longer than an index
Key = TypeVar("Key")


class Unread(Mapping[Key, Result]):
    """Results by key. `find` tells where the entry of one begins, or -1."""

    def __init__(self, data: bytes, find: Callable[[Key], int]) -> None:
        self._data, self._find = data, find

    def __getitem__(self, key: Key) -> Result:
        start = self._find(key)
        if start < 0:
            raise KeyError(key)
        text = self._data[start : self._data.index(END, start)] + b"}"
        try:
            entry = json.loads(text, object_pairs_hook=once)
        except ValueError as error:  # git has left both sides in it, or its marks
            raise BadInput("an entry of the manifest is not one document") from error
        return read_entry(entry).result

    def __iter__(self) -> Iterator[Key]:
        """None: only what somebody asks for is known."""
        return iter(())

    def __len__(self) -> int:
        return 0


def regular(data: bytes) -> bool:
    """Whether a manifest has the form that `dump` gives it, and one entry for each take."""
    takes = {entry.group(1, 2) for entry in _entries(data)}
    return len(takes) == data.count(b'"fingerprint"')


def apart(data: bytes, takes: int) -> tuple[Unread[Digest], Unread[TakeId]]:
    """Results by fingerprint and by take, of a `regular` manifest in which `takes` are sought."""
    if takes <= FEW:
        return Unread(data, partial(_asking, data)), Unread(data, partial(_of, data))
    entries = list(_entries(data))
    by_fingerprint = {entry[3]: entry.start() for entry in entries}
    by_take = {entry.group(1, 2): entry.start() for entry in entries}
    return (
        Unread(data, lambda digest: by_fingerprint.get(digest.encode(), -1)),
        Unread(data, lambda take: by_take.get((take[0].encode(), b"%d" % take[1]), -1)),
    )


def _entries(data: bytes) -> Iterator[re.Match[bytes]]:
    take = TAKE % (rb'([^"\\]*)', b"([0-9]+)")
    form = BEGIN.replace(b"{", rb"\{") + take + b"[a-z]+," + FINGERPRINT % b"([0-9a-f]{64})"
    return re.finditer(form, data)


def _of(data: bytes, take: TakeId) -> int:
    return data.find(BEGIN + TAKE % (take[0].encode(), b"%d" % take[1]))


def _asking(data: bytes, fingerprint: Digest) -> int:
    """The last one: shots that ask for the same thing share a take."""
    found = data.rfind(FINGERPRINT % fingerprint.encode())
    return data.rfind(BEGIN, 0, found) if found >= 0 else found
