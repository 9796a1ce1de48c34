"""Is this a whole MP4? A bounded walk over its boxes (ISO/IEC 14496-12), without a decoder.

A cut or padded download often still plays for a while, so the sizes must add up to the very
last byte. No size in the file is believed before it is checked against the room that is left.
"""

import os
import struct
from pathlib import Path

from msgspec import Struct

from runner.media.magic import describe

MAX_BOXES = 10_000
MAX_DEPTH = 16
MAX_CHUNKS = 1_000_000
MAX_HELD = 4 << 20  # bytes of a moov that is read in one go
OFFSETS = {b"stco": "I", b"co64": "Q"}  # where the samples lie, as 32 or 64 bit
CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"mvex"})
NEEDED = (b"ftyp", b"moov", b"mdat")


class NotWhole(Exception):
    """Why the walk stopped; becomes the answer of `check_mp4`, never travels further."""


def check_mp4(path: Path) -> str | None:
    """None if the file is a structurally complete MP4, else what is wrong, for people."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(512)
            if head[4:8] not in _openings():
                return f"not an MP4 but {describe(head)}"
            _Walk(file.fileno(), os.fstat(file.fileno()).st_size).whole_file()
    except OSError as error:
        return error.strerror or str(error)
    except NotWhole as why:
        return str(why)
    return None


def _openings() -> frozenset[bytes]:
    return frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"styp"})


class _Walk(Struct):
    fd: int
    size: int
    boxes: int = 0
    held: bytes = b""
    held_at: int = 0

    def whole_file(self) -> None:
        found = self.children(0, self.size, depth=0, within="the file")
        for name in NEEDED:
            if name not in found:
                raise NotWhole(f"no {_name(name)} box")
        for start, end in found[b"moov"]:
            if end - start <= MAX_HELD:
                self.held, self.held_at = os.pread(self.fd, end - start, start), start
            tracks = self.children(start, end, depth=1, within="moov").get(b"trak", [])
            if not tracks:
                raise NotWhole("no track in moov")
            for track in tracks:
                self.descend(*track, depth=2, within="trak")

    def descend(self, start: int, end: int, *, depth: int, within: str) -> None:
        if depth > MAX_DEPTH:
            raise NotWhole(f"boxes nested more than {MAX_DEPTH} deep")
        for name, places in self.children(start, end, depth=depth, within=within).items():
            for place in places:
                if name == b"dref":
                    self.references(*place)
                elif name in OFFSETS:
                    self.offsets(*place, OFFSETS[name])
                elif name in CONTAINERS:
                    self.descend(*place, depth=depth + 1, within=_name(name))

    def children(
        self, start: int, end: int, *, depth: int, within: str
    ) -> dict[bytes, list[tuple[int, int]]]:
        """The boxes that fill start..end exactly: name -> where each one's content lies."""
        found: dict[bytes, list[tuple[int, int]]] = {}
        while start < end:
            name, inner, after = self.header(start, end, within)
            found.setdefault(name, []).append((inner, after))
            start = after
        return found

    def header(self, at: int, end: int, within: str) -> tuple[bytes, int, int]:
        """(name, start of content, end) of the box at `at`, which must end by `end`."""
        self.boxes += 1
        if self.boxes > MAX_BOXES:
            raise NotWhole(f"more than {MAX_BOXES} boxes")
        head = self.read(min(16, end - at), at)
        if len(head) < 8:
            raise NotWhole(f"{end - at} stray bytes at the end of {within}")
        size, name, inner = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1 and len(head) == 16:
            size, inner = int.from_bytes(head[8:], "big"), at + 16
        if size == 0:
            raise NotWhole(f"{_name(name)} has no size, so nothing proves that it is whole")
        if size < inner - at:
            raise NotWhole(f"{_name(name)} claims {size} bytes, fewer than its own header")
        if size > end - at:
            raise NotWhole(
                f"{_name(name)} claims {size} bytes, {end - at} are left in {within}: cut short"
            )
        return name, inner, at + size

    def read(self, count: int, at: int) -> bytes:
        """As os.pread, without asking the system for what is at hand."""
        start = at - self.held_at
        if 0 <= start <= len(self.held) - count:
            return self.held[start : start + count]
        return os.pread(self.fd, count, at)

    def offsets(self, start: int, end: int, code: str) -> None:
        """Every chunk of samples must begin within the file."""
        count = int.from_bytes(self.read(4, start + 4), "big")
        width = struct.calcsize(f">{code}")
        if count > MAX_CHUNKS or start + 8 + count * width > end:
            raise NotWhole(f"an index of {count} chunks")
        table = self.read(count * width, start + 8)
        if any(offset >= self.size for (offset,) in struct.iter_unpack(f">{code}", table)):
            raise NotWhole("its index points behind the end of the file")

    def references(self, start: int, end: int) -> None:
        """Media outside the file is refused: it would be read from wherever the file says."""
        for name, inner, after in self.entries(start + 8, end):
            flags = self.read(4, inner)
            if after - inner < 4 or not flags[3] & 1:
                raise NotWhole(f"its media lies outside the file (dref {_name(name)})")

    def entries(self, start: int, end: int) -> list[tuple[bytes, int, int]]:
        found = []
        while start < end:
            found.append(self.header(start, end, "dref"))
            start = found[-1][2]
        return found


def _name(name: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in name)
