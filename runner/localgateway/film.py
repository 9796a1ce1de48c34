"""A finished film as bytes that can be read from anywhere in the middle.

A film is a file, then a tail held in memory, then zeros: a unique `free` box at the end makes
every download different (the real thing never repeats), and a huge one makes a large file of any
size without writing it.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

CHUNK = 1 << 18


class Film(Struct, frozen=True):
    path: Path
    file_bytes: int
    tail: bytes = b""
    zeros: int = 0
    etag: str = ""  # strong, quoted

    @property
    def length(self) -> int:
        return self.file_bytes + len(self.tail) + self.zeros

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start up to stop, in chunks."""
        with self.path.open("rb") as file:
            file.seek(min(start, self.file_bytes))
            while start < min(stop, self.file_bytes):
                chunk = file.read(min(CHUNK, stop - start, self.file_bytes - start))
                if not chunk:  # the file was cut behind our back
                    return
                start += len(chunk)
                yield chunk
        end_of_tail = self.file_bytes + len(self.tail)
        if start < min(stop, end_of_tail):
            yield self.tail[start - self.file_bytes : stop - self.file_bytes]
            start = min(stop, end_of_tail)
        while start < stop:
            size = min(CHUNK, stop - start)
            yield bytes(size)
            start += size


def as_film(path: Path, *, mark: str = "", at_least: int = 0) -> Film:
    """A film of the MP4 at `path`; `mark` goes into a closing `free` box, padded to `at_least`."""
    size = path.stat().st_size
    tail, zeros = b"", 0
    if mark or at_least > size:
        payload = mark.encode()
        zeros = max(0, at_least - size - 8 - len(payload))
        tail = _free_head(8 + len(payload) + zeros) + payload
        if len(tail) > 8 + len(payload):  # the 64-bit form of the box head is longer
            zeros = max(0, zeros - 8)
            tail = _free_head(16 + len(payload) + zeros) + payload
    digest = hashlib.sha256(_digest(path, size) + tail + zeros.to_bytes(8, "big")).hexdigest()
    return Film(path, size, tail, zeros, f'"{digest[:32]}"')


@lru_cache(maxsize=256)
def _digest(path: Path, size: int) -> bytes:
    """Of a file that never changes once it is written; thousands of films may share it."""
    return hashlib.sha256(path.read_bytes()).digest()


def _free_head(size: int) -> bytes:
    if size < 1 << 32:
        return size.to_bytes(4, "big") + b"free"
    return (1).to_bytes(4, "big") + b"free" + size.to_bytes(8, "big")
