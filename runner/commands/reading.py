"""A film as it lies, for commands that only look: no gateway is asked, no key is needed."""

import os
from pathlib import Path

from msgspec.structs import replace

from runner import manifest
from runner.errors import BadInput
from runner.journal import Ledger, Realm, open_reader
from runner.manifest import Manifest
from runner.model import Storyboard
from runner.project import Endpoint, Film, Project, open_project
from runner.project.endpoint import DEFAULT, LOCAL, open_endpoint


def film_as_it_lies(file: Path, *, preview: bool, out_dir: Path | None) -> Film:
    """The film at the gateway its results came from: the paid one, where money has moved at all."""
    if out_dir and out_dir.exists() and not out_dir.is_dir():
        raise BadInput(f"{out_dir} is a file", do="name the folder that `run --out` wrote to")
    project = open_project(file, os.environ)
    storyboard, loaded = project.usable(file, only_looks=True)
    paid = not preview and ledger(project, storyboard, "paid").entries
    usual = project.root / "renders" / storyboard.stem
    folder = out_dir or (usual if paid else project.results_folder(file, preview=preview))
    pinned = manifest.read(folder / manifest.NAME)
    preview = preview or (pinned.gateway == LOCAL if pinned else not paid)
    endpoint = endpoint_for(project, storyboard, pinned, preview=preview)
    return Film(project, file, storyboard, loaded, endpoint, folder.absolute())


def with_results(folder: Path | None) -> Path | None:
    """A folder whose results are asked for; one without any would leave nothing but dead links.

    Raises BadInput.
    """
    hint = "name the folder that `run --out` wrote to"
    if folder and not folder.exists():
        raise BadInput(f"there is no folder {str(folder)!r}", do=hint)
    if folder and folder.is_dir() and not (folder / manifest.NAME).exists():
        raise BadInput(f"{folder} holds no {manifest.NAME}, so no results of a run", do=hint)
    return folder


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
