"""From where to where everything in a text is written: what an edit needs to know."""

from typing import Any

from msgspec import Struct, field
from yaml._yaml import CParser
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)


class Span(Struct, frozen=True):
    """A value as it is written: offsets, the end exclusive, without what trails behind it.

    `flow`: in brackets. `entries` of a mapping by key, `items` of a list.
    """

    start: int
    end: int
    flow: bool = False
    block: bool = False  # a text after `|` or `>`
    entries: "dict[str, Entry]" = field(default_factory=dict)
    items: "tuple[Span, ...]" = ()


class Entry(Struct, frozen=True):
    """A key with its value; the key's offsets."""

    start: int
    end: int
    value: Span


def spans(text: str) -> Span:
    """The spans of a text that `read_yaml` found nothing wrong with."""
    parser = CParser(text)
    try:
        parser.get_event()
        parser.get_event()
        return _Walk(text, parser.get_event).value(parser.get_event())
    finally:
        parser.dispose()


class _Walk:
    def __init__(self, text: str, following: Any) -> None:
        self.text = text
        self.following = following

    def value(self, event: Any) -> Span:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, MappingStartEvent):
            return self._mapping(start, end, flow=bool(event.flow_style))
        if isinstance(event, SequenceStartEvent):
            return self._list(start, end, flow=bool(event.flow_style))
        block = isinstance(event, ScalarEvent) and event.style in ("|", ">")
        if block:
            end = start + len(self.text[start:end].rstrip())
        return Span(start, end, block=block)

    def _mapping(self, start: int, end: int, *, flow: bool) -> Span:
        entries: dict[str, Entry] = {}
        while True:
            key: Any = self.following()
            stop = key.end_mark.index
            if key.__class__ is MappingEndEvent:
                break
            value = self.value(self.following())
            entries[key.value] = Entry(key.start_mark.index, stop, value)
            end = max(stop, value.end)
        return Span(start, stop if flow else end, flow, entries=entries)

    def _list(self, start: int, end: int, *, flow: bool) -> Span:
        items = []
        while True:
            event: Any = self.following()
            stop = event.end_mark.index
            if event.__class__ is SequenceEndEvent:
                break
            items.append(self.value(event))
            end = items[-1].end
        return Span(start, stop if flow else end, flow, items=tuple(items))
