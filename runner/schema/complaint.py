"""What a check says, before anybody knows which file and line it is about."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from runner.model import JSON, Severity

Path = tuple[str | int, ...]
SHOWN = 80  # characters of a value that a message repeats
CLOSE = 0.67  # of the letters in common: `szie` is size, `ratio` is not audio
PLACE = re.compile(r"\{([a-zA-Z][\w.]*)\}")


class Complaint(Struct, frozen=True):
    """One thing wrong with plain data. `path` leads to the value; `key` means: to its key."""

    rule: str
    severity: Severity
    path: Path
    message: str
    hint: str = ""
    source: str = ""
    key: bool = False


def fill(template: str, look: Callable[[str], str]) -> str:
    """A message with its `{places}` filled."""
    return PLACE.sub(lambda place: look(place[1]), template)


def shown(value: JSON) -> str:
    """A value as a message repeats it: short, on one line, lists as "4, 6, 8"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _cut(value)
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        few = islice(value.items(), SHOWN)
        return _cut(", ".join(f"{key}: {shown(item)}" for key, item in few))
    if isinstance(value, Sequence):
        return _cut(listed(value[:SHOWN]))
    return f"{value:g}" if isinstance(value, float) else _cut(str(value))


def quoted(value: JSON) -> str:
    """The same, with text in quotes, so that "8" and 8 do not look alike."""
    return f'"{shown(value)}"' if isinstance(value, str) else shown(value)


def listed(values: Iterable[JSON]) -> str:
    """ "4, 6, 8"; runs of whole numbers as "4 to 15"."""
    runs: list[list[JSON]] = []
    for value in values:
        if runs and isinstance(value, int) and value - 1 == runs[-1][-1]:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(_run(run) for run in runs)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean `seconds`?", or nothing when no known word is close."""
    names = {name.lower(): name for name in known}
    from difflib import get_close_matches  # only where something is misspelt

    close = get_close_matches(word.lower(), names, n=1, cutoff=CLOSE)
    if not close and len(word) > 3:
        close = [name for name in names if name.startswith(word.lower())]
    return f"did you mean `{names[close[0]]}`?" if close else ""


def _run(run: list[JSON]) -> str:
    if len(run) > 2:
        return f"{run[0]} to {run[-1]}"
    return ", ".join(shown(value) for value in run)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
