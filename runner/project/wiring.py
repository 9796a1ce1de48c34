"""The real parts an executor needs, wired once: client, journal, store, media, limits, clock."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from runner.disk import ProjectLock, make_private_dir, network_filesystem, require_space
from runner.errors import Outside
from runner.executor import Parts
from runner.executor.parts import Media
from runner.gateway.client import Client
from runner.gateway.filing import Report
from runner.gateway.limits import Limiter
from runner.journal.opening import open_journal
from runner.journal.writing import Journal
from runner.media.boxes import check_mp4
from runner.media.frames import frame_png
from runner.media.probe import probe
from runner.model import JobId
from runner.ports import Progress
from runner.project.endpoint import POLL, RENDER, Endpoint, seconds_in
from runner.project.opened import Film, Project
from runner.store.publish import open_publisher
from runner.vendors import find

ROOM = 64 * 1024 * 1024  # bytes that must be free before a submit: journal, download, output
LOOKING = Media(check=check_mp4, probe=probe, frame=frame_png)


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """The project's state, for this process alone. Raises Outside where that cannot be had."""
    make_private_dir(project.state)
    kind = network_filesystem(project.state)
    if kind and not project.settings.data.get("allow_network_state"):
        raise Outside(
            f"{project.state} lies on a network file system ({kind}), whose locks may not hold",
            do="move the project to a local disk, or set allow_network_state in reelmake.yaml",
        )
    with ProjectLock(project.state / "lock"):
        yield


@contextmanager
def served(film: Film) -> Iterator[Film]:
    """The film with its gateway reachable: the local one is started for as long as this lasts."""
    if not film.endpoint.preview:
        yield film
        return
    from runner.localgateway.server import start_in_thread
    from runner.localgateway.settings import Settings

    seconds = seconds_in(film.project.environ, RENDER) or 1.0
    with start_in_thread(
        Settings(
            render_seconds=(seconds, seconds),
            keep=film.project.state / "local-gateway",
            strangers=True,
        )
    ) as url:
        endpoint = replace(film.endpoint, profile=film.profile.at(url), key="local")
        yield replace(film, endpoint=endpoint)


def wired(film: Film, client: Client, journal: Journal, progress: Progress) -> Parts:
    """Everything the executor may touch, for one film."""
    project, clock = film.project, SystemClock()
    public = project.settings.data.get("publish")

    @cache
    def limiter(vendor: str) -> Limiter:
        return Limiter(film.profile.limit(vendor), clock)

    return Parts(
        client=client,
        profile=film.profile,
        journal=journal,
        store=project.store,
        media=LOOKING,
        facts=project.facts,
        vendor=find,
        limiter=limiter,
        clock=clock,
        progress=progress,
        root=project.root,
        scratch=scratch(project),
        preflight=lambda: require_space(project.state, ROOM),
        publish=open_publisher(public["to"], public["url"]).publish if public else None,
        poll_seconds=seconds_in(project.environ, POLL),
    )


def scratch(project: Project) -> Path:
    """Where downloads under way lie: on the store's own file system."""
    make_private_dir(project.state / "scratch")
    return project.state / "scratch"


async def ask_about(endpoint: Endpoint, job: JobId) -> Report:
    """What a gateway says of one job; one request, which costs nothing."""
    async with Client(endpoint.profile, endpoint.key or None) as client:
        return await client.look(job)


def client_for(film: Film) -> Client:
    return Client(film.profile, film.endpoint.key or None)


def journal_for(film: Film) -> Journal:
    """The journal, to be written. Raises Outside where it cannot be."""
    return open_journal(film.project.state, film.realm, SystemClock(), (film.endpoint.key,))
