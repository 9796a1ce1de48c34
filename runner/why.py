"""Why a take must be rendered, in a person's words: one line from two documents.

Pure text: knows what the fields of the asked document mean to a reader, not when anything renders.
"""

import json
from collections.abc import Mapping

from runner.fingerprint import Change, changes, in_order
from runner.model import JSON, LocalFile, Medium, ShotOutput, Take, Url

NAMED = 3  # changes a one-line reason spells out
SHORT = 40  # characters of a value that still fit in a line
WORDY = frozenset({"prompt", "negative_prompt"})


def because(old: Mapping[str, JSON], new: Mapping[str, JSON], take: Take) -> str:
    """The reason a take differs from the one rendered before: `prompt changed, seconds 5 -> 8`."""
    found = changes(old, new)
    media = media_by_field(take)
    texts = [describe(change, media.get(change.field)) for change in found[:NAMED]]
    if len(found) > NAMED:
        texts.append(f"and {len(found) - NAMED} more")
    return ", ".join(texts)


def media_by_field(take: Take) -> dict[str, Medium]:
    """The take's media by the name a change gives them: `first_frame`, `reference 2`."""
    named: dict[str, Medium] = {}
    references = 0
    for medium in in_order(take.request):
        references += medium.role == "reference"
        named[f"reference {references}" if medium.role == "reference" else medium.role] = medium
    return named


def describe(change: Change, medium: Medium | None = None) -> str:
    """One change in a few words; `medium` is what stands there now, if it is about media."""
    if change.new is None:
        return f"{change.field} dropped"
    if medium is not None:
        return f"{change.field}: {_medium(change, medium)}"
    if change.path[0] in WORDY:
        return f"{change.field} changed" if change.old is not None else f"{change.field} added"
    if change.old is None:
        return _fits(f"{change.field} set to {_value(change.new)}", f"{change.field} added")
    return _fits(
        f"{change.field} {_value(change.old)} -> {_value(change.new)}", f"{change.field} changed"
    )


def _medium(change: Change, medium: Medium) -> str:
    name = _name(medium)
    if change.old is None:
        return f"{name} added"
    if change.old.get("sha256") == change.new.get("sha256") is not None:
        return f"frame {change.old.get('frame')} -> {change.new.get('frame')} of {name}"
    return f"{name} came out new" if isinstance(medium.origin, ShotOutput) else f"{name} changed"


def _name(medium: Medium) -> str:
    match medium.origin:
        case LocalFile(path):
            return path
        case Url(url):
            return url.partition("?")[0]
        case ShotOutput(shot):
            return shot


def _value(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fits(text: str, otherwise: str) -> str:
    return text if len(text) <= SHORT + len(otherwise) else otherwise
