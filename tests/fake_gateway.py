"""A gateway in memory: the executor's far side under virtual time.

It keeps the charge ledger, which is the truth a run is measured by. `test_fake_gateway` holds it
against the real local gateway, so that it cannot come to lie.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from virtual_time import START

from runner.gateway.download import Fetched, Got
from runner.gateway.filing import Report, read_report
from runner.gateway.listing import Listed, Listing
from runner.gateway.profile import Dedupe, PollAdvice, Profile
from runner.gateway.receipt import Fault, Receipt
from runner.model import Digest, JobId

PROFILE = Profile(
    name="fake",
    base_url="http://127.0.0.1:1",
    statuses={
        "queued": "queued",
        "in_progress": "running",
        "completed": "completed",
        "failed": "failed",
        "expired": "gone",
    },
    poll=PollAdvice(first=15.0, every=15.0, give_up=3600.0, grace=60.0),
    dedupe=Dedupe(),
    failures={"default": "free"},
)


@dataclass
class Job:
    id: str
    body: Mapping[str, Any]
    at: float
    ready: float
    key: str | None = None
    fails: Mapping[str, Any] | None = None


@dataclass
class Fate:
    """What becomes of one POST: whether it makes a job, and what is answered."""

    accepts: bool = True
    answer: Receipt | None = None  # None: the usual one
    delay: float = 0.0
    fails: Mapping[str, Any] | None = None  # the job fails later, with this error


OK = Fate()
LOST = Fate(answer=Receipt(fault=Fault.BROKEN, detail="connection reset"))
GATEWAY_502 = Fate(answer=Receipt(502, body=b"<html>bad gateway</html>"))
NEVER_ARRIVED = Fate(accepts=False, answer=Receipt(fault=Fault.BROKEN, detail="reset"))
NO_CONNECTION = Fate(
    accepts=False, answer=Receipt(fault=Fault.CONNECT, detail="refused", sent=False)
)


def no(status: int, code: str = "", wait: str | None = None, message: str = "no") -> Fate:
    headers = (("retry-after", wait),) if wait else ()
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return Fate(accepts=False, answer=Receipt(status, headers, body))


def failing(code: str, message: str) -> Fate:
    return Fate(fails={"code": code, "message": message})


@dataclass
class FakeGateway:
    """`film` gives the bytes of a finished job; `fates` are used up one a POST, then OK."""

    film: Callable[[Job], bytes]
    renders: float = 60.0
    profile: Profile = PROFILE
    fates: list[Fate] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    posts: list[tuple[float, bytes, str | None]] = field(default_factory=list)
    looks: list[tuple[float, str]] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    look_fates: list[Receipt] = field(default_factory=list)
    fetch_fates: list[Fetched] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    list_fates: list[Listing] = field(default_factory=list)
    list_lag: float = 0.0
    submitting: int = 0
    most_submitting: int = 0

    async def submit(self, body: bytes, key: str | None, label: str = "") -> Receipt:
        fate = self.fates.pop(0) if self.fates else OK
        self.posts.append((self.now(), body, key))
        self.submitting += 1
        self.most_submitting = max(self.most_submitting, self.submitting)
        try:
            await asyncio.sleep(fate.delay)
            job = self._accept(body, key, fate) if fate.accepts else None
        finally:
            self.submitting -= 1
        if fate.answer is not None:
            return fate.answer
        assert job is not None
        return Receipt(200, body=json.dumps({"id": job.id, "status": "queued"}).encode())

    def _accept(self, body: bytes, key: str | None, fate: Fate) -> Job:
        known = next((job for job in self.jobs.values() if key and job.key == key), None)
        if known and self.profile.dedupe.contract == "keyed":
            return known
        job = Job(
            f"job-{len(self.jobs) + 1}",
            json.loads(body),
            self.now(),
            self.now() + self.renders,
            key,
            fate.fails,
        )
        self.jobs[job.id] = job
        return job

    async def list_jobs(self, since: float) -> Listing:
        self.lists.append(self.now())
        await asyncio.sleep(0)
        if self.list_fates:
            return self.list_fates.pop(0)
        if not self.profile.lists:
            return Listing((), "unsupported")
        jobs = tuple(
            Listed(
                JobId(job.id),
                START + job.at,
                job.body["prompt"],
                {
                    name: str(job.body[name])
                    for name in ("model", "seconds", "size")
                    if name in job.body
                },
            )
            for job in reversed(self.jobs.values())
            if self.now() >= job.at + self.list_lag and START + job.at >= since
        )
        return Listing(jobs, "complete", gateway_clock=START + self.now())

    async def look(self, job: JobId) -> Report:
        self.looks.append((self.now(), job))
        await asyncio.sleep(0)
        receipt = self.look_fates.pop(0) if self.look_fates else self._status(job)
        return read_report(receipt, self.profile, job)

    def _status(self, job_id: str) -> Receipt:
        job = self.jobs.get(job_id)
        if job is None:
            return Receipt(404, body=b'{"error": {"message": "no such job"}}')
        told: dict[str, Any] = {"id": job.id, "status": "in_progress", "progress": 50}
        if self.now() >= job.ready:
            told["status"] = "failed" if job.fails else "completed"
            if job.fails:
                told["error"] = job.fails
        return Receipt(200, body=json.dumps(told).encode())

    async def fetch(self, job: JobId, dest: Path) -> Fetched:
        self.fetches.append(job)
        await asyncio.sleep(0)
        if self.fetch_fates:
            return self.fetch_fates.pop(0)
        data = self.film(self.jobs[job])
        path = dest.with_name(f".{dest.name}.part")
        path.write_bytes(data)
        digest = Digest(hashlib.sha256(data).hexdigest())
        return Fetched(Got.DONE, path=path, sha256=digest, bytes=len(data))

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def keyed(self) -> "FakeGateway":
        dedupe = Dedupe("keyed", key_header="Idempotency-Key", retention=86400.0)
        self.profile = replace(self.profile, dedupe=dedupe)
        return self

    def listed(self) -> "FakeGateway":
        dedupe = Dedupe("listed", quiet=600.0)
        self.profile = replace(self.profile, dedupe=dedupe, lists=True)
        return self


def small_film(seconds: float = 1.0, size: tuple[int, int] = (64, 64), audio: bool = True) -> bytes:
    """A real MP4, encoded once for a whole test session."""
    import av

    out = BytesIO()
    with av.open(out, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        sound = container.add_stream("aac", rate=44100, layout="mono") if audio else None
        for number in range(int(seconds * 24)):
            picture = av.VideoFrame(*size, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 24)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if sound:
            for start in range(0, int(seconds * 44100), 1024):
                container.mux(sound.encode(silence(start)))
            container.mux(sound.encode(None))
    return out.getvalue()


def silence(start: int) -> Any:
    import av

    frame = av.AudioFrame("fltp", "mono", 1024)
    frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def marked(film: bytes, mark: str) -> bytes:
    """The same film with other bytes: a `free` box at its end, which players skip."""
    text = mark.encode()
    return film + (8 + len(text)).to_bytes(4, "big") + b"free" + text


def each_its_own(film: bytes) -> Callable[[Job], bytes]:
    return lambda job: marked(film, job.id)


def prompts(gateway: FakeGateway) -> Iterator[str]:
    return (job.body["prompt"] for job in gateway.jobs.values())
