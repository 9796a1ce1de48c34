"""Connections in, and the two ways to start the gateway: in the foreground, or in a thread."""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import h11
from msgspec.structs import replace

from runner.localgateway import wire
from runner.localgateway.answers import error_answer
from runner.localgateway.app import App, model_and_prompt, route_of
from runner.localgateway.ask import Refusal
from runner.localgateway.chaos import About, Script, read_file, read_script
from runner.localgateway.course import Course
from runner.localgateway.ledger import Ledger
from runner.localgateway.settings import Settings
from runner.localgateway.studio import Studio

FOLDERS = "reelmake-gateway-"


class Server:
    """Speaks HTTP/1.1 on every connection it is given."""

    def __init__(self, app: App, script: Script | None = None) -> None:
        self._app = app
        self._script = script
        app.script_from = self._take_script

    def _take_script(self, data: object) -> None:
        """Put other rules in force. Raises ValueError."""
        self._script = read_script(data)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        incoming = wire.Incoming(reader, writer)
        try:
            if self._plan("connect", None).drop:
                wire.reset(writer)
                return
            while await self._exchange(incoming, writer):
                incoming.again()
        except (ConnectionError, TimeoutError):
            pass  # the peer is gone, which is its right
        except asyncio.CancelledError:
            pass  # the server stops
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
        route = route_of(request)
        self._app.ledger.requests[route] += 1
        course = self._plan(route, request, early=True)
        body = await incoming.body(course.read_at_most)
        if body is None:
            if course.read_at_most is not None:
                wire.reset(writer)
            else:
                refusal = Refusal(413, "The body is too large.", code="body_too_large")
                await wire.send(writer, error_answer(refusal))
            return False
        if body:
            request = replace(request, body=body)
        if self._script is not None:
            self._plan(route, request, course)
        answer = await self._answer(route, request, course)
        head = request.method == "HEAD"
        goes_on = await wire.send(writer, answer, course.delivery, head=head)
        if course.delivery.after == "hang":
            await incoming.until_gone()
        return goes_on and request.headers.get("connection", "").lower() != "close"

    async def _answer(self, route: str, request: wire.Request, course: Course) -> wire.Answer:
        if course.before:
            await asyncio.sleep(course.before)
        if course.hide:
            request = request.without(course.hide)
        refused = (guard(self._app) for guard in course.guards)
        instead = course.instead or next((answer for answer in refused if answer), None)
        if instead is not None:
            answer = instead
            if route == "submit":
                said = 0 if 200 <= answer.status < 300 else answer.status
                self._app.ledger.refuse(said, self._app.ledger.requests["submit"])
        else:
            answer = await self._app.answer(route, request, course.changes)
            if course.twice:
                answer = await self._app.answer(route, request, course.changes)
        if 200 <= answer.status < 300:
            for bend in course.bends:
                answer = bend(answer, self._app, request)
        return answer

    def _plan(
        self,
        route: str,
        request: wire.Request | None,
        course: Course | None = None,
        *,
        early: bool = False,
    ) -> Course:
        """What the script has in store for a request; nothing at all without a script."""
        course = course or Course()
        if self._script is not None and route not in ("ledger", "control"):
            about = self._about(route, request) if request and not early else About()
            self._script.plan(course, route, about, early=early)
            self._app.ledger.faults = self._script.fired
        return course

    def _about(self, route: str, request: wire.Request) -> About:
        assert self._script is not None
        if route == "submit" and self._script.reads_bodies:
            return About("", *model_and_prompt(request))
        if route in ("status", "content", "delete"):
            job = self._app.jobs.get(request.parts[2])
            return About(job.id, job.ask.model, job.ask.prompt) if job else About()
        return About()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[App]:
    """A gateway in the present event loop, listening; gone with everything it made at the end."""
    _sweep()
    with TemporaryDirectory(prefix=f"{FOLDERS}{os.getpid()}-") as folder:
        ledger = Ledger(settings.ledger)
        studio = Studio(Path(folder), settings)
        app = App(settings, studio, ledger)
        server = Server(app, read_file(settings.chaos) if settings.chaos else None)
        listen = partial(asyncio.start_server, server.connection, settings.host, backlog=4096)
        listeners = [await listen(settings.port), await listen(0)]
        app.base_url, app.other_url = map(_url, listeners)
        try:
            yield app
        finally:
            for listener in listeners:
                listener.close()
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            studio.close()
            ledger.close()


def _sweep() -> None:
    """Remove the films of gateways that were killed: their folders carry their process id."""
    for folder in Path(gettempdir()).glob(f"{FOLDERS}*"):
        number = folder.name.removeprefix(FOLDERS).partition("-")[0]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _url(listener: asyncio.Server) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
