"""How answers are made: JSON, errors in the envelope, films and parts of them."""

import json
import re
from uuid import uuid4

from runner.localgateway.ask import Refusal
from runner.localgateway.film import Film
from runner.localgateway.jobs import Job
from runner.localgateway.wire import Answer, Request, Span

_as_json = json.JSONEncoder(ensure_ascii=False).encode  # made once: it is on every path


def json_answer(body: object, status: int = 200, *headers: tuple[str, str]) -> Answer:
    text = _as_json(body).encode()
    return Answer(status, (text,), (("Content-Type", "application/json"), *headers))


def error_answer(refusal: Refusal) -> Answer:
    """The gateway's envelope; the trace id stands in the message, as it does there."""
    trace = uuid4().hex[:20]
    error = {
        "message": f"{refusal.message} (tid: {trace})",
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    }
    return json_answer({"error": error}, refusal.status, ("X-Request-Id", trace))


_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def film_answer(request: Request, job: Job, film: Film | None = None) -> Answer:
    """The bytes of a film, or the part of them that Range asks for."""
    film = film or job.film
    assert film is not None
    headers = (
        ("Content-Type", "video/mp4"),
        ("Accept-Ranges", "bytes"),
        ("ETag", film.etag),
    )
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    same = request.headers.get("if-range", film.etag) == film.etag
    if not wanted or not any(wanted.groups()) or not same:
        return Answer(200, (Span(film, 0, film.length),), headers)
    first, last = wanted.groups()
    start = int(first) if first else max(0, film.length - int(last))
    stop = min(film.length, int(last) + 1) if first and last else film.length
    if start >= film.length or start >= stop:
        return Answer(416, (), (*headers, ("Content-Range", f"bytes */{film.length}")))
    place = ("Content-Range", f"bytes {start}-{stop - 1}/{film.length}")
    return Answer(206, (Span(film, start, stop),), (*headers, place))
