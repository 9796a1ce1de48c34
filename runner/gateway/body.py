"""A vendor's body in a gateway's dialect, as the bytes of one POST.

The only place where a medium's bytes meet JSON. `encode` writes what is sent; `redact` gives the
same body as it may be shown and kept: no base64, no signed URL.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from runner.errors import BadInput
from runner.gateway.profile import Dialect, Profile
from runner.model import JSON, Attach, Body, Medium, Url

Read = Callable[[Medium], bytes]
Publish = Callable[[Medium], str]
Identify = Callable[[Medium], str | None]

MAGIC = (  # the first bytes of what vendors take, and what to call it
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
)
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
BRANDS = {b"qt  ": "video/quicktime", b"heic": "image/heic", b"heix": "image/heic"}
BRANDS |= {b"mif1": "image/heif", b"avif": "image/avif", b"M4A ": "audio/mp4"}
UNKNOWN = "application/octet-stream"
DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}")  # longer than anything a person types
WEB_URL = re.compile(r"https?://\S+", re.IGNORECASE)


def encode(body: Body, profile: Profile, read: Read, *, publish: Publish | None = None) -> bytes:
    """The body as canonical JSON: UTF-8, keys in the order built, no NaN, media in place.

    `read` gives a local medium's bytes; `publish` a URL for one, where the vendor takes nothing
    else. Raises `BadInput` for what cannot be written: a number JSON has not, text that is not
    Unicode, a local file where only a URL goes, or more bytes than the gateway takes.
    """
    written = _each_attach(in_dialect(body, profile.dialect), lambda a: _place(a, read, publish))
    try:
        text = json.dumps(written, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = text.encode("utf-8")
    except ValueError as error:  # NaN, infinity, a lone surrogate
        raise BadInput(f"{body.get('model')}: the request cannot be written: {error}") from error
    if len(data) > profile.bounds.body:
        raise BadInput(
            f"{body.get('model')}: the request is {len(data)} bytes,"
            f" {profile.name} takes {profile.bounds.body}",
            do="give large media as URLs, or make them smaller",
        )
    return data


def redact(body: Body, identify: Identify) -> JSON:
    """The body as it may be kept: media as `{"sha256": …}` or their URL without its query.

    Also rewrites data URLs and whole-value URLs the user wrote into `extra_body` or `options`;
    the prompt is theirs and stays.
    """
    shown = _each_attach(body, lambda attach: _identity(attach.medium, identify))
    return {key: value if key == "prompt" else _bare(value) for key, value in shown.items()}


def in_dialect(body: Body, dialect: Dialect) -> Body:
    """The canonical body as another gateway wants it written; its own nested maps are copied."""
    changed = dict(body)
    reference = changed.get("input_reference")
    if dialect.input_reference == "object" and isinstance(reference, str | Attach):
        changed["input_reference"] = {"image_url": reference}
    if dialect.seconds == "number" and isinstance(changed.get("seconds"), str):
        changed["seconds"] = _number(changed["seconds"])
    if dialect.extra_body == "merged" and isinstance(changed.get("extra_body"), Mapping):
        changed |= changed.pop("extra_body")
    return changed


def mime(data: bytes) -> str:
    """What a file is, by its first bytes; `application/octet-stream` where they say nothing."""
    if data[:4] == b"RIFF":
        return RIFF.get(data[8:12], UNKNOWN)
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12], "video/mp4")
    for magic, name in MAGIC:
        if data.startswith(magic):
            return name
    is_mp3_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    return "audio/mpeg" if is_mp3_frame else UNKNOWN


def without_query(url: str) -> str:
    """A URL with everything removed that may be a secret: user, password, query, fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:  # "http://[" and the like: better nothing than a secret
        return url.partition("?")[0].partition("#")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _each_attach(value: Any, write: Callable[[Attach], JSON]) -> Any:
    if isinstance(value, Attach):
        return write(value)
    if isinstance(value, Mapping):
        return {key: _each_attach(item, write) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_attach(item, write) for item in value]
    return value


def _place(attach: Attach, read: Read, publish: Publish | None) -> str:
    medium = attach.medium
    if isinstance(medium.origin, Url):
        return medium.origin.url
    if attach.form == "url":
        if publish is None:
            raise BadInput(
                f"{medium.at}: this {medium.kind} must be a URL, the vendor takes no file here",
                do="upload it and give its https URL, or set up a store that can publish",
            )
        return publish(medium)
    data = read(medium)
    text = base64.b64encode(data).decode("ascii")
    return text if attach.form == "base64" else f"data:{mime(data)};base64,{text}"


def _identity(medium: Medium, identify: Identify) -> JSON:
    if isinstance(medium.origin, Url):
        return without_query(medium.origin.url)
    return {"sha256": identify(medium)}


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, str):
        if DATA_URL.match(value) or BASE64.fullmatch(value):
            return {"sha256": _digest(value.partition(",")[2] or value)}
        if WEB_URL.fullmatch(value):
            return without_query(value)
    return value


def _digest(text: str) -> str:
    """Of the bytes that base64 text stands for; of the text itself where it is broken."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        data = text.encode()
    return hashlib.sha256(data).hexdigest()


def _number(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
