"""A long manifest taken apart into its entries; each is read only when somebody asks for it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from runner.manifest.lock import TakeId
from runner.manifest.text import read_entry
from runner.model import Digest, Result

BEGIN, END = b"\n    {\n", b"\n    }"
ENTRY = re.compile(
    BEGIN.replace(b"{", rb"\{")
    + rb'      "id": "([^"\\]*)",\n      "take": ([0-9]+),\n      "kept": [a-z]+,\n'
    + rb'      "fingerprint": "([0-9a-f]{64})",'
)
Key = TypeVar("Key")


class Unread(Mapping[Key, Result]):
    """Results by key. Knows where the entry of each begins; it is read when it is wanted."""

    def __init__(self, data: bytes, starts: Callable[[Key], int | None]) -> None:
        self._data, self._starts = data, starts

    def __getitem__(self, key: Key) -> Result:
        start = self._starts(key)
        if start is None:
            raise KeyError(key)
        text = self._data[start : self._data.index(END, start)]
        return read_entry(json.loads(text + b"}")).result

    def __iter__(self) -> Iterator[Key]:
        """None: only what somebody asks for is known."""
        return iter(())

    def __len__(self) -> int:
        return 0


def apart(data: bytes) -> tuple[Unread[Digest], Unread[TakeId]] | None:
    """Results by fingerprint and by take; None for a text in another form than `dump` gives it.

    That it is a manifest, and whose, must be known already.
    """
    entries = list(ENTRY.finditer(data))
    by_fingerprint = {entry[3]: entry.start() for entry in entries}
    by_take = {entry.group(1, 2): entry.start() for entry in entries}
    if len(by_take) != data.count(BEGIN):
        return None
    return (
        Unread(data, lambda digest: by_fingerprint.get(digest.encode())),
        Unread(data, lambda take: by_take.get((take[0].encode(), b"%d" % take[1]))),
    )
