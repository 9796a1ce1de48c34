"""One walk over what a take asks for: a document, its digest, and what changed between two.

The document is plain JSON. Its SHA-256 is the take's fingerprint, a comparison of two documents
is the reason in a plan, and the manifest keeps the document itself as `request`. There is no
second walk, so a changed fingerprint always has a reason and an unchanged one never has.

What is in it: model, prompt as rendered, neutral parameters, options, extra_body, take number,
and each medium by role, in order, with the identity of its bytes. What is not: shot id, file
names, gateway, wire dialect, vendor name, notes, tool version, the order of keys.

Three decisions that can never be taken back, because a changed fingerprint is a bill for everyone:

- Text counts as the characters the vendor is sent. It is not Unicode-normalised: two spellings of
  "é" are two prompts, for the model as for us.
- Numbers count by value: 5 and 5.0 are one number. `true` is not 1, and `null` inside `options` or
  `extra_body` is not absence, since both reach the vendor.
- A URL counts whole, query included, but the document keeps it without query, fragment and user
  part, which may hold a secret; `url_sha256` stands for what was left out. A data URL in `options`
  or `extra_body` is kept as its digest.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import isfinite

from msgspec import Struct

from runner.errors import BadInput
from runner.model import JSON, Digest, Frame, LocalFile, Medium, Request, ShotOutput, Take, Url

FORMAT = 1
ROLES = ("first_frame", "last_frame", "base_video", "reference")
PARAMETERS = (
    "negative_prompt", "seconds", "size", "resolution", "aspect_ratio", "audio", "watermark",
    "seed",
)  # fmt: skip

Identify = Callable[[Medium], str | None]
Path = tuple[str | int, ...]

_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


class Change(Struct, frozen=True):
    """One difference between two documents. A side that says nothing there is None."""

    path: Path  # ("prompt",), ("options", "cfg_scale"), ("reference", 2): references count from 1
    old: JSON
    new: JSON

    @property
    def field(self) -> str:
        """The path as a person writes it: `options.cfg_scale`, `reference 2`."""
        if self.path[0] == "reference":
            return f"reference {self.path[1]}"
        return ".".join(str(part) for part in self.path)


def asked(take: Take, identify: Identify) -> dict[str, JSON] | None:
    """The document of a take, or None while the bytes of an input are not known.

    `identify` gives the SHA-256 of a local file, or of the whole video a shot's output or frame
    is taken from; it is not called for URLs. Raises BadInput for a number that JSON cannot say.
    """
    request = take.request
    media = []
    for medium in in_order(request):
        entry = _medium(medium, identify)
        if entry is None:
            return None
        media.append(entry)
    return _document(take.number, request, media)


def digest(document: Mapping[str, JSON]) -> Digest:
    """SHA-256 of the document as ASCII JSON: keys sorted by code point, no spaces."""
    return Digest(hashlib.sha256(_canonical(document).encode("ascii")).hexdigest())


def changes(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> tuple[Change, ...]:
    """What differs, in the order of the new document; empty exactly if the digests are equal."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = dict.fromkeys((*after, *before))
    return tuple(
        Change(path, before.get(path), after.get(path))
        for path in paths
        if (path in before) != (path in after) or not same(before[path], after[path])
    )


def same(one: JSON, other: JSON) -> bool:
    """Whether two values would be asked for alike: 1 and 1.0 are, 1 and true are not."""
    return _canonical(_plain(one)) == _canonical(_plain(other))


def in_order(request: Request) -> list[Medium]:
    """The media as the document lists them: by role, references in the order they were given."""
    if not request.media:
        return []
    return sorted(request.media, key=lambda medium: ROLES.index(medium.role))


def inputs(request: Request, asked: Mapping[str, JSON]) -> tuple[dict[str, JSON], ...]:
    """The media of an asked document, each with where it comes from: a file, or a shot's frame."""
    pairs = zip(in_order(request), asked.get("media", ()), strict=True)
    return tuple(
        {"role": medium.role, **_origin(medium.origin), **identity_of(known)}
        for medium, known in pairs
    )


def identity_of(medium: Mapping[str, JSON]) -> dict[str, JSON]:
    """What a document's medium says about its bytes."""
    return {key: medium[key] for key in ("sha256", "url", "url_sha256") if key in medium}


def _origin(origin: object) -> dict[str, JSON]:
    match origin:
        case LocalFile(path):
            return {"path": path}
        case ShotOutput(shot, frame):
            return {"shot": shot} | ({} if frame is None else {"frame": frame_text(frame)})
    return {}


def frame_text(frame: Frame) -> str:
    """`first`, `last`, or seconds without needless zeros: one spelling for one frame."""
    if not isinstance(frame, Decimal):
        return frame
    text = f"{frame:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _document(number: int, request: Request, media: list[dict[str, JSON]]) -> dict[str, JSON]:
    document: dict[str, JSON] = {
        "asked": FORMAT,
        "model": request.model,
        "prompt": request.prompt,
        "take": number,
    }
    for name in PARAMETERS:
        value = getattr(request, name)
        if value is not None:
            document[name] = _plain(value)
    if media:
        document["media"] = media
    if request.options:
        document["options"] = _plain(request.options)
    if request.extra_body:
        document["extra_body"] = _plain(request.extra_body)
    return document


def _medium(medium: Medium, identify: Identify) -> dict[str, JSON] | None:
    entry: dict[str, JSON] = {"role": medium.role, "kind": medium.kind}
    origin = medium.origin
    if isinstance(origin, Url):
        return entry | _url(origin.url)
    identity = identify(medium)
    if identity is None:
        return None
    entry["sha256"] = identity
    if isinstance(origin, ShotOutput) and origin.frame is not None:
        entry["frame"] = frame_text(origin.frame)
    return entry


def _url(url: str) -> dict[str, JSON]:
    shown = redacted(url)
    return {"url": shown} if shown == url else {"url": shown, "url_sha256": _sha256(url)}


def redacted(url: str) -> str:
    """The URL without user part, query and fragment: what may be stored and printed."""
    scheme, separator, rest = url.partition("://")
    rest = rest.partition("#")[0].partition("?")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: JSON) -> JSON:
    """A copy in plain JSON types in which equal values are written equally."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _text(value: str) -> JSON:
    if value[:5].lower() == "data:":
        return {"data_sha256": _sha256(value)}
    if value[:8].lower().startswith(("http://", "https://")) and redacted(value) != value:
        return _url(value)
    return value


def _number(value: float) -> int | float:
    if not isfinite(value):
        raise BadInput(f"{value} cannot be part of a request", do="write a finite number")
    return int(value) if value.is_integer() else value


def _leaves(document: Mapping[str, JSON]) -> Iterator[tuple[Path, JSON]]:
    for key, value in document.items():
        if key == "media":
            yield from _media_leaves(value)
        else:
            yield from _branch((key,), value)


def _branch(path: Path, value: JSON) -> Iterator[tuple[Path, JSON]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _branch((*path, key), item)
    else:
        yield path, value


def _media_leaves(media: list[Mapping[str, JSON]]) -> Iterator[tuple[Path, JSON]]:
    references = 0
    for medium in media:
        role = medium["role"]
        references += role == "reference"
        path: Path = (role, references) if role == "reference" else (role,)
        yield path, {key: value for key, value in medium.items() if key != "role"}
