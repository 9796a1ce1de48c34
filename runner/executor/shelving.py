"""Finished downloads into the store, those that land together in one go.

Each way into a thread and back costs as much as a request, and one fsync of a folder does for
every film that was renamed into it. Nobody is told before both are done for their own film.
"""

import asyncio
from pathlib import Path

from msgspec import Struct

from runner.errors import Outside
from runner.executor.parts import Parts
from runner.model import Digest, Probe

LANES = 2  # goes at once: a slow disk merges what two threads ask of it
MOST = 32  # films in one


class Landed(Struct):
    path: Path
    sha256: Digest
    answer: "asyncio.Future[Probe]"


class Shelving:
    """What has landed and waits to be taken in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._landed: list[Landed] = []
        self._lanes = 0
        self._tasks = set[asyncio.Task[None]]()  # held, or they may be collected under way

    async def take_in(self, path: Path, sha256: Digest) -> Probe:
        """What the film turned out to be; from now on it is durable in the store.

        Raises Outside where it is no film, or the store will not take it.
        """
        loop = asyncio.get_running_loop()
        landed = Landed(path, sha256, loop.create_future())
        self._landed.append(landed)
        if self._lanes < LANES:
            self._lanes += 1
            task = loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await landed.answer

    async def _work(self) -> None:
        try:
            await self._empty()
        finally:
            self._lanes -= 1  # with the last look at what has landed: the next must not wait for us

    async def _empty(self) -> None:
        while self._landed:
            batch, self._landed = self._landed[:MOST], self._landed[MOST:]
            try:
                answers = await asyncio.to_thread(self._shelve, batch)
            except BaseException as error:  # a bug of ours: nobody waits for ever
                answers = [error] * len(batch)
                if isinstance(error, asyncio.CancelledError):
                    raise
            for landed, answer in zip(batch, answers, strict=True):
                tell(landed.answer, answer)

    def _shelve(self, batch: list[Landed]) -> list[Probe | BaseException]:
        """In a thread. The store gets only what is a film."""
        probes = [self._probed(landed) for landed in batch]
        films = [
            (landed.path, landed.sha256)
            for landed, found in zip(batch, probes, strict=True)
            if isinstance(found, Probe)
        ]
        troubles = iter(self._parts.store.take_in_all(films))
        return [
            (next(troubles) or found) if isinstance(found, Probe) else found for found in probes
        ]

    def _probed(self, landed: Landed) -> Probe | Outside:
        try:
            return self._parts.media.probe(landed.path)
        except Outside as error:
            return error


def tell(answer: "asyncio.Future[Probe]", value: Probe | BaseException) -> None:
    if answer.done():
        return  # cancelled meanwhile
    if isinstance(value, Probe):
        answer.set_result(value)
    else:
        answer.set_exception(value)
