"""Local references are opened and measured before anything is sent."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from runner.errors import BadInput, Outside
from runner.media.sniff import sniff
from runner.model import Loc, LocalFile, MediaInfo, Medium, Problem, Request
from runner.port.fields import fields_of
from runner.schema import Catalogue, Complaint
from runner.schema.media import Measured, check_media


def preflight(root: Path, catalogue: Catalogue, asked: Sequence[Request]) -> Iterator[Problem]:
    """What is wrong with the media themselves: content, pixels, length, bytes, shape."""

    @cache
    def measured(path: str) -> MediaInfo | BadInput | Outside:
        try:
            return sniff(root / path)
        except (BadInput, Outside) as error:
            return error

    for request in asked:
        known: list[tuple[Medium, Measured]] = []
        for part, medium in placed(request):
            if not isinstance(medium.origin, LocalFile):
                continue
            path = medium.origin.path
            info = measured(path)
            if isinstance(info, MediaInfo):
                known.append((medium, Measured(part, medium.role, medium.kind, path, info)))
            else:
                yield unreadable(medium, info.what.replace(str(root / path), path), info.do)
        for complaint in check_media(catalogue, fields_of(request), [m for _, m in known]):
            yield as_problem(complaint, place(complaint, known))


def placed(request: Request) -> Iterator[tuple[tuple[str | int, ...], Medium]]:
    """Every medium with its path among the shot's fields."""
    number = 0
    for medium in request.media:
        if medium.role == "reference":
            yield ("references", number), medium
            number += 1
        else:
            yield (medium.role,), medium


def place(complaint: Complaint, known: Sequence[tuple[Medium, Measured]]) -> Loc:
    """Where the medium is named; of several together, the first."""
    path = complaint.path
    return next((m.at for m, it in known if it.path[: len(path)] == path), known[0][0].at)


def as_problem(complaint: Complaint, at: Loc) -> Problem:
    return Problem(
        complaint.rule,
        complaint.message,
        at,
        complaint.severity,
        complaint.hint,
        complaint.source,
    )


def unreadable(medium: Medium, why: str, do: str) -> Problem:
    return Problem("media.content", why, medium.at, hint=do or f"give a real {medium.kind} file")
