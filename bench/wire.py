"""What the wire costs: submit, one look and one download a job, against a gateway without latency.

    python -m bench.wire [--jobs 1000] [--runs 5] [--at-once 100]

Every client writes each film to a temporary file, hashes it and renames it. `reelmake's client`
besides uses a fresh connection for every submit, bounds and files every answer, and checks that
the MP4 is whole. `reelmake, everything` is the executor with journal and store: a durable intent
before each POST, a durable receipt and job id after it, every film probed and on the disk for
good. As many POSTs are in flight there as in the other loops; in the row below it only two, which
is how many shots the profile of a paid gateway lets a crash leave in doubt. Clients take turns;
what is printed are medians and ratios of one run on one machine. The gateway is another process.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import multiprocessing
import statistics
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from bench import films
from runner.commands.run import render
from runner.executor import Options
from runner.gateway.client import Client
from runner.gateway.filing import State, classify
from runner.gateway.profile import Profile
from runner.model import Outcome, Plan, Status, Step
from runner.project import open_project
from runner.project.wiring import locked

BODY = {"model": "sora-2", "prompt": "a slow dolly shot " * 11, "seconds": "4", "size": "1280x720"}
Job = Callable[[int], Awaitable[None]]


def box(name: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(payload)) + name + payload


def film() -> bytes:
    """A slate of the local gateway, made as long as a small film: 53 KB."""
    slate = (films.rendered(100) / "renders/film/sh000000.mp4").read_bytes()
    return slate + box(b"free", bytes(max(0, 53_000 - len(slate))))


# ── the gateway ─────────────────────────────────────────────────────────────────────────────


def answer(body: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


class Gateway(asyncio.Protocol):
    """Keep-alive HTTP/1.1, just enough of it; every job is complete when first looked at."""

    numbers = itertools.count()
    film = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire, self.got = transport, b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            size = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.got) < end + 4 + size:
                return
            method, target, _ = self.got[:end].split(b" ", 2)
            self.got = self.got[end + 4 + size :]
            self.wire.write(self.reply(method, target))

    def reply(self, method: bytes, target: bytes) -> bytes:
        if method == b"POST":
            return answer(b'{"id":"video_%d","status":"queued"}' % next(self.numbers))
        if target.endswith(b"/content"):
            return self.film
        return answer(b'{"id":"%s","status":"completed"}' % target.rsplit(b"/", 1)[-1])


def serve(port: "multiprocessing.Queue[int]", content: bytes) -> None:
    Gateway.film = answer(content, b"video/mp4")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Gateway, "127.0.0.1", 0, backlog=4096)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


# ── the clients ─────────────────────────────────────────────────────────────────────────────


async def plain(
    url: str, folder: Path, run: Callable[[Job], Awaitable[None]], *made: httpx.AsyncClient
) -> None:
    async def job(number: int) -> None:
        client = made[number % len(made)]
        created = (await client.post(f"{url}/v1/videos", json=BODY)).json()["id"]
        seen = (await client.get(f"{url}/v1/videos/{created}")).json()
        assert seen["status"] == "completed"
        film = (await client.get(f"{url}/v1/videos/{created}/content")).content
        part = folder / f"{number}.part"
        part.write_bytes(film)
        hashlib.sha256(film).hexdigest()
        part.rename(folder / f"{number}.mp4")

    await run(job)
    for client in made:
        await client.aclose()


def of(connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(limits=limits, timeout=60, trust_env=False)


async def ours(url: str, folder: Path, run: Callable[[Job], Awaitable[None]]) -> None:
    profile = Profile("bench", url, statuses={"completed": "completed"})
    body = json.dumps(BODY).encode()
    async with Client(profile, "sk-bench-0123456789") as client:

        async def job(number: int) -> None:
            verdict = classify(await client.submit(body), profile)
            assert verdict.job, verdict
            assert (await client.look(verdict.job)).state is State.COMPLETED
            got = await client.fetch(verdict.job, folder / f"{number}.mp4")
            assert got.path, got
            got.path.rename(folder / f"{number}.mp4")

        await run(job)


class Silent:
    """Nobody watches."""

    def planned(self, plan: Plan) -> None: ...

    def started(self, step: Step) -> None: ...

    def heard(self, step: Step, status: str, percent: int | None) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


def everything(url: str, jobs: int, at_once: int, submits: int) -> tuple[float, float]:
    """Wall and CPU seconds of a whole run, from the first intent to the last film in the store."""
    folder = films.written(jobs, "wire", chains=False, within=films.FRESH)
    project = open_project(folder / "film.yaml", {**films.ENVIRON, "REELMAKE_POLL_SECONDS": "0.05"})
    film = project.film(folder / "film.yaml", gateway=url)
    with locked(project):
        facts = film.gather()
        plan = film.plan(facts)
        options = Options(run="bench", jobs=at_once, submits=submits)
        begun = time.perf_counter(), time.process_time()
        outcomes = asyncio.run(render(film, plan, facts, options, Silent()))
        ended = time.perf_counter(), time.process_time()
    assert all(outcome.status is Status.DONE for outcome in outcomes), outcomes[0]
    return ended[0] - begun[0], ended[1] - begun[1]


CLIENTS = {
    "httpx, 100 connections": lambda url, folder, run: plain(url, folder, run, of(100)),
    "httpx, 25 clients x 4": lambda url, folder, run: plain(
        url, folder, run, *(of(4) for _ in range(25))
    ),
    "reelmake's client": ours,
}
EVERYTHING = {"reelmake, everything": None, "two POSTs in flight": 2}  # None: as many as jobs


def loop(client: str, url: str, jobs: int, at_once: int) -> tuple[float, float]:
    """Wall and CPU seconds of the loop; clients are made before it."""

    async def run(job: Job) -> None:
        numbers = iter(range(jobs))

        async def worker() -> None:
            for number in numbers:
                await job(number)

        begun.append((time.perf_counter(), time.process_time()))
        await asyncio.gather(*(worker() for _ in range(at_once)))
        begun.append((time.perf_counter(), time.process_time()))

    begun: list[tuple[float, float]] = []
    # On the disk where the project lies, not in memory: everybody writes to the same one.
    films.FRESH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=films.FRESH) as folder:
        asyncio.run(CLIENTS[client](url, Path(folder), run))
    (wall, cpu), (wall_end, cpu_end) = begun
    return wall_end - wall, cpu_end - cpu


def measure(jobs: int, runs: int, at_once: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of every client, in turns."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    gateway = multiprocessing.Process(target=serve, args=(port, film()), daemon=True)
    gateway.start()
    url = f"http://127.0.0.1:{port.get()}"
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in (*CLIENTS, *EVERYTHING)}
    try:
        for _ in range(runs):
            for name in CLIENTS:
                samples[name].append(loop(name, url, jobs, at_once))
            for name, submits in EVERYTHING.items():
                samples[name].append(everything(url, jobs, at_once, submits or at_once))
    finally:
        gateway.terminate()
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=100)
    asked = parser.parse_args()
    report(measure(asked.jobs, asked.runs, asked.at_once), asked.jobs)


def report(samples: dict[str, list[tuple[float, float]]], jobs: int) -> None:
    walls = {name: statistics.median(wall for wall, _ in runs) for name, runs in samples.items()}
    base = walls["httpx, 100 connections"]
    print(f"{'client':24} {'s':>7} {'jobs/s':>7} {'cpu s':>7} {'times faster':>13}")
    for name, wall in walls.items():
        cpu = statistics.median(cpu for _, cpu in samples[name])
        print(f"{name:24} {wall:7.2f} {jobs / wall:7.0f} {cpu:7.2f} {base / wall:13.1f}")


if __name__ == "__main__":
    main()
