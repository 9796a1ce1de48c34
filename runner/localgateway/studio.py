"""Makes the films of accepted jobs, in worker threads, while their render time passes."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock

from msgspec.structs import replace

from runner.localgateway.ask import Ask, UnreadableImage
from runner.localgateway.film import Film, as_film
from runner.localgateway.jobs import Failure, Job
from runner.localgateway.settings import Settings

WORKERS = 2


class Studio:
    """Owns the folder of films and the threads that fill it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="slate")
        self._pending: set[asyncio.Future[None]] = set()
        self._templates: dict[tuple[object, ...], Path] = {}
        self._one_at_a_time = Lock()

    def begin(self, job: Job, on_failure: Callable[[Job, Failure], None]) -> None:
        """Start on a job's film; `job.film` is there when it is done."""
        if self._settings.slates == "plain" and self._plain(job):
            return
        task = asyncio.ensure_future(self._make(job, on_failure))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _make(self, job: Job, on_failure: Callable[[Job, Failure], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            job.film = await loop.run_in_executor(self._threads, partial(self._draw, job))
            job.ask = replace(job.ask, media=())  # drawn: thousands of images need not be held
        except UnreadableImage as error:
            failure = Failure(str(error), "invalid_image")
            job.fate = failure
            on_failure(job, failure)

    def _draw(self, job: Job) -> Film:
        from runner.localgateway import slate  # av and PIL: in this thread, not at the start

        path = self._folder / f"{job.number}.mp4"
        if self._settings.slates == "plain":
            path = self._template(job)
        else:
            slate.render(path, job.ask, job.shot, **job.changes)
        return as_film(path, mark=self._mark(job), at_least=self._settings.content_bytes)

    def _mark(self, job: Job) -> str:
        """What makes this film differ from every other; with a seed, nothing does."""
        return "" if self._settings.seed is not None else job.id

    def _template(self, job: Job) -> Path:
        from runner.localgateway import slate

        key = _shape(job.ask, job.changes)
        with self._one_at_a_time:
            if key not in self._templates:
                name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
                path = self._folder / f"plain-{name}.mp4"
                slate.render(path, job.ask, "", plain=True, **job.changes)
                self._templates[key] = path
            return self._templates[key]

    def _plain(self, job: Job) -> bool:
        """Give a plain job its film at once, when one of its shape exists."""
        path = self._templates.get(_shape(job.ask, job.changes))
        if path is not None:
            mark, least = self._mark(job), self._settings.content_bytes
            job.film = as_film(path, mark=mark, at_least=least)
        return path is not None

    async def settle(self) -> None:
        """Wait until nothing is being drawn."""
        while self._pending:
            await asyncio.wait(set(self._pending))

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _shape(ask: Ask, changes: dict[str, object]) -> tuple[object, ...]:
    return (ask.width, ask.height, ask.seconds, ask.audio, *sorted(changes.items(), key=str))
