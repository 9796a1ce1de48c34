"""Connections in, and the two ways to start the gateway: in the foreground, or in a thread."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import h11

from runner.localgateway import wire
from runner.localgateway.app import App, error_answer, route_of
from runner.localgateway.ask import Refusal
from runner.localgateway.ledger import Ledger
from runner.localgateway.settings import Settings
from runner.localgateway.studio import Studio


class Server:
    """Speaks HTTP/1.1 on every connection it is given."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        incoming = wire.Incoming(reader, writer)
        try:
            while await self._exchange(incoming, writer):
                incoming.again()
        except (ConnectionError, TimeoutError):
            pass  # the peer is gone, which is its right
        except h11.RemoteProtocolError as error:
            refusal = Refusal(error.error_status_hint, str(error))
            with contextlib.suppress(ConnectionError):
                await wire.send(writer, error_answer(refusal))
        finally:
            writer.close()

    async def _exchange(self, incoming: wire.Incoming, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; True when another may follow."""
        request = await incoming.head()
        if request is None:
            return False
        body = await incoming.body()
        if body is None:
            refusal = Refusal(413, "The body is too large.", code="body_too_large")
            await wire.send(writer, error_answer(refusal))
            return False
        if body:
            request = wire.Request(request.method, request.target, request.headers, body)
        answer = await self._app.answer(route_of(request), request)
        goes_on = await wire.send(writer, answer, head=request.method == "HEAD")
        return goes_on and request.headers.get("connection", "").lower() != "close"


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[App]:
    """A gateway in the present event loop, listening; gone with everything it made at the end."""
    with TemporaryDirectory(prefix="reelmake-gateway-") as folder:
        ledger = Ledger(settings.ledger)
        studio = Studio(Path(folder), settings)
        app = App(settings, studio, ledger)
        listener = await asyncio.start_server(
            Server(app).connection, settings.host, settings.port, backlog=4096
        )
        host, port = listener.sockets[0].getsockname()[:2]
        app.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        try:
            yield app
        finally:
            listener.close()
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            studio.close()
            ledger.close()


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted. `on_ready` is told the base URL once connections are taken."""

    async def until_interrupted() -> None:
        async with running(settings) as app:
            on_ready(app.base_url)
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_interrupted())


@contextlib.contextmanager
def start_in_thread(settings: Settings | None = None) -> Iterator[str]:
    """A gateway in a thread of this process, for as long as the block lasts; gives its URL.

    Raises OSError when no port can be had.
    """
    started: list[str] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def until_stopped() -> None:
        async with running(settings or Settings()) as app:
            started.append(app.base_url)
            ready.set()
            await stop.wait()

    def work() -> None:
        try:
            loop.run_until_complete(until_stopped())
        except OSError as error:
            failed.append(error)
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=work, name="local-gateway", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
