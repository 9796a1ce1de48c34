"""Ctrl-C: once to stop in good order, twice to stop now. Either way the next run resumes."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether somebody asked to stop, and how urgently."""

    def __init__(self) -> None:
        self.asked = False
        self.hurry = asyncio.Event()
        self._wake: Callable[[], None] = lambda: None

    def on_request(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def request(self) -> None:
        """Submit nothing more, let a POST in flight be answered; the second time: at once."""
        if self.asked:
            self.hurry.set()
        self.asked = True
        self._wake()


@contextmanager
def listening(stop: Stop) -> Iterator[None]:
    """Signals become requests to stop while this is open; needs a running loop, main thread."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.request)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
