"""Faults of the gateway: limits, errors, and answers that are not what they should be."""

import gzip as gzip_module
import json
import time
from email.utils import formatdate
from typing import Any

from msgspec.structs import replace

from runner.localgateway.answers import error_answer, json_answer
from runner.localgateway.app import App
from runner.localgateway.ask import Refusal
from runner.localgateway.catalogue import Shelf
from runner.localgateway.course import Course, shown, with_fields
from runner.localgateway.jobs import status_of
from runner.localgateway.wire import Answer, Blank, Request, bytes_of

SHELF = Shelf()
fault = SHELF.fault

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>"


def _retry(value: str, copies: int = 1) -> tuple[tuple[str, str], ...]:
    """A Retry-After header: as written, or `date:+30` for a date so many seconds from now."""
    if not value:
        return ()
    if value.startswith("date:"):
        value = formatdate(time.time() + float(value[5:]), usegmt=True)
    return (("Retry-After", value),) * copies


def _refuse(course: Course, refusal: Refusal, retry_after: str = "", copies: int = 1) -> None:
    answer = error_answer(refusal)
    headers = (*answer.headers, *_retry(retry_after, copies))
    course.instead = replace(answer, headers=headers)


@fault("F032", "F033", "F034", route="submit")
def too_many_requests(course: Course, *, retry_after: str = "3", copies: int = 1) -> None:
    """429; `retry_after` as written (`3`, `soon`, empty: none) or `date:+30`, `copies` times."""
    _refuse(course, Refusal(429, "Too many requests", code="rate_limited"), retry_after, copies)


@fault("F032", "F034", route="submit")
def too_many_running(course: Course, *, jobs: int = 3, retry_after: str = "1") -> None:
    """429 while so many jobs are not finished: a vendor's limit of concurrency."""

    def guard(app: App) -> Answer | None:
        now = app.clock.now()
        words = (status_of(job, now)[0] for job in app.jobs.values())
        running = sum(word in ("queued", "in_progress") for word in words)
        return _too_many(retry_after) if running >= jobs else None

    course.guards.append(guard)


@fault("F032", "F034", route="submit")
def too_many_a_minute(course: Course, *, jobs: int = 10, retry_after: str = "5") -> None:
    """429 when so many jobs were accepted within the last minute: a vendor's limit of rate."""

    def guard(app: App) -> Answer | None:
        since = app.clock.now() - 60
        recent = sum(job.created > since for job in app.jobs.values())
        return _too_many(retry_after) if recent >= jobs else None

    course.guards.append(guard)


def _too_many(retry_after: str) -> Answer:
    answer = error_answer(Refusal(429, "Too many requests", code="rate_limited"))
    return replace(answer, headers=(*answer.headers, *_retry(retry_after)))


@fault("F035", route="any")
def unauthorized(course: Course) -> None:
    """401: the key is no longer good."""
    _refuse(course, Refusal(401, "invalid key", kind="Aihubmix_api_error"))


@fault("F035", route="any")
def forbidden(course: Course) -> None:
    """403: this key may not."""
    _refuse(course, Refusal(403, "this key may not use the model", code="permission_denied"))


@fault("F036", route="submit")
def out_of_credit(course: Course, *, status: int = 403) -> None:
    """The account is empty; `status` 403 as documented, 402 or 400 as seen."""
    message = "Your account balance is insufficient. Please recharge."
    _refuse(course, Refusal(status, message, code="insufficient_user_quota"))


@fault("F037", "F039", route="submit")
def accept_then_error(course: Course, *, status: int = 502, retry_after: str = "") -> None:
    """The job is accepted and charged; the answer is an HTML error page with `status`."""
    headers = (("Content-Type", "text/html"), *_retry(retry_after))
    course.bends.append(lambda answer, app, request: Answer(status, (HTML,), headers))


@fault("F038", "F039", "F052", "F057", "F058", route="any")
def error(
    course: Course, *, status: int = 500, code: str = "", message: str = "", retry_after: str = ""
) -> None:
    """An error in the gateway's envelope, nothing else happens: no job, no film, no list."""
    said = message or f"upstream error {status}"
    _refuse(course, Refusal(status, said, code=code or None), retry_after)


@fault("F038", route="submit")
def no_channel(course: Course, *, status: int = 500) -> None:
    """The gateway found nobody to pass the request to; no job."""
    refusal = Refusal(status, "no_valid_channel_error", kind="Aihubmix_api_error")
    _refuse(course, refusal)


@fault("F039", route="submit")
def provider_limits(course: Course, *, retry_after: str = "") -> None:
    """503 `Rate limited by provider`; no job."""
    _refuse(course, Refusal(503, "Rate limited by provider"), retry_after)


IDLESS: dict[str, Any] = {
    "missing": {}, "null": {"id": None}, "number": {"id": 123}, "empty": {"id": ""},
    "list": [], "long": {"id": "x" * 100_000}, "object": {"id": {"a": 1}},
}  # fmt: skip


@fault("F040", route="submit")
def no_id(course: Course, *, form: str = "missing") -> None:
    """Accepted, but 200 without a usable id: `form` missing null number empty list object long
    html text nothing."""
    texts = {"html": HTML, "text": b"OK", "nothing": b""}
    if form in texts:
        answer = Answer(200, (texts[form],), (("Content-Type", "text/html"),))
    else:
        answer = json_answer(IDLESS[form])
    course.bends.append(lambda _answer, app, request: answer)


@fault("F041", route="submit")
def error_inside(course: Course) -> None:
    """200 with an error object inside; no job."""
    error = {"message": "no_valid_channel_error", "type": "Aihubmix_api_error"}
    course.instead = json_answer({"error": error})


@fault("F042", route="submit")
def location_only(course: Course) -> None:
    """201, the id in Location and nowhere else."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        place = f"{app.base_url}/v1/videos/{shown(answer)['id']}"
        return Answer(201, (), (("Location", place),))

    course.bends.append(bend)


@fault("F044", route="submit")
def same_id(course: Course) -> None:
    """Every accepted job is answered with the id of the first."""
    course.bends.append(
        lambda answer, app, request: with_fields(answer, id=next(iter(app.ledger.jobs)))
    )


@fault("F045", route="submit")
def redirect(course: Course, *, status: int = 307, accept: bool = False) -> None:
    """A redirect to another origin; `accept`: the job was made all the same."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return Answer(status, (), (("Location", f"{app.other_url}/v1/videos"),))

    course.bends.append(bend)
    if not accept:
        course.instead = Answer(200)


@fault("F046", "F047", route="status")
def not_found(course: Course) -> None:
    """404: the gateway has never heard of this job (yet, or any more)."""
    _refuse(course, Refusal(404, "Video not found.", code="video_not_found"))


@fault("F048", route="status")
def wrong_job(course: Course) -> None:
    """The body of a poll speaks of another job, which is completed."""
    course.bends.append(
        lambda answer, app, request: with_fields(answer, id="someone-elses", status="completed")
    )


@fault("F049", "F050", route="status")
def status_words(course: Course, *, words: str = "in_progress queued completed") -> None:
    """The status is each of these words in turn, then the last for ever (`per: job` is wise)."""
    listed = words.split()
    word = listed[min(course.count, len(listed)) - 1]
    course.bends.append(lambda answer, app, request: with_fields(answer, status=word))


@fault("F040", "F061", "F062", route="any")
def terse(course: Course) -> None:
    """Nothing but `id` and `status` comes back: all that the gateway's page promises."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        body = shown(answer)
        return json_answer({name: body[name] for name in ("id", "status")}, answer.status)

    course.bends.append(bend)


@fault("F068", route="status")
def bare_failure(course: Course, *, form: str = "text") -> None:
    """failed, and `error` is a plain `text`, `null`, or `missing`."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        body = shown(answer) | {"status": "failed"}
        body.pop("error", None)
        if form != "missing":
            body["error"] = "generation failed" if form == "text" else None
        return json_answer(body)

    course.bends.append(bend)


@fault("F051", route="status")
def progress(course: Course, *, value: str = "-1") -> None:
    """`progress` is this JSON value: -1, 101, NaN, null, "50%" …"""
    number = json.loads(value)
    course.bends.append(lambda answer, app, request: with_fields(answer, progress=number))


@fault("F052", route="content")
def not_ready(course: Course, *, status: int = 409) -> None:
    """The job is completed, the content is not there yet: 404, 409 or 425."""
    _refuse(course, Refusal(status, "The video is not ready.", code="video_not_ready"))


@fault("F053", route="content")
def json_content(course: Course) -> None:
    """200 and a JSON error where the film should be."""
    course.instead = json_answer({"error": {"message": "file is being moved"}})


@fault("F054", "F055", route="content")
def redirect_content(course: Course, *, status: int = 302, expired: bool = False) -> None:
    """The film is at a signed URL of another origin; `expired`: that URL says 403."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return Answer(status, (), (("Location", app.sign(request, expired=expired)),))

    course.bends.append(bend)


@fault("F056", route="content")
def expired(course: Course, *, status: int = 410) -> None:
    """The result has been cleaned up."""
    _refuse(course, Refusal(status, "The video has expired.", code="video_expired"))


# ── echoes, clocks, keys ────────────────────────────────────────────────────────────────────


@fault("F060", route="any")
def wrong_date(course: Course, *, hours: float = 5.0) -> None:
    """The Date header is off by so many hours."""
    value = formatdate(time.time() + hours * 3600, usegmt=True)
    course.bends.append(
        lambda answer, app, request: replace(answer, headers=(*answer.headers, ("Date", value)))
    )


@fault("F060", route="any")
def no_date(course: Course) -> None:
    """There is no Date header."""
    course.bends.append(lambda answer, app, request: replace(answer, dated=False))


@fault("F061", route="any")
def prompt_changed(course: Course, *, prompt: str = "(rewritten by the vendor)") -> None:
    """The prompt that is echoed is not the one that was sent."""
    course.bends.append(lambda answer, app, request: with_fields(answer, prompt=prompt))


@fault("F062", route="any")
def model_renamed(course: Course, *, model: str = "fallback-1") -> None:
    """Another model answers than was asked."""
    course.bends.append(lambda answer, app, request: with_fields(answer, model=model))


@fault("F066", route="submit")
def key_in_progress(course: Course) -> None:
    """409: a request with this Idempotency-Key is still running."""
    _refuse(course, Refusal(409, "in progress", code="idempotency_in_progress"))


@fault("F066", route="submit")
def key_mismatch(course: Course) -> None:
    """422: this Idempotency-Key was used with another body."""
    _refuse(course, Refusal(422, "another body", code="idempotency_key_mismatch"))


# ── bytes no HTTP library likes ─────────────────────────────────────────────────────────────

_OK = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "duplicate_header": _OK + b"Content-Length: 2\r\n" * 2 + b"\r\n{}",
    "conflicting_lengths": _OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    "huge_header": _OK + b"X-A: " + b"a" * (1 << 20) + b"\r\nContent-Length: 2\r\n\r\n{}",
    "long_status_line": b"HTTP/1.1 200 " + b"O" * (1 << 16) + b"\r\nContent-Length: 2\r\n\r\n{}",
    "not_http": b"220 mail.example ESMTP\r\n",
    "binary": bytes(range(256)) * 8,
}


@fault("F063", route="any")
def broken_head(course: Course, *, form: str = "conflicting_lengths", accept: bool = True) -> None:
    """The head breaks HTTP: `form` duplicate_header conflicting_lengths huge_header
    long_status_line not_http binary. `accept`: the route runs before."""
    raw = BROKEN[form]
    course.bends.append(lambda answer, app, request: Answer(200, raw=raw))
    if not accept:
        course.instead = Answer(200)


@fault("F064", route="any")
def gzip(course: Course, *, inflated: int = 0) -> None:
    """Compressed though nobody asked; `inflated`: it grows to so many bytes of blanks."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        plain = b" " * inflated or b"".join(
            chunk for part in answer.body for chunk in bytes_of(part)
        )
        headers = (*answer.headers, ("Content-Encoding", "gzip"))
        return replace(answer, body=(gzip_module.compress(plain, 1),), headers=headers)

    course.bends.append(bend)


@fault("F065", route="any")
def huge_body(course: Course, *, size: int = 5_000_000_000) -> None:
    """The JSON is followed by blanks up to `size` bytes."""
    course.bends.append(
        lambda answer, app, request: replace(answer, body=(*answer.body, Blank(size)))
    )
