"""Accepted jobs: their ids, the passing of their time, and what is said of them.

A job's state is a function of the clock: nothing ticks, so ten thousand of them cost nothing
until somebody asks.
"""

import base64
import json
import random
import time
from typing import Any

from msgspec import Struct, field

from runner.localgateway.ask import Ask
from runner.localgateway.film import Film
from runner.localgateway.models import Model

QUEUED = 0.1  # part of the render time a job waits in the queue


class Clock:
    """The gateway's time: real time, plus what a test has added."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


class Failure(Struct, frozen=True):
    message: str
    code: str = "video_generation_error"
    billed: bool = False
    at: float = 1.0  # part of the render time after which it shows


class Job(Struct):
    """One accepted job. `fate` is a failure it is bound for; `film` comes when it is drawn."""

    id: str
    number: int
    ask: Ask
    model: Model
    created: float  # gateway time
    render_seconds: float
    shot: str = ""
    fate: Failure | None = None
    stuck: bool = False
    film: Film | None = None
    visible_from: float = 0.0  # when lists and polls begin to show it
    changes: dict[str, Any] = field(default_factory=dict)  # how the film differs from the ask

    @property
    def done_at(self) -> float:
        return self.created + self.render_seconds


def status_of(job: Job, now: float) -> tuple[str, int]:
    """The status word and the percentage at a time."""
    share = 1.0 if job.render_seconds <= 0 else (now - job.created) / job.render_seconds
    if job.stuck:
        return "in_progress", min(99, max(0, int(share * 100)))
    if job.fate and share >= job.fate.at:
        return "failed", min(100, max(0, int(share * 100)))
    if share >= 1:
        return ("completed", 100) if job.film else ("in_progress", 99)
    if share < QUEUED and job.model.vendor != "kling":  # Kling knows no queue
        return "queued", 0
    return "in_progress", max(1, int(share * 100))


def new_id(model: str, source: random.Random) -> str:
    """Long and opaque, base64url of JSON, as the real ones are."""
    inner = {"model": model, "task": f"{source.getrandbits(128):032x}", "channel": 41}
    return base64.urlsafe_b64encode(json.dumps(inner).encode()).decode()


def public(job: Job, now: float, base_url: str, *, fresh: bool = False) -> dict[str, Any]:
    """The job as the API shows it. Only `id` and `status` are the same for all vendors."""
    status, progress = status_of(job, now)
    shown: dict[str, Any] = {
        "id": job.id,
        "object": "video",
        "model": job.ask.model,
        "status": status,
        "progress": progress,
    }
    if job.model.vendor == "sora":
        shown |= {"created_at": int(job.created), "seconds": str(job.ask.seconds)}
        shown |= {"size": job.ask.size, "prompt": job.ask.prompt}
        if status == "completed":
            shown["completed_at"] = int(job.done_at)
            shown["expires_at"] = int(job.done_at) + 86_400
    else:
        done = status == "completed"
        if fresh or not done:
            shown |= {"created": int(job.created), "prompt": job.ask.prompt}
        shown |= {"duration": job.ask.seconds, "width": job.ask.width, "height": job.ask.height}
        shown["url"] = f"{base_url}/v1/videos/{job.id}/content" if done else None
        shown["error"] = None
    if status == "failed" and job.fate:
        shown["error"] = {"message": job.fate.message, "type": "video_generation_error"}
        shown["error"]["code"] = job.fate.code
    return shown
