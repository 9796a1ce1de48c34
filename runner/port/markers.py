"""How prompts point at references, and how the same is said to another model."""

import re
from collections.abc import Mapping

from runner.model import ModelFacts, Request
from runner.vendors import Vendor

Markers = Mapping[str, str | None]  # as the old model reads it -> as the new one does, if it can


def markers(
    request: Request, leaves: Vendor, old: ModelFacts, enters: Vendor, new: ModelFacts
) -> Markers:
    found: dict[str, str | None] = {}
    counted: dict[str, int] = {}
    for medium in request.references:
        number = counted[medium.kind] = counted.get(medium.kind, 0) + 1
        if mark := leaves.marker(medium.kind, number, old):
            found[mark] = enters.marker(medium.kind, number, new)
    return found


def repointed(prompt: str, marks: Markers) -> str:
    """The prompt with markers as the new model reads them; those it cannot read stay."""
    known = {mark: now for mark, now in marks.items() if now}
    if not known:
        return prompt
    pattern = "|".join(map(_exactly, known))
    return re.sub(pattern, lambda found: str(known[found[0]]), prompt)


def stands_in(mark: str, prompt: str) -> bool:
    return re.search(_exactly(mark), prompt) is not None


def _exactly(mark: str) -> str:
    """A marker and not the beginning of a longer one: Image 1 is not in Image 10."""
    return re.escape(mark) + r"(?!\d)"
