"""Reads a mapping key by key and remembers everything that is wrong with it.

What was never asked for is unknown, and unknown keys are problems: a misspelt limit must not
silently be no limit.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from runner.model import JSON, Loc, Problem

Word = TypeVar("Word", bound=str)


class Fields:
    """One mapping of a file, at a JSON pointer; problems of the whole file share one list."""

    def __init__(self, data: JSON, file: str, problems: list[Problem], path: str = "") -> None:
        self.file, self.problems, self.path = file, problems, path
        self._asked: set[str] = set()
        self._inner: list[Fields] = []
        if isinstance(data, Mapping):
            self._data: Mapping[str, JSON] = data
        else:
            self._data = {}
            self._say(path, f"{_short(data)} stands where a mapping belongs", "")

    def complain(self, key: str, message: str, hint: str = "") -> None:
        self._say(f"{self.path}/{key}", message, hint)

    def close(self) -> None:
        """Complains about every key that was never asked for, here and below."""
        for key in self._data:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.complain(str(key), f"unknown key {_short(key)}", f"known here: {known}")
        for inner in self._inner:
            inner.close()

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self._take(key)
        if isinstance(value, str) and value:
            return value
        if value is not None or required:
            self.complain(key, f"{key} is {_short(value)}", "a text that is not empty")
        return None

    def number(self, key: str, default: float) -> float:
        """A number that is not negative."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
            return float(value)
        self.complain(key, f"{key} is {_short(value)}", "a number of at least 0")
        return default

    def count(self, key: str) -> int | None:
        """A whole number of at least 1, or nothing."""
        value = self._take(key)
        if _is_count(value):
            return int(value)
        if value is None:
            return None
        self.complain(key, f"{key} is {_short(value)}", "a whole number of at least 1")
        return None

    def counts(self, key: str) -> tuple[int, ...]:
        value = self._take(key)
        items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        if items and all(_is_count(item) for item in items):
            return tuple(items)
        self.complain(key, f"{key} is {_short(value)}", "a list of whole numbers")
        return ()

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self._take(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.complain(key, f"{key} is {_short(value)}", "true or false")
        return default

    def word(
        self, key: str, allowed: Sequence[Word], default: Word, *, required: bool = False
    ) -> Word:
        value = self._take(key)
        found = next((word for word in allowed if word == value), None)
        if found is not None:
            return found
        if value is not None or required:
            self.complain(key, f"{key} is {_short(value)}", f"one of {', '.join(allowed)}")
        return default

    def words(self, key: str, allowed: Sequence[Word]) -> dict[str, Word]:
        """A mapping of names to words out of `allowed`."""
        inner = self.section(key)
        return {name: inner.word(name, allowed, allowed[0]) for name in inner._data}

    def section(self, key: str) -> "Fields":
        value = self._take(key)
        return self._enter({} if value is None else value, f"{self.path}/{key}")

    def sections(self, key: str) -> list["Fields"]:
        value = self._take(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.complain(key, f"{key} is {_short(value)}", "a list of mappings")
            return []
        return [self._enter(item, f"{self.path}/{key}/{n}") for n, item in enumerate(value)]

    def named_sections(self, key: str) -> dict[str, "Fields"]:
        inner = self.section(key)
        return {name: inner.section(name) for name in inner._data}

    def _take(self, key: str) -> JSON:
        self._asked.add(key)
        return self._data.get(key)

    def _enter(self, value: JSON, path: str) -> "Fields":
        inner = Fields(value, self.file, self.problems, path)
        self._inner.append(inner)
        return inner

    def _say(self, path: str, message: str, hint: str) -> None:
        at = Loc(self.file, 1, 1, path)
        self.problems.append(Problem("gateway.profile", message, at, hint=hint))


def _is_count(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
