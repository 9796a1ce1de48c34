"""What came back from the far side, made safe to keep and to print, before anybody judges it."""

import re
import unicodedata
import zlib
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import quote

from msgspec import Struct

REDACTED = "[redacted]"
_SHORTEST_SECRET = 6  # a shorter "secret" would redact innocent text to pieces
# Signed URLs carry their secret in the query. Slashes may be escaped, as some JSON writers do.
_QUERY = re.compile(rb"""(https?:(?:\\?/){2}[^\s"'<>?]*\?)[^\s"'<>]+""", re.IGNORECASE)
_HEADERS = (
    "content-encoding", "content-length", "content-range", "content-type", "date", "etag",
    "location", "openai-poll-after-ms", "retry-after", "x-request-id",
)  # fmt: skip
_HEADER_CHARS = 1024


class Fault(StrEnum):
    """Why there is no whole answer."""

    RESOLVE = "name not found"
    CONNECT = "no connection"
    TLS = "TLS refused"
    PROXY = "the proxy refused"
    LOCAL = "not a legal request"
    DEADLINE = "deadline"
    BROKEN = "connection broken"
    PROTOCOL = "not HTTP"
    TOO_LARGE = "too large"
    ENCODING = "undecodable"


class Receipt(Struct, frozen=True):
    """One exchange as it went. The body is decoded, bounded, and holds no secret of ours.

    With a `fault` the answer is not whole, but status and body hold what did arrive. `sent`
    says that bytes of the request may have left this machine.
    """

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    fault: Fault | None = None
    detail: str = ""
    sent: bool = True

    def header(self, name: str) -> str | None:
        """A header's value; several are joined, which no reader of ours mistakes for one."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


class Redactor:
    """Takes secrets out by value, in every form they may come back in. Shows none of them."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        forms = set[bytes]()
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST_SECRET:
                escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
                slashed = escaped.replace("/", "\\/")
                forms |= {f.encode() for f in (secret, quote(secret, safe=""), escaped, slashed)}
        self._forms = sorted(forms, key=len, reverse=True)

    def clean(self, data: bytes) -> bytes:
        for form in self._forms:
            data = data.replace(form, REDACTED.encode())
        return _QUERY.sub(rb"\g<1>" + REDACTED.encode(), data)

    def text(self, text: str) -> str:
        return self.clean(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def headers(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Those we may need as evidence later; the others are not kept."""
        return tuple(
            (name.lower(), printable(self.text(value), _HEADER_CHARS))
            for name, value in pairs
            if name.lower() in _HEADERS
        )


def printable(text: str, limit: int = 500) -> str:
    """One line, safe on a terminal: control, bidi and other invisible characters are escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(_visible(char) for char in cut)


def _visible(char: str) -> str:
    if char == " " or unicodedata.category(char)[0] not in "CZ":
        return char
    if char in "\t\n\r\u00a0\u3000":
        return " "
    return char.encode("unicode_escape").decode()


def decoded(body: bytes, encoding: str | None, limit: int) -> tuple[bytes, Fault | None]:
    """The body without its Content-Encoding: one layer of gzip or deflate, at most `limit`.

    We ask for none; some servers compress all the same. What cannot be decoded stays as it is.
    """
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return body, None
    if name not in ("gzip", "x-gzip", "deflate"):
        return body, Fault.ENCODING
    inflate = zlib.decompressobj(wbits=47 if name != "deflate" else 15)
    try:
        plain = inflate.decompress(body, limit + 1)
    except zlib.error:
        return body, Fault.ENCODING
    if len(plain) > limit:
        return plain[:limit], Fault.TOO_LARGE
    return plain, None if inflate.eof else Fault.BROKEN
