"""`reelmake verify FILE`: re-hash everything the manifest names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from runner import manifest
from runner.errors import BadInput, ExitCode
from runner.manifest import Manifest
from runner.manifest.check import verify
from runner.media.quality import look_over
from runner.model import Finding
from runner.progress import Out, count
from runner.project import Project, open_project


def main(
    out: Out, *, file: Path, preview: bool, out_dir: Path | None, fmt: str, watch: bool
) -> ExitCode:
    """Exit 0 if every output and blob has the bytes the manifest pins.

    With `watch` every frame is decoded too: black, frozen and broken pictures are told.
    """
    project = open_project(file, os.environ)
    folder = out_dir or project.results_folder(file, preview=preview)
    pinned = manifest.read(folder / manifest.NAME)
    if pinned is None:
        raise BadInput(f"there is no {folder / manifest.NAME}", do=f"reelmake run {file}")
    findings = list(verify(pinned, folder, project.store))
    if watch:
        findings += watched(project, pinned)
    if fmt == "json":
        rows = [{"rule": f.rule, "message": f.message, "file": f.path} for f in findings]
        out.result(json.dumps({"takes": len(pinned.entries), "findings": rows}, indent=2))
    for finding in findings:
        out.say(f"{finding.message} [{finding.rule}]", "bad")
    word = "as the manifest says" if not findings else count(len(findings), "finding")
    out.say(f"{count(len(pinned.entries), 'take')}: {word}", "bad" if findings else "good")
    return ExitCode.FAILED if findings else ExitCode.DONE


def watched(project: Project, pinned: Manifest) -> Iterator[Finding]:
    """What is odd about the pictures of all takes whose bytes are here."""
    for entry in pinned.entries:
        if project.store.here(entry.result.sha256):
            for finding in look_over(project.store.path(entry.result.sha256)):
                name = f"{entry.shot} take {entry.take}"
                yield replace(finding, message=f"{name}: {finding.message}")
