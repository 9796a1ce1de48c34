"""Where a character of a scalar is written: through quotes, escapes, folding and indentation."""

import re
from collections.abc import Iterator
from itertools import islice

_ESCAPE = re.compile(r"\\(?:x(?P<x>..)|u(?P<u>.{4})|U(?P<U>.{8})|(?P<one>.))", re.DOTALL)
_ESCAPED = dict(zip("0abefnrtvN_LP", "\0\a\b\x1b\f\n\r\t\v\x85\xa0\u2028\u2029", strict=True))
_PROPERTY = re.compile(r"&[^\s,\[\]{}]+\s+")
_BLOCK_HEADER = re.compile(r"[|>][^\n]*\n")


def offset_inside(text: str, start: int, value: str, offset: int) -> int:
    """The place in `text` of `value[offset]`; a white character gives that of the one before."""
    wanted = len("".join(value[: offset + 1].split()))
    visible = ((at, char) for at, char in _characters(text, start) if not char.isspace())
    return next((at for at, _ in islice(visible, max(wanted, 1) - 1, None)), start)


def _characters(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Each character a scalar stands for, with the offset where it is written."""
    if anchor := _PROPERTY.match(text, start):
        start = anchor.end()
    quote = text[start : start + 1]
    if quote in ("'", '"'):
        yield from _quoted(text, start + 1, quote)
        return
    header = _BLOCK_HEADER.match(text, start)
    for at in range(header.end() if header else start, len(text)):
        yield at, text[at]


def _quoted(text: str, at: int, quote: str) -> Iterator[tuple[int, str]]:
    while at < len(text):
        if quote == "'" and text[at : at + 2] == "''":
            yield at, "'"
            at += 2
        elif text[at] == quote:
            return
        elif quote == '"' and (found := _ESCAPE.match(text, at)):
            code = found["x"] or found["u"] or found["U"]
            yield at, chr(int(code, 16)) if code else _ESCAPED.get(found["one"], found["one"])
            at = found.end()
        else:
            yield at, text[at]
            at += 1
