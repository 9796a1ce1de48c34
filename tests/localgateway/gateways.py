"""Fixtures: a gateway in a thread, or in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from calling import Caller, Start

from runner.localgateway.server import start_in_thread
from runner.localgateway.settings import Settings

ROOT = Path(__file__).parents[2]


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
