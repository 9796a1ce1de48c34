"""A project on disk with real journal, store and planner, and any gateway at the far side."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from virtual_time import LoopClock

from runner.disk import hash_file
from runner.executor import Options, Parts, Stop, execute
from runner.executor.parts import Client, Media
from runner.gateway.limits import Limiter
from runner.gateway.profile import Profile
from runner.journal import Caps, Ledger, Realm, open_reader
from runner.journal.opening import open_journal
from runner.journal.writing import Journal
from runner.localgateway import server
from runner.media.boxes import check_mp4
from runner.media.frames import frame_png
from runner.media.probe import probe
from runner.model import (
    Digest,
    Estimate,
    Facts,
    JobId,
    ModelFacts,
    ModelId,
    Money,
    Outcome,
    Plan,
    Request,
    Shot,
    ShotId,
    Status,
    Step,
    Storyboard,
    Take,
)
from runner.planner import make_plan
from runner.ports import Clock
from runner.store import Store
from runner.uptodate import CLOCK_STEP
from runner.vendors import VENDORS

PRICE = Money(Decimal("0.50"))
MODEL = ModelFacts(
    id=ModelId("sora-2"),
    vendor="sora",
    capabilities=frozenset({"t2v", "first_frame"}),
    seconds=(4, 8, 12),
    audio="always",
)


def shot(name: str, prompt: str = "", takes: int = 1, **more: Any) -> Shot:
    """A shot that asks a model for a film; `more` may set fields of the shot or the request."""
    own: dict[str, Any] = {
        key: more.pop(key) for key in ("keep", "after", "on_failure", "vendor") if key in more
    }
    request = Request(ModelId("sora-2"), prompt or f"this is {name}", **more)
    numbered = tuple(Take(ShotId(name), n, request) for n in range(1, takes + 1))
    return Shot(ShotId(name), takes=numbered, **{"vendor": "sora", "keep": 1, **own})


def board(*shots: Shot) -> Storyboard:
    return Storyboard("film.yaml", Digest("0" * 64), shots)


@dataclass
class Said:
    """A `Progress` that only remembers."""

    lines: list[str] = field(default_factory=list)

    def planned(self, plan: Plan) -> None: ...

    def started(self, step: Step) -> None:
        self.lines.append(f"started {step.shot} {step.take}")

    def heard(self, step: Step, status: str, percent: int | None) -> None: ...

    def finished(self, outcome: Outcome) -> None:
        self.lines.append(f"{outcome.status} {outcome.step.shot} {outcome.step.take}")

    def note(self, text: str) -> None:
        self.lines.append(text)

    def close(self) -> None: ...


@dataclass
class FilmSet:
    root: Path
    client: Client
    profile: Profile
    realm: Realm = "paid"
    price: Estimate | None = field(default_factory=lambda: Estimate(PRICE, "test"))
    clock: Clock = field(default_factory=LoopClock)
    said: Said = field(default_factory=Said)
    runs: int = 0
    limits: dict[str, Limiter] = field(default_factory=dict)
    poll_seconds: float | None = None
    fetchable: frozenset[JobId] = frozenset()

    @property
    def state(self) -> Path:
        return self.root / ".reelmake"

    @property
    def store(self) -> Store:
        return Store(self.state / "store")

    def facts(self, storyboard: Storyboard) -> Facts:
        with open_reader(self.state) as reader:
            history = reader.history(self.realm)
        files = {
            medium.origin.path: hash_file(self.root / medium.origin.path)
            for shot in storyboard.shots
            for take in shot.takes
            for medium in take.request.media
            if hasattr(medium.origin, "path")
        }
        return Facts(
            history, files, self.store, {}, lambda request: self.price, fetchable=self.fetchable
        )

    def plan(self, storyboard: Storyboard, **how: Any) -> Plan:
        return make_plan(storyboard, self.facts(storyboard), gateway=self.profile.name, **how)

    def parts(self, journal: Journal) -> Parts:
        scratch = self.state / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return Parts(
            client=self.client,
            profile=self.profile,
            journal=journal,
            store=self.store,
            media=Media(check_mp4, probe, frame_png),
            facts=lambda model: replace(MODEL, id=model),
            vendor=lambda name: VENDORS[name],
            limiter=self.limiter,
            clock=self.clock,
            progress=self.said,
            root=self.root,
            scratch=scratch,
            preflight=lambda: None,
            poll_seconds=self.poll_seconds,
            random=lambda: 0.5,
        )

    def limiter(self, vendor: str) -> Limiter:
        if vendor not in self.limits:
            limit = self.profile.limit(vendor)
            self.limits[vendor] = Limiter(limit, self.clock, lambda: 0.5)
        return self.limits[vendor]

    async def run(
        self,
        storyboard: Storyboard,
        *,
        stop: Stop | None = None,
        caps: Caps | None = None,
        how: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> list[Outcome]:
        """One whole run, as a command would make it."""
        self.runs += 1
        self.limits = {}
        facts = self.facts(storyboard)
        plan = make_plan(storyboard, facts, gateway=self.profile.name, **(how or {}))
        journal = open_journal(self.state, self.realm, self.clock)
        try:
            chosen = Options(run=f"run-{self.runs}", caps=caps or Caps(), **options)
            return await execute(plan, storyboard, facts, self.parts(journal), chosen, stop)
        finally:
            journal.close()

    def ledger(self) -> Ledger:
        with open_reader(self.state) as reader:
            return reader.ledger(self.realm)


def statuses(outcomes: list[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


async def soon(seconds: float, then: Any) -> None:
    await asyncio.sleep(seconds)
    then()


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """The built-in gateway's slates lose their drawings, which take half a second each."""
    start = server.start_in_thread
    patch.setattr(
        server, "start_in_thread", lambda settings: start(replace(settings, slates="plain"))
    )


def settle(folder: Path) -> None:
    """Everything in the folder becomes older than a tick of the file system's clock."""
    latest = max(path.stat().st_ctime_ns for path in folder.rglob("*"))
    while latest + CLOCK_STEP >= time.time_ns():
        os.sched_yield()
