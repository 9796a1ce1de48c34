"""Reads the JSON a stranger sent: no duplicate keys, no depth that hurts, no odd ids."""

import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from runner.gateway.profile import Profile
from runner.gateway.receipt import REDACTED
from runner.model import JSON, JobId

_LONGEST_ID = 2048  # AiHubMix's are base64 of a JSON object


def read_json(body: bytes) -> JSON:
    """The value, or None for everything that is not exactly one well-formed JSON value.

    A key that stands twice makes the whole value unusable: nobody knows which one was meant.
    Fractions are Decimal; NaN and infinities are None.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_once,
            parse_constant=lambda _: None,
            parse_float=Decimal,
        )
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def usable_id(value: JSON, profile: Profile) -> JobId | None:
    """The id as text if a URL can be made of it without a doubt; it stays opaque."""
    if isinstance(value, int) and not isinstance(value, bool) and profile.numeric_ids:
        value = str(value)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID or REDACTED in value:
        return None
    if value.strip() != value or value in (".", "..") or not all(map(_plain, value)):
        return None
    return JobId(value)


def _plain(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


def error_of(answer: JSON) -> tuple[str, str]:
    """(codes, message) of an error answer in any of the shapes seen; ("", "") when none.

    Codes are the error's `code` and `type`, parted by a space.
    """
    if not isinstance(answer, Mapping):
        return "", ""
    error = answer.get("error")
    if isinstance(error, str):
        return "", error
    if not isinstance(error, Mapping):
        texts = (answer.get("failure_reason"), answer.get("message"))
        return "", next((text for text in texts if isinstance(text, str)), "")
    codes = (error.get("code"), error.get("type"))
    message = error.get("message")
    return (
        " ".join(str(code) for code in codes if isinstance(code, str | int) and code),
        message if isinstance(message, str) else "",
    )
