"""What `migrate` and `port` share: a shot as it is asked for now, and as it is written."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.errors import BadInput
from runner.model import JSON, Request
from runner.port import Port, port
from runner.project import Project, open_project
from runner.source import Map, merge, read_yaml
from runner.vendors import find


@dataclass(frozen=True, slots=True)
class MovingShot:
    """A shot that may move to another model."""

    id: str
    request: Request
    written: Mapping[str, JSON]  # cascade applied, templates not rendered
    project: Project

    @property
    def model(self) -> str:
        return self.request.model

    @property
    def retired(self) -> bool:
        facts = self.project.facts(self.request.model)
        return facts is not None and facts.status == "retired"

    def ported(self, to: str) -> Port:
        return port(self.request, to, self.project.catalogue, self.written, find)


def moving(file: Path, shots: tuple[str, ...]) -> list[MovingShot]:
    """The shots named, or all. Raises BadInput for an unknown one, or a storyboard with errors."""
    project = open_project(file, os.environ)
    storyboard, _ = project.storyboard(file)
    written = as_written(file)
    known = {str(shot.id): shot for shot in storyboard.shots}
    unknown = [shot for shot in shots if shot not in known]
    if unknown:
        raise BadInput(f"{file} has no shot {unknown[0]!r}", do=f"one of: {', '.join(known)}")
    return [
        MovingShot(id_, shot.takes[0].request, written.get(id_, {}), project)
        for id_, shot in known.items()
        if id_ in (shots or known)
    ]


def as_written(file: Path) -> dict[str, Mapping[str, JSON]]:
    data, _ = read_yaml(file.read_bytes(), str(file))
    defaults = data.get("defaults") if isinstance(data.get("defaults"), Map) else Map()
    found: dict[str, Mapping[str, JSON]] = {}
    for shot in data.get("shots", ()):
        base = merge(defaults, shot) if isinstance(defaults, Map) and defaults else shot
        found[shot["id"]] = base
        for name, over in (shot.get("variants") or {}).items():
            found[f"{shot['id']}.{name}"] = merge(base, over)
    return found
