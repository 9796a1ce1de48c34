"""A gateway to talk to, in a thread or in a process of its own, and a bare HTTP client."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from runner.localgateway.server import start_in_thread
from runner.localgateway.settings import Settings

ROOT = Path(__file__).parents[2]
SORA = {"model": "sora-2", "prompt": "a lighthouse", "seconds": "4", "size": "1280x720"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Caller:
    """Asks a gateway, one connection a request; knows nothing of our client."""

    url: str

    def ask(
        self, method: str, path: str, body: object = None, *, key: str = "k", **headers: str
    ) -> Reply:
        place = urlsplit(self.url)
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def submit(self, body: dict[str, Any] | None = None, **headers: str) -> Reply:
        return self.ask("POST", "/v1/videos", SORA if body is None else body, **headers)

    def accepted(self, body: dict[str, Any] | None = None, **headers: str) -> str:
        reply = self.submit(body, **headers)
        assert reply.status == 200, reply.body
        return quote(reply.json["id"], safe="")

    def look(self, job: str) -> Any:
        return self.ask("GET", f"/v1/videos/{job}").json

    def fetch(self, job: str, **headers: str) -> Reply:
        return self.ask("GET", f"/v1/videos/{job}/content", **headers)

    def advance(self, seconds: float) -> None:
        """Let the gateway's time pass and its slates be drawn."""
        assert self.ask("POST", "/_control", {"advance": seconds}).status == 200

    def ledger(self) -> Any:
        return self.ask("GET", "/_ledger").json


Start = Callable[..., Caller]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a gateway in a thread with these settings; stopped after the test."""
    with ExitStack() as stack:

        def run(**settings: Any) -> Caller:
            wanted = {"render_seconds": (5.0, 5.0), "slates": "plain"} | settings
            return Caller(stack.enter_context(start_in_thread(Settings(**wanted))))

        yield run


@pytest.fixture
def spawn() -> Iterator[Start]:
    """Start a gateway as a process of its own with these arguments; ended after the test."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> Caller:
        process = subprocess.Popen(
            [sys.executable, "-m", "runner.localgateway", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        return Caller(process.stdout.readline().strip())

    yield run
    for process in processes:
        process.terminate()
        process.communicate(timeout=20)
