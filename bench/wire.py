"""What the wire costs: submit, one look and one download a job, against a gateway without latency.

    python bench/wire.py [--jobs 1000] [--runs 5] [--at-once 100]

Every client writes each film to a temporary file, hashes it and renames it. Ours besides uses a
fresh connection for every submit, bounds and files every answer, and checks that the MP4 is
whole. Clients take turns; what is printed are medians and ratios of one run on one machine.
`httpx-aiohttp` joins in if it is installed. The gateway is another process.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import multiprocessing
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from runner.gateway.client import Client
from runner.gateway.filing import State, classify
from runner.gateway.profile import Profile

BODY = {"model": "sora-2", "prompt": "a slow dolly shot " * 11, "seconds": "4", "size": "1280x720"}
Job = Callable[[int], Awaitable[None]]


def box(name: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(payload)) + name + payload


FILM = (
    box(b"ftyp", b"isom\0\0\2\0isomiso2")
    + box(b"moov", box(b"trak", box(b"tkhd", bytes(84))))
    + box(b"mdat", bytes(range(256)) * 207)
)  # 53 KB


# ── the gateway ─────────────────────────────────────────────────────────────────────────────


def answer(body: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


class Gateway(asyncio.Protocol):
    """Keep-alive HTTP/1.1, just enough of it; every job is complete when first looked at."""

    numbers = itertools.count()
    film = answer(FILM, b"video/mp4")

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


def serve(port: "multiprocessing.Queue[int]") -> None:
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


async def on_aiohttp(url: str, folder: Path, run: Callable[[Job], Awaitable[None]]) -> None:
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))
    client = httpx.AsyncClient(transport=AiohttpTransport(client=session), timeout=60)
    await plain(url, folder, run, client)


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


CLIENTS = {
    "httpx, 100 connections": lambda url, folder, run: plain(url, folder, run, of(100)),
    "httpx, 25 clients x 4": lambda url, folder, run: plain(
        url, folder, run, *(of(4) for _ in range(25))
    ),
    "httpx on aiohttp": on_aiohttp,
    "reelmake": ours,
}


def measure(client: str, url: str, jobs: int, at_once: int) -> tuple[float, float]:
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
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(CLIENTS[client](url, Path(folder), run))
    (wall, cpu), (wall_end, cpu_end) = begun
    return wall_end - wall, cpu_end - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=100)
    asked = parser.parse_args()
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    gateway = multiprocessing.Process(target=serve, args=(port,), daemon=True)
    gateway.start()
    url = f"http://127.0.0.1:{port.get()}"
    names = [name for name in CLIENTS if name != "httpx on aiohttp" or installed("httpx_aiohttp")]
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(asked.runs):
        for name in names:
            samples[name].append(measure(name, url, asked.jobs, asked.at_once))
    gateway.terminate()
    report(samples, asked.jobs)


def installed(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


def report(samples: dict[str, list[tuple[float, float]]], jobs: int) -> None:
    walls = {name: statistics.median(wall for wall, _ in runs) for name, runs in samples.items()}
    base = walls["httpx, 100 connections"]
    print(f"{'client':24} {'s':>7} {'jobs/s':>7} {'cpu s':>7} {'times faster':>13}")
    for name, wall in walls.items():
        cpu = statistics.median(cpu for _, cpu in samples[name])
        print(f"{name:24} {wall:7.2f} {jobs / wall:7.0f} {cpu:7.2f} {base / wall:13.1f}")


if __name__ == "__main__":
    main()
