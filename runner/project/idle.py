"""Leaves marks when a command found nothing to do: all that the next one like it need look at.

One holds the answer, for the same words again. The other holds how the storyboard is written, so
that after a small change only that is planned.
"""

import io
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO, cast

from msgspec.structs import replace

from runner.journal.reading import NAME as JOURNAL
from runner.load.outline import Outline, outline
from runner.manifest.apart import regular
from runner.manifest.text import written_for
from runner.model import LocalFile, Result, Step
from runner.planner import UP_TO_DATE
from runner.progress import Out
from runner.project.cutting import cut_name
from runner.project.opened import STATE, Film
from runner.project.settings import NAME as SETTINGS
from runner.uptodate import Environment, about, answer_to, leave_marks
from runner.vendors import installed_files


class Watch:
    """Made when a command begins; knows when that was, what was asked for, and what was said."""

    def __init__(self, out: Out) -> None:
        self._began = time.time_ns()
        self._stdout, self._stderr = Copy(out.stdout), Copy(out.stderr)
        self.environ = Environment(os.environ)
        self.out = replace(
            out, stdout=cast("TextIO", self._stdout), stderr=cast("TextIO", self._stderr)
        )

    def nothing_to_do(
        self,
        film: Film,
        steps: Sequence[Step],
        code: int,
        *,
        gateway: str | None,
        out_dir: Path | None,
    ) -> None:
        """Every step was found in place and intact; nothing was sent, made or written."""
        store = film.project.store
        results = [step.result for step in steps if step.result]
        if store.shared or not all(store.here(result.sha256) for result in results):
            return  # what lies elsewhere can go without moving a stamp here
        pinned = _manifest(film)
        owners = written_for(pinned)
        if pinned and not owners:
            return
        said = str(int(code)), self._stdout.text, self._stderr.text
        marks: dict[str, Sequence[bytes]] = {
            answer_to(sys.argv[1:]): [text.encode("utf-8", "surrogateescape") for text in said]
        }
        form = whole_outline(film, steps) if regular(pinned) else None
        if form is not None:
            marks[about(name_of(film.file, gateway, out_dir))] = [form.saved()]
        leave_marks(
            str(film.project.state),
            self._began,
            paths=map(os.path.abspath, (*looked_at(film, results), *others(film, owners))),
            storyboards=map(os.path.abspath, film.loaded.files),
            links=(*film.loaded.links, *ways(film)),
            variables=self.environ.asked,
            marks=marks,
        )


def name_of(file: Path, gateway: str | None, out_dir: Path | None) -> tuple[str, ...]:
    """Which film a command means, by its words."""
    return str(file), gateway or "", str(out_dir or "")


def whole_outline(film: Film, steps: Sequence[Step]) -> Outline | None:
    """The outline of a film of which every take is in `steps`, and can be looked up."""
    shots = film.storyboard.shots
    if len(steps) < sum(len(shot.takes) for shot in shots):
        return None
    spoken_of = {step.shot for step in steps if step.reason != UP_TO_DATE}
    return outline(film.loaded, spoken_of)


def _manifest(film: Film) -> bytes:
    try:
        return film.manifest_path.read_bytes()
    except FileNotFoundError:
        return b""


def others(film: Film, owners: Iterable[str]) -> Iterator[Path]:
    """Storyboards whose results these would be, if they came back."""
    yield from (film.project.root / owner for owner in owners if owner != film.storyboard.path)


def ways(film: Film) -> Iterator[tuple[str, str]]:
    """Where the storyboard is, and the folders of all that was read: a folder that became a link
    moves nothing in it."""
    yield str(film.file.absolute()), str(film.file.resolve())
    media = (film.project.root / path for path in film.references())
    read: list[str | Path] = [*film.loaded.files, *film.loaded.inputs, *media, *cut_files(film)]
    for folder in {Path(path).parent for path in map(os.path.abspath, read)}:
        yield str(folder), os.path.realpath(folder)


def looked_at(film: Film, results: Iterable[Result]) -> Iterator[str | Path]:
    """Every place that decided about this film beside its storyboards; also where nothing lies."""
    root, state = film.project.root, film.project.state
    yield from installed_files()
    yield from film.loaded.inputs
    yield from (Path(name).parent / "prompts" for name in film.loaded.files)
    yield root / SETTINGS
    yield from nearer_roots(root / film.storyboard.path, root)
    yield from (root / path for path in film.references())
    yield from (state / name for name in (JOURNAL, f"{JOURNAL}-wal", "cuts"))
    yield from (film.project.store.path(result.sha256).parent for result in results)
    folder = str(film.folder)
    yield from (film.manifest_path, film.folder / ".gitattributes")
    yield from (
        f"{folder}/{name}"
        for shot in film.storyboard.shots
        for take in shot.takes
        for name in shot.outputs(take.number)
    )
    yield from cut_files(film)


def nearer_roots(file: Path, root: Path) -> Iterator[Path]:
    """What would make another folder the project's root, if it came to be."""
    for folder in file.parents:
        if folder == root:
            return
        yield from (folder / STATE, folder / ".git")


def cut_files(film: Film) -> Iterator[Path]:
    cut = film.storyboard.cut
    if cut is None:
        return
    yield film.folder / cut_name(film.storyboard)
    if cut.audio and isinstance(cut.audio.origin, LocalFile):
        yield film.project.root / cut.audio.origin.path


class Copy(io.TextIOBase):
    """A stream that keeps what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._written = stream, list[str]()

    @property
    def text(self) -> str:
        return "".join(self._written)

    def write(self, text: str) -> int:
        self._written.append(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
