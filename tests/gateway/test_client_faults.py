"""The fault catalogue, row by row, as far as it concerns the client.

What the executor and the journal make of these verdicts is held by their own tests.
"""

import gzip
import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from scripted import Connection, Script, film, forever, reply, says, serving
from wires import BODY, JOB, fetched, looked, profile, submitted, using

from runner.gateway.client import Client
from runner.gateway.download import Got
from runner.gateway.filing import State, Verdict, classify
from runner.gateway.profile import Bounds, Deadlines, Dedupe, ErrorRule, Refusal
from runner.model import Standing

OK = reply(200, b'{"id":"v1","status":"queued"}', ("Content-Type", "application/json"))
FILM = film(30_000)
VIDEO = ("Content-Type", "video/mp4")
TAG = ("ETag", '"v1"')
PAGE = reply(200, b"<html>Welcome to the hotel</html>", ("Content-Type", "text/html"))
HASTY = Deadlines(connect=0.5, read=0.3, write=0.3, submit=0.4, look=0.4, fetch=5.0, stall=0.2)


def after(act: Callable[[Connection], None]) -> Script:
    """Reads the whole request, then does something else than answer it well."""

    def script(at: Connection) -> None:
        at.request()
        act(at)

    return script


def sends(data: bytes) -> Script:
    return after(lambda at: at.send(data))


def holds(data: bytes) -> Script:
    """Answers, and keeps the line open without another word."""

    def script(at: Connection) -> None:
        at.request()
        at.send(data)
        at.hang()

    return script


def floods(head: bytes, chunk: bytes) -> Script:
    def script(at: Connection) -> None:
        at.request()
        at.send(head)
        while True:
            at.send(chunk)

    return script


def half_read(at: Connection) -> None:
    at.sock.recv(40)
    at.reset()


REFUSED, AMBIGUOUS, ACCEPTED = Standing.REFUSED, Standing.AMBIGUOUS, Standing.ACCEPTED
BARE = "HTTP/1.1 200 OK\r\n"
SUBMITS: list[tuple[str, Script, Standing]] = [
    ("F008 reset within the request", half_read, AMBIGUOUS),
    ("F009 reset after the request", after(lambda at: at.reset()), AMBIGUOUS),
    ("F009 closed after the request", after(lambda at: None), AMBIGUOUS),
    ("F010 cut inside the id", sends(OK[:-20]), AMBIGUOUS),
    ("F011 whole, but never closed", holds(OK), ACCEPTED),
    ("F012 no answer in time", after(lambda at: at.hang()), AMBIGUOUS),
    ("F013 one byte at a time", after(lambda at: at.drip(OK * 99)), AMBIGUOUS),
    ("F016 a portal answers", sends(PAGE), AMBIGUOUS),
    ("F019 100 and then nothing", holds(b"HTTP/1.1 100 Continue\r\n\r\n"), AMBIGUOUS),
    ("F019 100 without end", floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), AMBIGUOUS),
    ("F019 100 and then an answer", sends(b"HTTP/1.1 100 Continue\r\n\r\n" + OK), ACCEPTED),
    ("F032 429", sends(reply(429, b"", ("Retry-After", "3"))), REFUSED),
    ("F035 401", sends(reply(401)), REFUSED),
    ("F035 403", sends(reply(403)), REFUSED),
    ("F036 402", sends(reply(402)), REFUSED),
    ("F037 502", sends(reply(502)), AMBIGUOUS),
    ("F037 504", sends(reply(504)), AMBIGUOUS),
    ("F038 500", sends(reply(500, b'{"error":{"message":"internal"}}')), AMBIGUOUS),
    ("F039 503 with Retry-After", sends(reply(503, b"", ("Retry-After", "3"))), AMBIGUOUS),
    ("F040 empty object", sends(reply(200, b"{}")), AMBIGUOUS),
    ("F040 null id", sends(reply(200, b'{"id":null}')), AMBIGUOUS),
    ("F040 number id", sends(reply(200, b'{"id":123}')), AMBIGUOUS),
    ("F040 empty id", sends(reply(200, b'{"id":""}')), AMBIGUOUS),
    ("F040 array", sends(reply(200, b'["v1"]')), AMBIGUOUS),
    ("F040 empty", sends(reply(200)), AMBIGUOUS),
    ("F041 200 with an error", sends(reply(200, b'{"error":{"message":"no"}}')), AMBIGUOUS),
    ("F042 Location only", sends(reply(201, b"", ("Location", "/v1/videos/v1"))), AMBIGUOUS),
    ("F043 failed at once", sends(reply(202, b'{"id":"v1","status":"failed"}')), ACCEPTED),
    ("F045 307", sends(reply(307, b"", ("Location", "https://x.example/"))), AMBIGUOUS),
    ("F045 303", sends(reply(303, b"", ("Location", "/v1/videos/v1"))), AMBIGUOUS),
    (
        "F063 two lengths",
        sends(f"{BARE}Content-Length: 5\r\nContent-Length: 9\r\n\r\n".encode() + b"x" * 9),
        AMBIGUOUS,
    ),
    ("F063 no length", sends(f"{BARE}Content-Length: many\r\n\r\n".encode()), AMBIGUOUS),
    ("F063 a megabyte of header", sends(f"{BARE}X: {'x' * 2**20}\r\n\r\n".encode()), AMBIGUOUS),
    ("F063 64 KiB of status", sends(b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n"), AMBIGUOUS),
    ("F063 another protocol", sends(b"220 mail.example ESMTP\r\n"), AMBIGUOUS),
    ("F063 a bare line feed in a name", sends(b"HTTP/1.1 200 OK\r\nA\nB: c\r\n\r\n"), AMBIGUOUS),
    (
        "F064 gzip all the same",
        sends(reply(200, gzip.compress(b'{"id":"v1"}'), ("Content-Encoding", "gzip"))),
        ACCEPTED,
    ),
    (
        "F064 gzip bomb",
        sends(reply(200, gzip.compress(b" " * 50_000_000), ("Content-Encoding", "gzip"))),
        AMBIGUOUS,
    ),
    (
        "F064 gzip twice",
        sends(
            reply(
                200,
                gzip.compress(gzip.compress(b'{"id":"v1"}')),
                ("Content-Encoding", "gzip, gzip"),
            )
        ),
        AMBIGUOUS,
    ),
    ("F065 gigabytes", floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536), AMBIGUOUS),
]


@pytest.mark.parametrize(
    ("script", "standing"), [row[1:] for row in SUBMITS], ids=[row[0] for row in SUBMITS]
)
def test_a_submit_meets(script: Script, standing: Standing) -> None:
    """One POST whatever happens, and a verdict that costs nobody a second payment."""
    with serving(script) as server:
        known = profile(server, deadlines=HASTY)
        receipt = submitted(known)
        verdict = classify(receipt, known)
    assert verdict.standing is standing
    assert server.connections == 1
    assert receipt.sent
    assert verdict.again == (receipt.status == 429)


def test_f001_f003_nothing_is_sent_where_nobody_is() -> None:
    """F001, F003: no name, no listener: provably not sent."""
    with serving(says(OK)) as server:
        gone = server.url
    for url in ("https://gateway.invalid", gone):
        known = profile(url)
        assert classify(submitted(known), known).standing is Standing.NOT_SENT


def test_f014_a_kept_connection_is_never_used_for_a_submit() -> None:
    """F014: the server closes idle connections at the worst moment; a submit has its own."""
    with serving(forever(reply(404)), forever(OK)) as server:

        async def look_then_submit(client: Client) -> Verdict:
            await client.look(JOB)
            return classify(await client.submit(BODY), client.profile)

        assert using(server, look_then_submit).job == "v1"
    assert server.connections == 2


def test_f018_only_http_1_is_offered() -> None:
    """F018: without HTTP/2 there is no GOAWAY to judge."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    chosen: list[str | None] = []

    def script(at: Connection) -> None:
        assert isinstance(at.sock, ssl.SSLSocket)
        chosen.append(at.sock.selected_alpn_protocol())
        says(OK)(at)

    with serving(script, tls=tls) as server:
        assert submitted(server, verify=trusting).status == 200
    assert chosen[0] in (None, "http/1.1")


def test_f032_f039_the_gateway_says_how_long() -> None:
    """F032, F039: the pause it asked for is passed on, whether refused or in doubt."""
    for status in (429, 503):
        with serving(says(reply(status, b"", ("Retry-After", "3")))) as server:
            assert classify(submitted(server), profile(server)).retry_after == 3.0


def test_f035_f036_f016_everything_stops() -> None:
    """F016, F035, F036: key, credit or network are wrong for every other shot as well."""
    for answer in (reply(401), reply(402), reply(403), PAGE):
        with serving(says(answer)) as server:
            assert classify(submitted(server), profile(server)).stops_all


def test_f041_f042_profiles_may_know_better() -> None:
    """F041, F042: an error in a 200, an id in a Location, where the profile says so."""
    rule = ErrorRule((200,), Refusal.INVALID, text="no such model")
    with serving(says(reply(200, b'{"error":"no such model x"}'))) as server:
        known = profile(server, errors=(rule,))
        assert classify(submitted(known), known).standing is REFUSED
    with serving(says(reply(201, b"", ("Location", "/v1/videos/v7")))) as server:
        known = profile(server, id_from_location=True)
        assert classify(submitted(known), known).job == "v7"


KEYED = Dedupe("keyed", key_header="Idempotency-Key", retention=86_400.0)
REPLAYS: list[tuple[str, bytes, Standing, bool]] = [
    ("F066 the same job again", OK, ACCEPTED, False),
    ("F066 409 in progress", reply(409, b'{"error":"in progress"}'), AMBIGUOUS, True),
    ("F066 409", reply(409), AMBIGUOUS, True),
    ("F066 422 other body", reply(422, b'{"error":"Idempotency-Key reused"}'), AMBIGUOUS, False),
    ("F066 422 of the usual kind", reply(422, b'{"error":"bad size"}'), REFUSED, False),
    ("F066 502", reply(502), AMBIGUOUS, True),
    ("F066 a redirect", reply(307, b"", ("Location", "/x")), AMBIGUOUS, False),
]


@pytest.mark.parametrize(
    ("answer", "standing", "again"), [row[1:] for row in REPLAYS], ids=[r[0] for r in REPLAYS]
)
def test_a_keyed_submit_meets(answer: bytes, standing: Standing, again: bool) -> None:
    """Under a key that is honoured a doubt may go again, unless the key itself is the trouble."""
    with serving(says(answer)) as server:
        known = profile(server, dedupe=KEYED)
        receipt = using(known, lambda client: client.submit(BODY, "key-1"))
        verdict = classify(receipt, known)
    assert (verdict.standing, verdict.again) == (standing, again)
    assert server.asked[0].header("idempotency-key") == "key-1"


def test_f012_under_a_key_a_lost_answer_may_go_again() -> None:
    """F012: the same bytes under the same key; without one, never."""
    with serving(after(lambda at: at.reset())) as server:
        keyed, plain = profile(server, dedupe=KEYED), profile(server)
        assert classify(submitted(keyed), keyed).again
        assert not classify(submitted(plain), plain).again


@pytest.mark.parametrize(
    ("dedupe", "age", "holds"),
    [
        (KEYED, 0.0, True),
        (KEYED, 80_000.0, True),
        (KEYED, 86_000.0, False),
        (KEYED, -5.0, False),
        (Dedupe("keyed", key_header="K", retention=180.0), 119.0, True),
        (Dedupe("keyed", key_header="K", retention=180.0), 121.0, False),
        (Dedupe("keyed", key_header="K"), 0.0, False),
        (Dedupe("listed", retention=86_400.0), 0.0, False),
    ],
)
def test_f067_a_forgotten_key_is_worthless(dedupe: Dedupe, age: float, holds: bool) -> None:
    """F067: near the end of its retention, or where nobody states one, a key protects nothing."""
    assert dedupe.holds(age) is holds


# ── looks ───────────────────────────────────────────────────────────────────────────────────

LOOKS: list[tuple[str, Script, State]] = [
    ("F020 reset", after(lambda at: at.reset()), State.UNREACHABLE),
    ("F020 closed", after(lambda at: None), State.UNREACHABLE),
    ("F020 silence", after(lambda at: at.hang()), State.UNREACHABLE),
    ("F020 drip", after(lambda at: at.drip(OK * 99)), State.UNREACHABLE),
    ("F020 cut", sends(OK[:-3]), State.UNREACHABLE),
    ("F020 500", sends(reply(500)), State.UNREACHABLE),
    ("F020 429", sends(reply(429)), State.UNREACHABLE),
    ("F020 page", sends(PAGE), State.UNKNOWN),
    ("F046 404", sends(reply(404)), State.MISSING),
    ("F047 410", sends(reply(410)), State.GONE),
    ("F048 other job", sends(reply(200, b'{"id":"v9","status":"completed"}')), State.UNKNOWN),
    ("F050 new word", sends(reply(200, b'{"status":"post_processing"}')), State.UNKNOWN),
    ("F050 known word", sends(reply(200, b'{"status":" Expired"}')), State.GONE),
    ("F051 NaN", sends(reply(200, b'{"status":"queued","progress":NaN}')), State.QUEUED),
    ("F063 no HTTP", sends(b"220 mail.example ESMTP\r\n"), State.UNREACHABLE),
    ("F065 gigabytes", floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536), State.UNREACHABLE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "state"), [row[1:] for row in LOOKS], ids=[row[0] for row in LOOKS]
)
def test_a_look_meets(script: Script, state: State) -> None:
    """Nothing that goes wrong with a look says that a job is done, failed or lost."""
    with serving(script) as server:
        report = looked(profile(server, deadlines=HASTY))
    assert report.state is state
    assert report.detail.isprintable()


def test_f062_another_model_is_told() -> None:
    """F062: what the gateway says it renders is handed on for comparison."""
    body = json.dumps({"id": str(JOB), "status": "queued", "model": "cheaper-1"}).encode()
    with serving(says(reply(200, body))) as server:
        assert looked(server).echo["model"] == "cheaper-1"


# ── downloads ───────────────────────────────────────────────────────────────────────────────


def cut(at: int, *headers: tuple[str, str]) -> bytes:
    return reply(200, FILM[:at], VIDEO, *headers, length=len(FILM))


WHOLE = says(reply(200, FILM, VIDEO, TAG))
REST = ("Content-Range", f"bytes 9000-{len(FILM) - 1}/{len(FILM)}")
NO_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n"
CHUNKED = NO_LENGTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
OTHER = reply(206, FILM, VIDEO, ("Content-Range", "bytes 0-1/2"))
ZIPPED = reply(200, gzip.compress(FILM), VIDEO, ("Content-Encoding", "gzip"))
SORRY = b'{"error":"gone wrong"}'


def rest(*headers: tuple[str, str]) -> Script:
    return sends(reply(206, FILM[9000:], VIDEO, REST, *headers))


def slowly(at: Connection) -> None:
    at.request()
    at.send(NO_LENGTH)
    at.drip(FILM)


FETCHES: list[tuple[str, list[Script], Got]] = [
    ("F022 no length, cut", [sends(NO_LENGTH + FILM[:9000]), WHOLE], Got.DONE),
    ("F023 shorter than its length", [sends(cut(9000)), WHOLE], Got.DONE),
    ("F024 longer than its length", [sends(reply(200, FILM, VIDEO) + b"more")], Got.DONE),
    ("F025 chunked, cut", [sends(CHUNKED + b"2328\r\n" + FILM[:9000]), WHOLE], Got.DONE),
    ("F027 Range ignored", [sends(cut(9000, TAG)), WHOLE], Got.DONE),
    ("F028 other range", [sends(cut(9000, TAG)), sends(OTHER), WHOLE], Got.DONE),
    ("F028 other tag", [sends(cut(9000, TAG)), rest(("ETag", '"v2"')), WHOLE], Got.DONE),
    ("F028 right range", [sends(cut(9000, TAG)), rest()], Got.DONE),
    ("F029 416", [sends(cut(9000, TAG)), sends(reply(416)), WHOLE], Got.DONE),
    ("F030 too slow", [slowly], Got.UNREACHABLE),
    ("F052 404 for a while", [sends(reply(404))], Got.MISSING),
    ("F052 409 for a while", [sends(reply(409))], Got.NOT_READY),
    ("F052 425 for a while", [sends(reply(425))], Got.NOT_READY),
    ("F053 an error as a film", [sends(reply(200, SORRY, VIDEO))], Got.NOT_VIDEO),
    ("F053 an error", [sends(reply(200, SORRY, ("Content-Type", "text/json")))], Got.NOT_VIDEO),
    ("F056 gone", [sends(reply(410))], Got.EXPIRED),
    ("F064 compressed", [sends(ZIPPED)], Got.REFUSED),
    ("F065 gigabytes", [floods(NO_LENGTH, b"\0" * 65536)], Got.REFUSED),
]


@pytest.mark.parametrize(
    ("scripts", "got"), [row[1:] for row in FETCHES], ids=[row[0] for row in FETCHES]
)
def test_a_download_meets(scripts: list[Script], got: Got, tmp_path: Path) -> None:
    """A whole film or none, and the reason by name."""
    limits = Deadlines(read=0.5, stall=0.15, min_rate=1e6, fetch=5.0)
    with serving(*scripts) as server:
        known = profile(server, deadlines=limits, bounds=Bounds(media=1 << 20, answer=1 << 16))
        result = fetched(known, tmp_path / "x.mp4")
    assert result.got is got
    if got is Got.DONE:
        assert result.path is not None
        assert result.path.read_bytes() == FILM
    else:
        assert list(tmp_path.iterdir()) == []


def test_f054_f055_a_signed_link_is_followed_without_the_key(tmp_path: Path) -> None:
    """F054, F055: another origin gets no key; a link that ran out is asked for again."""
    with serving(sends(reply(403)), WHOLE) as cdn:
        link = reply(302, b"", ("Location", f"{cdn.url}/v.mp4?X-Amz-Signature=topsecret"))
        with serving(forever(link)) as server:
            result = fetched(server, tmp_path / "x.mp4")
    assert result.got is Got.DONE
    assert "topsecret" not in repr(result)
    assert all(asked.header("authorization") is None for asked in cdn.asked)


def test_f057_nothing_is_ever_deleted_there() -> None:
    """F057: the client cannot even ask for it."""
    assert not any("delete" in name for name in dir(Client))
