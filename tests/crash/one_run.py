"""A run of its own process, for watching its system calls: `one_run.py FOLDER URL CONTRACT SHOTS`.

Each fact that the journal has acknowledged is told on standard output, so that a trace shows
when the program believed it to be safe.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from film_set import FilmSet, board, shot  # noqa: E402
from random_kills import WallClock, profile_for  # noqa: E402

from runner.executor import Parts  # noqa: E402
from runner.gateway.client import Client  # noqa: E402
from runner.journal import Caps, Intent  # noqa: E402
from runner.journal.facts import Fact  # noqa: E402
from runner.journal.writing import Admitted, Denied, Journal  # noqa: E402
from runner.model import Outcome, Status  # noqa: E402


class TellingJournal:
    def __init__(self, real: Journal) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def intend(self, wish: Intent, caps: Caps) -> Admitted | Denied:
        answer = await self._real.intend(wish, caps)
        if isinstance(answer, Admitted):
            tell("intent", answer.attempt.id)
        return answer

    async def append(self, *facts: Fact) -> None:
        await self._real.append(*facts)
        for fact in facts:
            tell(fact.kind, fact.attempt)


def tell(kind: str, attempt: str) -> None:
    os.write(1, f"ACK {kind} {attempt}\n".encode())


class TellingSet(FilmSet):
    def parts(self, journal: Journal) -> Parts:
        return super().parts(TellingJournal(journal))  # type: ignore[arg-type]


async def run(root: Path, url: str, contract: str, shots: int) -> list[Outcome]:
    profile = replace(profile_for(contract, url), submits_in_flight=1)
    async with Client(profile, os.environ.get("CANARY_KEY", "test-key")) as client:
        film_set = TellingSet(root, client, profile, clock=WallClock(), poll_seconds=0.05)
        return await film_set.run(board(*(shot(f"s{n}") for n in range(shots))))


def main() -> int:
    root, url, contract, shots = sys.argv[1:]
    outcomes = asyncio.run(run(Path(root), url, contract, int(shots)))
    for outcome in outcomes:
        sys.stderr.write(f"{outcome.step.shot}: {outcome.status} {outcome.detail}\n")
    return 0 if all(outcome.status is Status.DONE for outcome in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
