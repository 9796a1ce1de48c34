"""The plan of a long film after a small change: of what has changed, and what hangs on it.

While nothing but its storyboards has moved since a plan found everything up to date, the shots that
an edit has not touched and nothing touched leads to are so still. Only the others are read, checked
and planned, by the same code as ever. A change that is not plainly of this kind gives nothing here,
and the whole film is planned.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner import uptodate
from runner.errors import BadInput
from runner.journal import open_reader
from runner.load.outline import excerpt, read_outline
from runner.manifest.apart import apart
from runner.manifest.lock import pinned_by
from runner.model import Action, Facts, History, Plan
from runner.project.idle import name_of
from runner.project.opened import Film, Project, undisturbed
from runner.source import MAX_BYTES

PLAIN = (Action.REUSE, Action.RENDER, Action.WAIT)


class Part(Struct, frozen=True):
    """A plan of some shots of a film; `up_to_date` takes are not in it."""

    film: Film
    facts: Facts
    plan: Plan
    up_to_date: int = 0


@undisturbed
def changed_part(
    project: Project, file: Path, gateway: str | None, out_dir: Path | None
) -> Part | None:
    """The part of a film in which something is to be done, or None: plan all of it."""
    known = uptodate.all_but_texts(name_of(file, gateway, out_dir), str(project.state))
    if known is None:
        return None
    before = read_outline(*known)
    try:
        now = {name: Path(name).read_bytes() for name in before.forms}
        if any(len(raw) > MAX_BYTES for raw in now.values()):
            return None
        part = excerpt(before, {name: raw.decode("utf-8-sig") for name, raw in now.items()})
        if part is None:
            return None
        texts = {name: text.encode() for name, text in part.texts.items()}
        film = project.film(file, gateway=gateway, out_dir=out_dir, texts=texts)
        planned = _planned(film) if part.holds(film.loaded) else None
    except (OSError, UnicodeDecodeError, BadInput):
        return None  # told in full, with all else that is wrong
    return Part(film, *planned, part.left_out) if planned else None


def _planned(film: Film) -> tuple[Facts, Plan] | None:
    with open_reader(film.project.state) as journal:
        history = _pinned(film, journal.sought(film.realm))
        facts = film.gather(history)
        plan = film.plan(facts)
        takes = [(step.shot, step.take) for step in plan.steps]
        latest = {take: history.latest[take] for take in takes if take in history.latest}
        # A render for which there is a result has lost its bytes: there is more to be found out.
        plain = all(
            step.action in PLAIN
            and (step.action is not Action.RENDER or step.fingerprint not in history.results)
            for step in plan.steps
        )
    busy = any(step.action is not Action.REUSE for step in plan.steps)
    facts = replace(facts, history=replace(history, latest=latest))  # what is told needs no more
    return (facts, plan) if plain and busy else None


def _pinned(film: Film, known: History) -> History:
    """The history with what the manifest pins."""
    try:
        data = film.manifest_path.read_bytes()
    except FileNotFoundError:
        return known
    takes = sum(len(shot.takes) for shot in film.storyboard.shots)
    return pinned_by(known, *apart(data, takes), film.project.store)
