"""multipart/form-data as the official OpenAI client sends it."""

import base64
import re

from runner.localgateway.ask import Refusal

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))')
_NAME = re.compile(r'\bname="([^"]*)"')
_FILE = re.compile(r"\bfilename\*?=")


def _bad(what: str) -> Refusal:
    return Refusal(400, f"The form cannot be read: {what}.", code="invalid_form")


def read_form(content_type: str, body: bytes) -> dict[str, object]:
    """The fields of a form as text; an uploaded file as `{mime_type, data}`. Raises Refusal."""
    found = _BOUNDARY.search(content_type)
    if not found:
        raise _bad("no boundary")
    mark = b"--" + (found[1] or found[2]).encode("latin-1")
    sections = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise _bad("no closing boundary")
    fields: dict[str, object] = {}
    for section in sections[1:-1]:
        head, split, value = section.lstrip(b" \t").partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace"))
        if not split or not name:
            raise _bad("a part without a name")
        if name[1] in fields:
            raise _bad(f"{name[1]!r} comes twice")
        fields[name[1]] = _value(head.decode("utf-8", "replace"), value)
    return fields


def _value(head: str, value: bytes) -> object:
    if _FILE.search(head):
        kind = re.search(r"(?im)^content-type:\s*([\w/.+-]+)", head)
        return {
            "mime_type": kind[1].lower() if kind else "application/octet-stream",
            "data": base64.b64encode(value).decode(),
        }
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("text that is not UTF-8") from None
