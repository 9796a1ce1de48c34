"""An httpx transport over asyncio and h11: many connections at little cost, and no surprises.

httpx's own pool looks at every connection for every request, which at a hundred connections is
most of the time of a run; and it does not say whether a kept connection died before it was used.
Here a GET that meets a dead kept connection goes over a new one, once; a POST never meets one,
because its wire keeps none. Used where no proxy stands between; httpx's transport does proxies.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, cast

import h11
import httpx

Origin = tuple[str, str, int]
Verify = Callable[[], ssl.SSLContext]

HEAD_LIMIT = 64 * 1024  # bytes of status line and headers; h11's word for them is "event"
_HIGH, _LOW = 512 * 1024, 128 * 1024  # bytes waiting to be read: pause above, resume below
_SECOND_ADDRESS = 0.25  # s until the next address is tried beside the first one (RFC 8305)


class Direct(httpx.AsyncBaseTransport):
    """HTTP/1.1 straight to the origin. `keep` idle connections are kept for `idle` seconds.

    At most `room` exchanges are open at once; others wait, within their own deadline.
    """

    def __init__(self, verify: Verify, *, keep: int, idle: float = 20.0, room: int = 64) -> None:
        self._verify, self._keep, self._idle = verify, keep, idle
        self._room = asyncio.Semaphore(room)
        self._kept: dict[Origin, list[Line]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._room.acquire()
        try:
            return await self._exchange(request)
        except BaseException:
            self._room.release()
            raise

    async def aclose(self) -> None:
        lines = [line for kept in self._kept.values() for line in kept]
        self._kept.clear()
        for line in lines:
            line.abort()
        await asyncio.sleep(0)  # lets the event loop close the sockets

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        kept = self._kept_line(_origin(request.url))
        if kept is not None:
            with suppress(DeadOnArrival):
                return await self._over(kept, request)
        return await self._over(await self._open(request), request)

    async def _over(self, line: "Line", request: httpx.Request) -> httpx.Response:
        try:
            head = await line.ask(request)
        except BaseException:
            line.abort()
            raise
        body = _Body(line, request, self._done)
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=body)

    def _kept_line(self, origin: Origin) -> "Line | None":
        kept = self._kept.get(origin, [])
        now = asyncio.get_running_loop().time()
        while kept:
            line = kept.pop()
            if line.usable and now - line.idle_since <= self._idle:
                return line
            line.abort()
        return None

    async def _open(self, request: httpx.Request) -> "Line":
        """A new connection; everything that fails here happens before a byte of the request."""
        scheme, host, port = _origin(request.url)
        deadline = _deadline(request, "connect")
        secure = self._verify() if scheme == "https" else None
        try:
            async with asyncio.timeout(deadline):
                _, line = await asyncio.get_running_loop().create_connection(
                    lambda: Line((scheme, host, port)),
                    host,
                    port,
                    ssl=secure,
                    # An address has no second one; the race for it would only cost time.
                    happy_eyeballs_delay=None if _is_address(host) else _SECOND_ADDRESS,
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection within {deadline} s") from error
        except (OSError, EOFError) as error:
            raise httpx.ConnectError(str(error) or type(error).__name__) from error
        return line

    def _done(self, line: "Line", *, whole: bool) -> None:
        """An exchange is over: the connection is kept if it may be, and somebody else may go."""
        self._room.release()
        kept = self._kept.setdefault(line.origin, [])
        if whole and len(kept) < self._keep and line.ready_again():
            line.idle_since = asyncio.get_running_loop().time()
            kept.append(line)
        else:
            line.abort()


class DeadOnArrival(Exception):
    """A kept connection ended before a byte of the answer: the far side had closed it."""


class Line(asyncio.Protocol):
    """One connection. What arrived is handed over before the news that the line is gone."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self._http = _http()
        self._reused = False
        self._parts: list[bytes] = []
        self._waiting = 0
        self._paused = self._ended = False
        self._silent = True  # no byte of the answer yet
        self._lost: BaseException | None = None
        self._news: asyncio.Future[None] | None = None
        self._wire: asyncio.Transport | None = None

    # ── what the event loop calls ───────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.Transport", transport)
        self._wire.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._waiting += len(data)
        if self._waiting > _HIGH and not self._paused and self._wire:
            self._wire.pause_reading()
            self._paused = True
        self._tell()

    def eof_received(self) -> bool:
        self._ended = True
        self._tell()
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        self._ended, self._lost, self._wire = True, exc, None
        self._tell()

    def resume_writing(self) -> None:
        self._tell()

    def _tell(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    # ── what an exchange calls ──────────────────────────────────────────────────────────────

    @property
    def usable(self) -> bool:
        """Idle, open, and without words nobody asked for."""
        return not self._ended and not self._parts and self._wire is not None

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Sends the request and reads the head of the answer. Raises as httpx's transports do."""
        try:
            await self._send(request)
            while True:
                event = await self._next(_deadline(request, "read"))
                if isinstance(event, h11.Response):
                    return event
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            if self._reused and self._silent and request.method == "GET":
                raise DeadOnArrival from error
            raise

    async def more(self, deadline: float | None) -> bytes | None:
        """Some of the body, or None at its end as the head announced it."""
        event = await self._next(deadline)
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def ready_again(self) -> bool:
        """Makes ready for another request, where both sides agree that there may be one."""
        if not self.usable or self._http.trailing_data[0]:
            return False
        try:
            self._http.start_next_cycle()
        except h11.ProtocolError:
            return False
        self._reused, self._silent = True, True
        return True

    def abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    # ── inside ──────────────────────────────────────────────────────────────────────────────

    async def _send(self, request: httpx.Request) -> None:
        head = h11.Request(
            method=request.method,
            target=request.url.raw_path,
            headers=request.headers.raw,
        )
        body = await request.aread()
        trace: Callable[..., Coroutine[Any, Any, None]] | None = request.extensions.get("trace")
        try:
            data = self._http.send(head) or b""
            data += self._http.send(h11.Data(body)) or b"" if body else b""
            data += self._http.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError("not a legal request") from error
        if trace is not None:
            await trace("http11.send_request_headers.started", {"request": request})
        if self._wire is None:
            raise httpx.ReadError("closed before the request")
        self._wire.write(data)
        await self._flushed(_deadline(request, "write"))

    async def _flushed(self, deadline: float | None) -> None:
        """Until all is with the kernel, or the far side speaks or leaves before that.

        The deadline is for no progress at all: a large body on a slow line is no fault.
        """
        while (size := self._unsent) and not self._parts and not self._ended:
            try:
                async with asyncio.timeout(deadline):
                    await self._something()
            except TimeoutError as error:
                if self._unsent >= size:
                    raise httpx.WriteTimeout(f"nothing taken for {deadline} s") from error

    @property
    def _unsent(self) -> int:
        return self._wire.get_write_buffer_size() if self._wire else 0

    async def _something(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    async def _next(self, deadline: float | None) -> object:
        """The next event of the answer; 1xx count as events, so that they end somewhere."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._read(deadline))

    async def _read(self, deadline: float | None) -> bytes:
        """Some bytes; none at the end. Raises ReadError, ReadTimeout."""
        if not self._parts and not self._ended and not await self._heard_within(deadline):
            raise httpx.ReadTimeout(f"silent for {deadline} s")
        if self._parts:
            return self._taken()
        if self._lost is not None:
            raise httpx.ReadError(str(self._lost) or "connection lost") from self._lost
        return b""

    async def _heard_within(self, deadline: float | None) -> bool:
        """Waits for bytes or the end. A timer of one's own costs a third of `asyncio.timeout`."""
        loop = asyncio.get_running_loop()
        until = None if deadline is None else loop.time() + deadline
        alarm = None if until is None else loop.call_at(until, self._tell)
        try:
            while not self._parts and not self._ended:
                if until is not None and loop.time() >= until:
                    return False
                await self._something()  # may be news of writing
        finally:
            if alarm is not None:
                alarm.cancel()
        return True

    def _taken(self) -> bytes:
        data = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
        self._parts, self._waiting, self._silent = [], 0, False
        if self._paused and self._wire:
            self._wire.resume_reading()
            self._paused = False
        return data


class _Body(httpx.AsyncByteStream):
    """The body of one answer; closing it early gives the connection up."""

    def __init__(self, line: Line, request: httpx.Request, done: Callable[..., None]) -> None:
        self._line, self._deadline, self._done = line, _deadline(request, "read"), done
        self._whole = self._over = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._line.more(self._deadline)) is not None:
            yield chunk
        self._whole = True

    async def aclose(self) -> None:
        if not self._over:
            self._over = True
            self._done(self._line, whole=self._whole)


def _http() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol(f"{url.scheme or 'no scheme'} is not HTTP")
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _deadline(request: httpx.Request, step: str) -> float | None:
    timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return timeouts.get(step)
