"""How prompts point at references, and how the same is said to another model."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from runner.model import Medium, ModelFacts, Request, Url
from runner.vendors import Vendor


class Moved(NamedTuple):
    """What becomes of a marker: what the new model reads there, if it reads any."""

    now: str | None
    kept: bool  # the reference itself comes along


Markers = Mapping[str, Moved]  # by what the old model reads


def markers(
    request: Request,
    stays: Sequence[bool],
    leaves: Vendor,
    old: ModelFacts,
    enters: Vendor,
    new: ModelFacts,
) -> Markers:
    """`stays` says of each reference whether it comes along; those behind a lost one move up."""
    found: dict[str, Moved] = {}
    was, now = Counter[str](), Counter[str]()
    for medium, kept in zip(request.references, stays, strict=True):
        was[medium.kind] += 1
        now[medium.kind] += kept
        if mark := leaves.marker(medium.kind, was[medium.kind], old):
            word = enters.marker(medium.kind, now[medium.kind], new) if kept else None
            found[mark] = Moved(word, kept)
    return found


def repointed(prompt: str, marks: Markers) -> str:
    """The prompt with markers as the new model reads them; those it cannot read stay."""
    known = {mark: moved.now for mark, moved in marks.items() if moved.now}
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
