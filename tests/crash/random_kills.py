"""Real SIGKILLs at random moments, over real HTTP, until enough have hit; then the books.

    python tests/crash/random_kills.py --kills 10000 [--contract keyed] [--seed 7]

The gateway is a process of its own that survives every kill; its ledger says what was charged.
Each child is forked from this warm process, so that a kill costs milliseconds, not an import.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]

from film_set import FilmSet, board, shot  # noqa: E402 (run as a script, too)

from runner import source  # noqa: E402
from runner.gateway.client import Client  # noqa: E402
from runner.gateway.profile import (  # noqa: E402
    Deadlines,
    Dedupe,
    Limit,
    Profile,
    read_profile,
)
from runner.journal import open_reader  # noqa: E402
from runner.journal.decisions import doubts  # noqa: E402
from runner.model import Outcome, Status, Storyboard  # noqa: E402
from runner.schema import data_file  # noqa: E402

QUIET = 0.6  # s; far above what the gateway needs here to accept and to list
ACCEPTS_IN = 0.02
CONTRACTS = ("keyed", "listed", "quarantine")


class WallClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Tally:
    """What happened, summed over all films."""

    kills: int = 0
    films: int = 0
    takes: int = 0
    accepted: int = 0
    posts: int = 0
    extra: int = 0  # jobs beyond one a take
    unexplained: int = 0  # jobs that neither the journal nor a doubt knows of
    repeated: int = 0  # POSTs without an intent of their own
    waiting: int = 0  # takes left to a person
    lost: int = 0  # takes neither done nor waiting
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        names = ("kills", "films", "takes", "accepted", "posts", "extra", "unexplained", "repeated")
        numbers = ", ".join(f"{name} {getattr(self, name)}" for name in (*names, "waiting", "lost"))
        return "\n".join([numbers, *self.problems])


def profile_for(contract: str, url: str) -> Profile:
    file = data_file("gateways/local.yaml")
    data, _ = source.read_yaml(Path(str(file)).read_text(), "local.yaml")
    dedupe = {
        "keyed": Dedupe("keyed", key_header="Idempotency-Key", retention=86400.0),
        "listed": Dedupe("listed", quiet=QUIET),
        "quarantine": Dedupe(),
    }[contract]
    return replace(
        read_profile(data).at(url),
        dedupe=dedupe,
        lists=contract == "listed",
        submits_in_flight=2,
        limits={"default": Limit()},
        deadlines=Deadlines(connect=5, submit=10, look=10, fetch=30),
    )


@contextmanager
def gateway(folder: Path, contract: str, *more: str) -> Iterator[str]:
    """The local gateway in a process of its own; gives its URL."""
    command = [sys.executable, "-m", "runner.localgateway", "--slates", "plain"]
    command += ["--render-seconds", "0.05-0.2", "--accept-delay", str(ACCEPTS_IN)]
    command += ["--contract", contract, "--ledger", str(folder / "ledger.jsonl"), *more]
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def books(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/_ledger", timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


async def one_run(root: Path, profile: Profile, film: Storyboard) -> list[Outcome]:
    async with Client(profile, "test-key") as client:
        film_set = FilmSet(root, client, profile, clock=WallClock(), poll_seconds=0.03)
        film_set.runs = os.getpid()
        return await film_set.run(film)


def child(root: Path, profile: Profile, film: Storyboard) -> int:
    """A forked run; its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        outcomes = asyncio.run(one_run(root, profile, film))
        os._exit(0 if {o.status for o in outcomes} <= {Status.DONE, Status.UNDECIDED} else 1)
    except BaseException as error:  # noqa: BLE001 (a fork must not return)
        os.write(2, f"child: {error!r}\n".encode())
        os._exit(70)


def torment(root: Path, profile: Profile, film: Storyboard, kills: int, dice: random.Random) -> int:
    """Runs that are killed, at most `kills` times, then one that is left alone; kills that hit."""
    hit = 0
    for _ in range(kills):
        pid = child(root, profile, film)
        time.sleep(dice.uniform(0.0, 0.3) if dice.random() < 0.9 else dice.uniform(0.3, 1.5))
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.waitstatus_to_exitcode(status):
                raise AssertionError(f"a run ended by itself with {status}")
            break
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        hit += 1
    _, status = os.waitpid(child(root, profile, film), 0)
    if os.waitstatus_to_exitcode(status):
        raise AssertionError(f"the run that was left alone ended with {status}")
    return hit


def settle_books(
    tally: Tally, root: Path, names: Sequence[str], jobs: Sequence[dict[str, Any]], posts: int
) -> None:
    """Compares the gateway's ledger with the journal of one film."""
    with open_reader(root / ".reelmake") as reader:
        attempts = reader.attempts("paid")
        waiting = doubts(reader, "paid")
        done = {attempt.shot for attempt in attempts if attempt.standing == "stored"}
    bound = {attempt.job for attempt in attempts}
    per_prompt = Counter(job["prompt"] for job in jobs)
    explained = {f"this is {attempt.shot}" for attempt in waiting}
    tally.films += 1
    tally.takes += len(names)
    tally.accepted += len(jobs)
    tally.posts += posts
    tally.extra += sum(times - 1 for times in per_prompt.values())
    tally.unexplained += sum(
        job["job"] not in bound and job["prompt"] not in explained for job in jobs
    )
    tally.repeated += max(0, posts - len(attempts))
    tally.waiting += len(waiting)
    tally.lost += sum(name not in done and f"this is {name}" not in explained for name in names)


def campaign(kills: int, contract: str, seed: int, shots: int = 12) -> Tally:
    """Films, one after the other, until so many kills have hit."""
    dice, tally = random.Random(seed), Tally()
    with TemporaryDirectory() as folder, gateway(Path(folder), contract) as url:
        profile = profile_for(contract, url)
        seen_jobs, seen_posts = 0, 0
        while tally.kills < kills:
            names = [f"f{tally.films}s{n}" for n in range(shots)]
            film = board(*(shot(name) for name in names))
            root = Path(folder) / f"film{tally.films}"
            root.mkdir()
            left = kills - tally.kills
            tally.kills += torment(root, profile, film, min(6, left), dice)
            told = books(url)
            jobs, posts = told["jobs"][seen_jobs:], told["posts"] - seen_posts
            seen_jobs, seen_posts = len(told["jobs"]), told["posts"]
            settle_books(tally, root, names, jobs, posts)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--contract", choices=CONTRACTS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    contracts = wanted.contract or CONTRACTS
    worst = 0
    for contract in contracts:
        share = -(-wanted.kills // len(contracts))
        tally = campaign(share, contract, wanted.seed)
        sys.stdout.write(f"{contract}: {tally}\n")
        sys.stdout.flush()
        dedupes = contract != "quarantine"
        worst += tally.lost + tally.unexplained + tally.extra
        worst += tally.waiting if dedupes else tally.repeated
    return 1 if worst else 0


if __name__ == "__main__":
    raise SystemExit(main())
