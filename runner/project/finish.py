"""What stands at the end of everything that may have changed a film: the cut and the manifest."""

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from runner import manifest
from runner.model import Digest, Result
from runner.project.cutting import make_cut
from runner.project.opened import Film


def write_down(film: Film, fresh: Sequence[Result] = ()) -> None:
    """Cut and manifest as things stand now, each written only where it changes.

    `fresh` are the results that were just rendered or accepted: they win over what the manifest
    has pinned so far.
    """
    facts = film.gather()
    if fresh:
        newest = {result.fingerprint: result for result in fresh}
        known = cast("dict[Digest, Result]", facts.history.results)
        facts = replace(facts, history=replace(facts.history, results=ChainMap(newest, known)))
    plan = film.plan(facts)
    made = manifest.build(film.storyboard, plan, facts.history, make_cut(film, plan))
    if made.entries:
        manifest.write(film.manifest_path, made)
    film.project.stats.save()
