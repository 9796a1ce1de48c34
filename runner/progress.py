"""Faces for what happens: a live table on a terminal, plain lines elsewhere.

`Out` is all the text a command says: results on stdout, everything for people on stderr.
Text from outside is made harmless here, where it meets a terminal.
"""

import io
import os
import sys
import unicodedata
from collections.abc import Iterable
from time import monotonic
from typing import Any, TextIO, cast

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import Outside
from runner.model import Action, Outcome, Plan, Problem, Severity, ShotId, Status, Step
from runner.ports import Progress


def printable(text: str) -> str:
    """`text` with control, bidi and other invisible characters written out.

    A server's error message must not be able to move the cursor or reverse a line.
    """
    return "".join(
        c if c in "\n\t" or unicodedata.category(c)[0] != "C" else escaped(c) for c in text
    )


def escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Out(Struct, frozen=True):
    """Where a command speaks: `result` for scripts, `say` for people."""

    stdout: TextIO
    stderr: TextIO
    colour: bool

    def result(self, text: str) -> None:
        self.write(text + "\n")

    def document(self, text: str) -> None:
        """A whole file as the result: in UTF-8, as it is, whatever the terminal prefers."""
        if isinstance(self.stdout, io.TextIOWrapper):
            self.stdout.reconfigure(encoding="utf-8", newline="")
        self.write(text)

    def write(self, text: str) -> None:
        try:
            self.stdout.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Outside(f"the output cannot be written: {error.strerror}") from error

    def say(self, text: str = "", style: str = "") -> None:
        self.stderr.write(self.styled(printable(text), style) + "\n")

    def problems(self, problems: Iterable[Problem]) -> None:
        """Each problem as `place: severity: message [rule]`; its hint below, once for a message
        and once for a place, which many shots may have from `defaults`."""
        told = set[str]()
        for problem in problems:
            style = "bad" if problem.severity is Severity.ERROR else "warn"
            severity = self.styled(str(problem.severity), style)
            text = f"{problem.message} [{problem.rule}]"
            self.stderr.write(f"{printable(str(problem.at))}: {severity}: {printable(text)}\n")
            advice = problem.hint, problem.source and f"({problem.source})"
            same = {text, f"{problem.at} {problem.rule} {problem.hint}"}
            for line in filter(None, () if same & told else advice):
                self.say(f"  {line}", "dim")
            told |= same

    def styled(self, text: str, style: str) -> str:
        if not style or not self.colour:
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


STYLES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1", "head": "1;36"}


def terminal() -> Out:
    """The process's own streams; colour only on a terminal and without NO_COLOR."""
    stdout, stderr = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()  # None: closed
    colour = stderr.isatty() and not os.environ.get("NO_COLOR")
    return Out(stdout, stderr, colour and os.environ.get("TERM") != "dumb")


def face(out: Out) -> Progress:
    """The live display on a terminal, plain lines elsewhere."""
    return Live(out) if out.colour else Lines(out)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def name(step: Step) -> str:
    return f"{step.shot}" if step.take == 1 else f"{step.shot} t{step.take}"


WORDS = {
    Status.DONE: ("done", "good"),
    Status.FAILED: ("failed", "bad"),
    Status.BLOCKED: ("blocked", "warn"),
    Status.UNDECIDED: ("needs you", "warn"),
    Status.INTERRUPTED: ("stopped", "dim"),
}


class Lines:
    """A line for each thing that happens: for logs and pipes."""

    def __init__(self, out: Out) -> None:
        self.out = out
        self.began: dict[tuple[ShotId, int], float] = {}

    def planned(self, plan: Plan) -> None:
        self.width = max((len(name(step)) for step in plan.steps), default=0)

    def started(self, step: Step) -> None:
        self.began[step.shot, step.take] = monotonic()
        self.out.say(f"{name(step):{self.width}}  {step.action}  {step.reason}")

    def heard(self, step: Step, status: str, percent: int | None) -> None:
        """A poll is not news in a log."""

    def finished(self, outcome: Outcome) -> None:
        step = outcome.step
        if step.action is Action.REUSE:
            return
        began = self.began.get((step.shot, step.take))
        took = f" in {monotonic() - began:.1f} s" if began else ""
        word, style = WORDS[outcome.status]
        stopped = outcome.status is Status.INTERRUPTED  # the end of the run says the rest, once
        tail = "" if stopped else outcome.detail or outcome.output or ""
        self.out.say(f"{name(step):{self.width}}  {word}{took}  {tail}".rstrip(), style)
        for finding in outcome.result.findings if outcome.result else ():
            self.out.say(f"{'':{self.width}}  needs review: {finding.message}", "warn")

    def note(self, text: str) -> None:
        self.out.say(text)

    def close(self) -> None: ...


class Live(Lines):
    """A row for each running take, redrawn in place; finished lines scroll up above it."""

    def __init__(self, out: Out) -> None:
        from rich import progress  # a tenth of a second, so only here, where it is seen
        from rich.console import Console

        console = Console(file=out.stderr, highlight=False, markup=False)
        self.bars = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.fields[name]}"),
            progress.BarColumn(bar_width=24),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.description}", style="dim"),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.rows: dict[tuple[ShotId, int], progress.TaskID] = {}
        super().__init__(replace(out, stderr=cast("TextIO", Above(console))))

    def planned(self, plan: Plan) -> None:
        super().planned(plan)
        self.bars.start()

    def started(self, step: Step) -> None:
        self.began[step.shot, step.take] = monotonic()
        label = f"{name(step):{self.width}}"
        self.rows[step.shot, step.take] = self.bars.add_task(step.action, total=None, name=label)

    def heard(self, step: Step, status: str, percent: int | None) -> None:
        row = self.rows.get((step.shot, step.take))
        if row is None:
            return
        known = percent if percent is not None and 0 < percent <= 100 else None
        said = status.replace("_", " ") + (f" {known} %" if known else "")
        self.bars.update(
            row, description=printable(said), completed=known or 0, total=known and 100
        )

    def finished(self, outcome: Outcome) -> None:
        row = self.rows.pop((outcome.step.shot, outcome.step.take), None)
        if row is not None:
            self.bars.remove_task(row)
        super().finished(outcome)

    def close(self) -> None:
        self.bars.stop()


class Above(io.TextIOBase):
    """A stream whose text lands above rich's live rows."""

    def __init__(self, console: Any) -> None:
        self.console = console

    def write(self, text: str) -> int:
        from rich.text import Text

        self.console.print(Text.from_ansi(text.rstrip("\n")))
        return len(text)
