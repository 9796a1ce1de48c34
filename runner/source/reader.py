"""One pass over the events of one document."""

import re
from math import isfinite
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from runner.model import JSON, Loc, Problem, Severity
from runner.source.data import KEY_BITS, Document, Map, Seq

MAX_BYTES = 64 << 20  # 100,000 shots are about 35 MB
MAX_NODES = 3_000_000
MAX_DEPTH = 64
MAX_SCALAR = 64 << 10  # characters
MAX_ALIASED = 100_000  # nodes that aliases may add, counted as if written out
MAX_PROBLEMS = 100

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TYPED = frozenset("0123456789+-.~ntfNTF")  # first characters of what is not text
_INTEGER = re.compile(r"[-+]?[0-9]+\Z").match
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_NOT_DECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z|0o[0-7]+\Z").match
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z").match

_PLAIN_BYTES = bytes(b for b in range(256) if b in (9, 10) or (b >= 32 and b != 127))
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|\r(?!\n)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]").search


def read_yaml(text: str | bytes, file: str) -> tuple[JSON, list[Problem]]:
    """The data of one document, and everything wrong with how it is written.

    `file` is only a name for messages. An empty file is None. Where the text cannot be read to its
    end the data is None; other problems leave the data readable, so that more can be found.
    """
    decoded = _decode(text, file)
    if isinstance(decoded, Problem):
        return None, [decoded]
    reader = _Reader(Document(file, decoded))
    reader.check_characters(text if isinstance(text, bytes) else None)
    try:
        return reader.document(), reader.problems
    except _Stop:
        return None, reader.problems
    except yaml.YAMLError as error:
        reader.syntax(error)
        return None, reader.problems


def _decode(text: str | bytes, file: str) -> str | Problem:
    if len(text) > MAX_BYTES:
        message = f"{len(text):,} bytes; at most {MAX_BYTES:,} are read"
        hint = "split the film with `include:`, or put rows in a table with `for_each:`"
        return Problem("yaml.too_large", message, Loc(file, 1, 1), hint=hint)
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        hint = "save the file as UTF-8"
        return Problem("yaml.encoding", "UTF-16 text", Loc(file, 1, 1), hint=hint)
    try:
        return text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        good = text[: error.start].decode("utf-8")
        message = f"byte 0x{text[error.start]:02x} (offset {error.start}) is not UTF-8"
        at = Document(file, good).loc(len(good))
        return Problem("yaml.encoding", message, at, hint="save the file as UTF-8")


class _Stop(Exception):
    """Reading on would make no sense, or cost too much; the problem is already noted."""


class _Open:
    """Stands for an anchored collection until its end has been read."""


_OPEN = _Open()


class _Reader:
    """One pass over the events of one document."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.problems: list[Problem] = []
        self._next: Any = None  # CParser.get_event, once the characters are known to be good
        self._keys: dict[str, str] = {}  # keys seen and found good; equal keys share one object
        self._meant: dict[str, JSON] = dict(_CONSTANTS)  # what plain scalars seen so far stand for
        self._anchors: dict[str, tuple[JSON, int]] = {}  # name -> value, nodes in it
        self._nodes = 0
        self._aliased = 0
        self._depth = 0

    # ── problems ────────────────────────────────────────────────────────────────────────────

    def problem(self, rule: str, message: str, offset: int, hint: str) -> None:
        self.problems.append(Problem(f"yaml.{rule}", message, self.doc.loc(offset), hint=hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def check_characters(self, raw: bytes | None) -> None:
        """Refuse what editors do not show: controls, foreign line breaks, byte order marks."""
        text = self.doc.text
        if raw is not None and raw.isascii() and not raw.translate(None, _PLAIN_BYTES):
            return
        for found in re.finditer("[\ud800-\udfff]", text):
            self.problem(
                "encoding", "half of a surrogate pair", found.start(), "write the character"
            )
        for found in _UNWANTED.finditer(text):
            name = f"U+{ord(found[0]):04X}"
            hint = "remove it; where text needs it, write the escape in double quotes"
            self.problem("control_character", f"the character {name}", found.start(), hint)
        for found in re.finditer("\ufeff", text):
            at = self.doc.loc(found.start())
            message = "a byte order mark (U+FEFF) inside the text"
            self.problems.append(
                Problem("yaml.byte_order_mark", message, at, Severity.WARNING, "remove it")
            )

    def syntax(self, error: yaml.YAMLError) -> None:
        """Where an unfinished quote or bracket began, else where the text stops making sense."""
        context = getattr(error, "context", None) or ""
        mark = getattr(error, "problem_mark", None)
        if ("flow" in context or "quoted" in context) and getattr(error, "context_mark", None):
            mark = error.context_mark  # type: ignore[attr-defined]
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        message = ", ".join(filter(None, (str(context), str(what))))
        offset = min(mark.index, len(self.doc.text)) if mark else 0
        self.problems.append(
            Problem("yaml.syntax", message, self.doc.loc(offset), hint=_syntax_hint(message))
        )

    # ── structure ───────────────────────────────────────────────────────────────────────────

    def document(self) -> JSON:
        if any(p.severity is Severity.ERROR for p in self.problems):
            raise _Stop
        parser = CParser(self.doc.text)
        self._next = parser.get_event
        try:
            self._next()  # the stream starts
            start = self._next()
            if isinstance(start, StreamEndEvent):
                return None
            self._check_version(start)
            data = self._value(self._next())
            self._next()  # the document ends
            after = self._next()
            if not isinstance(after, StreamEndEvent):
                hint = "one file is one document: remove `---` and what follows it"
                self.problem("several_documents", "a second document", _at(after), hint)
            return data
        finally:
            parser.dispose()

    def _check_version(self, start: DocumentStartEvent) -> None:
        version = getattr(start, "version", None)
        if version is not None and tuple(version) != (1, 2):
            found = ".".join(map(str, version))
            self.problem("version", f"%YAML {found}", _at(start), "YAML 1.2 is read")

    def _value(self, event: Any) -> JSON:
        kind = event.__class__
        if kind is ScalarEvent:
            text: str = event.value
            if event.tag is event.anchor and len(text) <= MAX_SCALAR:  # neither is there
                if event.implicit[0]:
                    if not text or text[0] in _TYPED:
                        meant = self._meant
                        return meant[text] if text in meant else self._resolve(event)
                    return text
                if event.style != '"' or text.isprintable():
                    return text
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event)
        return self._collection(event)

    def _collection(self, event: Any) -> JSON:
        name = event.anchor
        if event.tag is not None:
            self._refuse_tag(event)
        if self._depth == MAX_DEPTH:
            self.problem("too_deep", f"nested {MAX_DEPTH} levels deep", _at(event), "flatten it")
            raise _Stop
        self._depth += 1
        before = self._nodes
        if name:
            self._claim(name, event)
        data = self._mapping() if isinstance(event, MappingStartEvent) else self._sequence()
        if name:
            self._anchors[name] = (data, self._nodes - before)
        self._depth -= 1
        return data

    def _mapping(self) -> Map:
        data = Map()
        marks: dict[str, int] = {}
        data.doc, data.marks, data.under = self.doc, marks, None
        following, keys, value = self._next, self._keys, self._value
        while (event := following()).__class__ is not MappingEndEvent:
            at = event.start_mark.index
            key = keys.get(event.value) if event.__class__ is ScalarEvent else None
            if key is None or event.tag is not None or event.anchor is not None:
                key = self._new_key(event)
            if key in marks:
                self._duplicate(key, at, marks[key] >> KEY_BITS)
            event = following()
            marks[key] = at << KEY_BITS | event.start_mark.index
            data[key] = value(event)
        self._count(len(marks) * 2)
        return data

    def _sequence(self) -> Seq:
        data = Seq()
        marks: list[int] = []
        data.doc, data.marks = self.doc, marks
        following, value = self._next, self._value
        while (event := following()).__class__ is not SequenceEndEvent:
            marks.append(event.start_mark.index)
            data.append(value(event))
            if not len(marks) & 0xFFFF:
                self._count(0x10000)  # a long list is stopped while it is read, not after
        self._count(len(marks) & 0xFFFF)
        return data

    def _count(self, nodes: int) -> None:
        self._nodes += nodes + 1
        if self._nodes > MAX_NODES:
            self.problem("too_large", f"more than {MAX_NODES:,} values", 0, "split the file")
            raise _Stop

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def _new_key(self, event: Event) -> str:
        """The key an event spells, noted as good unless something is wrong with it."""
        if not isinstance(event, ScalarEvent):
            self.problem("key_not_text", "a key that is not text", _at(event), "keys are text")
            raise _Stop
        text: str = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        elif event.anchor is not None:
            self.problem("anchor_on_key", f"an anchor on the key {text!r}", _at(event), "remove it")
        elif text == "<<" and event.implicit[0]:
            hint = "YAML 1.2 has no merge keys: put common fields under `defaults:`, or repeat them"
            self.problem("merge_key", "the merge key `<<`", _at(event), hint)
        elif event.implicit[0] and not isinstance(self._resolve(event), str):
            hint = f'keys are text: write "{text}" in quotes'
            self.problem("key_not_text", f"the key {text or 'null'}", _at(event), hint)
        else:
            self._keys[text] = text
        return text

    def _duplicate(self, key: str, offset: int, first: int) -> None:
        line = self.doc.loc(first).line
        hint = "keep one of the two"
        self.problem("duplicate_key", f"{key!r} again; first on line {line}", offset, hint)

    # ── scalars and aliases ─────────────────────────────────────────────────────────────────

    def _scalar(self, event: Any) -> JSON:
        text = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        if event.implicit[0]:
            value = self._resolve(event) if not text or text[0] in _TYPED else text
        else:
            value = text
            if event.style == '"' and _CONTROL(text):
                hint = "leave it out: a prompt or a name has no use for it"
                self.problem("control_character", "an escaped control character", _at(event), hint)
        if len(text) > MAX_SCALAR:
            message = f"a text of {len(text):,} characters; at most {MAX_SCALAR:,} are read"
            self.problem("too_large", message, _at(event), "keep long text in a file of its own")
        if event.anchor is not None:
            self._claim(event.anchor, event)
            self._anchors[event.anchor] = (value, 1)
        return value

    def _resolve(self, event: Any) -> JSON:
        """The typed value of a plain scalar, by the core schema of YAML 1.2."""
        text: str = event.value
        if text in self._meant:
            return self._meant[text]
        if _INTEGER(text):
            if len(text.lstrip("+-0")) <= 19 and -(2**63) <= (number := int(text)) < 2**63:
                self._meant[text] = number
                return number
            shown = text if len(text) < 40 else f"{text[:20]}… ({len(text)} digits)"
            hint = "numbers fit 64 bits; put it in quotes if text is meant"
            self.problem("number", f"the number {shown}", _at(event), hint)
            return 0
        if _FRACTION(text):
            fraction = float(text)
            if isfinite(fraction):
                self._meant[text] = fraction
                return fraction
        elif _NOT_DECIMAL(text):
            hint = "write numbers in decimal; put it in quotes if text is meant"
            self.problem("number", f"the number {text[:40]}", _at(event), hint)
            return 0
        elif not _NOT_FINITE(text):
            self._meant[text] = text
            return text
        hint = "write a finite number; put it in quotes if text is meant"
        self.problem("number", f"the number {text[:40]} is not finite", _at(event), hint)
        return 0

    def _refuse_tag(self, event: Any) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")[:80]
        hint = "remove it; quotes make text, everything else has its type already"
        self.problem("tag", f"the tag {tag}", _at(event), hint)

    def _claim(self, name: str, event: Event) -> None:
        if name in self._anchors:
            self.problem("anchor_twice", f"the anchor &{name} again", _at(event), "rename one")
        self._anchors[name] = (_OPEN, 0)
        self.doc.anchored = True

    def _alias(self, event: Any) -> JSON:
        name = event.anchor
        value, nodes = self._anchors.get(name, (None, -1))
        if nodes < 0:
            near = "an anchor stands before its aliases: write &name where the value is"
            self.problem("unknown_alias", f"the alias *{name[:80]}", _at(event), near)
            return None
        if value is _OPEN:
            hint = "a value cannot contain itself"
            self.problem("recursive_alias", f"*{name} inside &{name}", _at(event), hint)
            return None
        self._aliased += nodes + 1
        if self._aliased > MAX_ALIASED:
            message = f"aliases that stand for more than {MAX_ALIASED:,} values"
            self.problem("too_many_aliases", message, _at(event), "write it out, or use a table")
            raise _Stop
        self._count(nodes)
        return value


def _at(event: Any) -> int:
    return int(event.start_mark.index)


def _syntax_hint(message: str) -> str:
    if "tab" in message or "cannot start any token" in message:
        return "indent with spaces, not tabs; put text that begins with @ ` or % in quotes"
    if "quoted" in message:
        return "close the quote"
    if "flow" in message:
        return "close the bracket; put text that holds { } [ ] or , in quotes"
    if "mapping values are not allowed" in message:
        return "put text that holds `: ` in quotes"
    return "check indentation, colons and quotes on this line and the one before"
