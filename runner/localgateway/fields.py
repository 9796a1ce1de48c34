"""Takes a body apart field by field, strictly: types are checked, leftovers are errors."""

import base64
import binascii
import json
import re
from collections.abc import Container, Sequence
from typing import Any

from runner.localgateway.ask import Kind, Medium, Refusal, Role

_NAMES = {
    bool: "a boolean", int: "an integer", float: "a number", str: "a string",
    list: "an array", dict: "an object", type(None): "null",
}  # fmt: skip

_MAGIC = (
    b"\x89PNG\r\n", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"BM", b"II*\x00", b"MM\x00*",
)  # fmt: skip
_DATA_URL = re.compile(r"data:([a-z]+)/[A-Za-z0-9.+-]+;base64,")


def _is_a(value: object) -> str:
    return _NAMES.get(type(value), "something else")


def wrong_type(name: str, wanted: str, value: object) -> Refusal:
    return Refusal(
        400,
        f"Invalid type for '{name}': expected {wanted}, but got {_is_a(value)} instead.",
        param=name,
        code="invalid_type",
    )


def wrong_value(name: str, value: object, legal: str) -> Refusal:
    return Refusal(
        400,
        f"Invalid value for '{name}': {value!r}. {legal}",
        param=name,
        code="invalid_value",
    )


def _listing(choices: Sequence[object]) -> str:
    return "Supported values: " + ", ".join(repr(c) for c in choices) + "."


class Fields:
    """The fields of one body. Each is taken once; `finish` refuses what nobody took.

    A form (multipart) carries text only: there, numbers and switches are read from text.
    """

    def __init__(self, body: dict[str, Any], *, form: bool = False) -> None:
        self._left = dict(body)
        self._form = form

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> Any:
        return self._left.pop(name, None)

    def merge_extra(self) -> frozenset[str]:
        """Lay the nested `extra_body` over the rest and name its fields; no field comes twice."""
        extra = self.take("extra_body")
        if isinstance(extra, str) and self._form:
            extra = _from_json("extra_body", extra)
        if extra is None:
            return frozenset()
        if not isinstance(extra, dict):
            raise wrong_type("extra_body", "an object", extra)
        for name, value in extra.items():
            if name in self._left:
                raise wrong_value(f"extra_body.{name}", value, "The field is given twice.")
            self._left[name] = value
        return frozenset(extra)

    def text(
        self, name: str, choices: Sequence[str] = (), *, longest: int = 0, needed: bool = False
    ) -> str | None:
        if name not in self._left:
            if needed:
                raise Refusal(
                    400,
                    f"Missing required parameter: '{name}'.",
                    param=name,
                    code=f"{name}_missing",
                )
            return None
        value = self.take(name)
        if not isinstance(value, str):
            raise wrong_type(name, "a string", value)
        if choices and value not in choices:
            raise wrong_value(name, value, _listing(choices))
        if longest and len(value) > longest:
            raise Refusal(
                400,
                f"'{name}' has {len(value)} characters; at most {longest} are allowed.",
                param=name,
                code=f"{name}_too_long",
            )
        return value

    def integer(self, name: str, low: int, high: int) -> int | None:
        if name not in self._left:
            return None
        value = self.take(name)
        if self._form and isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value):
            value = int(value)
        if type(value) is not int:
            raise wrong_type(name, "an integer", value)
        if not low <= value <= high:
            raise wrong_value(name, value, f"Must be between {low} and {high}.")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        if name not in self._left:
            return None
        value = self.take(name)
        if self._form and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            value = float(value)
        if type(value) not in (int, float):
            raise wrong_type(name, "a number", value)
        if not low <= value <= high:
            raise wrong_value(name, value, f"Must be between {low} and {high}.")
        return float(value)

    def flag(self, name: str) -> bool | None:
        if name not in self._left:
            return None
        value = self.take(name)
        if self._form and value in ("true", "false"):
            value = value == "true"
        if type(value) is not bool:
            raise wrong_type(name, "a boolean", value)
        return value

    def array(self, name: str, longest: int) -> list[Any]:
        if name not in self._left:
            return []
        value = self.take(name)
        if isinstance(value, str) and self._form:
            value = _from_json(name, value)
        if not isinstance(value, list):
            raise wrong_type(name, "an array", value)
        if not 1 <= len(value) <= longest:
            raise wrong_value(name, f"{len(value)} items", f"Between 1 and {longest} are allowed.")
        return value

    def nested(self, name: str) -> "Fields":
        """The fields of an object among the fields; none where it is missing."""
        value = self.take(name) if name in self._left else {}
        if not isinstance(value, dict):
            raise wrong_type(name, "an object", value)
        return Fields(value, form=self._form)

    def drop(self, names: Container[str]) -> None:
        """Let pass what goes to the vendor unlooked at."""
        self._left = {name: value for name, value in self._left.items() if name not in names}

    def drop_rest(self) -> None:
        self._left = {}

    def finish(self) -> None:
        for name in self._left:
            raise Refusal(
                400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter"
            )


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise wrong_value(name, text[:80], "In a form it must be JSON text.") from None


# ── media ───────────────────────────────────────────────────────────────────────────────────


def is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and " " not in text


def _decoded(name: str, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise wrong_value(name, text[:24] + "…", "It is not valid base64.") from None
    if not data:
        raise wrong_value(name, text, "It is empty.")
    return data


def _image(name: str, role: Role, data: bytes) -> Medium:
    if not data.startswith(_MAGIC) and data[4:8] != b"ftyp":
        raise wrong_value(name, data[:8], "The bytes are not an image of a known type.")
    return Medium(role, "image", data=data)


def url_or_data(name: str, role: Role, kind: Kind, value: object) -> Medium:
    """A URL, or a data URL (`data:image/png;base64,…`)."""
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    if is_url(value):
        return Medium(role, kind, url=value)
    start = _DATA_URL.match(value)
    if not start:
        raise wrong_value(name, value[:40], "Give an http(s) URL or a data URL.")
    if start[1] != kind:
        raise wrong_value(name, start[0], f"The data URL must be of type {kind}/….")
    data = _decoded(name, value[start.end() :])
    return _image(name, role, data) if kind == "image" else Medium(role, kind, data=data)


def url_or_base64(name: str, role: Role, value: object) -> Medium:
    """A URL, or base64 without the `data:` prefix (Kling)."""
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    if is_url(value):
        return Medium(role, "image", url=value)
    if value.startswith("data:"):
        raise wrong_value(name, value[:24] + "…", "Give the Base64 without the data: prefix.")
    return _image(name, role, _decoded(name, value))


def input_reference(value: object) -> Medium:
    """Every documented form: URL, data URL, {image_url}, {mime_type, data}."""
    name = "input_reference"
    if isinstance(value, dict):
        if set(value) == {"image_url"}:
            return url_or_data(f"{name}.image_url", "first_frame", "image", value["image_url"])
        if set(value) == {"mime_type", "data"}:
            mime, data = value["mime_type"], value["data"]
            if mime not in ("image/jpeg", "image/png", "image/webp"):
                raise wrong_value(f"{name}.mime_type", mime, "JPEG, PNG or WebP.")
            if not isinstance(data, str):
                raise wrong_type(f"{name}.data", "a string", data)
            return _image(name, "first_frame", _decoded(f"{name}.data", data))
        raise wrong_value(name, sorted(value), "Give image_url, or mime_type and data.")
    return url_or_data(name, "first_frame", "image", value)
