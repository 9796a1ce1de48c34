"""A long manifest taken apart into its entries; each is read only when somebody asks for it."""

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

from runner.manifest.lock import TakeId
from runner.manifest.text import read_entry
from runner.model import Digest, Result, ShotId

Key = TypeVar("Key")
BEGIN, END = b"\n    {\n", b"\n    }"
FACTS = (b'      "id": "', b'      "take": ', b'      "kept": ', b'      "fingerprint": "')


class Unread(Mapping[Key, Result]):
    """Results by key; an entry's text is read when it is wanted."""

    def __init__(self, texts: dict[Key, bytes]) -> None:
        self._texts = texts

    def __getitem__(self, key: Key) -> Result:
        return read_entry(json.loads(self._texts[key])).result

    def __iter__(self) -> Iterator[Key]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def apart(data: bytes) -> tuple[Unread[Digest], Unread[TakeId]] | None:
    """Results by fingerprint and by take; None for a text in another form than `dump` gives it.

    That it is a manifest, and whose, must be known already.
    """
    by_fingerprint: dict[Digest, bytes] = {}
    by_take: dict[TakeId, bytes] = {}
    _, *entries = data.split(BEGIN)
    for entry in entries:
        head = entry.split(b"\n", len(FACTS))
        text, end, _ = entry.rpartition(END)
        if not end or not all(map(bytes.startswith, head, FACTS)):
            return None
        id_, take, _, fingerprint = (
            line[len(fact) :].rstrip(b'",') for line, fact in zip(head, FACTS, strict=False)
        )
        whole = b"{" + text + b"}"
        by_fingerprint[Digest(fingerprint.decode())] = whole
        by_take[ShotId(id_.decode()), int(take)] = whole
    whole_form = len(by_take) == len(entries) == data.count(b'\n      "fingerprint": "')
    return (Unread(by_fingerprint), Unread(by_take)) if whole_form else None
