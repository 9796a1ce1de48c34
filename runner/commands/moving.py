"""What `migrate` and `port` share: a shot as it is asked for now, and as it is written."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import BadInput
from runner.load import Draft
from runner.model import JSON, Loc, Request, Severity, Shot
from runner.port import Port, port
from runner.progress import Out
from runner.project import Project, open_project
from runner.vendors import find

MERGED = ("options", "extra_body")  # a shot's own are laid over those of `defaults`


class MovingShot(Struct, frozen=True):
    """A shot that may move to another model."""

    shot: Shot
    draft: Draft
    project: Project

    @property
    def id(self) -> str:
        return self.shot.id

    @property
    def request(self) -> Request:
        return self.shot.takes[0].request

    @property
    def retired(self) -> bool:
        facts = self.project.facts(self.request.model)
        return facts is not None and facts.status == "retired"

    def ported(self, to: str) -> Port:
        return port(self.request, to, self.project.catalogue, self.draft.fields, find)

    def inherited(self, edits: Mapping[str, JSON]) -> Iterator[tuple[str, Loc]]:
        """What edits of the shot cannot take away, as it is set in `defaults` or, for a variant,
        in its shot; and where."""
        below = replace(self.draft, layers=self.draft.layers[1:-1])
        for path in self._gone(edits):
            if any(reaches(layer.data, path) for layer in below.layers):
                yield ".".join(path), below.loc(path)

    def _gone(self, edits: Mapping[str, JSON]) -> Iterator[tuple[str, ...]]:
        for name, value in edits.items():
            if name in MERGED:
                given = self.draft.fields.get(name, {})
                yield from ((name, key) for key in given if key not in (value or {}))
            elif value is None:
                yield (name,)


def reaches(data: JSON, path: tuple[str, ...]) -> bool:
    for key in path:
        if key not in data:
            return False
        data = data[key]
    return True


def moving(file: Path, shots: tuple[str, ...]) -> list[MovingShot]:
    """The shots named, or all that can be read, those that a rule refuses among them.

    Raises BadInput for an unknown one, and for one that cannot be read with what is wrong.
    """
    project = open_project(file, os.environ)
    loaded = project.load(file)
    known = {str(shot.id): shot for shot in loaded.shots}
    unknown = [shot for shot in shots if shot not in known]
    if unknown or not known:
        fatal = [p for p in loaded.problems if p.severity is Severity.ERROR]
        if fatal:
            raise BadInput(f"{file} cannot be used", problems=fatal)
        raise BadInput(f"{file} has no shot {unknown[0]!r}", do=f"one of: {', '.join(known)}")
    return [
        MovingShot(shot, loaded.drafts[shot.id], project)
        for id_, shot in known.items()
        if id_ in (shots or known)
    ]


def say_left(out: Out, port: Port, indent: str = "") -> None:
    for left in port.left:
        out.say(f"{indent}still wrong: {left.message} [{left.rule}]", "bad")
        if left.hint:
            out.say(f"{indent}  {left.hint}", "dim")
