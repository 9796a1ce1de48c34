"""Where the problems of one load are gathered."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from runner.model import Loc, Problem, Severity
from runner.schema import Complaint
from runner.source import Spot, pointer

Path = tuple[str | int, ...]
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # what a terminal might obey


class Found:
    """Problems, each said once, in file order at the end.

    Two shots that inherit one wrong default have one problem, and so have the thousand rows of a
    table: the first is told.
    """

    def __init__(self, severities: Mapping[str, Severity | None]) -> None:
        self._severities = severities  # by rule, as the project wants them; None: not at all
        self._problems: dict[tuple[str, str, Loc], Problem] = {}
        self._files: dict[str, int] = {}
        self.errors = 0

    def opened(self, file: str) -> None:
        """Files are told about in the order they were opened."""
        self._files.setdefault(file, len(self._files))

    def add(self, problem: Problem, about: str = "") -> None:
        """Note a problem; `about` says which shot or row came upon it first."""
        key = (problem.rule, problem.message, problem.at)
        severity = self._severities.get(problem.rule, problem.severity)
        if key in self._problems or severity is None:
            return
        self.opened(problem.at.file)
        self.errors += severity is Severity.ERROR
        message = f"{problem.message} ({about})" if about else problem.message
        message = _CONTROL.sub(lambda char: f"\\x{ord(char[0]):02x}", message)
        self._problems[key] = replace(problem, severity=severity, message=message)

    def complaint(self, complaint: Complaint, at: Loc, about: str = "") -> None:
        self.add(
            Problem(
                complaint.rule,
                complaint.message,
                at,
                complaint.severity,
                complaint.hint,
                complaint.source,
            ),
            about,
        )

    def in_order(self) -> tuple[Problem, ...]:
        def place(problem: Problem) -> tuple[int, int, int]:
            return self._files[problem.at.file], problem.at.line, problem.at.column

        return tuple(sorted(self._problems.values(), key=place))


def loc_of(spot: Spot | None, path: Path) -> Loc:
    return spot.loc(pointer(path)) if spot else Loc("", 0, 0, pointer(path))
