"""Ten thousand takes in flight in one process, and a film of a gigabyte.

    python -m bench.scale TAKES SECONDS

The gateway is another process. Lateness is how long after the moment it was due a look began, over
the interval it had been due after. Films are copied to where people look for them, as in any run.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import films
from bench.memory import peak
from bench.wire import Silent
from runner.commands.run import placed, render
from runner.executor import Options, collect
from runner.gateway.client import Client
from runner.gateway.profile import Profile
from runner.journal.facts import seconds_of
from runner.model import JobId, Outcome, Status
from runner.project import open_project
from runner.project.placing import Placing
from runner.project.wiring import locked

SUBMITS = 64  # in flight: otherwise the first renders end before the last is submitted


def in_flight(takes: int, seconds: float) -> dict[str, float]:
    """A whole run of `takes` renders of `seconds` each, all of them at once, in a fresh process."""
    words = [sys.executable, "-m", "bench.scale", str(takes), str(seconds)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def measure(takes: int, seconds: float) -> dict[str, float]:
    folder = films.written(takes, "flight", chains=False, within=films.FRESH)
    project = open_project(folder / "film.yaml", {"REELMAKE_API_KEY": "bench-0123456789"})
    with films.gateway("--render-seconds", str(seconds)) as url, locked(project):
        film = project.film(folder / "film.yaml", gateway=url)
        facts = film.gather()
        plan = film.plan(facts)
        lateness = watched()
        began, used = time.perf_counter(), time.process_time()
        options = Options(run="bench", jobs=takes, submits=SUBMITS)
        progress = Placing(Silent(), film, facts.history)
        work = render(film, plan, facts, options, progress)
        outcomes = asyncio.run(placed(progress, work))
        took, cpu = time.perf_counter() - began, time.process_time() - used
    assert all(outcome.status is Status.DONE for outcome in outcomes)
    lateness.sort()
    ready = sorted(found_after(outcome, seconds) for outcome in outcomes)
    return {
        "takes": takes,
        "render seconds": seconds,
        "wall": took,
        "cores": cpu / took,
        "MB": peak(),
        "looks a job": len(lateness) / takes,
        "lateness, median": lateness[len(lateness) // 2],
        "lateness, 99 of 100": lateness[int(0.99 * len(lateness))],
        "lateness, worst": lateness[-1],
        "lateness over 2, share": sum(late > 2 for late in lateness) / len(lateness),
        "seconds until found, median": ready[len(ready) // 2],
        "seconds until found, worst": ready[-1],
    }


def found_after(outcome: Outcome, seconds: float) -> float:
    """Seconds from the end of a render until it was known."""
    assert outcome.result
    sent, known = outcome.result.submitted_at, outcome.result.completed_at
    return seconds_of(known) - seconds_of(sent) - seconds


def watched() -> list[float]:
    """Every look's lateness, as a share of the interval it was due after."""
    shares: list[float] = []
    due: dict[JobId, tuple[float, float]] = {}
    wait, look = collect.wait, Client.look

    def waited(run, attempt, age, looks):  # type: ignore[no-untyped-def]
        seconds = wait(run, attempt, age, looks)
        due[attempt.job] = time.monotonic(), seconds
        return seconds

    async def looked(self, job):  # type: ignore[no-untyped-def]
        since, seconds = due[job]
        if seconds > 0:
            shares.append((time.monotonic() - since) / seconds)
        return await look(self, job)

    collect.wait, Client.look = waited, looked  # type: ignore[method-assign]
    return shares


def large_film(size: int = 1 << 30) -> dict[str, float]:
    """Seconds and megabytes that one download of `size` bytes takes, in a fresh process."""
    words = [sys.executable, "-m", "bench.scale", "film", str(size)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def download(size: int) -> dict[str, float]:
    key = "bench-0123456789"
    body = {"model": "sora-2", "prompt": "x", "seconds": "4", "size": "1280x720"}

    async def go(url: str, folder: Path) -> tuple[float, float]:
        async with Client(Profile("bench", url), key) as client:
            receipt = await client.submit(json.dumps(body).encode())
            job = JobId(json.loads(receipt.body)["id"])
            await asyncio.sleep(1)
            before, began = peak(), time.perf_counter()
            got = await client.fetch(job, folder / "film.mp4")
            assert got.bytes >= size, got
            return peak() - before, time.perf_counter() - began

    films.FRESH.mkdir(exist_ok=True)
    with (
        films.gateway("--render-seconds", "0", "--content-bytes", str(size)) as url,
        tempfile.TemporaryDirectory(dir=films.FRESH) as folder,
    ):
        grown, took = asyncio.run(go(url, Path(folder)))
    return {"bytes": size, "wall": took, "MB grown": grown}


if __name__ == "__main__":
    first, second = sys.argv[1:]
    print(
        json.dumps(download(int(second)) if first == "film" else measure(int(first), float(second)))
    )
