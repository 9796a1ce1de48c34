"""A storyboard file → the film it describes, and everything that is wrong with it.

The cascade: `vars` of the storyboard, then `defaults`, then the shot, then the variant. The
mappings `vars`, `options` and `extra_body` merge; everything else, a source too, is replaced.

`variants` make one more shot each beside the shot itself: `sh010`, `sh010.wide`. With `for_each`
the entry stands for one shot a row of its table; a row's shot may have variants as well.

`include` makes a film of sequences. An included storyboard is whole in itself: its `vars`,
`defaults` and `references` are its own, its paths begin at its own folder, and its `cut`,
`gateway`, `budget` and `title` count only when it is rendered by itself. Its shots come before
those of the storyboard that includes it, in the order of `include`; ids are unique in the whole
film, and the shots of any part may be named from any other, and in the cut.

A shot with `enabled: false` is not part of the film; what is `after` it does not wait, and its
clips are left out of the cut, with a warning.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from runner.load.board import Board, BoardReader
from runner.load.cut import read_cut
from runner.load.drafts import Draft
from runner.load.film import Film
from runner.load.found import Found
from runner.load.sources import EXTENSIONS, Files
from runner.model import Cut, Digest, Money, Problem, Request, Shot, ShotId, Storyboard
from runner.schema import Catalogue, did_you_mean
from runner.source import Map, locate

__all__ = ["EXTENSIONS", "Draft", "Loaded", "load"]


class Loaded(Struct, frozen=True):
    """What a storyboard says. `storyboard` is None where an error stands in its way.

    `shots` are all that can be read, those that a rule refuses among them, and `drafts` are how
    they are written.
    `boards` are the storyboards it was read from, in the order of the film, and `inputs` names
    every other text (tables, prompts) with its digest; names begin where `file` was looked for.
    `links` are paths of media that lead elsewhere, with where they led; `disabled` are shots that
    are written but not part of the film.
    """

    storyboard: Storyboard | None
    problems: tuple[Problem, ...]
    shots: tuple[Shot, ...] = ()
    drafts: Mapping[ShotId, Draft] = field(default_factory=dict)
    boards: tuple[Map, ...] = ()
    inputs: Mapping[str, Digest] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    disabled: Mapping[ShotId, Draft] = field(default_factory=dict)

    @property
    def files(self) -> Iterator[str]:
        return (board.doc.file for board in self.boards)


Preflight = Callable[[Sequence[Request]], Iterable[Problem]]


def load(
    file: Path,
    root: Path,
    catalogue: Catalogue,
    preflight: Preflight = lambda asked: (),
    gateways: Collection[str] = (),
    texts: Mapping[str, bytes] | None = None,
) -> Loaded:
    """Read, check and resolve a storyboard; `root` is the project's folder, `file` lies in it.

    `texts` stand for what is written in storyboards, by their names: these are not read.

    All problems are found in one go and told in file order; no exception leaves for anything that
    a user wrote. `preflight` looks into the media themselves, also of shots with other faults;
    `gateways` are the names that `gateway:` may give (none: any).
    """
    found = Found(catalogue.severities)
    reader = BoardReader(Files(root), catalogue, found, dict(texts or {}))
    board = reader.read(file)
    boards = tuple(board.boards()) if board else ()
    film = Film(board, found) if board else None
    storyboard = _storyboard(film, board, file, root, reader) if film and board else None
    if board and gateways:
        _check_gateway(board, gateways, found)
    for problem in preflight(reader.asked):
        found.add(problem)
    return Loaded(
        None if found.errors else storyboard,
        found.in_order(),
        storyboard.shots if storyboard else (),
        film.drafts if film else {},
        tuple(part.data for part in boards),
        dict(_inputs(reader, boards)),
        tuple(reader.files.links()),
        film.disabled if film else {},
    )


def _check_gateway(board: Board, known: Collection[str], found: Found) -> None:
    name = board.good("gateway")
    if name and "://" not in name and name not in known:
        hint = did_you_mean(name, known) or f"one of: {', '.join(known)}; or a base URL"
        at = locate(board.data, ["gateway"])
        found.add(Problem("storyboard.gateway", f"there is no gateway {name!r}", at, hint=hint))


def _storyboard(
    film: Film, board: Board, file: Path, root: Path, reader: BoardReader
) -> Storyboard:
    cut = read_cut(board.data, board.around) if board.good("cut") else None
    budget = board.good("budget")
    return Storyboard(
        path=file.resolve().relative_to(root.resolve()).as_posix(),
        sha256=_sha256(reader.inputs[str(file)]),
        shots=film.shots(),
        title=board.good("title") or "",
        gateway=board.good("gateway"),
        budget=None if budget is None else Money(Decimal(str(budget))),
        cut=Cut(film.clips(cut.clips), cut.audio) if cut else None,
    )


def _inputs(reader: BoardReader, boards: Sequence[Board]) -> Iterator[tuple[str, Digest]]:
    storyboards = {part.data.doc.file for part in boards}
    for name, raw in reader.inputs.items():
        if name not in storyboards:
            yield name, _sha256(raw)
    for part in boards:
        for name, text in part.around.templates.prompts.read().items():
            yield name, _sha256(text.encode())
    for name, text in reader.texts.items():
        yield name, _sha256(text.encode())


def _sha256(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())
