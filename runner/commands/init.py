"""`reelmake init [DIR]`: a storyboard that runs, its schema for editors, .gitignore, folders."""

import os
from pathlib import Path

from runner.errors import BadInput, ExitCode, Outside
from runner.progress import Out
from runner.project import project_here
from runner.schema import editor

SCHEMA = "storyboard.schema.json"  # what the storyboard's first line points editors at

STORYBOARD = """\
# yaml-language-server: $schema=storyboard.schema.json
storyboard: 1
title: {title}

vars:
  grade: warm evening light, fine grain

defaults:
  model: wan2.6-t2v
  seconds: 5
  aspect_ratio: "16:9"
  resolution: 720p

shots:
  - id: sh010
    prompt: "{{{{ grade }}}}. Wide: a lighthouse on a low cliff, the sea moving slowly below it."

  - id: sh020
    model: veo-3.1-generate-preview
    seconds: 8
    first_frame: {{shot: sh010, frame: last}}
    prompt: "{{{{ grade }}}}. The camera climbs toward the lamp room. Wind, and one gull."

  - id: sh030
    prompt: "{{{{ grade }}}}. Close: a hand turns the brass wheel; the beam begins to move."

cut:
  clips: [sh010, {{shot: sh020, transition: {{dissolve: 0.5}}}}, sh030]
"""

IGNORED = """\
# Reelmake: state, paid takes and videos stay out of git; manifest.json is the lock and goes in.
.reelmake/
renders/**/*.mp4
renders/**/*.png
renders/**/report.html
renders/*.preview/
"""


def main(out: Out, *, folder: Path) -> ExitCode:
    """Write what is missing; nothing that is there is touched."""
    name = folder.absolute().name or "film"
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-") or "film"
    storyboard = folder / f"{stem}.yaml"
    if storyboard.exists():
        raise BadInput(f"{storyboard} is already there", do="choose another folder")
    try:
        for place in (folder / "refs", folder / "prompts", folder / ".reelmake"):
            place.mkdir(parents=True, exist_ok=True)
        (folder / ".reelmake").chmod(0o700)
        storyboard.write_text(STORYBOARD.format(title=stem.replace("-", " ").capitalize()))
        add_ignored(folder / ".gitignore")
        if not (folder / SCHEMA).exists():
            catalogue = project_here(folder, os.environ).catalogue
            (folder / SCHEMA).write_text(editor.text(editor.editor_schema(catalogue)))
    except OSError as error:
        raise Outside(f"{error.filename}: {error.strerror}") from error
    out.say(f"wrote {storyboard}", "good")
    out.say(f"next: reelmake run {storyboard}")
    return ExitCode.DONE


def add_ignored(path: Path) -> None:
    present = path.read_text() if path.exists() else ""
    if ".reelmake/" not in present.split():
        gap = "" if not present or present.endswith("\n") else "\n"
        path.write_text(present + gap + IGNORED)
