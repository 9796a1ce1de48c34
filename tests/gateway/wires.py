"""Short ways to a client on a scripted server."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace
from scripted import Scripted

from runner.gateway.client import Client
from runner.gateway.download import Fetched
from runner.gateway.filing import Report, Verdict, classify
from runner.gateway.profile import Bounds, Deadlines, PollAdvice, Profile
from runner.gateway.receipt import Receipt
from runner.model import JobId

T = TypeVar("T")
KEY = "sk-canary-0123456789"
BODY = b'{"model":"wan2.6-t2v","prompt":"a pier"}'
JOB = JobId("job/1?x=#%")

STRICT = Deadlines(connect=0.5, read=0.4, write=0.4, submit=0.5, look=0.4, fetch=8.0, stall=0.3)


def profile(server: Scripted | str, **changes: Any) -> Profile:
    url = server if isinstance(server, str) else server.url
    known = Profile(
        "scripted",
        url,
        key_variable="SCRIPTED_KEY",
        statuses={
            "queued": "queued",
            "in_progress": "running",
            "completed": "completed",
            "failed": "failed",
            "expired": "gone",
        },
        poll=PollAdvice(),
        deadlines=Deadlines(connect=5.0, read=5.0, write=5.0, submit=8.0, look=5.0, fetch=10.0),
        bounds=Bounds(body=1 << 20, answer=1 << 16, media=1 << 24),
    )
    return replace(known, **changes)


def using(
    server: Scripted | Profile, act: Callable[[Client], Coroutine[Any, Any, T]], **options: Any
) -> T:
    """One act with a client of its own."""
    known = server if isinstance(server, Profile) else profile(server)

    async def run() -> T:
        async with Client(known, KEY, **options) as client:
            return await act(client)

    return asyncio.run(run())


def submitted(server: Scripted | Profile, body: bytes = BODY, **options: Any) -> Receipt:
    return using(server, lambda client: client.submit(body), **options)


def judged(server: Scripted | Profile, **options: Any) -> Verdict:
    known = server if isinstance(server, Profile) else profile(server)
    return classify(submitted(known, **options), known)


def looked(server: Scripted | Profile, job: JobId = JOB, **options: Any) -> Report:
    return using(server, lambda client: client.look(job), **options)


def fetched(server: Scripted | Profile, dest: Path, **options: Any) -> Fetched:
    return using(server, lambda client: client.fetch(JOB, dest), rand=lambda: 0.0, **options)
