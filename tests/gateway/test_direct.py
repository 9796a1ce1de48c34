"""The transport itself: what it keeps, what it gives up, what it never repeats."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import Connection, forever, reply, says, serving
from wires import BODY, profile, submitted

from runner.gateway.direct import Direct
from runner.gateway.filing import classify
from runner.gateway.profile import Bounds, Deadlines
from runner.gateway.receipt import Fault
from runner.model import Standing

T = TypeVar("T")
ANSWER = reply(200, b'{"id":"v1","status":"queued"}', ("Content-Type", "application/json"))


def never() -> None:
    raise AssertionError("no TLS in these tests")


def with_direct(act: Callable[[Direct], Awaitable[T]], keep: int = 8, room: int = 64) -> T:
    async def run() -> T:
        direct = Direct(never, keep=keep, room=room)  # type: ignore[arg-type]
        try:
            return await act(direct)
        finally:
            await direct.aclose()

    return asyncio.run(run())


def ask(url: str, method: str = "GET", content: bytes | None = None) -> httpx.Request:
    timeout = httpx.Timeout(5.0).as_dict()
    return httpx.Request(method, url, content=content, extensions={"timeout": timeout})


async def whole(direct: Direct, request: httpx.Request) -> bytes:
    response = await direct.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


def test_connections_are_used_again() -> None:
    """One after the other needs one connection, side by side needs one each, kept within limits."""
    with serving(forever(ANSWER)) as server:

        async def act(direct: Direct) -> None:
            for _ in range(10):
                await whole(direct, ask(server.url))
            assert server.connections == 1
            await asyncio.gather(*(whole(direct, ask(server.url)) for _ in range(6)))
            before = server.connections
            assert before <= 6
            await asyncio.gather(*(whole(direct, ask(server.url)) for _ in range(2)))
            assert server.connections == before

        with_direct(act, keep=2)


def test_no_more_exchanges_at_once_than_there_is_room() -> None:
    """A hundred at once queue up for three places; every one is served."""
    with serving(forever(ANSWER)) as server:

        async def act(direct: Direct) -> list[bytes]:
            return await asyncio.gather(*(whole(direct, ask(server.url)) for _ in range(100)))

        assert len(with_direct(act, room=3)) == 100
    assert server.connections <= 3


def test_room_is_given_back_whatever_happens() -> None:
    """Cancelled, refused, broken, left half read: none of them keeps its place."""

    def silent(at: Connection) -> None:
        at.request()
        at.hang()

    with serving(silent) as deaf, serving(forever(ANSWER)) as server:
        with serving(says(b"junk")) as gone:
            closed = gone.url

        async def act(direct: Direct) -> bytes:
            for _ in range(5):
                task = asyncio.ensure_future(direct.handle_async_request(ask(deaf.url)))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                with pytest.raises(httpx.ConnectError):
                    await direct.handle_async_request(ask(closed))
                half = await direct.handle_async_request(ask(server.url))
                await half.aclose()
                await half.aclose()
            return await whole(direct, ask(server.url))

        assert with_direct(act, room=1).startswith(b'{"id"')


def closing(at: Connection) -> None:
    """Answers once, then hangs up when the second request begins to arrive."""
    at.request()
    at.send(ANSWER)
    at.sock.recv(1)
    at.reset()


def test_a_get_on_a_dead_connection_goes_over_a_new_one() -> None:
    """The server hung up just as we asked: asked again, once, on a fresh connection."""
    with serving(closing, forever(ANSWER)) as server:

        async def act(direct: Direct) -> bytes:
            await whole(direct, ask(server.url))
            return await whole(direct, ask(server.url))

        assert with_direct(act).startswith(b'{"id"')
    assert server.connections == 2


def test_a_post_on_a_dead_connection_is_not_repeated() -> None:
    """Nobody knows what the server did with it; that is for the filing to say."""
    with serving(closing, forever(ANSWER)) as server:

        async def act(direct: Direct) -> None:
            await whole(direct, ask(server.url))
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await whole(direct, ask(server.url, "POST", BODY))

        with_direct(act)
    assert server.connections == 1


def test_a_fresh_connection_that_breaks_is_not_repeated() -> None:
    """Only a kept connection has the excuse of old age."""
    with serving(says(b"")) as server:

        async def act(direct: Direct) -> None:
            with pytest.raises(httpx.RemoteProtocolError):
                await whole(direct, ask(server.url))

        with_direct(act)
    assert server.connections == 1


@pytest.mark.parametrize(
    "extra", [b"x", ANSWER], ids=["a stray byte", "an answer nobody asked for"]
)
def test_a_connection_with_words_nobody_asked_for_is_dropped(extra: bytes) -> None:
    """Else the next request would be given somebody else's answer."""
    with serving(says(ANSWER + extra), says(reply(200, b"second"))) as server:

        async def act(direct: Direct) -> bytes:
            await whole(direct, ask(server.url))
            return await whole(direct, ask(server.url))

        assert with_direct(act) == b"second"
    assert server.connections == 2


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http:///x"])
def test_only_http(url: str) -> None:
    """Nothing else is opened."""

    async def act(direct: Direct) -> None:
        with pytest.raises(httpx.UnsupportedProtocol):
            await direct.handle_async_request(ask(url))

    with_direct(act)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(ANSWER) - 1), st.integers(0, 255)), max_size=4))
def test_a_garbled_answer_is_filed(changes: list[tuple[int, int]]) -> None:
    """Bytes flipped anywhere: a verdict, one connection, no exception, no invented job."""
    garbled = bytearray(ANSWER)
    for place, byte in changes:
        garbled[place] = byte
    with serving(says(bytes(garbled))) as server:
        known = profile(server, deadlines=Deadlines(read=1.0, submit=2.0))
        receipt = submitted(known)
    verdict = classify(receipt, known)
    assert server.connections == 1
    if verdict.standing is Standing.ACCEPTED:
        assert verdict.job
        assert verdict.job.encode() in bytes(garbled)
    else:
        assert not (verdict.again and verdict.standing is Standing.AMBIGUOUS)


def test_a_reader_that_stops_reading_is_given_up() -> None:
    """Not one byte taken for the length of the write deadline: in doubt, some had left."""
    stop = threading.Event()

    def stuck(at: Connection) -> None:
        at.sock.recv(10)
        stop.wait(10)

    with serving(stuck) as server:
        known = profile(
            server, deadlines=Deadlines(write=0.2, submit=8.0), bounds=Bounds(body=1 << 25)
        )
        receipt = submitted(known, b"x" * 30_000_000)
        stop.set()
    assert receipt.fault is Fault.DEADLINE
    assert classify(receipt, known).standing is Standing.AMBIGUOUS


def test_a_slow_reader_that_goes_on_reading_is_waited_for() -> None:
    """A large body on a slow line is no fault: only a standstill is."""

    def bit_by_bit(at: Connection) -> None:
        at.sock.settimeout(0.02)
        got, sleepy = b"", 3
        while not got.endswith(b"END"):
            with suppress(TimeoutError):
                got = (got + at.sock.recv(1_000_000))[-10:]
            if sleepy and len(got) == 10:
                sleepy -= 1
                pause.wait(0.8)
        at.send(ANSWER)

    pause = threading.Event()
    with serving(bit_by_bit) as server:
        known = profile(
            server, deadlines=Deadlines(write=2.0, submit=30.0), bounds=Bounds(body=1 << 25)
        )
        assert submitted(known, b"x" * 20_000_000 + b"END").status == 200
