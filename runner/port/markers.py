"""How prompts point at references, and how the same is said to another model."""

import re
from collections.abc import Iterable, Iterator, Mapping

from runner.model import Medium, ModelFacts, Request, Url
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


def spelled_out(prompt: str, lost: Iterable[Medium]) -> str:
    """The prompt with what `as:` says in the place of each `ref()` to a reference that is lost."""
    for call, medium in calls_in(prompt, lost):
        prompt = prompt.replace(call, medium.alias or call)
    return prompt


def calls_in(prompt: str, media: Iterable[Medium]) -> Iterator[tuple[str, Medium]]:
    """Each `{{ ref('mara') }}` to one of the media, as the prompt writes it."""
    for medium in media:
        for call in dict.fromkeys(found[0] for found in _call(medium).finditer(prompt)):
            yield call, medium


def _call(medium: Medium) -> re.Pattern[str]:
    names = [medium.name, medium.origin.url if isinstance(medium.origin, Url) else None]
    words = "|".join(re.escape(name) for name in names if name) or r"(?!)"
    return re.compile(rf"\{{\{{-?\s*ref\(\s*(['\"])(?:{words})\1\s*\)\s*-?\}}\}}")


def stands_in(mark: str, prompt: str) -> bool:
    return re.search(_exactly(mark), prompt) is not None


def _exactly(mark: str) -> str:
    """A marker and not the beginning of a longer one: Image 1 is not in Image 10."""
    return re.escape(mark) + r"(?!\d)"
