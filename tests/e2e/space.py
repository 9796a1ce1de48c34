"""A place to try the whole tool: write files, run the real program, look at what it left."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

KEY = "sk-canary-5f1e8c0b7d"


@dataclass(frozen=True)
class Done:
    """What one run of the program said."""

    code: int
    out: str
    err: str

    def ok(self) -> "Done":
        return self.left(0)

    def left(self, code: int) -> "Done":
        assert self.code == code, f"exit {self.code}, not {code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self

    def says(self, *texts: str) -> "Done":
        for text in texts:
            assert text in self.out + self.err, f"{text!r} not in:\n{self.out}\n{self.err}"
        return self

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Gateway:
    """The local gateway in a process of its own, with its ledger as the oracle."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner.localgateway", "--port", "0", *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[-1]

    @property
    def ledger(self) -> Any:
        with urllib.request.urlopen(f"{self.url}/_ledger", timeout=10) as answer:
            return json.load(answer)

    @property
    def posts(self) -> int:
        """POSTs that reached it, accepted or not."""
        return int(self.ledger["requests"].get("submit", 0))

    @property
    def jobs(self) -> list[Any]:
        return list(self.ledger["jobs"])

    def advance(self, seconds: float) -> None:
        """Lets the gateway's time pass at once."""
        body = json.dumps({"advance": seconds}).encode()
        request = urllib.request.Request(f"{self.url}/_control", body, method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()


@contextmanager
def gateway(*options: str) -> Iterator[Gateway]:
    opened = Gateway(*options)
    try:
        yield opened
    finally:
        opened.close()


class Starter:
    """Starts the program over and over; loads it once. See `starter.py`."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("starter.py"))]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def run(self, words: tuple[str, ...], cwd: Path, env: dict[str, str], timeout: float) -> Done:
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            files = {"stdin": os.devnull, "stdout": out.name, "stderr": err.name}
            code = self._ends({"words": words, "cwd": str(cwd), "env": env, **files}, timeout)
            return Done(code, out.read().decode(), err.read().decode())

    def _ends(self, start: dict[str, Any], timeout: float) -> int:
        """The exit code of the program, once it has ended."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(start), file=self.process.stdin, flush=True)
        assert select.select([self.process.stdout], [], [], timeout)[0], f"still runs: {start}"
        return int(self.process.stdout.readline())


starter = cache(Starter)


@dataclass
class Space:
    """A project folder and the environment its user has."""

    root: Path
    gateway: Gateway | None = None
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def aimed(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words of a command, and at which gateway it is aimed."""
        if words[0] in ("run", "plan") and self.gateway and "--gateway" not in words:
            return (*words, "--gateway", self.gateway.url)
        return words

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "runner", *self.aimed(words)]

    @property
    def posts(self) -> int:
        """POSTs that the project's gateway has seen."""
        assert self.gateway
        return self.gateway.posts

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        kept.pop("REELMAKE_GATEWAY", None)
        ours = {"REELMAKE_POLL_SECONDS": "0.05", "REELMAKE_RENDER_SECONDS": "0.05"}
        if self.gateway:
            ours["REELMAKE_API_KEY"] = KEY
        return {**kept, **ours, **self.environ}

    def run(self, *words: str, timeout: float = 50) -> Done:
        return starter().run(self.aimed(words), self.root, self.environment, timeout)

    def asked(self, typed: str, *words: str) -> Done:
        """One run on a terminal, where a person has typed something in advance."""
        ours, theirs = os.openpty()
        os.write(ours, typed.encode())
        shown = b""
        with subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            with contextlib.suppress(OSError):  # Linux's way to say that the other end has gone
                while piece := os.read(ours, 1 << 16):
                    shown += piece
        os.close(ours)
        return Done(process.returncode, "", shown.decode())

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def files(self) -> set[str]:
        return {str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file()}

    def manifest(self, folder: str = "renders/film") -> Any:
        return json.loads((self.root / folder / "manifest.json").read_text())
