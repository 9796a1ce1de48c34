"""What can be written down about an attempt, and the shape in which it is saved.

    intent ─▶ receipt ─▶ accepted ─▶ completed ─▶ stored
                 │            └─────────┴──▶ failed, expired
                 ├──▶ not_sent, refused
                 └──▶ ambiguous ─▶ repeated, adopted, resubmitted, abandoned

A fact is never changed. Its saved form is made here by hand and carries a version, so that the
records in memory may change without the journal becoming unreadable.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

from runner.model import (
    JSON,
    AttemptId,
    Digest,
    Estimate,
    Finding,
    JobId,
    ModelId,
    Money,
    Probe,
    Result,
    ShotId,
    Standing,
)

Realm = Literal["paid", "preview"]
Billing = Literal["free", "maybe", "billed"]

VERSION = 1  # of the bodies below
MICRO = Decimal(1_000_000)


class Kind(StrEnum):
    INTENT = "intent"
    RECEIPT = "receipt"
    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    AMBIGUOUS = "ambiguous"
    REPEATED = "repeated"
    COMPLETED = "completed"
    STORED = "stored"
    FAILED = "failed"
    EXPIRED = "expired"
    ADOPTED = "adopted"
    RESUBMITTED = "resubmitted"
    ABANDONED = "abandoned"
    ORPHAN = "orphan"
    VOUCHED = "vouched"


LEADS_TO: Mapping[Kind, Standing] = {
    Kind.INTENT: Standing.OPEN,
    Kind.ACCEPTED: Standing.ACCEPTED,
    Kind.ADOPTED: Standing.ACCEPTED,
    Kind.NOT_SENT: Standing.NOT_SENT,
    Kind.REFUSED: Standing.REFUSED,
    Kind.AMBIGUOUS: Standing.AMBIGUOUS,
    Kind.COMPLETED: Standing.COMPLETED,
    Kind.STORED: Standing.STORED,
    Kind.FAILED: Standing.FAILED,
    Kind.EXPIRED: Standing.EXPIRED,
    Kind.RESUBMITTED: Standing.ABANDONED,
    Kind.ABANDONED: Standing.ABANDONED,
}


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Fact(Struct, frozen=True):
    """One thing that happened to one attempt, in its saved form."""

    attempt: AttemptId
    kind: Kind
    body: Mapping[str, JSON] = field(default_factory=dict)

    def text(self) -> str:
        return _text(self.body)


class Intent(Struct, frozen=True):
    """Everything that is known before the first byte of a POST leaves.

    `known` is the attempt whose result the plan knew for this fingerprint: if another one has
    appeared meanwhile, somebody else has rendered the take. `shot`, `take` and the fingerprint
    decide the key, so that a lost journal finds the same job again where keys are honoured.
    """

    shot: ShotId
    take: int
    fingerprint: Digest
    asked: Mapping[str, JSON]
    gateway: str
    origin: str  # scheme, host, port of the base URL
    model: ModelId
    vendor: str
    storyboard: str
    run: str
    body_sha256: Digest
    sent: Mapping[str, JSON]  # model, prompt, seconds, size as in the body: what lists tell
    estimate: Estimate | None = None
    known: AttemptId | None = None
    tool: str = ""
    host: str = ""
    pid: int = 0
    boot: str = ""
    key_variable: str | None = None  # the name of the variable, never the key
    vars: Mapping[str, JSON] = field(default_factory=dict)  # Take.vars, for saying what changed
    inputs: tuple[Mapping[str, JSON], ...] = ()  # the media: role, where from, identity
    instead_of: tuple[Digest, Mapping[str, JSON]] | None = None
    """Of an `on_failure` step: fingerprint and document of the request it will stand for."""


def new_attempt() -> AttemptId:
    return AttemptId(os.urandom(16).hex())


def idempotency_key(project: str, intent: Intent, generation: int) -> str:
    """36 characters of `[0-9a-f-]`; the same for the same take of the same project."""
    name = f"{intent.shot}/{intent.take}/{generation}/{intent.fingerprint}"
    import uuid

    return str(uuid.uuid5(uuid.UUID(project), name))


def micro(money: Money | None) -> int:
    """Millionths of a dollar, rounded up: budgets are sums of integers."""
    return int((money.amount * MICRO).to_integral_value(ROUND_UP)) if money else 0


def dollars(amount: int) -> Money:
    return Money(Decimal(amount) / MICRO)


def seconds_of(at: str) -> float:
    """Seconds since the epoch of a time as the journal writes it."""
    return datetime.fromisoformat(at).timestamp()


# ── facts to write ──────────────────────────────────────────────────────────────────────────


def intent(attempt: AttemptId, wish: Intent, generation: int, key: str, at: str) -> Fact:
    return Fact(
        attempt,
        Kind.INTENT,
        {
            "shot": wish.shot,
            "take": wish.take,
            "generation": generation,
            "fingerprint": wish.fingerprint,
            "asked": dict(wish.asked),
            "gateway": wish.gateway,
            "origin": wish.origin,
            "model": wish.model,
            "vendor": wish.vendor,
            "storyboard": wish.storyboard,
            "run": wish.run,
            "body_sha256": wish.body_sha256,
            "sent": dict(wish.sent),
            "estimate": save_estimate(wish.estimate),
            "known": wish.known,
            "key": key,
            "key_variable": wish.key_variable,
            "tool": wish.tool,
            "host": wish.host,
            "pid": wish.pid,
            "boot": wish.boot,
            "vars": dict(wish.vars),
            "inputs": [dict(each) for each in wish.inputs],
            **({"instead_of": save_request(*wish.instead_of)} if wish.instead_of else {}),
            "at": at,
        },
    )


def receipt(attempt: AttemptId, record: Mapping[str, JSON]) -> Fact:
    """The answer as it came, or the error that came instead; before anybody reads it."""
    return Fact(attempt, Kind.RECEIPT, record)


def accepted(attempt: AttemptId, job: JobId) -> Fact:
    return Fact(attempt, Kind.ACCEPTED, {"job": job})


def not_sent(attempt: AttemptId, detail: str) -> Fact:
    return Fact(attempt, Kind.NOT_SENT, {"detail": detail})


def refused(attempt: AttemptId, reason: str, detail: str, *, again: bool) -> Fact:
    """`again`: the same request may go under the same key (rate limit, no capacity)."""
    return Fact(attempt, Kind.REFUSED, {"reason": reason, "detail": detail, "again": again})


def ambiguous(attempt: AttemptId, detail: str) -> Fact:
    return Fact(attempt, Kind.AMBIGUOUS, {"detail": detail})


def repeated(attempt: AttemptId) -> Fact:
    """About to send the same bytes under the same key once more."""
    return Fact(attempt, Kind.REPEATED)


def completed(attempt: AttemptId, at: str, took: float | None = None) -> Fact:
    """`took` are the seconds since the submit, if somebody was watching all the while."""
    body: dict[str, JSON] = {"at": at}
    return Fact(attempt, Kind.COMPLETED, body if took is None else body | {"took": took})


def stored(
    attempt: AttemptId,
    *,
    sha256: Digest,
    size: int,
    probe: Probe,
    at: str,
    billed: Money | None = None,
    findings: tuple[Finding, ...] = (),
) -> Fact:
    body = {
        "sha256": sha256,
        "bytes": size,
        "probe": save_probe(probe),
        "at": at,
        "billed": save_money(billed),
        "findings": [{"rule": f.rule, "message": f.message} for f in findings],
    }
    return Fact(attempt, Kind.STORED, body)


def failed(
    attempt: AttemptId, failure: str, detail: str, billing: Billing, billed: Money | None = None
) -> Fact:
    body = {
        "failure": failure,
        "detail": detail,
        "billing": billing,
        "billed": save_money(billed),
    }
    return Fact(attempt, Kind.FAILED, body)


def expired(attempt: AttemptId, detail: str, job: JobId | None) -> Fact:
    """Also after `stored`: the gateway will not give the bytes a second time."""
    return Fact(attempt, Kind.EXPIRED, {"detail": detail, "job": job})


def adopted(attempt: AttemptId, job: JobId, by: str) -> Fact:
    """A job was found to be this attempt's: by the user, by its key, or in a listing."""
    return Fact(attempt, Kind.ADOPTED, {"job": job, "by": by})


def resubmitted(attempt: AttemptId, by: str, detail: str = "") -> Fact:
    """Given up so that the take may be sent once more; a second charge is possible."""
    return Fact(attempt, Kind.RESUBMITTED, {"by": by, "detail": detail or "given up, sent again"})


def absent(attempt: AttemptId) -> Fact:
    """A complete list, read late enough, has no such job: free, and may be sent again."""
    detail = "not in the gateway's list of jobs"
    return Fact(attempt, Kind.RESUBMITTED, {"by": "list", "detail": detail, "billing": "free"})


def gone(attempt: AttemptId) -> Fact:
    """A preview whose answer was lost: nothing was paid, so it is simply drawn again."""
    detail = "a free preview whose answer was lost"
    return Fact(attempt, Kind.RESUBMITTED, {"by": "preview", "detail": detail, "billing": "free"})


def orphan(like: AttemptId, job: JobId) -> Fact:
    """A job that equals what was sent, but that nobody waits for: paid, and free to be adopted."""
    detail = f"job {job} is in the gateway's list and belongs to no take"
    return Fact(new_attempt(), Kind.ORPHAN, {"like": like, "job": job, "detail": detail})


def abandoned(attempt: AttemptId, detail: str = "given up") -> Fact:
    return Fact(attempt, Kind.ABANDONED, {"detail": detail})


def vouched(result: Result, fingerprint: Digest, asked: Mapping[str, JSON]) -> Fact:
    """A person declares a stored take good for a changed request."""
    return Fact(result.attempt, Kind.VOUCHED, save_request(fingerprint, asked))


def stands_for(result: Result, fingerprint: Digest, asked: Mapping[str, JSON]) -> Fact:
    """A take made by an `on_failure` step stands where the one that failed would."""
    body = {**save_request(fingerprint, asked), "by": "on_failure"}
    return Fact(result.attempt, Kind.VOUCHED, body)


# ── saved values ────────────────────────────────────────────────────────────────────────────


def save_request(fingerprint: Digest, asked: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"fingerprint": fingerprint, "asked": dict(asked)}


def save_money(money: Money | None) -> JSON:
    return money and {"amount": str(money.amount), "currency": money.currency}


def read_money(saved: JSON) -> Money | None:
    return Money(Decimal(saved["amount"]), saved["currency"]) if saved else None


def save_estimate(estimate: Estimate | None) -> JSON:
    if estimate is None:
        return None
    return {"cost": save_money(estimate.cost), "basis": estimate.basis, "bound": estimate.bound}


def read_estimate(saved: JSON) -> Estimate | None:
    cost = read_money(saved["cost"]) if saved else None
    return Estimate(cost, saved["basis"], saved["bound"]) if cost else None


def save_probe(probe: Probe) -> JSON:
    return {
        "width": probe.width,
        "height": probe.height,
        "seconds": probe.seconds,
        "fps": probe.fps,
        "audio": probe.audio,
    }


def read_probe(saved: JSON) -> Probe:
    return Probe(saved["width"], saved["height"], saved["seconds"], saved["fps"], saved["audio"])


def read_findings(saved: JSON) -> tuple[Finding, ...]:
    return tuple(Finding(f["rule"], f["message"]) for f in saved)
