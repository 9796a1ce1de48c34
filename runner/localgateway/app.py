"""The routes: a request in, an answer out; jobs and money in between."""

import asyncio
import hashlib
import json
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from runner.localgateway import models
from runner.localgateway.answers import error_answer, film_answer, json_answer
from runner.localgateway.archive import Archive
from runner.localgateway.ask import Ask, Refusal
from runner.localgateway.checks import check
from runner.localgateway.form import read_form
from runner.localgateway.jobs import Clock, Job, new_id, public, status_of
from runner.localgateway.ledger import Ledger, alias, media_line
from runner.localgateway.models import Model
from runner.localgateway.settings import Settings
from runner.localgateway.studio import Studio
from runner.localgateway.wire import Answer, Request

ROUTES = (
    "submit", "status", "content", "list", "delete", "signed", "ledger", "control", "unknown",
)  # fmt: skip


def route_of(request: Request) -> str:
    """Which route a request is for, by method and path alone."""
    match request.method, request.parts:
        case "POST", ["v1", "videos"]:
            return "submit"
        case "GET", ["v1", "videos"]:
            return "list"
        case "GET" | "HEAD", ["v1", "videos", _]:
            return "status"
        case "GET" | "HEAD", ["v1", "videos", _, "content"]:
            return "content"
        case "DELETE", ["v1", "videos", _]:
            return "delete"
        case "GET" | "HEAD", ["_signed", _]:
            return "signed"
        case "GET", ["_ledger"]:
            return "ledger"
        case "POST", ["_control"]:
            return "control"
    return "unknown"


Changes = Sequence[Callable[[Job], None]]
OPEN = ("signed", "ledger", "control", "unknown")  # routes that need no key


_SURROGATE = re.compile(rb"\\u[dD][89abAB]|\\u[dD][c-fC-F]")  # half a character, perhaps


def _body(request: Request) -> object:
    """The decoded body, JSON or form. Raises Refusal."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return read_form(kind, request.body)
    if not kind.startswith("application/json"):
        raise Refusal(415, f"Content-Type {kind!r} is not supported: send application/json.")
    try:
        body = json.loads(request.body)
        if _SURROGATE.search(request.body):
            json.dumps(body, ensure_ascii=False).encode()
        return body
    except (ValueError, RecursionError) as error:
        message = f"The body is not valid JSON: {error}"
        raise Refusal(400, message, code="invalid_json") from None


def model_and_prompt(request: Request) -> tuple[str, str]:
    """What a POST is about, as far as it can be read."""
    try:
        body = _body(request)
    except Refusal:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("model", "")), str(body.get("prompt", ""))


class Sent(Struct):
    """A POST under an Idempotency-Key. `job` is None while it is being accepted."""

    digest: str
    at: float
    job: Job | None = None


class App:
    """Everything behind the routes. One event loop owns it; nothing here locks."""

    def __init__(self, settings: Settings, studio: Studio, ledger: Ledger) -> None:
        self.settings = settings
        self.studio = studio
        self.ledger = ledger
        self.clock = Clock()
        self.jobs: dict[str, Job] = {}
        self.base_url = ""
        self.other_url = ""  # another origin of the same server, for redirects
        self.script_from: Callable[[object], None] = lambda data: None
        self._signed: dict[str, str] = {}  # token -> job id, or "" when it has expired
        self._archive = Archive(settings.keep, settings.retention)
        self._keys: dict[str, Sent] = {}
        self._random = random.Random(settings.seed)  # noqa: S311 - ids of a test server
        self._routes: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "status": self._status,
            "content": self._content,
            "list": self._list,
            "delete": self._delete,
            "signed": self._fetch_signed,
            "ledger": self._ledger,
            "control": self._control,
            "unknown": self._unknown,
        }

    async def answer(self, route: str, request: Request, changes: Changes = ()) -> Answer:
        """The honest answer to a request. `changes` are made to a job that it brings about."""
        try:
            if route not in OPEN:
                self._authorise(request)
            if route == "submit":
                return await self._submit(request, changes)
            return await self._routes[route](request)
        except Refusal as refusal:
            if route == "submit":
                self.ledger.refuse(refusal.status, self.ledger.requests["submit"])
            return error_answer(refusal)

    def _authorise(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "no key provided", kind="Aihubmix_api_error")
        if self.settings.key is not None and key != self.settings.key:
            raise Refusal(401, "invalid key", kind="Aihubmix_api_error", code="invalid_api_key")
        return key

    # ── submit ──────────────────────────────────────────────────────────────────────────

    async def _submit(self, request: Request, changes: Changes) -> Answer:
        ask, model = self._read(request)
        key = request.headers.get("idempotency-key")
        sent = self._sent_before(key, request) if key and self._keyed else None
        if sent is not None and sent.job is not None:
            return json_answer(public(sent.job, self.clock.now(), self.base_url, fresh=True))
        if key and self._keyed:
            digest = hashlib.sha256(request.body).hexdigest()
            sent = self._keys[key] = Sent(digest, self.clock.now())
        # From here on the job comes to exist, whether or not anybody waits for the answer.
        if self.settings.accept_delay:
            await asyncio.sleep(self.settings.accept_delay)
        job = self._accept(request, ask, model, changes)
        if sent is not None:
            sent.job = job
        return json_answer(public(job, self.clock.now(), self.base_url, fresh=True))

    @property
    def _keyed(self) -> bool:
        return self.settings.contract == "keyed"

    def _read(self, request: Request) -> tuple[Ask, Model]:
        form = request.headers.get("content-type", "").startswith("multipart/form-data")
        return check(_body(request), form=form, strangers=self.settings.strangers)

    def _sent_before(self, key: str, request: Request) -> Sent | None:
        sent = self._keys.get(key)
        if sent is None or self.clock.now() - sent.at > self.settings.key_retention:
            return None
        if sent.digest != hashlib.sha256(request.body).hexdigest():
            raise Refusal(
                422,
                "This Idempotency-Key was used with another body.",
                code="idempotency_key_mismatch",
            )
        if sent.job is None:
            raise Refusal(
                409,
                "A request with this Idempotency-Key is in progress.",
                code="idempotency_in_progress",
            )
        return sent

    def _accept(self, request: Request, ask: Ask, model: Model, changes: Changes) -> Job:
        """Make a job exist and charge for it."""
        low, high = self.settings.render_seconds
        job = Job(
            new_id(ask.model, self._random),
            len(self.jobs) + 1,
            ask,
            model,
            self.clock.now(),
            low if low == high else self._random.uniform(low, high),
            request.headers.get("x-reelmake-shot", "")[:80],
        )
        job.visible_from = job.created + self.settings.list_lag
        for change in changes:
            change(job)
        self.jobs[job.id] = job
        self._enter(request, job)
        self._archive.put(job, request)
        self.studio.begin(job, lambda job, failure: self.ledger.refunded(job.id, failure.code))
        return job

    def _enter(self, request: Request, job: Job) -> None:
        ask = job.ask
        key = request.headers.get("authorization", "").partition(" ")[2].strip()
        self.ledger.accepted(
            job.id,
            models.cost(job.model, (ask.width, ask.height), ask.seconds, sound=ask.audio),
            charged=job.fate is None or job.fate.billed,
            number=job.number,
            post=self.ledger.requests["submit"],
            at=round(job.created, 3),
            model=ask.model,
            seconds=ask.seconds,
            size=f"{ask.width}x{ask.height}",
            prompt=ask.prompt[:200],
            body_sha256=hashlib.sha256(request.body).hexdigest(),
            media=[media_line(medium) for medium in ask.media],
            shot=job.shot,
            who=alias(key),
            idempotency_key=request.headers.get("idempotency-key"),
        )

    # ── the rest of the API ─────────────────────────────────────────────────────────────

    def find(self, request: Request) -> Job:
        """The job a path names, from this life or an earlier one. Raises Refusal."""
        name = request.parts[2]
        job = self.jobs.get(name) or self._revive(name)
        if job is None:
            raise Refusal(404, f"Video '{name}' not found.", code="video_not_found")
        return job

    def _revive(self, name: str) -> Job | None:
        kept = self._archive.get(name)
        if kept is None:
            return None
        ask, model = self._read(kept.request)
        number = len(self.jobs) + 1
        job = Job(name, number, ask, model, kept.created, kept.render_seconds)
        job.shot = kept.request.headers["x-reelmake-shot"]
        self.jobs[name] = job
        self.studio.begin(job, lambda job, failure: None)
        return job

    async def _status(self, request: Request) -> Answer:
        return json_answer(public(self.find(request), self.clock.now(), self.base_url))

    async def _content(self, request: Request) -> Answer:
        job = self.find(request)
        if request.query.get("variant", "video") != "video":
            raise Refusal(400, "Only the video itself can be fetched.", param="variant")
        status, _ = status_of(job, self.clock.now())
        if status != "completed" or job.film is None:
            raise Refusal(409, f"The video is {status}.", code="video_not_ready")
        if self.clock.now() > job.done_at + self.settings.retention:
            raise Refusal(410, "The video has expired.", code="video_expired")
        self.ledger.downloaded(job.id)
        return film_answer(request, job)

    async def _list(self, request: Request) -> Answer:
        if self.settings.contract != "listed":
            raise Refusal(404, "Invalid URL (GET /v1/videos)", code="not_found")
        now = self.clock.now()
        jobs = [job for job in self.jobs.values() if job.visible_from <= now]
        if request.query.get("order", "desc") == "desc":
            jobs.reverse()
        after = request.query.get("after")
        ids = [job.id for job in jobs]
        start = ids.index(after) + 1 if after in ids else 0
        wanted = request.query.get("limit", "20")
        if not re.fullmatch(r"[1-9][0-9]?|100", wanted):
            raise Refusal(400, "limit is a number from 1 to 100.", param="limit")
        limit = int(wanted)
        page = jobs[start : start + limit]
        shown = [public(job, now, self.base_url, fresh=True) for job in page]
        return json_answer(
            {
                "object": "list",
                "data": shown,
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": start + limit < len(jobs),
            }
        )

    async def _delete(self, request: Request) -> Answer:
        job = self.find(request)
        if job.model.vendor == "kling":
            raise Refusal(501, "Kling has no way to delete a task.", code="not_supported")
        del self.jobs[job.id]
        return json_answer({"id": job.id, "object": "video.deleted", "deleted": True})

    # ── another origin ──────────────────────────────────────────────────────────────────

    def sign(self, request: Request, *, expired: bool = False) -> str:
        """A URL at the other origin under which the film can be had without a key."""
        token = f"{self._random.getrandbits(96):024x}"
        self._signed[token] = "" if expired else self.find(request).id
        return f"{self.other_url}/_signed/film.mp4?signature={token}"

    async def _fetch_signed(self, request: Request) -> Answer:
        if "authorization" in request.headers or "cookie" in request.headers:
            self.ledger.leaks += 1
        job = self.jobs.get(self._signed.get(request.query.get("signature", ""), ""))
        if job is None or job.film is None:
            raise Refusal(403, "Request has expired", code="AccessDenied")
        self.ledger.downloaded(job.id)
        return film_answer(request, job)

    # ── for tests and people ────────────────────────────────────────────────────────────

    async def _ledger(self, request: Request) -> Answer:
        return json_answer(self.ledger.summary())

    async def _control(self, request: Request) -> Answer:
        """`advance` moves the gateway's time on, `chaos` puts another script in force.

        Unless `settle` is false the answer comes when no film is being drawn any more.
        """
        try:
            wish: dict[str, Any] = json.loads(request.body or b"{}")
            ahead = float(wish.pop("advance", 0))
            settle = bool(wish.pop("settle", True))
            if "chaos" in wish:
                self.script_from(wish.pop("chaos"))
        except (ValueError, AttributeError, TypeError) as error:
            raise Refusal(400, f"Not a wish: {error}", code="invalid_json") from None
        if wish:
            raise Refusal(400, f"Unknown wishes: {', '.join(sorted(wish))}.")
        self.clock.ahead += ahead
        if settle:
            await self.studio.settle()
        return json_answer({"now": self.clock.now(), "jobs": len(self.jobs)})

    async def _unknown(self, request: Request) -> Answer:
        raise Refusal(404, f"Invalid URL ({request.method} {request.path})", code="not_found")
