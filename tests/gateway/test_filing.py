"""What every answer, and every missing answer, proves about money."""

import ssl
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wires import profile

from runner.gateway.filing import (
    FILED,
    REFUSALS,
    State,
    classify,
    classify_failure,
    fault_of,
    read_report,
)
from runner.gateway.profile import ErrorRule, Profile, Refusal
from runner.gateway.receipt import Fault, Receipt
from runner.model import JobId, Standing

GATEWAY = profile("https://gateway.example")
JOB = JobId("v1")


def said(status: int, body: bytes = b"", **headers: str) -> Receipt:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Receipt(status, pairs, body)


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


def test_every_httpx_error_is_filed() -> None:
    """A new kind of transport error must be judged before it can cost anything."""
    assert set(subclasses(httpx.HTTPError)) <= set(FILED)


@pytest.mark.parametrize("kind", FILED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("sent", [True, False])
def test_sent_or_not_decides_and_not_the_error(kind: type[Exception], sent: bool) -> None:
    """Once a byte may have left, no exception of any kind makes a submit repeatable."""
    receipt = Receipt(fault=fault_of(kind.__new__(kind)), sent=sent)
    verdict = classify(receipt, GATEWAY)
    assert verdict.standing is (Standing.AMBIGUOUS if sent else Standing.NOT_SENT)
    assert not (sent and verdict.again)


def test_what_never_gets_better_is_not_tried_again() -> None:
    """A certificate nobody trusts stays untrusted; other shots need not try either."""
    refused = httpx.ConnectError("x")
    refused.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    verdict = classify(Receipt(fault=fault_of(refused), sent=False), GATEWAY)
    assert (verdict.standing, verdict.again, verdict.stops_all) == (Standing.NOT_SENT, False, True)


def test_causes_are_found_however_deep() -> None:
    """The reason may hide in groups and contexts, and may go in circles."""
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    group = ExceptionGroup("all addresses", [first, ssl.SSLError("wrong version")])
    error = httpx.ConnectError("x")
    error.__cause__ = group
    assert fault_of(error) is Fault.TLS


# ── submits ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [*range(100, 600), 999])
def test_every_status_has_one_place(status: int) -> None:
    """The table, whole: accepted only with an id, refused only by name, all else in doubt."""
    with_id = classify(said(status, b'{"id":"v1"}'), GATEWAY)
    bare = classify(said(status, b"{}"), GATEWAY)
    if status in (200, 201, 202):
        assert (with_id.standing, with_id.job) == (Standing.ACCEPTED, "v1")
        assert bare.standing is Standing.AMBIGUOUS
        return
    refused = {400, 401, 402, 403, 404, 405, 410, 413, 414, 415, 422, 429, 431, 451}
    expected = Standing.REFUSED if status in refused else Standing.AMBIGUOUS
    assert with_id.standing is bare.standing is expected
    assert bare.again == (status == 429)
    assert set(REFUSALS) == refused


@pytest.mark.parametrize(
    ("body", "job"),
    [
        (b'{"id":"v1"}', "v1"),
        (b'\xef\xbb\xbf{"id":"v1"}', "v1"),
        (b'{"id":"video_YWJj=="}', "video_YWJj=="),
        (b'{"id":"../../etc/passwd"}', "../../etc/passwd"),
        (b'{"id":"v1","status":"failed","error":{"message":"no"}}', "v1"),
        (b'{"id":"v1","__proto__":{},"constructor":1}', "v1"),
        (b"", None),
        (b"{}", None),
        (b"[]", None),
        (b"null", None),
        (b'"v1"', None),
        (b'[{"id":"v1"}]', None),
        (b'{"id":null}', None),
        (b'{"id":""}', None),
        (b'{"id":" "}', None),
        (b'{"id":"."}', None),
        (b'{"id":".."}', None),
        (b'{"id":123}', None),
        (b'{"id":true}', None),
        (b'{"id":["v1"]}', None),
        (b'{"id":{}}', None),
        (b'{"id":"a\\u0000b"}', None),
        (b'{"id":"a\\ud800"}', None),
        (b'{"id":"a\\u202eb"}', None),
        (b'{"id":"' + b"x" * 3000 + b'"}', None),
        (b'{"id":"a","id":"b"}', None),
        (b'{"id":"a"}{"id":"b"}', None),
        (b'{"id":"a"} trailing', None),
        (b'{"ID":"a"}', None),
        (b'{"id":"v1"', None),
        (b"[" * 100_000, None),
        (b'{"id":' + b"9" * 5000 + b"}", None),
        (b"\xff\xfe\x00", None),
        (b"<html>Sign in</html>", None),
        (b"ok", None),
    ],
)
def test_only_a_plain_id_is_an_acceptance(body: bytes, job: str | None) -> None:
    """200 with anything but one clear text id is in doubt, and nobody crashes over it."""
    verdict = classify(said(200, body), GATEWAY)
    assert verdict.job == job
    assert verdict.standing is (Standing.AMBIGUOUS if job is None else Standing.ACCEPTED)


def test_numeric_ids_and_locations_count_where_the_profile_says_so() -> None:
    """What is an id is the gateway's custom, so it is data."""
    odd = profile("https://gateway.example", numeric_ids=True, id_from_location=True)
    assert classify(said(200, b'{"id":123}'), odd).job == "123"
    assert classify(said(200, b'{"id":true}'), odd).job is None
    moved = said(201, b"", location="https://gateway.example/v1/videos/v%209?x=1")
    assert classify(moved, odd).job == "v 9"
    assert classify(moved, GATEWAY).standing is Standing.AMBIGUOUS


def test_a_cut_answer_is_no_acceptance() -> None:
    """An id in a body that broke off may be half an id."""
    cut = Receipt(200, (), b'{"id":"v1"}', Fault.BROKEN)
    assert classify(cut, GATEWAY).standing is Standing.AMBIGUOUS


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_dead_key_or_an_empty_account_stops_all(status: int) -> None:
    """No other shot will fare better, so none is sent."""
    verdict = classify(said(status), GATEWAY)
    assert verdict.stops_all
    assert not verdict.again


def test_a_login_page_stops_all() -> None:
    """Whoever answers with a web page is not the gateway: one submit in doubt is enough."""
    page = said(200, b"<!doctype html><title>Hotel</title>", content_type="text/html")
    verdict = classify(page, GATEWAY)
    assert verdict.standing is Standing.AMBIGUOUS
    assert verdict.stops_all
    assert "web page" in verdict.detail


AIHUBMIX = profile(
    "https://gateway.example",
    errors=(
        ErrorRule((403, 400), Refusal.CREDIT, code="insufficient_user_quota"),
        ErrorRule((503,), Refusal.RATE, text="rate limited by provider"),
        ErrorRule((200,), Refusal.INVALID, code="bad_model"),
    ),
)


@pytest.mark.parametrize(
    ("status", "body", "standing", "refusal"),
    [
        (403, b'{"error":{"code":"insufficient_user_quota"}}', Standing.REFUSED, Refusal.CREDIT),
        (403, b'{"error":{"type":"Insufficient_User_Quota"}}', Standing.REFUSED, Refusal.CREDIT),
        (403, b'{"error":{"message":"ip not allowed"}}', Standing.REFUSED, Refusal.AUTH),
        (
            503,
            b'{"error":{"message":"Rate limited by provider (tid: 1)"}}',
            Standing.REFUSED,
            Refusal.RATE,
        ),
        (503, b'{"error":"Rate limited by provider"}', Standing.REFUSED, Refusal.RATE),
        (503, b'{"error":{"message":"no idea"}}', Standing.AMBIGUOUS, None),
        (503, b"Rate limited by provider", Standing.AMBIGUOUS, None),
        (502, b'{"error":{"message":"Rate limited by provider"}}', Standing.AMBIGUOUS, None),
        (200, b'{"error":{"code":"bad_model"}}', Standing.REFUSED, Refusal.INVALID),
        (200, b'{"error":{"code":"other"}}', Standing.AMBIGUOUS, None),
    ],
)
def test_a_gateway_s_own_words_can_prove_that_there_is_no_job(
    status: int, body: bytes, standing: Standing, refusal: Refusal | None
) -> None:
    """A 5xx is in doubt unless the profile knows exactly this one, with its source."""
    verdict = classify(said(status, body), AIHUBMIX)
    assert (verdict.standing, verdict.refusal) == (standing, refusal)


def test_a_rule_needs_the_whole_answer() -> None:
    """Half an error message proves nothing about a 5xx."""
    cut = Receipt(503, (), b'{"error":"Rate limited by provider"}', Fault.BROKEN)
    assert classify(cut, AIHUBMIX).standing is Standing.AMBIGUOUS


@given(st.integers(100, 599), st.binary(max_size=200), st.sampled_from([None, *Fault]))
def test_no_answer_upsets_the_filing(status: int, body: bytes, fault: Fault | None) -> None:
    """Any bytes with any status are filed; only a whole 2xx can be an acceptance."""
    receipt = Receipt(status, (), body, fault)
    verdict = classify(receipt, GATEWAY)
    assert verdict.standing in (Standing.ACCEPTED, Standing.REFUSED, Standing.AMBIGUOUS)
    assert verdict.detail.isprintable()
    if verdict.standing is Standing.ACCEPTED:
        assert fault is None
        assert status in (200, 201, 202)
    read_report(receipt, GATEWAY, JOB)


def test_outside_text_is_made_harmless() -> None:
    """An error message cannot move the cursor, set the title, or run backwards."""
    body = b'{"error":{"message":"\\u001b]0;pwn\\u0007 a\\u202eb\\nnext"}}'
    detail = classify(said(400, body), GATEWAY).detail
    assert detail.isprintable()
    assert "\\x1b" in detail
    assert "\\u202e" in detail


def test_the_request_number_is_kept_for_support() -> None:
    """What the gateway's support will ask for stands in the message."""
    assert "req-77" in classify(said(500, b"{}", x_request_id="req-77"), GATEWAY).detail


def test_waiting_times_are_passed_on() -> None:
    """429 and 503 with Retry-After say how long."""
    assert classify(said(429, retry_after="3"), GATEWAY).retry_after == 3.0
    assert classify(said(503, retry_after="3"), GATEWAY).retry_after == 3.0
    date = "Thu, 01 Jan 1970 00:01:00 GMT"
    assert classify(said(429, retry_after=date), GATEWAY, now=50.0).retry_after == 10.0


# ── looks ───────────────────────────────────────────────────────────────────────────────────


def report(body: Any, status: int = 200, known: Profile = GATEWAY, **headers: str) -> Any:
    import json

    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_report(said(status, data, **headers), known, JOB)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", State.QUEUED),
        ("in_progress", State.RUNNING),
        ("COMPLETED ", State.COMPLETED),
        ("failed", State.FAILED),
        ("expired", State.GONE),
        ("post_processing", State.UNKNOWN),
        ("canceled", State.UNKNOWN),
        ("", State.UNKNOWN),
        (None, State.UNKNOWN),
        (7, State.UNKNOWN),
        (["completed"], State.UNKNOWN),
        ("completed" * 2000, State.UNKNOWN),
    ],
)
def test_a_word_nobody_knows_is_neither_done_nor_failed(word: object, state: State) -> None:
    """Known words and their synonyms count; everything else keeps us looking."""
    assert report({"id": "v1", "status": word}).state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (404, State.MISSING),
        (410, State.GONE),
        (401, State.DENIED),
        (403, State.DENIED),
        (429, State.UNREACHABLE),
        (500, State.UNREACHABLE),
        (302, State.UNREACHABLE),
        (204, State.UNREACHABLE),
        (400, State.UNREACHABLE),
    ],
)
def test_a_look_that_fails_says_how(status: int, state: State) -> None:
    """None of them ends a job by itself."""
    assert report(b"", status).state is state


def test_another_job_s_answer_is_an_anomaly() -> None:
    """Told about a job we did not ask for, we believe nothing of it."""
    seen = report({"id": "v2", "status": "completed"})
    assert seen.state is State.UNKNOWN
    assert "v2" in seen.anomaly
    lax = profile("https://gateway.example", echoes_id=False)
    assert report({"id": "v2", "status": "completed"}, known=lax).state is State.COMPLETED
    assert report({"status": "completed"}).state is State.COMPLETED


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (0, 0), (42, 42), (99.9, 99), ("50%", 50), (" 7 ", 7), (100, 100), (-1, None), (101, None),
        ("x", None), (None, None), (True, None), ([1], None), (1e400, None), ("9" * 50, None),
    ],
)  # fmt: skip
def test_progress_is_only_for_show(progress: object, percent: int | None) -> None:
    """Nonsense in `progress` shows as nothing and changes nothing."""
    import json

    body = json.dumps({"id": "v1", "status": "in_progress", "progress": progress}).encode()
    seen = report(body)
    assert (seen.state, seen.percent) == (State.RUNNING, percent)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"message": "Video generation failed due to content policy violation"}, "moderation"),
        ({"code": "moderation_blocked", "message": "x"}, "moderation"),
        ({"code": "InputImageSensitiveContentDetected", "message": ""}, "moderation"),
        ({"code": "DataInspectionFailed"}, "moderation"),
        ("The service is overloaded, try again", "capacity"),
        ({"message": "upstream timed out"}, "capacity"),
        ({"code": "InvalidParameter", "message": "image is too small"}, "input"),
        ({"message": "unsupported image format"}, "input"),
        ({"code": "internal_error", "message": "Video generation failed"}, "unknown"),
        ({"code": "server_error", "message": "The server had an error"}, "unknown"),
        ({"message": "42"}, "unknown"),
        (None, "unknown"),
        (17, "unknown"),
    ],
)
def test_failures_are_told_apart(error: object, failure: str) -> None:
    """Only capacity may be tried again by itself, so the classes must not be mixed up."""
    seen = report({"id": "v1", "status": "failed", "error": error})
    assert (seen.state, seen.failure) == (State.FAILED, failure)


def test_what_a_failure_costs_is_the_profile_s_word() -> None:
    """Free where the gateway says so, maybe where nobody does."""
    free = profile("https://gateway.example", failures={"default": "free", "moderation": "billed"})
    failed = {"id": "v1", "status": "failed", "error": "content policy"}
    assert report(failed).billing == "maybe"
    assert report(failed, known=free).billing == "billed"
    assert report({"id": "v1", "status": "failed"}, known=free).billing == "free"
    assert report({"id": "v1", "status": "completed"}, known=free).billing is None


def test_what_the_gateway_echoes_is_reported() -> None:
    """Model, seconds and size as it understood them, under our names."""
    wan = {
        "id": "v1", "status": "completed", "model": "wan2.6-t2v", "duration": 5, "width": 1920,
        "height": 1080, "url": "https://x.example/v.mp4?sig=secret#t", "error": None,
    }  # fmt: skip
    seen = report(wan)
    assert seen.echo == {"model": "wan2.6-t2v", "seconds": "5", "size": "1920x1080"}
    assert seen.url == "https://x.example/v.mp4"
    sora = {"id": "v1", "status": "queued", "model": "sora-2", "seconds": "8", "size": "1280x720"}
    assert report(sora).echo == {"model": "sora-2", "seconds": "8", "size": "1280x720"}
    assert report({"id": "v1", "status": "queued", "model": ["x"], "size": True}).echo == {}


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        ({"cost": "0.50"}, Decimal("0.50")),
        ({"cost": 0.1}, Decimal("0.1")),
        ({"usage": {"cost": 2}}, Decimal(2)),
        ({"usage": {"tokens": 2}}, None),
        ({"cost": -1}, None),
        ({"cost": "NaN"}, None),
        ({"cost": "free"}, None),
        ({"cost": True}, None),
    ],
)
def test_a_stated_cost_is_read_exactly(answer: dict[str, object], cost: Decimal | None) -> None:
    """Money is never a binary fraction, and nonsense is no price."""
    assert report({"id": "v1", "status": "completed", **answer}).cost == cost


def test_when_a_result_expires_is_read() -> None:
    """Seconds since the epoch, or nothing."""
    assert report({"id": "v1", "status": "completed", "expires_at": 1772538330}).expires_at
    assert report({"id": "v1", "status": "completed", "expires_at": "soon"}).expires_at is None


def test_failure_words_never_confuse_money() -> None:
    """A moderation message that mentions the server is still moderation."""
    assert classify_failure("server_error", "blocked by content policy") == "moderation"
