"""Faults of the network: resets, cuts, waits, and bytes that go wrong on the way."""

import base64
import hashlib

from msgspec.structs import replace

from runner.localgateway.answers import json_answer
from runner.localgateway.app import App
from runner.localgateway.catalogue import Shelf
from runner.localgateway.course import Course
from runner.localgateway.wire import Answer, End, Request, Span

SHELF = Shelf()
fault = SHELF.fault

PORTAL = b"<!doctype html><title>Welcome</title><p>Accept our terms to go online."


@fault("F007", route="connect")
def reset_on_connect(course: Course) -> None:
    """The connection is reset before a byte of it is read."""
    course.drop = True


@fault("F008", route="any", early=True)
def reset_request(course: Course, *, size: int = 0) -> None:
    """Reset after `size` bytes of the request; no job."""
    course.read_at_most = size


@fault("F009", route="submit")
def lost_request(course: Course) -> None:
    """The whole request is read, then the connection is reset; no job."""
    course.instead = Answer(200)
    course.delivery = replace(course.delivery, cut=0, after="reset")


@fault("F009", route="submit")
def lost_answer(course: Course, *, after: str = "reset") -> None:
    """The job is accepted and its answer never leaves; then `after`: reset, close or hang."""
    course.delivery = replace(course.delivery, cut=0, after=_end(after))


@fault("F010", route="any")
def cut_answer(course: Course, *, size: int = 100, after: str = "close") -> None:
    """Only the first `size` bytes of the answer arrive, head included."""
    course.delivery = replace(course.delivery, cut=size, after=_end(after))


@fault("F011", route="any")
def hold_open(course: Course) -> None:
    """The answer is complete but the connection is never closed."""
    course.delivery = replace(course.delivery, after="hang")


@fault("F012", route="any")
def late_answer(course: Course, *, seconds: float = 5.0) -> None:
    """The route runs at once, its answer comes `seconds` later."""
    course.delivery = replace(course.delivery, delay=seconds)


@fault("F012", "F071", route="any")
def latency(course: Course, *, seconds: float = 1.0) -> None:
    """The request waits `seconds` before the route runs."""
    course.before = seconds


@fault("F013", route="any")
def drip(course: Course, *, size: int = 1, pause: float = 1.0) -> None:
    """The answer comes `size` bytes at a time with `pause` seconds between."""
    course.delivery = replace(course.delivery, piece=size, pause=pause)


@fault("F014", route="any")
def close_when_idle(course: Course) -> None:
    """The answer is complete; the connection is closed without a word of warning."""
    course.delivery = replace(course.delivery, after="close")


@fault("F015", route="unknown")
def proxy_refuses(course: Course) -> None:
    """What a proxy says that wants a password: 407."""
    headers = (("Proxy-Authenticate", 'Basic realm="proxy"'),)
    course.instead = Answer(407, (b"proxy authentication required",), headers)


@fault("F016", route="any")
def captive_portal(course: Course) -> None:
    """200 and a page of HTML to everything; no job."""
    course.instead = Answer(200, (PORTAL,), (("Content-Type", "text/html"),))


@fault("F017", route="submit")
def middlebox_repeats(course: Course) -> None:
    """Something on the way sends the POST twice: two jobs, one answer."""
    course.twice = True


@fault("F019", route="any")
def only_informational(course: Course) -> None:
    """100 Continue and nothing after it; no job."""
    course.instead = Answer(200, raw=b"HTTP/1.1 100 Continue\r\n\r\n")
    course.delivery = replace(course.delivery, after="hang")


@fault("F022", route="content")
def no_length(course: Course, *, size: int = -1) -> None:
    """No Content-Length; the connection ends early, after `size` bytes of the film (-1: half)."""
    course.bends.append(lambda answer, app, request: replace(answer, framing="close"))
    _cut_body(course, size)


@fault("F023", route="content")
def short_content(course: Course, *, size: int = -1, after: str = "close") -> None:
    """Fewer bytes than Content-Length says: `size` of them (-1: half)."""
    _cut_body(course, size)
    course.delivery = replace(course.delivery, after=_end(after))


@fault("F024", route="content")
def long_content(course: Course, *, extra: int = 1000) -> None:
    """`extra` bytes more than Content-Length says."""
    course.bends.append(
        lambda answer, app, request: replace(
            answer, declared=answer.length, body=(*answer.body, b"x" * extra)
        )
    )
    course.delivery = replace(course.delivery, after="close")


@fault("F025", route="content")
def chunked(course: Course, *, size: int = -1) -> None:
    """Chunked, and cut after `size` bytes of the body (-1: half; 0: not cut)."""
    course.bends.append(lambda answer, app, request: replace(answer, framing="chunked"))
    if size:
        _cut_body(course, size)


@fault("F026", route="content")
def flipped_bit(course: Course, *, at: int = 2000) -> None:
    """One bit of the body is wrong, in byte number `at`."""
    course.delivery = replace(course.delivery, flip=at)


@fault("F026", route="content")
def announced_digest(course: Course, *, wrong: bool = False) -> None:
    """Repr-Digest tells the SHA-256 of the whole film; `wrong`: it does not."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        span = answer.body[0] if answer.body else None
        if not isinstance(span, Span):
            return answer
        found = hashlib.sha256(b"wrong" if wrong else b"")
        for chunk in span.film.read(0, span.film.length):
            found.update(chunk)
        value = f"sha-256=:{base64.b64encode(found.digest()).decode()}:"
        return replace(answer, headers=(*answer.headers, ("Repr-Digest", value)))

    course.bends.append(bend)


@fault("F027", route="content")
def ignore_range(course: Course) -> None:
    """Range is ignored: 200 and the whole film."""
    course.hide = (*course.hide, "range")


@fault("F028", route="content")
def wrong_range(course: Course, *, shift: int = 100) -> None:
    """206, but with bytes from `shift` further on, and it says so."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        span = answer.body[0] if answer.body else None
        if answer.status != 206 or not isinstance(span, Span):
            return answer
        moved = replace(span, start=min(span.start + shift, span.stop - 1))
        place = f"bytes {moved.start}-{moved.stop - 1}/{span.film.length}"
        kept = tuple(h for h in answer.headers if h[0] != "Content-Range")
        return replace(answer, body=(moved,), headers=(*kept, ("Content-Range", place)))

    course.bends.append(bend)


@fault("F028", route="content")
def changed_etag(course: Course) -> None:
    """Another ETag each time; a Range is answered with 206 all the same."""
    count = course.count
    course.hide = (*course.hide, "if-range")

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        kept = tuple(h for h in answer.headers if h[0] != "ETag")
        return replace(answer, headers=(*kept, ("ETag", f'"other-{count}"')))

    course.bends.append(bend)


@fault("F029", route="content")
def range_refused(course: Course) -> None:
    """416 to any Range."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        if answer.status != 206:
            return answer
        return json_answer({"error": {"message": "range not satisfiable"}}, 416)

    course.bends.append(bend)


@fault("F030", route="content")
def throttle(course: Course, *, rate: int = 10_000, every: float = 0.1) -> None:
    """`rate` bytes a second, in portions `every` so many seconds."""
    course.delivery = replace(course.delivery, piece=max(1, int(rate * every)), pause=every)


def _cut_body(course: Course, size: int) -> None:
    """Stop after so many bytes of the body; -1: half of what there is."""
    if size >= 0:
        course.delivery = replace(course.delivery, skip_body_after=size)
        return

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        course.delivery = replace(course.delivery, skip_body_after=answer.length // 2)
        return answer

    course.bends.append(bend)


def _end(word: str) -> End:
    if word not in ("close", "reset", "hang", "keep"):
        raise ValueError(f"after is {word!r}: close, reset, hang or keep")
    return word  # type: ignore[return-value]
