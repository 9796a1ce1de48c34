"""`reelmake validate FILE…`: every check that needs no network."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import BadInput, ExitCode
from runner.model import Loc, Problem, Severity
from runner.progress import Out, count, printable
from runner.project import open_project


def main(out: Out, *, files: tuple[Path, ...], fmt: str, strict: bool) -> ExitCode:
    """Say everything that is wrong, in file order; nothing is written."""
    problems, fatal = list[Problem](), False
    for file in files:
        found, wished = problems_of(file)
        problems += found
        fatal |= any(strict or wished or p.severity is Severity.ERROR for p in found)
    if fmt == "json":
        out.result(json.dumps({"problems": [as_json(p) for p in problems]}, indent=2))
    elif fmt == "github":
        for problem in problems:
            out.result(as_annotation(problem))
    else:
        out.problems(problems)
        out.say(summary(files, problems))
    return ExitCode.BAD_INPUT if fatal else ExitCode.DONE


def problems_of(file: Path) -> tuple[Sequence[Problem], bool]:
    """What is wrong with a storyboard, and whether its project lets warnings stop a run."""
    try:
        project = open_project(file, os.environ)
        return project.wrong_settings() or project.load(file).problems, project.settings.strict
    except BadInput as error:
        if error.problems:
            return error.problems, False
        if file.is_file():
            raise
        return (Problem("storyboard.unreadable", error.what, Loc(str(file), 1, 1)),), False


def as_json(problem: Problem) -> dict[str, object]:
    return {
        "severity": str(problem.severity),
        "file": problem.at.file,
        "line": problem.at.line,
        "column": problem.at.column,
        "path": problem.at.path,
        "rule": problem.rule,
        "message": problem.message,
        "hint": problem.hint,
        "source": problem.source,
    }


def as_annotation(problem: Problem) -> str:
    """A workflow command that puts the message beside the line in a pull request."""
    at = problem.at
    place = f"file={in_property(at.file)},line={at.line},col={at.column}"
    text = ". ".join(filter(None, (problem.message, problem.hint)))
    title = in_property(problem.rule)
    return f"::{problem.severity} {place},title={title}::{escaped(printable(text))}"


def in_property(text: str) -> str:
    return escaped(text).replace(",", "%2C").replace(":", "%3A")


def escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def summary(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    errors = sum(p.severity is Severity.ERROR for p in problems)
    warnings = len(problems) - errors
    names = f"{len(files)} storyboards" if len(files) > 1 else str(files[0])
    if not problems:
        return f"{names}: no problems"
    return f"{names}: {count(errors, 'error')}, {count(warnings, 'warning')}"
