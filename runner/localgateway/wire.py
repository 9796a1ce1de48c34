"""Requests off a connection, answers onto it.

h11 reads; writing is done by hand, byte by byte where a script wants it so: a server that must be
able to break every rule cannot let a library keep them.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qs, unquote

import h11
from msgspec import Struct
from msgspec.structs import replace

from runner.localgateway.film import Film

LARGEST_BODY = 80 << 20  # vendors take up to 64 MiB


class Request(Struct, frozen=True):
    method: str
    target: str  # as it came, percent-encoded, with its query
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def parts(self) -> list[str]:
        """The path's segments, decoded: an id may hold anything."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    def without(self, names: tuple[str, ...]) -> "Request":
        """The same request without these headers and query parameters."""
        headers = {name: value for name, value in self.headers.items() if name not in names}
        path, _, query = self.target.partition("?")
        kept = [pair for pair in query.split("&") if pair.partition("=")[0] not in names]
        target = "?".join([path, *(["&".join(kept)] if kept != [""] else [])])
        return replace(self, headers=headers, target=target)

    @property
    def query(self) -> dict[str, str]:
        pairs = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}


class Span(Struct, frozen=True):
    """Bytes of a film, from start up to stop."""

    film: Film
    start: int
    stop: int


class Blank(Struct, frozen=True):
    """So many blanks, made as they are sent."""

    count: int

    def read(self) -> Iterator[bytes]:
        for start in range(0, self.count, 1 << 18):
            yield b" " * min(1 << 18, self.count - start)


Part = bytes | Span | Blank
Framing = Literal["length", "chunked", "close"]
End = Literal["keep", "close", "reset", "hang"]


class Answer(Struct, frozen=True):
    """One answer. `declared` is a Content-Length that lies; `raw` replaces everything."""

    status: int
    body: tuple[Part, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = "length"
    declared: int | None = None
    raw: bytes | None = None
    dated: bool = True

    @property
    def length(self) -> int:
        return sum(_length(part) for part in self.body)


def _length(part: Part) -> int:
    if isinstance(part, bytes):
        return len(part)
    return part.count if isinstance(part, Blank) else part.stop - part.start


def bytes_of(part: Part) -> Iterator[bytes]:
    """A part of a body in chunks."""
    if isinstance(part, bytes):
        yield part
    elif isinstance(part, Blank):
        yield from part.read()
    else:
        yield from part.film.read(part.start, part.stop)


class Delivery(Struct, frozen=True):
    """How the bytes of an answer reach the wire."""

    delay: float = 0  # seconds before the first byte
    cut: int | None = None  # stop after so many bytes of the whole answer
    skip_body_after: int | None = None  # the same, counted from the end of the head
    piece: int = 0  # write so many bytes at a time …
    pause: float = 0  # … and rest so many seconds between
    flip: int | None = None  # this byte of the body has a bit flipped
    after: End = "keep"


PLAIN = Delivery()


class Incoming:
    """The requests of one connection, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
        self._received = 0  # bytes of the present request, or a little more

    async def head(self) -> Request | None:
        """The next request without its body; None when the peer is done."""
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        if event.http_version < b"1.1":
            headers.setdefault("connection", "close")
        return Request(event.method.decode(), event.target.decode("latin-1"), headers)

    async def body(self, stop_after: int | None = None) -> bytes | None:
        """The body; None when `stop_after` bytes of the request had come, or it is too large."""
        if self._parser.they_are_waiting_for_100_continue:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunks: list[bytes] = []
        size = 0
        while True:
            if stop_after is not None and self._received >= stop_after:
                return None
            event = await self._event()
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > LARGEST_BODY:
                    return None
                chunks.append(bytes(event.data))
            else:
                return b"".join(chunks)

    async def _event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(1 << 16)
            self._received += len(data)
            self._parser.receive_data(data)
        return event

    async def until_gone(self) -> None:
        """Wait until the peer closes its side."""
        while await self._reader.read(1 << 16):
            pass

    def again(self) -> None:
        """Be ready for the next request on this connection."""
        rest = self._parser.trailing_data[0]
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
        self._received = len(rest)
        if rest:
            self._parser.receive_data(rest)


_date: tuple[int, str] = (0, "")


def http_date() -> str:
    """The Date header's value, made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def head_of(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {reason(answer.status)}"]
    names = {name.lower() for name, _ in answer.headers}
    if answer.dated and "date" not in names:
        lines.append(f"Date: {http_date()}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
    elif answer.framing == "close":
        lines.append("Connection: close")
    elif answer.status not in (204, 304):
        length = answer.length if answer.declared is None else answer.declared
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _pieces_of(answer: Answer) -> Iterator[bytes]:
    for part in answer.body:
        for chunk in bytes_of(part):
            if chunk and answer.framing == "chunked":
                yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
            elif chunk:
                yield chunk
    if answer.framing == "chunked":
        yield b"0\r\n\r\n"


async def send(
    writer: asyncio.StreamWriter, answer: Answer, delivery: Delivery = PLAIN, *, head: bool = False
) -> bool:
    """Write an answer; True when the connection may go on. `head`: the request was a HEAD."""
    start = answer.raw if answer.raw is not None else head_of(answer)
    if delivery is PLAIN:
        pieces = iter(()) if head or answer.raw is not None else _pieces_of(answer)
        # Head and a small body leave in one packet.
        writer.write(start + next(pieces, b""))
        for piece in pieces:
            await writer.drain()
            writer.write(piece)
        await writer.drain()
        return answer.framing != "close" and answer.raw is None
    await asyncio.sleep(delivery.delay)
    pieces = iter(()) if head or answer.raw is not None else _pieces_of(answer)
    await _send_bent(writer, start, pieces, delivery)
    return _end(writer, answer, delivery)


async def _send_bent(
    writer: asyncio.StreamWriter, start: bytes, body: Iterator[bytes], delivery: Delivery
) -> None:
    left = delivery.cut
    if delivery.skip_body_after is not None:
        left = len(start) + delivery.skip_body_after
    flip = delivery.flip
    for number, piece in enumerate(_chain(start, body)):
        if number and flip is not None:
            piece, flip = _flipped(piece, flip)
        if left is not None:
            piece, left = piece[:left], left - len(piece)
        for part in _cut_up(piece, delivery.piece):
            writer.write(part)
            await writer.drain()
            if delivery.pause:
                await asyncio.sleep(delivery.pause)
        if left is not None and left <= 0:
            return


def _chain(start: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield start
    yield from body


def _flipped(piece: bytes, at: int) -> tuple[bytes, int | None]:
    if at >= len(piece):
        return piece, at - len(piece)
    return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :], None


def _cut_up(piece: bytes, size: int) -> Iterator[bytes]:
    if not size:
        yield piece
        return
    for at in range(0, len(piece), size):
        yield piece[at : at + size]


def _end(writer: asyncio.StreamWriter, answer: Answer, delivery: Delivery) -> bool:
    if delivery.after == "reset":
        reset(writer)
        return False
    cut = delivery.cut is not None or delivery.skip_body_after is not None
    return delivery.after == "keep" and not cut and answer.framing != "close" and not answer.raw


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
