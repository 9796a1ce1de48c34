"""What stands at the end of everything that may have changed a film: the cut and the manifest."""

from collections.abc import Iterable

from msgspec.structs import replace

from runner import manifest
from runner.errors import Outside
from runner.model import Digest, Result
from runner.project.cutting import make_cut
from runner.project.opened import Film
from runner.project.sidecars import write_sidecars


def write_down(film: Film, made: Iterable[Result] = ()) -> dict[Digest, Outside]:
    """Cut and manifest as things stand now, each written only where it changes.

    Then every paid take goes to the team's store, if there is one; gives what could not be shared.

    `made` counts from now on: what was just rendered, or accepted. Without it the manifest, which
    is the lock, would win over a take that was rendered again for the same request.
    """
    facts = film.gather()
    facts = replace(facts, history=manifest.renewed(facts.history, made))
    plan = film.plan(facts)
    written = manifest.build(film.storyboard, plan, facts.history, make_cut(film, plan))
    if written.entries:
        manifest.write(film.manifest_path, written)
        if film.project.settings.data.get("sidecars"):
            write_sidecars(film, written)
    film.project.stats.save()
    if film.endpoint.preview:
        return {}
    return film.project.store.share_all(entry.result.sha256 for entry in written.entries)
