"""The gateway over real HTTP: the routes, the time of a job, the bytes of a film."""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import av
import pytest
from calling import SORA, Caller, Start, raw, request

from runner.localgateway.server import start_in_thread

pytest_plugins = ["gateways"]


def test_a_client_nobody_here_wrote_makes_a_video(spawn: Start, tmp_path: Path) -> None:
    """The official openai package creates, polls and downloads, with an image as a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its videos API is being retired
        from openai import OpenAI

        gateway = spawn("--render-seconds", "0.2")
        with OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0) as client:
            video = client.videos.create_and_poll(
                model="sora-2",
                prompt="a lighthouse at night",
                seconds="4",
                size="1280x720",
                input_reference=("frame.png", _png(), "image/png"),
                poll_interval_ms=50,
            )
            assert video.status == "completed"
            film = tmp_path / "film.mp4"
            client.videos.download_content(video.id).write_to_file(film)
    assert _facts(film) == (1280, 720, 4.0, ["video", "audio"])
    (entry,) = gateway.ledger()["jobs"]
    assert entry["media"][0]["role"] == "first_frame"


def _png() -> bytes:
    from io import BytesIO

    from PIL import Image

    data = BytesIO()
    Image.new("RGB", (64, 36), "teal").save(data, "PNG")
    return data.getvalue()


def _facts(film: Path) -> tuple[int, int, float, list[str]]:
    with av.open(str(film)) as file:
        video = file.streams.video[0]
        assert video.duration is not None
        assert video.time_base is not None
        seconds = float(video.duration * video.time_base)
        return video.width, video.height, seconds, [s.type for s in file.streams]


def test_a_job_queues_runs_and_completes(start: Start) -> None:
    """queued, then in progress with a percentage, then completed; the clock decides."""
    gateway = start(render_seconds=(100.0, 100.0))
    job = gateway.accepted()
    assert gateway.look(job)["status"] == "queued"
    gateway.advance(50)
    assert (gateway.look(job)["status"], gateway.look(job)["progress"]) == ("in_progress", 50)
    assert gateway.fetch(job).status == 409
    gateway.advance(50)
    done = gateway.look(job)
    assert (done["status"], done["progress"]) == ("completed", 100)


def test_kling_knows_no_queue(start: Start) -> None:
    """Kling's statuses are in_progress, completed and failed."""
    gateway = start()
    body = {"model": "kling-v2-6", "prompt": "rain", "seconds": "5"}
    assert gateway.look(gateway.accepted(body))["status"] == "in_progress"


def test_a_key_is_needed(start: Start) -> None:
    """No key: 401 on every route of the API, in the gateway's envelope; no job comes to be."""
    gateway = start(key="right")
    for key in ("", "wrong"):
        reply = gateway.ask("POST", "/v1/videos", SORA, key=key)
        assert reply.status == 401
        assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert gateway.ask("GET", "/v1/videos/x", key="").status == 401
    assert gateway.ledger()["accepted"] == 0


def test_the_film_can_be_fetched_in_parts(start: Start) -> None:
    """Content-Length, a strong ETag, Range and If-Range as a resuming download needs them."""
    gateway = start()
    job = gateway.accepted()
    gateway.advance(5)
    whole = gateway.fetch(job)
    etag = whole.headers["ETag"]
    assert whole.headers["Content-Type"] == "video/mp4"
    assert int(whole.headers["Content-Length"]) == len(whole.body)
    assert etag.startswith('"')
    rest = gateway.fetch(job, Range="bytes=100-", If_Range=etag)
    assert rest.status == 206
    assert rest.body == whole.body[100:]
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.body) - 1}/{len(whole.body)}"
    assert gateway.fetch(job, Range="bytes=5-9").body == whole.body[5:10]
    assert gateway.fetch(job, Range="bytes=-7").body == whole.body[-7:]
    assert gateway.fetch(job, Range="bytes=100-", If_Range='"other"').status == 200
    assert gateway.fetch(job, Range=f"bytes={len(whole.body)}-").status == 416


def test_two_films_are_never_the_same(start: Start) -> None:
    """Equal requests give different bytes, as with the real thing; a seed makes them equal."""
    for seed, equal in ((None, False), (7, True)):
        gateway = start(seed=seed)
        jobs = [gateway.accepted() for _ in range(2)]
        gateway.advance(5)
        one, other = (gateway.fetch(job).body for job in jobs)
        assert (one == other) is equal
        assert jobs[0] != jobs[1]


def test_a_film_expires(start: Start) -> None:
    """After the retention time the content is gone, and says so."""
    gateway = start(retention=1000.0)
    job = gateway.accepted()
    gateway.advance(1006)
    assert gateway.fetch(job).status == 410


def test_deleting(start: Start) -> None:
    """Kling has no delete endpoint: 501 not_supported; others forget the job."""
    gateway = start()
    kling = gateway.accepted({"model": "kling-v2-6", "prompt": "rain", "seconds": "5"})
    refused = gateway.ask("DELETE", f"/v1/videos/{kling}")
    assert (refused.status, refused.json["error"]["code"]) == (501, "not_supported")
    sora = gateway.accepted()
    assert gateway.ask("DELETE", f"/v1/videos/{sora}").status == 200
    assert gateway.ask("GET", f"/v1/videos/{sora}").status == 404


def test_a_large_film_is_served_without_being_made(start: Start) -> None:
    """Films can be padded to any size; what comes is a whole MP4 of exactly that length."""
    size = 3_000_000
    gateway = start(content_bytes=size)
    job = gateway.accepted()
    gateway.advance(5)
    body = gateway.fetch(job).body
    assert len(body) == size
    assert _boxes(body)[-1] == "free"


def _boxes(data: bytes) -> list[str]:
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data)
    return names


def test_the_ledger_outlives_its_readers(spawn: Start, tmp_path: Path) -> None:
    """Each accepted job is a line in the file before its answer leaves; a key never is."""
    file = tmp_path / "ledger.jsonl"
    gateway = spawn("--ledger", str(file))
    job = gateway.submit(key="sekrit-key", X_Reelmake_Shot="sh010 take 1").json["id"]
    gateway.submit({"model": "nobody-1", "prompt": "x"})
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "refused"]
    assert (lines[0]["job"], lines[0]["shot"], lines[0]["cost"]) == (job, "sh010 take 1", "0.4000")
    assert "sekrit" not in file.read_text()
    summary = gateway.ledger()
    assert (summary["posts"], summary["accepted"], summary["charged"]) == (2, 1, "0.4000")


@pytest.mark.parametrize("body", [
    b"", b"{", b"[" * 9000, b"\xff", b'"text"', b"null",
    b'{"model": "sora-2", "prompt": "half a \\ud83d character"}',
])  # fmt: skip
def test_bad_bytes_get_an_answer(start: Start, body: bytes) -> None:
    """Whatever is sent as a body, the answer is a 400 in the envelope."""
    reply = start().ask("POST", "/v1/videos", body)
    assert (reply.status, "message" in reply.json["error"]) == (400, True)


def test_a_thread_leaves_nothing_behind() -> None:
    """The in-process gateway is gone when its block ends, port and all."""
    with start_in_thread() as url:
        assert Caller(url).ledger()["accepted"] == 0
    with pytest.raises(ConnectionRefusedError):
        Caller(url).ledger()


def test_a_killed_gateway_is_cleaned_up_after(start: Start, tmp_path: Path) -> None:
    """The next gateway removes the films of one that is no more, and nobody else's."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folders = [
        Path(tempfile.mkdtemp(prefix=f"reelmake-gateway-{number}-"))
        for number in (dead.pid, os.getpid())
    ]
    start()
    assert [folder.exists() for folder in folders] == [False, True]
    folders[1].rmdir()


def test_requests_may_follow_each_other_at_once(start: Start) -> None:
    """Two requests in one packet get two answers, in order; HTTP/1.0 gets one and the end."""
    gateway = start()
    line = "GET /{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
    two = line.format("_ledger", "") + line.format("v2", "Connection: close\r\n")
    got = raw(gateway, two.encode())
    assert got.data.index(b"200 OK") < got.data.index(b"404 Not Found")
    assert got.end == "closed"
    old = raw(gateway, b"GET /_ledger HTTP/1.0\r\n\r\n")
    assert (old.status, old.end) == (200, "closed")


def test_a_body_waits_to_be_asked_for(start: Start) -> None:
    """Expect: 100-continue is answered before the body comes."""
    head = request("POST", "/v1/videos", None, Expect="100-continue")
    got = raw(start(), head.replace(b"Content-Length: 0", b"Content-Length: 9"), patience=0.3)
    assert (got.status, got.end) == (100, "silent")


def test_heads_have_no_bodies(start: Start) -> None:
    """HEAD of a film: its length and ETag, and not a byte of it."""
    gateway = start()
    job = gateway.accepted()
    gateway.advance(5)
    got = raw(gateway, request("HEAD", f"/v1/videos/{job}/content"))
    assert (got.status, got.body) == (200, b"")
    assert got.length > 1000


def test_not_http_at_all(start: Start) -> None:
    """Bytes that are not HTTP get a 400 and the end of the connection."""
    got = raw(start(), b"EHLO mail.example\r\n\r\n")
    assert (got.status, got.end) == (400, "closed")


def test_unknown_paths_and_methods(start: Start) -> None:
    """What does not exist is a 404 in the envelope, never a crash or silence."""
    gateway = start()
    replies: list[Any] = [
        gateway.ask("GET", path) for path in ("/", "/v1/videos", "/v1/videos/a/b/c", "/v2")
    ]
    assert [reply.status for reply in replies] == [404] * 4
