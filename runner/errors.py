"""The error tree and the exit codes.

    ReelmakeError                 what happened, where, and what to type next
    ├── BadInput          2       the storyboard, the settings or the command line
    ├── Outside           1       the network, the gateway, the disk
    └── NeedsDecision     3       money is in doubt, or would be spent without a yes

A run that was stopped on request leaves with 130: that is an outcome, not an error.

Anything else that reaches the command line is a bug of ours and says so.
Below the edge, what is wrong with an input travels as `model.Problem` values;
an exception is raised only where nothing sensible can follow. An exception never prints.
"""

from collections.abc import Sequence
from enum import IntEnum

from runner.model import Problem


class ExitCode(IntEnum):
    """What the shell sees (`design`: users script against these)."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    NEEDS_DECISION = 3
    INTERRUPTED = 130


class ReelmakeError(Exception):
    """Base of everything the command line turns into a message and an exit code."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do


class BadInput(ReelmakeError):
    """Something the user wrote cannot be used; `problems` say what, where and how to mend it."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, what: str, *, do: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(what, do=do)
        self.problems = tuple(problems)


class Outside(ReelmakeError):
    """The network, the gateway or the disk would not do it."""


class NeedsDecision(ReelmakeError):
    """Only a person can say what happens next: quarantine, budget, a frozen run."""

    exit_code = ExitCode.NEEDS_DECISION
