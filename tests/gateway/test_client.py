"""Submit and look on real sockets: one request each, whatever the far side does."""

import asyncio
import socket
from pathlib import Path

import pytest
from scripted import Connection, Script, forever, reply, says, serving
from wires import BODY, JOB, KEY, STRICT, judged, looked, profile, submitted, using

from runner.errors import BadInput
from runner.gateway.client import Client
from runner.gateway.filing import State, classify
from runner.gateway.profile import Bounds, Dedupe, Refusal
from runner.gateway.receipt import Fault, Receipt
from runner.model import JobId, Standing

ACCEPTED = b'{"id":"job/1?x=#%","status":"queued"}'
ANSWER = reply(200, ACCEPTED, ("Content-Type", "application/json"))


def test_a_submit_is_one_post_with_nothing_added() -> None:
    """The body goes as it is, once, with the key and no header that was not asked for."""
    with serving(says(ANSWER)) as server:
        receipt = submitted(server)
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/v1/videos", BODY)
    assert {key.lower() for key, _ in asked.headers} == {
        "host", "user-agent", "accept", "accept-encoding", "content-type", "content-length",
        "authorization", "connection",
    }  # fmt: skip
    assert asked.header("authorization") == f"Bearer {KEY}"
    assert asked.header("accept-encoding") == "identity"
    assert (receipt.status, receipt.body, receipt.sent) == (200, ACCEPTED, True)
    assert classify(receipt, profile(server)).job == "job/1?x=#%"


def test_the_idempotency_key_travels_only_where_it_is_honoured() -> None:
    """Elsewhere the header may make proxies repeat a POST, so it is not sent."""
    with serving(says(ANSWER)) as server:
        using(server, lambda client: client.submit(BODY, "key-1"))
        keyed = profile(server, dedupe=Dedupe("keyed", key_header="Idempotency-Key"))
        using(keyed, lambda client: client.submit(BODY, "key-2"))
    assert [asked.header("idempotency-key") for asked in server.asked] == [None, "key-2"]


def test_an_answer_cut_anywhere_is_in_doubt() -> None:
    """Whatever byte the answer breaks off at, nobody resubmits, and what arrived is kept."""

    def cut_at(cut: int) -> Script:
        def script(at: Connection) -> None:
            at.request()
            at.send(ANSWER[:cut])

        return script

    async def one_each(client: Client) -> list[Receipt]:
        return [await client.submit(BODY) for _ in ANSWER]

    with serving(*(cut_at(cut) for cut in range(len(ANSWER)))) as server:
        receipts = using(server, one_each)
    assert len(server.asked) == len(ANSWER)
    head = ANSWER.index(b"\r\n\r\n") + 4
    for cut, receipt in enumerate(receipts):
        verdict = classify(receipt, profile(server))
        assert (verdict.standing, verdict.again) == (Standing.AMBIGUOUS, False), cut
        assert receipt.body == ANSWER[head:cut]


@pytest.mark.parametrize("cut", [0, 1, 17, 60, 120, 200, 10_000, 200_000, 999_999])
def test_a_request_cut_anywhere_is_in_doubt(cut: int) -> None:
    """A reset while our bytes were leaving proves nothing about what the far side has read."""

    def script(at: Connection) -> None:
        left = cut
        while left > 0:
            left -= len(at.sock.recv(min(left, 65536)))
        at.reset()

    with serving(script) as server:
        receipt = submitted(server, b'"' + b"x" * 1_000_000 + b'"')
    standing = classify(receipt, profile(server)).standing
    if receipt.sent:
        assert standing is Standing.AMBIGUOUS
    else:  # the reset came while we were still connecting
        assert cut == 0
        assert standing is Standing.NOT_SENT
    assert server.connections == 1


def test_a_refused_connection_is_not_a_submit() -> None:
    """Nothing listens there: nothing was sent, and the same attempt may go again."""
    with serving(says(ANSWER)) as server:
        url = server.url
    verdict = judged(profile(url))
    assert verdict.standing is Standing.NOT_SENT
    assert verdict.again
    assert "127.0.0.1" in verdict.detail


def test_a_connection_that_is_never_taken_up_is_not_a_submit() -> None:
    """SYNs vanish: the connect deadline ends it, provably before any byte of ours left."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        verdict = judged(profile(url, deadlines=STRICT))
        for sock in crowd:
            sock.close()
    assert verdict.standing is Standing.NOT_SENT


def test_a_name_that_does_not_exist_is_named() -> None:
    """The message says which host could not be found."""
    verdict = judged(profile("https://gateway.invalid"))
    assert verdict.standing is Standing.NOT_SENT
    assert "gateway.invalid" in verdict.detail


def test_silence_and_dripping_end_at_the_deadline() -> None:
    """A server that sends a byte now and then cannot hold us; what it sent is kept."""

    def drip(at: Connection) -> None:
        at.request()
        at.drip(ANSWER * 1000)

    def silent(at: Connection) -> None:
        at.request()
        at.hang()

    for script in (drip, silent):
        with serving(script) as server:
            receipt = submitted(profile(server, deadlines=STRICT))
        assert receipt.fault is Fault.DEADLINE
        assert classify(receipt, profile(server)).standing is Standing.AMBIGUOUS


def test_an_answer_without_end_stops_at_the_limit() -> None:
    """Gigabytes instead of an id: memory stays bounded, the attempt is in doubt."""

    def flood(at: Connection) -> None:
        at.request()
        at.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            at.send(b" " * 65536)

    with serving(flood) as server:
        receipt = submitted(profile(server, bounds=Bounds(answer=100_000)))
    assert receipt.fault is Fault.TOO_LARGE
    assert len(receipt.body) == 100_000
    assert classify(receipt, profile(server)).standing is Standing.AMBIGUOUS


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_submit_is_not_followed(status: int) -> None:
    """The body may have been processed, and the key must not go elsewhere."""
    with serving(says(ANSWER)) as elsewhere:
        moved = reply(status, b"", ("Location", f"{elsewhere.url}/v1/videos?sig=secret"))
        with serving(says(moved)) as server:
            verdict = judged(server)
    assert elsewhere.connections == 0
    assert len(server.asked) == 1
    assert verdict.standing is Standing.AMBIGUOUS
    assert verdict.stops_all
    assert elsewhere.url in verdict.detail
    assert "secret" not in verdict.detail


def test_every_submit_has_a_connection_of_its_own() -> None:
    """A kept connection may die just as the body leaves; a submit never takes that chance."""
    with serving(forever(ANSWER)) as server:

        async def twice(client: Client) -> None:
            await client.look(JobId("a"))
            await client.submit(BODY)
            await client.submit(BODY)

        using(server, twice)
    assert server.connections == 3


def test_looks_share_a_connection() -> None:
    """Polls are cheap: the second one needs no handshake."""
    with serving(forever(ANSWER)) as server:

        async def often(client: Client) -> None:
            for _ in range(5):
                await client.look(JOB)

        using(server, often)
    assert server.connections == 1
    assert len(server.asked) == 5


def test_a_look_survives_a_kept_connection_that_died() -> None:
    """The server closed an idle connection: the look goes over a new one, and nobody notices."""

    def closes(at: Connection) -> None:
        at.request()
        at.send(ANSWER)

    with serving(closes) as server:

        async def twice(client: Client) -> list[State]:
            first = await client.look(JOB)
            for thread in server.finished():
                thread.join()
            return [first.state, (await client.look(JOB)).state]

        states = using(server, twice)
    assert states == [State.QUEUED, State.QUEUED]


def test_ids_are_opaque_in_urls() -> None:
    """Whatever an id holds, it stays one path segment."""
    with serving(forever(reply(404))) as server:
        for job in ("../../etc/passwd", "a?b=1#c", "..%2f..", "@evil.example", "ü/ü", "a b"):
            looked(server, JobId(job))
    assert [asked.target for asked in server.asked] == [
        "/v1/videos/..%2F..%2Fetc%2Fpasswd",
        "/v1/videos/a%3Fb%3D1%23c",
        "/v1/videos/..%252f..",
        "/v1/videos/%40evil.example",
        "/v1/videos/%C3%BC%2F%C3%BC",
        "/v1/videos/a%20b",
    ]


def test_a_cancelled_submit_leaves_no_connection_behind() -> None:
    """Ctrl-C in flight closes the line at once; nothing lingers, nothing is repeated."""

    def silent(at: Connection) -> None:
        at.request()
        at.hang()

    with serving(silent) as server:

        async def cancelled(client: Client) -> bool:
            task = asyncio.ensure_future(client.submit(BODY))
            while not server.asked:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert using(server, cancelled)
        for thread in server.finished():
            thread.join()
    assert server.connections == 1


def test_the_key_shows_up_nowhere(tmp_path: Path) -> None:
    """A server that echoes our key back finds it redacted in receipts, reports and errors."""
    echo = reply(
        400,
        f'{{"error":{{"message":"bad key {KEY}"}}}}'.encode(),
        ("X-Request-Id", KEY),
        ("Location", f"https://x.example/?k={KEY}"),
    )
    with serving(forever(echo)) as server:

        async def all_three(client: Client) -> str:
            receipt = await client.submit(BODY)
            verdict = classify(receipt, client.profile)
            report = await client.look(JOB)
            got = await client.fetch(JOB, tmp_path / "x.mp4")
            return f"{client!r} {client.__dict__} {receipt} {verdict} {report} {got}"

        text = using(server, all_three)
    assert KEY not in text
    assert "bad key [redacted]" in text


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", " "])
def test_a_key_that_cannot_travel_is_refused_without_showing_it(key: str) -> None:
    """A pasted key with a line break in it is a mistake to name, not one to print."""
    with pytest.raises(BadInput, match="SCRIPTED_KEY") as caught:
        Client(profile("https://gateway.example"), key)
    assert key.strip() == "" or key not in str(caught.value)


def test_a_body_beyond_the_limit_stays_here() -> None:
    """Too much to send is found before anything is sent; other shots are not concerned."""
    with serving(says(ANSWER)) as server:
        known = profile(server, bounds=Bounds(body=len(BODY)))
        assert submitted(known).status == 200
        verdict = classify(submitted(known, BODY + b" "), known)
    assert verdict.standing is Standing.NOT_SENT
    assert (verdict.again, verdict.stops_all) == (False, False)
    assert str(len(BODY) + 1) in verdict.detail
    assert len(server.asked) == 1


def test_cookies_are_not_kept() -> None:
    """No state of a gateway, or of something in between, follows us to the next request."""
    with serving(forever(reply(200, ACCEPTED, ("Set-Cookie", "a=b; Path=/")))) as server:

        async def twice(client: Client) -> None:
            await client.look(JOB)
            await client.look(JOB)

        using(server, twice)
    assert all(asked.header("cookie") is None for asked in server.asked)


def test_an_answer_before_the_body_was_read_counts() -> None:
    """413 while we still send: the refusal is heard although our bytes hit a closed door."""

    def early(at: Connection) -> None:
        at.sock.recv(100)
        at.send(reply(413, b"{}"))
        at.sock.shutdown(socket.SHUT_WR)
        at.hang()

    with serving(early) as server:
        receipt = submitted(profile(server, bounds=Bounds()), b"x" * 4_000_000)
    verdict = classify(receipt, profile(server))
    assert verdict.refusal is Refusal.TOO_LARGE
