"""`reelmake port FILE SHOT --to MODEL`: what carries over, changes or is lost on another model."""

import json
from collections.abc import Mapping
from pathlib import Path

from runner.commands.editing import rewrite
from runner.commands.moving import moving, say_left
from runner.edit import set_fields
from runner.errors import ExitCode
from runner.model import Loc
from runner.port import Port
from runner.progress import Out

STYLES = {"carries": "dim", "changes": "warn", "gained": "good", "lost": "bad"}


def main(out: Out, *, file: Path, shot: str, to: str, write: bool, fmt: str) -> ExitCode:
    """The report, field by field; with --write the edits too.

    What the edits leave wrong is said, and is the exit code: errors that no value mends, and
    fields that the shot has from `defaults`.
    """
    moved = moving(file, (shot,))[0]
    found = moved.ported(to)
    stays = dict(moved.inherited(found.edits))
    if fmt == "json":
        out.result(json.dumps(as_json(shot, to, found, stays), indent=2))
    for line in found.lines if fmt == "text" else ():
        out.say(f"{line.verdict:8} {line.field}: {line.text}", STYLES[line.verdict])
    say_left(out, found)
    for name, at in stays.items():
        out.say(f"still there: {name} is set at {at}, not in {shot}: take it away there", "bad")
    if write:
        rewrite(file, lambda text: set_fields(text, shot, found.edits, str(file)))
        out.say(f"{file}: {shot} moved to {to}", "good")
    return ExitCode.BAD_INPUT if found.left or stays else ExitCode.DONE


def as_json(shot: str, to: str, found: Port, stays: Mapping[str, Loc]) -> dict[str, object]:
    return {
        "shot": shot,
        "to": to,
        "lines": [
            {"field": line.field, "verdict": line.verdict, "text": line.text}
            for line in found.lines
        ],
        "edits": dict(found.edits),
        "left": [{"rule": left.rule, "message": left.message} for left in found.left],
        "inherited": [
            {"field": name, "file": at.file, "line": at.line, "column": at.column}
            for name, at in stays.items()
        ],
    }
