"""A long manifest taken apart into its entries; each is read only when somebody asks for it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from runner.manifest.lock import TakeId
from runner.manifest.text import read_entry
from runner.model import Digest, Result, ShotId

Key = TypeVar("Key")
BEGIN, END = b"\n    {\n", b"\n    }"
ENTRY = re.compile(
    BEGIN.replace(b"{", rb"\{")
    + rb'      "id": "([^"\\]*)",\n      "take": ([0-9]+),\n      "kept": [a-z]+,\n'
    + rb'      "fingerprint": "([0-9a-f]{64})",'
)


class Unread(Mapping[Key, Result]):
    """Results by key; the text of an entry, which begins at an offset, is read when wanted."""

    def __init__(self, data: bytes, starts: dict[Key, int]) -> None:
        self._data, self._starts = data, starts

    def __getitem__(self, key: Key) -> Result:
        start = self._starts[key]
        text = self._data[start : self._data.index(END, start)]
        return read_entry(json.loads(text + b"}")).result

    def __iter__(self) -> Iterator[Key]:
        return iter(self._starts)

    def __len__(self) -> int:
        return len(self._starts)


def apart(data: bytes) -> tuple[Unread[Digest], Unread[TakeId]] | None:
    """Results by fingerprint and by take; None for a text in another form than `dump` gives it.

    That it is a manifest, and whose, must be known already.
    """
    by_fingerprint: dict[Digest, int] = {}
    by_take: dict[TakeId, int] = {}
    for found in ENTRY.finditer(data):
        id_, take, fingerprint = found.groups()
        by_fingerprint[Digest(fingerprint.decode())] = found.start()
        by_take[ShotId(id_.decode()), int(take)] = found.start()
    if len(by_take) != data.count(BEGIN):
        return None
    return Unread(data, by_fingerprint), Unread(data, by_take)
