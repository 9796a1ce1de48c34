"""What a shot was asked for, and where that differs from what is asked by now."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from runner.fingerprint import Change, changes, digest
from runner.manifest import Entry
from runner.model import JSON, LocalFile, Shot
from runner.report.shown import Shown
from runner.report.tags import Html, fact, short, tag

SHOWN_APART = ("asked", "model", "prompt", "negative_prompt", "take", "media")
WORDS = re.compile(r"\s+|[^\s]+")
COMPARED = 1000  # words and gaps; finding differences takes the square of it


def details(film: Shown, shot: Shot, kept: Entry | None) -> Iterator[Html]:
    """Prompt, model, parameters and inputs of what was really sent, then what differs now."""
    step = film.steps[shot.id, shot.keep]
    asked = (kept.result.accepted or kept.result.asked) if kept else step.asked
    request = next(take.request for take in shot.takes if take.number == shot.keep)
    asked = asked or {"model": request.model, "prompt": request.prompt}
    yield tag("blockquote", str(asked.get("prompt", "")), dir="auto")
    if asked.get("negative_prompt"):
        yield tag("p", "Without: ", str(asked["negative_prompt"]), class_="dim", dir="auto")
    vendor = kept.vendor if kept else shot.vendor
    model = fact("Model", f"{asked.get('model')} ({vendor})")
    pairs = (pair for key, value in asked.items() if key not in SHOWN_APART
             for pair in parameter(key, value))  # fmt: skip
    yield tag("dl", model, *(fact(name, value) for name, value in pairs))
    if kept and kept.inputs:
        names = {m.origin.path: m.name for m in request.media if isinstance(m.origin, LocalFile)}
        yield tag("ul", *(tag("li", *source(each, names)) for each in kept.inputs))


def parameter(key: str, value: JSON) -> Iterator[tuple[str, str]]:
    """Fields and their values; those of `options` and `extra_body` one by one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{key}.{name}", value_text(inner)
    else:
        yield key.replace("_", " ").capitalize(), value_text(value)


def value_text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def source(medium: Mapping[str, JSON], names: Mapping[str, str | None]) -> Iterator[Html | str]:
    """One input: its role, its name or shot, and the hash of its bytes."""
    yield tag("b", str(medium.get("role", "")).replace("_", " "))
    yield " "
    if shot := medium.get("shot"):
        frame = medium.get("frame")
        yield f"{frame} frame of " if frame in ("first", "last") else ""
        yield tag("a", str(shot), href=f"#{shot}")
        yield f" at {frame} s" if frame and frame not in ("first", "last") else ""
    elif path := medium.get("path"):
        name = names.get(str(path))
        yield f"{name}: {path}" if name else str(path)
    else:
        yield str(medium.get("url", ""))
    if "sha256" in medium:
        yield " "
        yield short(str(medium["sha256"]))


def differences(film: Shown, shot: Shot, entry: Entry) -> Iterator[Html]:
    """Where a take stands for something else than it was made from: both fingerprints, and what."""
    result, step = entry.result, film.steps[shot.id, entry.take]
    name = f"Take {entry.take}: " * (len(shot.takes) > 1)
    if result.accepted:
        who = "by a person or an on_failure step" if shot.on_failure else "by a person"
        title = f"{name}accepted {who} for what is asked by now"
        yield compared(title, result.accepted, result.asked)
    if step.asked and step.fingerprint != result.fingerprint:
        why = "pinned, it stays as it is whatever is asked" if shot.pin else "changed since"
        yield compared(f"{name}{why}", result.asked, step.asked)


def compared(title: str, old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Html:
    """A table of everything that differs, and both fingerprints."""
    first = tag("tr", *(tag("th", name) for name in ("", "rendered", "asked by now")))
    rows = (
        tag("tr", tag("th", each.field), *(tag("td", *side, dir="auto") for side in sides(each)))
        for each in changes(old, new)
    )
    prints = (tag("td", short(digest(document))) for document in (old, new))
    last = tag("tr", tag("th", "fingerprint"), *prints)
    return tag("table", tag("caption", title), first, *rows, last, class_="changes")


def sides(change: Change) -> tuple[list[Html | str], list[Html | str]]:
    """Old and new value; in short texts the words that differ are marked."""
    old, new = (
        ["not said"] if value is None else WORDS.findall(value_text(value))
        for value in (change.old, change.new)
    )
    if max(len(old), len(new)) > COMPARED:
        return ["".join(old)], ["".join(new)]
    left, right = list[Html | str](), list[Html | str]()
    for same, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for words, side in ((old[a:b], left), (new[c:d], right)):
            side.append("".join(words) if same == "equal" else tag("mark", "".join(words)))
    return left, right
