"""Downloads: a whole MP4 or nothing, whatever happens on the way."""

import base64
import gzip
import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import Asked, Connection, Script, film, forever, reply, says, serving
from wires import fetched, profile

from runner.errors import Outside
from runner.gateway.download import Got
from runner.gateway.profile import Bounds, Deadlines

FILM = film(40_000)
SHA = hashlib.sha256(FILM).hexdigest()
VIDEO = ("Content-Type", "video/mp4")
TAG = ("ETag", '"v1"')


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "sh010.mp4"


def left(dest: Path) -> list[str]:
    return sorted(path.name for path in dest.parent.iterdir())


def answering(answer: bytes) -> Script:
    return forever(answer)


def by_range(data: bytes, first_bytes: int, tag: str = '"v1"') -> Script:
    """Breaks off the first answer; later ones honour Range as asked."""

    def script(at: Connection) -> None:
        asked = at.request()
        start = range_of(asked)
        if start is None:
            at.send(reply(200, data[:first_bytes], VIDEO, ("ETag", tag), length=len(data)))
            return
        span = ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        at.send(reply(206, data[start:], VIDEO, ("ETag", tag), span))

    return script


def range_of(asked: Asked) -> int | None:
    value = asked.header("range")
    return None if value is None else int(value.removeprefix("bytes=").removesuffix("-"))


def test_a_film_arrives_whole(dest: Path) -> None:
    """The file is complete, hashed on the way, private, and beside where it will stand."""
    with serving(answering(reply(200, FILM, VIDEO))) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256, got.bytes, got.tries) == (Got.DONE, SHA, len(FILM), 1)
    assert got.path is not None
    assert got.path.read_bytes() == FILM
    assert got.path.parent == dest.parent
    assert got.path.stat().st_mode & 0o777 == 0o600
    assert not dest.exists()


@pytest.mark.parametrize("length", ["given", "chunked", "until closed"])
def test_every_framing_works(dest: Path, length: str) -> None:
    """Content-Length, chunks, or just an end: what counts is that the MP4 is whole."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
    bodies = {
        "given": reply(200, FILM, VIDEO),
        "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(FILM) + b"0\r\n\r\n",
        "until closed": head + b"\r\n" + FILM,
    }
    with serving(says(bodies[length])) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256) == (Got.DONE, SHA)


def chunked(data: bytes) -> bytes:
    parts = [data[n : n + 1000] for n in range(0, len(data), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize("cut", [1, 7, 8, 31, 32, 100, 20_000, len(FILM) - 1])
def test_a_film_cut_anywhere_is_continued(dest: Path, cut: int) -> None:
    """With a strong ETag only what is missing is fetched, and the whole has the right hash."""
    with serving(by_range(FILM, cut)) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256) == (Got.DONE, SHA)
    again = server.asked[1]
    assert again.header("range") == f"bytes={cut}-"
    assert again.header("if-range") == '"v1"'


@pytest.mark.parametrize("framing", ["short length", "no length", "chunked"])
@pytest.mark.parametrize("cut", [8, 32, 20_000, len(FILM) - 1])
def test_a_cut_film_without_a_tag_starts_again(dest: Path, cut: int, framing: str) -> None:
    """Nothing proves that the rest belongs to the same file: all of it is fetched again."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
    broken = {
        "short length": reply(200, FILM[:cut], VIDEO, length=len(FILM)),
        "no length": head + b"\r\n" + FILM[:cut],
        "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(FILM[:cut]),
    }
    with serving(says(broken[framing]), says(reply(200, FILM, VIDEO))) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256, got.tries) == (Got.DONE, SHA, 2)
    assert server.asked[1].header("range") is None


def test_a_film_that_never_comes_whole_leaves_nothing(dest: Path) -> None:
    """After a few tries the reason is told and no partial file stays behind."""
    with serving(says(reply(200, FILM[:-1], VIDEO))) as server:
        got = fetched(server, dest)
    assert got.got is Got.BROKEN
    assert "cut short" in got.detail or "left" in got.detail
    assert (got.tries, len(server.asked)) == (5, 5)
    assert left(dest) == []


@pytest.mark.parametrize(
    "second",
    [
        reply(
            206, FILM[5000:], VIDEO, ("Content-Range", f"bytes 5000-{len(FILM) - 1}/{len(FILM)}")
        ),
        reply(206, FILM[20_000:], VIDEO, ("Content-Range", f"bytes 20000-{len(FILM) - 1}/7")),
        reply(206, FILM[20_000:], VIDEO, ("Content-Range", "bytes */40")),
        reply(206, FILM[20_000:], VIDEO),
        reply(
            206,
            FILM[20_000:],
            VIDEO,
            ("ETag", '"v2"'),
            ("Content-Range", f"bytes 20000-{len(FILM) - 1}/{len(FILM)}"),
        ),
        reply(416, b"", ("Content-Range", "bytes */5")),
        reply(416),
    ],
    ids=["other start", "other total", "no range", "no header", "other tag", "416 other", "416"],
)
def test_a_part_that_does_not_fit_is_thrown_away(dest: Path, second: bytes) -> None:
    """A 206 that is not what was asked for is never glued on: everything starts again."""
    first = reply(200, FILM[:20_000], VIDEO, TAG, length=len(FILM))
    whole = reply(200, FILM, VIDEO, TAG)
    with serving(says(first), says(second), says(whole)) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256) == (Got.DONE, SHA)
    assert [range_of(asked) for asked in server.asked] == [None, 20_000, None]


def test_a_server_that_ignores_range_starts_from_nothing(dest: Path) -> None:
    """200 to a Range request is the whole film again, not more of it."""
    first = reply(200, FILM[:20_000], VIDEO, TAG, length=len(FILM))
    with serving(says(first), says(reply(200, FILM, VIDEO, TAG))) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256, got.bytes) == (Got.DONE, SHA, len(FILM))


def test_a_weak_tag_proves_nothing(dest: Path) -> None:
    """W/"..." allows other bytes under the same tag, so nothing is continued with it."""
    first = reply(200, FILM[:20_000], VIDEO, ("ETag", 'W/"v1"'), length=len(FILM))
    with serving(says(first), says(reply(200, FILM, VIDEO))) as server:
        assert fetched(server, dest).got is Got.DONE
    assert server.asked[1].header("range") is None


def test_a_partial_answer_nobody_asked_for_is_refused(dest: Path) -> None:
    """206 to a plain request cannot be the whole film."""
    part = reply(206, FILM, VIDEO, ("Content-Range", f"bytes 0-{len(FILM) - 1}/{len(FILM)}"))
    with serving(says(part), says(reply(200, FILM, VIDEO))) as server:
        assert fetched(server, dest).sha256 == SHA
    assert len(server.asked) == 2


def test_416_when_everything_is_here_already(dest: Path) -> None:
    """Only the end was missing: the film is judged as it lies."""
    first = reply(200, FILM, VIDEO, TAG, length=len(FILM) + 1)
    done = reply(416, b"", ("Content-Range", f"bytes */{len(FILM)}"))
    with serving(says(first), says(done)) as server:
        got = fetched(server, dest)
    assert (got.got, got.sha256) == (Got.DONE, SHA)


def test_extra_bytes_are_not_stored(dest: Path) -> None:
    """What follows after Content-Length belongs to nobody."""
    with serving(says(reply(200, FILM + b"extra", VIDEO, length=len(FILM)))) as server:
        got = fetched(server, dest)
    assert (got.got, got.bytes) == (Got.DONE, len(FILM))


@pytest.mark.parametrize(
    ("answer", "got", "detail"),
    [
        (reply(404), Got.MISSING, "404"),
        (reply(410, b'{"error":"cleaned up"}'), Got.EXPIRED, "cleaned up"),
        (reply(409), Got.NOT_READY, "409"),
        (reply(425), Got.NOT_READY, "425"),
        (reply(202), Got.NOT_READY, "202"),
        (reply(401), Got.DENIED, "401"),
        (reply(403), Got.DENIED, "403"),
        (reply(400, b'{"error":{"message":"no such variant"}}'), Got.NOT_VIDEO, "no such variant"),
        (
            reply(200, b'{"error":{"message":"upstream says no"}}', ("Content-Type", "text/json")),
            Got.NOT_VIDEO,
            "upstream says no",
        ),
        (reply(200, b'{"error":{"message":"in disguise"}}', VIDEO), Got.NOT_VIDEO, "in disguise"),
        (reply(200, b'{"id":"1","status":"in_progress"}', VIDEO), Got.NOT_READY, "in_progress"),
        (
            reply(200, b"<html>Sign in</html>", ("Content-Type", "text/html")),
            Got.NOT_VIDEO,
            "Sign in",
        ),
        (reply(200, FILM, VIDEO, ("Content-Encoding", "gzip")), Got.REFUSED, "compressed"),
        (reply(200, gzip.compress(FILM), VIDEO), Got.BROKEN, "gzip"),
        (reply(200, b"", VIDEO), Got.BROKEN, "not an MP4"),
        (reply(200, b"RIFF1234AVI " + FILM, VIDEO), Got.BROKEN, "not an MP4"),
    ],
)
def test_what_is_not_a_film_is_told_apart(dest: Path, answer: bytes, got: Got, detail: str) -> None:
    """Too early, too late, not allowed, an error in a film's clothes: each has its own name."""
    with serving(forever(answer)) as server:
        result = fetched(server, dest)
    assert result.got is got
    assert detail in result.detail
    assert left(dest) == []


def test_errors_of_the_server_are_tried_again(dest: Path) -> None:
    """A 502 or a 429 now says nothing about the next minute."""
    with serving(says(reply(502)), says(reply(503)), says(reply(200, FILM, VIDEO))) as server:
        assert fetched(server, dest).got is Got.DONE
    with serving(says(reply(429, b"", ("Retry-After", "7")))) as server:
        busy = fetched(server, dest)
    assert (busy.got, busy.retry_after, busy.tries) == (Got.UNREACHABLE, 7.0, 1)


def test_the_key_stays_with_the_gateway(dest: Path) -> None:
    """Behind a redirect to another origin neither key nor cookies nor own headers follow."""
    with serving(says(reply(200, FILM, VIDEO))) as cdn:
        moved = reply(302, b"", ("Location", f"{cdn.url}/v.mp4?X-Sig=topsecret"))
        with serving(says(moved)) as server:
            got = fetched(server, dest)
    assert got.got is Got.DONE
    assert server.asked[0].header("authorization")
    (asked,) = cdn.asked
    assert asked.target == "/v.mp4?X-Sig=topsecret"
    assert {key.lower() for key, _ in asked.headers} == {
        "host", "user-agent", "accept", "accept-encoding",
    }  # fmt: skip


def test_a_redirect_within_the_gateway_keeps_the_key(dest: Path) -> None:
    """The same origin is the same gateway; relative places count from where we are."""
    moved = reply(307, b"", ("Location", "../files/1.mp4"))
    with serving(says(moved), says(reply(200, FILM, VIDEO))) as server:
        assert fetched(server, dest).got is Got.DONE
    assert server.asked[1].target == "/v1/videos/files/1.mp4"
    assert server.asked[1].header("authorization") == server.asked[0].header("authorization")


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.example/v.mp4",
        "ftp://cdn.example/v.mp4",
        "file:///etc/passwd",
        "https://user:pass@cdn.example/v.mp4",
        "https://[::1",
        "",
    ],
)
def test_a_redirect_where_we_do_not_go(dest: Path, location: str) -> None:
    """Only https leaves this machine, and never with somebody's password in the URL."""
    with serving(says(reply(302, b"", ("Location", location)))) as server:
        got = fetched(server, dest)
    assert got.got is Got.REFUSED
    assert "pass" not in got.detail.replace("/etc/passwd", "")


def test_redirects_in_a_circle_end(dest: Path) -> None:
    """Five hops, then it is told."""
    with serving(forever(reply(302, b"", ("Location", "/round")))) as server:
        got = fetched(server, dest)
    assert got.got is Got.REFUSED
    assert len(server.asked) == 6


def test_a_signed_link_that_ran_out_is_asked_for_again(dest: Path) -> None:
    """403 from the file server is not 403 from the gateway: a fresh link, then the film."""
    with serving(says(reply(403, b"Expired")), says(reply(200, FILM, VIDEO))) as cdn:
        moved = reply(302, b"", ("Location", f"{cdn.url}/v.mp4?X-Sig=1"))
        with serving(forever(moved)) as server:
            got = fetched(server, dest)
    assert (got.got, got.tries) == (Got.DONE, 2)


@pytest.mark.parametrize(
    ("header", "encode"),
    [
        ("Repr-Digest", "sha-256=:{}:"),
        ("Digest", "md5=x, SHA-256={}"),
    ],
)
def test_an_announced_digest_is_held_against_the_bytes(
    dest: Path, header: str, encode: str
) -> None:
    """A byte flipped on the way is found where the server says what it sent."""
    digest = base64.b64encode(hashlib.sha256(FILM).digest()).decode()
    told = (header, encode.format(digest))
    flipped = FILM[:20_000] + b"?" + FILM[20_001:]
    with serving(says(reply(200, flipped, VIDEO, told)), says(reply(200, FILM, VIDEO, told))) as at:
        got = fetched(at, dest)
    assert (got.got, got.sha256, got.tries) == (Got.DONE, SHA, 2)
    with serving(forever(reply(200, flipped, VIDEO, told))) as at:
        got = fetched(at, dest)
    assert got.got is Got.BROKEN
    assert "digest" in got.detail


def test_too_large_is_stopped_on_the_way(dest: Path) -> None:
    """The limit holds while bytes arrive; the disk is not filled first."""

    def flood(at: Connection) -> None:
        at.request()
        at.send(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n" + FILM)
        while True:
            at.send(b"\0" * 65536)

    with serving(flood) as server:
        got = fetched(profile(server, bounds=Bounds(media=1_000_000)), dest)
    assert got.got is Got.REFUSED
    assert "1000000" in got.detail
    assert left(dest) == []


def test_the_size_that_is_just_allowed(dest: Path) -> None:
    """At the limit is within it."""
    with serving(says(reply(200, FILM, VIDEO))) as server:
        got = fetched(profile(server, bounds=Bounds(media=len(FILM))), dest)
    assert got.got is Got.DONE


def test_a_dripping_download_is_given_up(dest: Path) -> None:
    """Bytes that come too slowly end at the rate limit, not after days."""

    def drip(at: Connection) -> None:
        at.request()
        at.send(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n")
        at.drip(FILM)

    slow = Deadlines(stall=0.1, min_rate=1e6, fetch=5.0)
    with serving(drip) as server:
        got = fetched(profile(server, deadlines=slow), dest)
    assert got.got is Got.UNREACHABLE
    assert "bytes/s" in got.detail


def test_a_download_has_a_last_moment(dest: Path) -> None:
    """Fast enough a byte, but never done: the total deadline ends it."""

    def endless(at: Connection) -> None:
        at.request()
        at.send(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n")
        at.drip(b"x" * 100_000)

    limits = Deadlines(stall=5.0, min_rate=0.0, fetch=0.3)
    with serving(endless) as server:
        got = fetched(profile(server, deadlines=limits), dest)
    assert got.got is Got.UNREACHABLE
    assert "0.3 s" in got.detail
    assert left(dest) == []


def test_silence_is_given_up(dest: Path) -> None:
    """Neither head nor body comes: the read deadline ends each try."""

    def silent(at: Connection) -> None:
        at.request()
        at.hang()

    with serving(silent) as server:
        got = fetched(profile(server, deadlines=Deadlines(read=0.1)), dest)
    assert got.got is Got.UNREACHABLE


def test_a_full_disk_is_our_own_failure(dest: Path) -> None:
    """No room for the film is said as such, names the place, and leaves no crumbs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(says(reply(200, FILM, VIDEO))) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            with pytest.raises(Outside, match=r"sh010\.mp4.*File too large"):
                fetched(server, dest)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(dest) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A download needs a place; the message names it."""
    with (
        serving(says(reply(200, FILM, VIDEO))) as server,
        pytest.raises(Outside, match=r"nowhere/x\.mp4"),
    ):
        fetched(server, tmp_path / "nowhere" / "x.mp4")


CLIENT_OF_ITS_OWN = """
import asyncio, resource, sys
from pathlib import Path
from runner.gateway.client import Client
from runner.gateway.profile import Profile
from runner.model import JobId

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def main():
    async with Client(Profile("large", sys.argv[1]), "sk-0123456789") as client:
        await client.look(JobId("warm"))
        before = peak()
        got = await client.fetch(JobId("large"), Path(sys.argv[2]))
        print(got.got, got.bytes, peak() - before)

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_gigabyte_in_constant_memory(dest: Path) -> None:
    """The size of a film does not matter to the memory of the machine."""
    size = 1 << 30
    head = film(0)[:-8] + (size + 8).to_bytes(4) + b"mdat"

    def large(at: Connection) -> None:
        if not at.request().target.endswith("content"):
            at.send(reply(404))
            at.request()
        at.send(reply(200, head, VIDEO, length=len(head) + size))
        for _ in range(size >> 20):
            at.send(bytes(1 << 20))

    with serving(large) as server:
        run = subprocess.run(
            [sys.executable, "-c", CLIENT_OF_ITS_OWN, server.url, str(dest)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
        )
    got, received, grown = run.stdout.rsplit(" ", 2)
    assert (got, int(received)) == ("done", len(head) + size)
    assert int(grown) < 50
