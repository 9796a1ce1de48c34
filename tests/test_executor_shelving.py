"""Films that land together go into the store together, and none of them is forgotten."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Outside
from runner.executor import shelving
from runner.executor.shelving import Shelving
from runner.model import Digest, Probe

PROBE = Probe(64, 64, 1.0, 8.0, False)


class Shelf:
    """Parts with a decoder that knows one film, and a store that takes everything."""

    def __init__(self) -> None:
        self.media = self.store = self
        self.taken: list[Sequence[tuple[Path, Digest]]] = []

    def probe(self, path: Path) -> Probe:
        if path.name == "broken":
            raise Outside("no film")
        return PROBE

    def take_in_all(self, files: Sequence[tuple[Path, Digest]]) -> list[None]:
        self.taken.append(files)
        return [None] * len(files)


def take_in(shelf: Any, name: str) -> Any:
    return shelf.take_in(Path(name), Digest("0" * 64))


@pytest.mark.parametrize("lanes", [1, 2])
def test_what_lands_as_a_lane_ends_is_taken_in(lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is told of one film may bring the next at once: a lane that ends is not waited for."""
    monkeypatch.setattr(shelving, "LANES", lanes)

    async def use() -> None:
        parts: Any = Shelf()
        shelf = Shelving(parts)

        async def one_after_another() -> None:
            for number in range(50):
                assert await take_in(shelf, str(number)) == PROBE

        await asyncio.wait_for(asyncio.gather(*(one_after_another() for _ in range(lanes))), 30)
        assert sum(map(len, parts.taken)) == 50 * lanes

    asyncio.run(use())


def test_what_is_no_film_concerns_itself_alone() -> None:
    """The others of its batch go into the store."""

    async def use() -> None:
        parts: Any = Shelf()
        shelf = Shelving(parts)
        names = ("a", "broken", "b")
        got = await asyncio.gather(*(take_in(shelf, n) for n in names), return_exceptions=True)
        assert [type(one) for one in got] == [Probe, Outside, Probe]
        assert [path.name for batch in parts.taken for path, _ in batch] == ["a", "b"]

    asyncio.run(use())
