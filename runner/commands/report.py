"""`reelmake report FILE`: one HTML page about a film as it stands, beside its videos."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from runner import manifest
from runner.disk import said, write_atomic
from runner.errors import BadInput, ExitCode, Outside
from runner.journal import Ledger, Realm, open_reader
from runner.manifest import Manifest
from runner.media.poster import poster
from runner.model import Digest, Storyboard
from runner.progress import Out
from runner.project import Endpoint, Film, Project, open_project
from runner.project.cutting import cut_name
from runner.project.endpoint import DEFAULT, LOCAL, open_endpoint
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


def film_as_it_lies(file: Path, *, preview: bool, out_dir: Path | None) -> Film:
    """The film at the gateway its results came from: the paid one, where money has moved at all."""
    project = open_project(file, os.environ)
    storyboard, loaded = project.usable(file)
    paid = not preview and ledger(project, storyboard, "paid").entries
    usual = project.root / "renders" / storyboard.stem
    folder = out_dir or (usual if paid else project.results_folder(file, preview=preview))
    pinned = manifest.read(folder / manifest.NAME)
    preview = preview or (pinned.gateway == LOCAL if pinned else not paid)
    endpoint = endpoint_for(project, storyboard, pinned, preview=preview)
    return Film(project, file, storyboard, loaded, endpoint, folder.absolute())


def endpoint_for(
    project: Project, storyboard: Storyboard, pinned: Manifest | None, *, preview: bool
) -> Endpoint:
    """As on record. A server that was named by its URL is only a name by now."""
    settings, environ = project.settings.data, project.environ
    if preview:
        return open_endpoint(LOCAL, settings, environ)
    known = pinned.gateway if pinned else storyboard.gateway or settings.get("gateway") or DEFAULT
    try:
        return open_endpoint(str(known), settings, environ)
    except BadInput:
        usual = open_endpoint(DEFAULT, settings, environ)
        return replace(usual, profile=replace(usual.profile, name=str(known)))


def ledger(project: Project, storyboard: Storyboard, realm: Realm) -> Ledger:
    with open_reader(project.state) as journal:
        entries = journal.ledger(realm).entries
    return Ledger(tuple(entry for entry in entries if entry.storyboard == storyboard.path))


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
