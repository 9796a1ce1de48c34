"""Storyboards, results and facts as plain values, for tests of what is pure."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from runner.fingerprint import asked, digest
from runner.model import (
    Attempt,
    AttemptId,
    Digest,
    Estimate,
    Facts,
    History,
    JobId,
    Medium,
    ModelId,
    Money,
    Plan,
    Probe,
    Request,
    Result,
    Shot,
    ShotId,
    ShotOutput,
    Standing,
    Storyboard,
    Take,
)
from runner.planner import make_plan

PRICE = Estimate(Money(Decimal("0.50")), "5 s x 0.10")
A, B, C = (Digest(letter * 64) for letter in "abc")


def shot(name: str, *needs: str, takes: int = 1, keep: int = 1, **more: Any) -> Shot:
    """A shot whose reference k is the last frame of the k-th shot it needs."""
    after = tuple(ShotId(other) for other in more.pop("after", ()))
    media = tuple(
        Medium("reference", "image", ShotOutput(ShotId(other), "last")) for other in needs
    )
    request = Request(ModelId("wan2.6-t2v"), **{"prompt": f"the {name}", "media": media} | more)
    numbered = tuple(Take(ShotId(name), n, request) for n in range(1, takes + 1))
    return Shot(ShotId(name), "wan", numbered, keep, after)


def board(*shots: Shot) -> Storyboard:
    return Storyboard("film.yaml", Digest("0" * 64), shots)


def video(name: str) -> Digest:
    return Digest(hashlib.sha256(name.encode()).hexdigest())


def result(take: Take, sha256: Digest, kept: Mapping[ShotId, Digest] | None = None) -> Result:
    found = asked(take, lambda m: (kept or {}).get(getattr(m.origin, "shot", ShotId("")), A))
    assert found
    return Result(
        AttemptId("at"), take.shot, take.number, digest(found), found, "aihubmix", JobId("job-1"),
        "2026-11-23T08:00:00Z", "2026-11-23T08:02:00Z", sha256, 1000, Probe(1280, 720, 5, 24, True),
        PRICE,
    )  # fmt: skip


def facts(results: Iterable[Result] = (), **more: Any) -> Facts:
    """Facts in which every result is held and in place, unless `more` says otherwise."""
    results = list(results)
    history = History(
        results={r.fingerprint: r for r in results},
        running=more.pop("running", {}),
        doubtful=more.pop("doubtful", {}),
        latest={(r.shot, r.take): r for r in results},
    )
    base: dict[str, Any] = {
        "history": history,
        "files": {},
        "held": {r.sha256 for r in results},
        "outputs": {f"{r.shot}.mp4": r.sha256 for r in results},
        "estimate": lambda _: PRICE,
    }
    return Facts(**base | more)


def attempt(r: Result, standing: Standing) -> dict[Digest, Attempt]:
    made = Attempt(
        AttemptId("x"), r.shot, r.take, r.fingerprint, r.asked, "aihubmix", ModelId("m"), "wan",
        standing, "2026-11-23T09:00:00Z", PRICE, JobId("job-7"),
    )  # fmt: skip
    return {r.fingerprint: made}


def plan(storyboard: Storyboard, known: Facts, **more: Any) -> Plan:
    return make_plan(storyboard, known, gateway="aihubmix", **more)


def said(made: Plan) -> list[tuple[str, int, str, str]]:
    return [(step.shot, step.take, step.action.value, step.reason) for step in made.steps]
