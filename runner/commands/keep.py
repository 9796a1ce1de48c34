"""`reelmake keep FILE SHOT TAKE`: choose the take that is the shot from now on."""

import os
from pathlib import Path

from runner.commands.editing import rewrite
from runner.commands.plan import say_plan
from runner.edit import set_field
from runner.errors import BadInput, ExitCode
from runner.model import ShotId
from runner.planner import Selection
from runner.progress import Out, count
from runner.project import open_project


def main(
    out: Out, *, file: Path, shot: str, take: int, gateway: str | None, out_dir: Path | None
) -> ExitCode:
    """Write `keep:` into the storyboard, and show what hangs on the choice and its price."""
    project = open_project(file, os.environ)
    storyboard, _ = project.storyboard(file)
    known = {s.id: s for s in storyboard.shots}.get(ShotId(shot))
    if known is None:
        raise BadInput(f"{file} has no shot {shot!r}")
    if take > len(known.takes):
        raise BadInput(
            f"{shot} has {count(len(known.takes), 'take')}, not {take}",
            do=f"reelmake run {file} {shot} --take {take} renders one more",
        )
    rewrite(file, lambda text: set_field(text, shot, "keep", take, str(file)))
    out.say(f"{shot}: take {take} is kept", "good")
    film = project.film(file, gateway=gateway, out_dir=out_dir)
    hanging = (ShotId(shot), *film.hanging_on(ShotId(shot)))
    say_plan(out, film.plan(film.gather(), Selection(hanging)))
    return ExitCode.DONE
