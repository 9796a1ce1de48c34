"""A bare HTTP client for the gateway; it knows nothing of ours."""

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

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


@dataclass(frozen=True)
class Raw:
    """What came over a bare socket, and how it ended: closed, reset, or silent."""

    data: bytes
    end: str

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0].lower()

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def length(self) -> int:
        """What Content-Length says."""
        line = next(ln for ln in self.head.split(b"\r\n") if ln.startswith(b"content-length"))
        return int(line.split(b":")[1])


def raw(caller: Caller, request: bytes, *, patience: float = 5.0, most: int = 1 << 24) -> Raw:
    """Send bytes and read until the other side is done, or silent for `patience` seconds."""
    place = urlsplit(caller.url)
    received = bytearray()
    try:  # a reset may come as early as in the connect
        with socket.create_connection((place.hostname, place.port), timeout=patience) as sock:
            sock.sendall(request)
            while len(received) < most and (data := sock.recv(1 << 16)):
                received += data
    except TimeoutError:
        return Raw(bytes(received), "silent")
    except ConnectionError:
        return Raw(bytes(received), "reset")
    return Raw(bytes(received), "closed")


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """A request as bytes, to be closed after its answer."""
    data = b"" if body is None else json.dumps(body).encode()
    sent = {"Host": "x", "Authorization": "Bearer k", "Content-Length": str(len(data))}
    sent |= {"Content-Type": "application/json", "Connection": "close"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data
