"""`reelmake report FILE`: one HTML page about a film as it stands, beside its videos."""

import os
from collections.abc import Iterator
from pathlib import Path

from runner import manifest
from runner.commands.reading import film_as_it_lies, ledger
from runner.disk import said, write_atomic
from runner.errors import ExitCode, Outside
from runner.media.poster import poster
from runner.model import Digest
from runner.progress import Out
from runner.project import Film
from runner.project.cutting import cut_name
from runner.report import Shown, page

NAME = "report.html"
SMALL, LARGE = 512, 1088  # pixels of a still: a shot's, the cut's


def main(out: Out, *, file: Path, preview: bool, out_dir: Path | None) -> ExitCode:
    """Write the page and say where; asks no gateway and needs no key."""
    film = film_as_it_lies(file, preview=preview, out_dir=out_dir)
    text = page(gather(film))
    path = film.folder / NAME
    with said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode(), mode=0o644)
    film.project.stats.save()
    out.result(os.path.relpath(path))
    return ExitCode.DONE


def gather(film: Film) -> Shown:
    """Everything the page tells: read, never written."""
    facts = film.gather()
    plan = film.plan(facts)
    pinned = manifest.read(film.manifest_path)
    cut = cut_name(film.storyboard)
    at = os.path.relpath(film.folder / cut, film.project.root)
    outputs = {**facts.outputs, cut: film.project.stats.digests([at])[at]}
    return Shown(
        storyboard=film.storyboard,
        plan=plan,
        manifest=manifest.build(
            film.storyboard, plan, facts.history, pinned.cut if pinned else None
        ),
        history=facts.history,
        ledger=ledger(film.project, film.storyboard, film.realm),
        outputs=outputs,
        cut=cut,
        posters=dict(stills(film, outputs, cut)),
    )


def stills(
    film: Film, outputs: dict[str, Digest | None], cut: str
) -> Iterator[tuple[Digest, bytes]]:
    """A picture of every video that lies there; none of what cannot be decoded."""
    for digest, name in {digest: name for name, digest in outputs.items() if digest}.items():
        try:
            yield digest, poster(film.folder / name, LARGE if name == cut else SMALL)
        except Outside:
            continue
