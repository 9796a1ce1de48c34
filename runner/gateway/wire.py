"""One HTTP exchange: bounded in time and bytes, never repeated, never redirected.

Works on httpx *transports*, below its client: a client would add cookies, redirects and
defaults, and this is the place where one request must be one request.
"""

import asyncio
import ssl
import time
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import httpx

from runner import __version__
from runner.errors import BadInput, Outside
from runner.gateway.direct import Direct
from runner.gateway.filing import fault_of
from runner.gateway.profile import Profile, is_loopback
from runner.gateway.receipt import Fault, Receipt, Redactor, decoded, printable

Header = tuple[str, str]
Use = Literal["submit", "look", "fetch"]
_KEEP: Mapping[Use, int] = {"submit": 0, "look": 32, "fetch": 16}  # idle connections
# What a transport may raise for what the far side or the network does. ssl and socket errors are
# OSErrors; EOFError and ssl's ValueErrors never carry news of an answer.
FAULTS = (httpx.HTTPError, httpx.StreamError, OSError, EOFError)


class Wire:
    """The transports to one gateway, its origin and its key. The key is in nobody's repr."""

    def __init__(self, profile: Profile, key: str | None, verify: ssl.SSLContext | None) -> None:
        self.profile = profile
        self._authorization = f"Bearer {usable_key(key, profile)}" if key else None
        self._verify = verify
        self._origin = origin(profile.base_url)
        limits = profile.deadlines
        self._timeout = {
            "connect": limits.connect, "read": limits.read, "write": limits.write, "pool": None
        }  # fmt: skip
        self._proxies = proxies()
        passwords = [urlsplit(proxy).password for proxy in self._proxies.values()]
        self.redactor = Redactor([key, *passwords, *self._proxies.values()])
        self._transports: dict[tuple[str | None, Use], httpx.AsyncBaseTransport] = {}

    async def close(self) -> None:
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[Header] = (),
        content: bytes | None = None,
        deadline: float,
        use: Use,
    ) -> Receipt:
        """One request and all of its answer. Only cancellation gets out as an exception.

        `deadline` is for the whole exchange, by the monotonic clock. A submit goes on a
        connection of its own: a kept one may be closed by the far side just as we send.
        """
        seen = _Seen(self.redactor, self.profile.bounds.answer)
        request = self.request(method, url, headers, content, seen)
        try:
            async with asyncio.timeout(deadline), self.opened(request, use) as response:
                await seen.read(response)
        except TimeoutError:
            seen.failed(Fault.DEADLINE, f"nothing whole within {deadline:g} s")
        except FAULTS as error:
            seen.failed(
                fault_of(error), f"{urlsplit(url).hostname}: {error or type(error).__name__}"
            )
        return seen.receipt()

    def request(
        self,
        method: str,
        url: str | httpx.URL,
        headers: Sequence[Header] = (),
        content: bytes | None = None,
        seen: "_Seen | None" = None,
    ) -> httpx.Request:
        """A request with nothing in it that was not asked for. The key only for the origin."""
        own = [
            ("User-Agent", f"reelmake/{__version__}"),
            ("Accept-Encoding", "identity"),
            *headers,
        ]
        at = parsed(url) if isinstance(url, str) else url
        if self._authorization and origin(at) == self._origin:
            own.append(("Authorization", self._authorization))
        extensions: dict[str, Any] = {"timeout": self._timeout}
        if seen is not None:
            extensions["trace"] = seen.trace
        return httpx.Request(method, at, headers=own, content=content, extensions=extensions)

    @asynccontextmanager
    async def opened(self, request: httpx.Request, use: Use) -> AsyncIterator[httpx.Response]:
        """The head of the answer; the body is read, or not, inside. Raises FAULTS."""
        transport = self._transport(request.url, use)
        response = await transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    def _transport(self, url: httpx.URL, use: Use) -> httpx.AsyncBaseTransport:
        proxy = proxy_for(url, self._proxies)
        found = self._transports.get((proxy, use))
        if found is None:
            found = self._direct(use) if proxy is None else self._through(proxy, use)
            self._transports[proxy, use] = found
        return found

    def _direct(self, use: Use) -> httpx.AsyncBaseTransport:
        return Direct(self._trusted, keep=_KEEP[use])

    def _through(self, proxy: str, use: Use) -> httpx.AsyncBaseTransport:
        keep = httpx.Limits(max_connections=None, max_keepalive_connections=min(8, _KEEP[use]))
        try:
            return httpx.AsyncHTTPTransport(
                verify=self._trusted(), limits=keep, proxy=proxy, trust_env=False
            )
        except (ImportError, ValueError) as error:
            raise Outside(
                f"the {proxy.partition(':')[0]} proxy of the environment cannot be used",
                do="use an http:// proxy, or `pip install 'httpx[socks]'` for a SOCKS one",
            ) from error

    def _trusted(self) -> ssl.SSLContext:
        """Reading the certificates takes longer than a poll, so only where TLS is spoken."""
        if self._verify is None:
            self._verify = httpx.create_ssl_context()
        return self._verify


class _Seen:
    """What has been seen of one exchange so far, whatever happens next."""

    def __init__(self, redactor: Redactor, limit: int) -> None:
        self._redactor, self._limit = redactor, limit
        self._status: int | None = None
        self._headers: list[Header] = []
        self._body = bytearray()
        self._fault: Fault | None = None
        self._detail = ""
        self._sent = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by the transport just before it writes. A CONNECT carries nothing of ours."""
        if event.endswith("send_request_headers.started"):
            self._sent |= info["request"].method != b"CONNECT"

    async def read(self, response: httpx.Response) -> None:
        self._status = response.status_code
        self._headers = [(k.lower(), v) for k, v in response.headers.multi_items()]
        async with aclosing(chunks_of(response)) as chunks:
            async for chunk in chunks:
                self._body += chunk[: self._limit - len(self._body)]
                if len(self._body) >= self._limit:
                    self.failed(Fault.TOO_LARGE, f"more than {self._limit} bytes")
                    return

    def failed(self, fault: Fault, detail: str) -> None:
        self._fault, self._detail = fault, detail

    def receipt(self) -> Receipt:
        encoding = next((v for k, v in self._headers if k == "content-encoding"), None)
        body, unreadable = decoded(bytes(self._body), encoding, self._limit)
        fault = self._fault or unreadable
        return Receipt(
            status=self._status,
            headers=self._redactor.headers(self._headers),
            body=self._redactor.clean(body),
            fault=fault,
            detail=printable(self._redactor.text(self._detail)),
            sent=self._sent or self._status is not None,
        )


def chunks_of(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body as it comes, undecoded; close the generator when leaving early."""
    stream = cast("httpx.AsyncByteStream", response.stream)
    return cast("AsyncGenerator[bytes, None]", aiter(stream))


@lru_cache(maxsize=4096)
def parsed(url: str) -> httpx.URL:
    """To take a URL apart takes longer than to send it, and jobs are looked at again and again."""
    return httpx.URL(url)


def origin(url: str | httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a key is bound to."""
    at = parsed(url) if isinstance(url, str) else url
    return at.scheme, at.host, at.port or {"http": 80, "https": 443}.get(at.scheme)


def usable_key(key: str, profile: Profile) -> str:
    """The key, if it can stand in a header. Raises BadInput without showing it."""
    bare = key.strip()
    if not bare or not all("!" <= char <= "~" for char in bare):
        raise BadInput(
            f"the key in {profile.key_variable} holds blanks or characters that no key has",
            do="copy it again; it is one line of letters and digits",
        )
    return bare


def proxies() -> dict[str, str]:
    """The proxies of the environment, by scheme."""
    return {scheme: url for scheme, url in urllib.request.getproxies().items() if url}


def proxy_for(url: httpx.URL, known: Mapping[str, str]) -> str | None:
    """The proxy for a URL. This machine itself is never reached through one."""
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def epoch() -> float:
    return time.time()
