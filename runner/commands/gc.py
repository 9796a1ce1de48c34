"""`reelmake gc`: remove bytes that nothing needs; by default only say which."""

import os
from pathlib import Path

from runner import manifest
from runner.errors import ExitCode
from runner.journal import open_reader
from runner.manifest.reach import reachable
from runner.model import Digest
from runner.progress import Out, count
from runner.project import Project, project_here
from runner.project.wiring import locked

DAY = 86_400.0


def main(out: Out, *, delete: bool, min_age: float) -> ExitCode:
    """Keeps all that was ever paid for, and all that any manifest names."""
    project = project_here(Path.cwd(), os.environ)
    with locked(project):
        gone = project.store.prune(needed(project), min_age=min_age * DAY, dry_run=not delete)
    size = sum(number for _, number in gone) / 1e6
    word = "removed" if delete else "would be removed (--delete does it)"
    for digest, number in gone:
        out.result(f"{digest}  {number}")
    out.say(f"{count(len(gone), 'blob')}, {size:.1f} MB {word}")
    return ExitCode.DONE


def needed(project: Project) -> set[Digest]:
    """Reachable from a manifest below the project, or paid, whatever became of it.

    Bytes that the journal does not know may be a colleague's, paid there and pinned on another
    branch: only what was drawn here for nothing, or lies in the team's store too, is no loss.
    """
    keep = reachable(manifest.find(project.root), ())
    with open_reader(project.state) as journal:
        keep |= journal.blobs("paid")
        keep |= reachable((), journal.history("paid").results.values())
        free = journal.blobs("preview")
    store = project.store
    known = keep | free
    return keep | {d for d in store if d not in known and not store.has_shared(d)}
