"""Changes a field of a shot in a storyboard's text and leaves every other character alone.

Comments, quotes, order and layout stay. After each change the text is read again: if anything but
the field has changed its value, the edit is refused and nothing is returned.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from runner.errors import BadInput
from runner.model import JSON, Severity
from runner.source import Document, Map, Span, read_yaml, spans

Parts = tuple[str | int, ...]
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*(?: [\w./-]+)*\Z", re.ASCII).match
_MISREAD = {"y", "n", "yes", "no", "on", "off"}  # true and false to older readers of YAML
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def set_field(text: str, shot_id: str, key: str, value: JSON, file: str = "storyboard") -> str:
    """The text with one field of a shot (or of a variant, `sh010.wide`) set; None removes it.

    Raises BadInput where the text cannot be read, the shot is not written in it (a table makes
    it, or another file), or the field cannot be changed alone.
    """
    return set_fields(text, shot_id, {key: value}, file)


def set_fields(text: str, shot_id: str, edits: Mapping[str, JSON], file: str = "storyboard") -> str:
    """As `set_field`, for several fields; all or none."""
    body = text.removeprefix("\ufeff")
    mark = text[: len(text) - len(body)]
    for key, value in edits.items():
        data = _read(body, file)
        parts = _place(data, shot_id, file)
        body = _set(body, data, parts, key, value, file)
    return mark + body


def set_in(text: str, place: Parts, key: str, value: JSON, file: str = "storyboard") -> str:
    """As `set_field`, for any mapping of the storyboard: `("defaults",)`, `("shots", 3)`."""
    body = text.removeprefix("\ufeff")
    return text[: len(text) - len(body)] + _set(body, _read(body, file), place, key, value, file)


def _read(text: str, file: str) -> Map:
    data, problems = read_yaml(text, file)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors or not isinstance(data, Map):
        raise BadInput(f"{file} cannot be edited before it can be read", problems=errors)
    return data


def _place(data: Map, shot_id: str, file: str) -> Parts:
    """Where the mapping of a shot stands."""
    base, _, variant = shot_id.partition(".")
    shots = data.get("shots")
    for index, shot in enumerate(shots if isinstance(shots, list) else ()):
        if isinstance(shot, Map) and shot.get("id") == base:
            variants = shot.get("variants")
            if not variant:
                return ("shots", index)
            if isinstance(variants, Map) and isinstance(variants.get(variant), Map):
                return ("shots", index, "variants", variant)
    do = "edit the file it is written in: an `include:`, or the entry with its `for_each:`"
    raise BadInput(f"{shot_id} is not written in {file} itself", do=do)


def _set(text: str, data: Map, parts: Parts, key: str, value: JSON, file: str) -> str:
    """The first way of writing the change that changes nothing else."""
    wanted = _changed(data, parts, key, value)
    span = _span(spans(text), parts)
    old = _at(data, parts).get(key)
    if key in span.entries:
        ways = (
            _removals(text, span, key) if value is None else _replaced(text, span, key, old, value)
        )
    elif value is None:
        return text
    else:
        ways = _added(text, span, key, value)
    for edited in ways:
        again, problems = read_yaml(edited, file)
        if not problems and _same(again, wanted):
            return edited
    at = Document(file, text).loc(span.start)
    what = (
        f"{at}: `{key}` of {_name(parts, data)} cannot be changed without changing something else"
    )
    raise BadInput(
        what, do="an anchor, an alias or an unusual layout is in the way: edit it by hand"
    )


# ── ways to write a change ──────────────────────────────────────────────────────────────────


def _replaced(text: str, span: Span, key: str, old: JSON, value: JSON) -> Iterator[str]:
    entry = span.entries[key]
    if isinstance(old, str) and isinstance(value, str) and " " in old:
        yield from _reworded(text, entry.value, old, value)
    written = _written(value)
    start, end = entry.value.start, entry.value.end
    gap = text[entry.end : start]
    if start < end and "\n" not in gap and not entry.value.block:
        yield text[:start] + written + text[end:]
    colon = text.find(":", entry.end)
    comment = re.search(r"[ \t]+#[^\n]*", gap) if "\n" in gap else None
    tail = comment[0].rstrip() if comment else ""
    yield f"{text[: colon + 1]} {written}{tail}{text[max(end, colon + 1) :]}"
    yield f"{text[: entry.end]}: {written}{text[entry.end :]}"


def _reworded(text: str, span: Span, old: str, new: str) -> Iterator[str]:
    """Only the words that differ, written into the text as it stands, quotes and folds and all."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    offsets = [0]
    for word in before:
        offsets.append(offsets[-1] + len(word))
    edited = text
    for tag, i, j, k, m in reversed(SequenceMatcher(None, before, after, False).get_opcodes()):
        if tag != "equal":
            if i == j or not "".join(before[i:j]).strip() or offsets[j] == 0:
                return
            doc = Document("", text)
            first = doc.offset_inside(span.start, old, offsets[i])
            last = doc.offset_inside(span.start, old, offsets[j] - 1)
            edited = edited[:first] + "".join(after[k:m]) + edited[last + 1 :]
    yield edited


def _added(text: str, span: Span, key: str, value: JSON) -> Iterator[str]:
    written = f"{_written(key)}: {_written(value)}"
    entries = list(span.entries.values())
    if span.flow:
        at = entries[-1].value.end if entries else span.start + 1
        at = max(at, entries[-1].end) if entries else at
        yield f"{text[:at]}{', ' if entries else ''}{written}{text[at:]}"
        return
    newline = "\r\n" if "\r\n" in text else "\n"
    for entry in reversed(entries):
        end = max(entry.end, entry.value.end)
        if "\n" not in text[entry.start : end]:
            column = entry.start - (text.rfind("\n", 0, entry.start) + 1)
            at = _line_end(text, end)
            yield f"{text[:at]}{newline}{' ' * column}{written}{text[at:]}"


def _removals(text: str, span: Span, key: str) -> Iterator[str]:
    entries = list(span.entries.values())
    index = list(span.entries).index(key)
    entry = entries[index]
    end = max(entry.end, entry.value.end)
    if index + 1 < len(entries):
        following = entries[index + 1].start
        line = text.rfind("\n", 0, entry.start) + 1
        if not span.flow and not text[line : entry.start].strip():
            yield text[:line] + text[text.find("\n", end) + 1 :]
        yield text[: entry.start] + text[following:]
    if index:
        before = max(entries[index - 1].end, entries[index - 1].value.end)
        yield text[: _line_end(text, before) if not span.flow else before] + (
            text[end:] if span.flow else text[_line_end(text, end) :]
        )


def _line_end(text: str, offset: int) -> int:
    at = text.find("\n", offset)
    at = len(text) if at < 0 else at
    return at - (text[at - 1 : at] == "\r")


# ── values as text ──────────────────────────────────────────────────────────────────────────


def _written(value: JSON) -> str:
    """A value on one line: plain where nobody could misread it, else in double quotes."""
    if isinstance(value, str):
        if _PLAIN(value) and value.lower() not in _MISREAD and read_yaml(value, "")[0] == value:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return _HIDDEN.sub(lambda char: f"\\u{ord(char[0]):04x}", quoted)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_written(str(key))}: {_written(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value)


# ── what must hold ──────────────────────────────────────────────────────────────────────────


def _changed(data: Map, parts: Parts, key: str, value: JSON) -> JSON:
    """A plain copy of the data with the change in it."""
    copy = json.loads(json.dumps(data))
    target = _at(copy, parts)
    if value is None:
        target.pop(key, None)
    else:
        target[key] = value
    return copy


def _same(data: JSON, wanted: JSON) -> bool:
    """Whether two values are one, types included: 1, 1.0 and true are three."""
    return json.dumps(data, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def _at(data: JSON, parts: Parts) -> JSON:
    for part in parts:
        data = data[part]
    return data


def _span(span: Span, parts: Parts) -> Span:
    """The span at `parts`; an empty one where an alias stands in the way."""
    try:
        for part in parts:
            span = span.items[part] if isinstance(part, int) else span.entries[part].value
    except LookupError:
        return Span(span.start, span.start)
    return span


def _name(parts: Parts, data: Map) -> str:
    if parts[0] != "shots":
        return f"`{parts[0]}`"
    own = _at(data, parts[:2])["id"]
    return f"{own}.{parts[3]}" if len(parts) > 2 else str(own)
