"""Local references are opened and measured before anything is sent."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from runner.errors import BadInput
from runner.media.sniff import sniff
from runner.model import LocalFile, MediaInfo, Medium, Problem, Request, Storyboard
from runner.port.fields import fields_of
from runner.schema import Catalogue, check_media
from runner.schema.media import Measured


def preflight(root: Path, catalogue: Catalogue, storyboard: Storyboard) -> tuple[Problem, ...]:
    """What is wrong with the media themselves: content, pixels, length, bytes, shape."""

    @cache
    def measured(path: str) -> MediaInfo | str:
        try:
            return sniff(root / path)
        except BadInput as error:
            return error.what

    found: dict[Problem, None] = {}
    for shot in storyboard.shots:
        request = shot.takes[0].request
        local = [(part, medium) for part, medium in placed(request) if is_local(medium)]
        if not local:
            continue
        known: list[tuple[Medium, Measured]] = []
        for part, medium in local:
            assert isinstance(medium.origin, LocalFile)
            info = measured(medium.origin.path)
            if isinstance(info, str):
                found[unreadable(medium, info)] = None
            else:
                name = medium.origin.path
                known.append((medium, Measured(part, medium.role, medium.kind, name, info)))
        for complaint in check_media(catalogue, fields_of(request), [m for _, m in known]):
            at = next((m.at for m, it in known if it.path == complaint.path), shot.at)
            found[
                Problem(
                    complaint.rule,
                    complaint.message,
                    at,
                    complaint.severity,
                    complaint.hint,
                    complaint.source,
                )
            ] = None
    return tuple(found)


def placed(request: Request) -> Iterator[tuple[tuple[str | int, ...], Medium]]:
    """Every medium with its path among the shot's fields."""
    number = 0
    for medium in request.media:
        if medium.role == "reference":
            yield ("references", number), medium
            number += 1
        else:
            yield (medium.role,), medium


def is_local(medium: Medium) -> bool:
    return isinstance(medium.origin, LocalFile)


def unreadable(medium: Medium, why: str) -> Problem:
    return Problem("media.content", why, medium.at, hint=f"give a real {medium.kind} file")
