"""A bare HTTP client for the gateway; it knows nothing of ours."""

import http.client
import json
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
