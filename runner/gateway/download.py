"""A finished video, streamed to a file: whole and checked, or not at all.

Memory stays constant, time and bytes are bounded, nothing is decompressed. A broken transfer is
continued only where the server proves that it is still the same file; else it starts again.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path

import httpx
from msgspec import Struct

from runner.gateway.answer import error_of, read_json
from runner.gateway.filing import fault_of
from runner.gateway.limits import Random, backoff, read_retry_after
from runner.gateway.part import Part
from runner.gateway.profile import is_loopback
from runner.gateway.receipt import decoded, printable
from runner.gateway.wire import FAULTS, Wire, chunks_of
from runner.model import Digest

Check = Callable[[Path], str | None]

TRIES = 5
HOPS = 5
_SMALL = 1024 * 1024  # an error answer in place of a video is no larger


class Got(StrEnum):
    """How a fetch ended."""

    DONE = "done"
    NOT_READY = "not ready"  # 202, 409, 425, or JSON that says so: ask again later
    MISSING = "missing"  # 404: lag soon after completion, loss later; the caller knows
    EXPIRED = "expired"  # 410
    DENIED = "denied"  # the gateway does not accept the key
    NOT_VIDEO = "not a video"  # an error in place of the result; `detail` says which
    BROKEN = "broken"  # came through as HTTP, but is not a whole MP4
    UNREACHABLE = "unreachable"  # the network, a 5xx, a deadline: ask again later
    REFUSED = "refused"  # by us: too large, compressed, or redirected where we do not go


class Fetched(Struct, frozen=True):
    """A result's file, or why there is none. With DONE, `path` is whole, checked, unsynced."""

    got: Got
    detail: str = ""
    path: Path | None = None
    sha256: Digest | None = None
    bytes: int = 0
    retry_after: float | None = None
    tries: int = 1


class Download:
    """One result on its way: where it comes from, and how much of it is here."""

    def __init__(
        self, wire: Wire, url: str, dest: Path, check: Check, rand: Random = random.random
    ) -> None:
        self._wire, self._url, self._check, self._random = wire, url, check, rand
        self._limits, self._bounds = wire.profile.deadlines, wire.profile.bounds
        self._part = Part(dest)

    async def run(self) -> Fetched:
        """Tries until settled, TRIES times at most; the file is gone unless the result is DONE."""
        last = Fetched(Got.UNREACHABLE)
        try:
            async with asyncio.timeout(self._limits.fetch):
                for tries in range(1, TRIES + 1):
                    last = await self._once(tries)
                    if last.got not in (Got.UNREACHABLE, Got.BROKEN) or last.retry_after:
                        break
                    await asyncio.sleep(backoff(tries - 1, self._random, first=0.5, cap=8.0))
        except TimeoutError:
            last = Fetched(Got.UNREACHABLE, f"not whole within {self._limits.fetch:g} s")
        except BaseException:
            self._part.drop()
            raise
        if last.got is not Got.DONE:
            self._part.drop()
        return last

    async def _once(self, tries: int) -> Fetched:
        try:
            got = await self._follow()
        except TimeoutError:
            got = Fetched(Got.UNREACHABLE, f"slower than {self._limits.min_rate:g} bytes/s")
        except FAULTS as error:
            text = self._wire.redactor.text(str(error) or type(error).__name__)
            got = Fetched(Got.UNREACHABLE, printable(f"{fault_of(error)}: {text}"))
        return Fetched(got.got, got.detail, got.path, got.sha256, got.bytes, got.retry_after, tries)

    async def _follow(self) -> Fetched:
        """Follows redirects by hand: each hop is judged, and only the origin sees the key."""
        url: str | httpx.URL = self._url
        for _ in range(HOPS + 1):
            request = self._wire.request("GET", url, self._part.asks())
            async with self._wire.opened(request, "fetch") as response:
                if response.status_code not in (301, 302, 303, 307, 308):
                    return await self._take(response, first_hop=url is self._url)
                target = _target(request.url, response.headers.get("location", ""))
            if target is None or not self._may_go(target):
                shown = "nowhere" if target is None else f"{target.scheme}://{target.host}"
                return Fetched(Got.REFUSED, printable(f"redirects to {shown}, not followed"))
            url = target
        return Fetched(Got.REFUSED, f"more than {HOPS} redirects")

    def _may_go(self, target: httpx.URL) -> bool:
        """https anywhere; plain http only from this machine to this machine."""
        at_home = is_loopback(httpx.URL(self._wire.profile.base_url).host)
        local = target.scheme == "http" and at_home and is_loopback(target.host)
        return (target.scheme == "https" or local) and not target.userinfo

    async def _take(self, response: httpx.Response, *, first_hop: bool) -> Fetched:
        status = response.status_code
        if status == 416:
            return self._overshot(response)
        if status not in (200, 206):
            return await self._no(response, first_hop)
        kind = response.headers.get("content-type", "").lower()
        if re.match(r"(application/([\w.+-]*json|xml|problem)|text/)", kind):
            return await self._words(response)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return Fetched(Got.REFUSED, "the video is sent compressed")
        if not self._part.continues(response):
            return Fetched(Got.UNREACHABLE, "the server sent another part than was asked for")
        refused = await self._stream(response)
        return refused or self._judge()

    async def _stream(self, response: httpx.Response) -> Fetched | None:
        """Body to file, as long as it is fast enough and small enough."""
        began, since = time.monotonic(), 0
        async with aclosing(chunks_of(response)) as chunks:
            while True:
                async with asyncio.timeout(self._limits.stall):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return None
                self._part.write(chunk)
                if self._part.size > self._bounds.media:
                    return Fetched(Got.REFUSED, f"larger than {self._bounds.media} bytes")
                since += len(chunk)
                elapsed = time.monotonic() - began
                if elapsed > self._limits.stall:
                    if since < self._limits.min_rate * elapsed:
                        raise TimeoutError
                    began, since = time.monotonic(), 0

    def _judge(self) -> Fetched:
        """What lies there is a whole MP4, or an error that came as one, or broken."""
        path = self._part.path
        wrong = self._check(path) or self._part.differs()
        if wrong is None:
            self._part.close()
            return Fetched(Got.DONE, path=path, sha256=self._part.sha256, bytes=self._part.size)
        small = path.read_bytes() if self._part.size <= _SMALL else b""
        self._part.restart()
        if small.lstrip()[:1] in (b"{", b"[", b"<"):
            return self._told(small)
        return Fetched(Got.BROKEN, printable(wrong))

    async def _words(self, response: httpx.Response) -> Fetched:
        return self._told(await self._answer(response))

    def _told(self, body: bytes) -> Fetched:
        """An answer in words where a video should be."""
        answer = read_json(body)
        code, text = error_of(answer)
        word = answer.get("status") if isinstance(answer, dict) else None
        if not text and self._wire.profile.statuses.get(str(word).lower()) in ("queued", "running"):
            return Fetched(Got.NOT_READY, printable(f"still {word}"))
        said = f"{code} {text}".strip() or body[:200].decode("utf-8", "replace")
        return Fetched(Got.NOT_VIDEO, printable(self._wire.redactor.text(said)))

    async def _answer(self, response: httpx.Response) -> bytes:
        """The body of an answer in words, decoded, cut at the profile's limit, without secrets."""
        body = bytearray()
        async with asyncio.timeout(self._limits.look), aclosing(chunks_of(response)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > self._bounds.answer:
                    break
        plain, _ = decoded(
            bytes(body), response.headers.get("content-encoding"), self._bounds.answer
        )
        return self._wire.redactor.clean(plain)

    async def _no(self, response: httpx.Response, first_hop: bool) -> Fetched:
        code, text = error_of(read_json(await self._answer(response)))
        said = printable(f"{response.status_code} {code} {text}".strip())
        wait = read_retry_after(response.headers.get("retry-after"), time.time())
        match response.status_code:
            case 202 | 204 | 409 | 425:
                got = Got.NOT_READY
            case 404 if first_hop:
                got = Got.MISSING
            case 410 if first_hop:
                got = Got.EXPIRED
            case 401 | 402 | 403 if first_hop:
                got = Got.DENIED
            case 400 | 405 | 406 | 422 | 451 if first_hop:
                got = Got.NOT_VIDEO
            case _:
                # Behind a redirect: a signed link that ran out. The next try gets a fresh one.
                got = Got.UNREACHABLE
        return Fetched(got, said, retry_after=wait)

    def _overshot(self, response: httpx.Response) -> Fetched:
        """416: there is nothing after what we have, so it is all, or it is another file."""
        total = re.fullmatch(r"bytes \*/(\d{1,18})", response.headers.get("content-range", ""))
        if self._part.size and total and int(total[1]) == self._part.size:
            return self._judge()
        self._part.restart()
        return Fetched(Got.UNREACHABLE, "the server no longer has the range that was missing")


def is_whole_mp4(path: Path) -> str | None:
    """Why a file is not a structurally complete MP4, or None."""
    from runner.media.boxes import check_mp4  # only where something is downloaded

    return check_mp4(path)


def _target(base: httpx.URL, location: str) -> httpx.URL | None:
    try:
        return base.join(location) if location else None
    except httpx.InvalidURL:
        return None
