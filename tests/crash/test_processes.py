"""Whole programs: fifty at once, a project that cannot be written, secrets nowhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from random_kills import books, gateway
from test_full_disk import small_disk

ROOT = Path(__file__).parent.parent.parent
FILM = """\
storyboard: 1
defaults: {model: sora-2, seconds: 4, size: 1280x720}
shots:
  - {id: one, prompt: "MARK-PROMPT, the first"}
  - {id: two, prompt: "MARK-PROMPT, the second"}
  - {id: three, prompt: "MARK-PROMPT, the third", first_frame: {shot: one, frame: last}}
"""
TAKES = 3
KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "film.yaml").write_text(FILM)
    return folder


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with gateway(tmp_path, "quarantine") as url:
        yield url


def start(project: Path, *words: str, **more: Any) -> "subprocess.Popen[str]":
    """The program as a user would start it."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REELMAKE_API_KEY": KEY,
        "REELMAKE_POLL_SECONDS": "0.1",
        "HOME": str(project),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *words],
        cwd=project,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def run(project: Path, url: str, **more: Any) -> tuple[int, str]:
    return ended(start(project, "run", "film.yaml", "--gateway", url, "--yes", **more))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_at_once_pay_once(project: Path, url: str) -> None:
    """One submits; the others wait for nothing, say who holds the project, and send nothing."""
    crowd = [start(project, "run", "film.yaml", "--gateway", url, "--yes") for _ in range(50)]
    ends = [ended(process) for process in crowd]
    assert any(code == 0 for code, _ in ends)
    for code, said in ends:
        assert code == 0 or "pid" in said.lower() or "another" in said.lower(), said
    code, said = run(project, url)
    assert code == 0, said
    assert books(url)["accepted"] == TAKES
    assert books(url)["posts"] == TAKES


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_project_that_cannot_be_written(tmp_path: Path, url: str) -> None:
    """`plan` and `status` work on a read-only file system; `run` refuses before any POST."""
    project = tmp_path / "disk"
    with small_disk(project, 120_000):
        (project / "film.yaml").write_text(FILM)
        assert run(project, url)[0] == 0
        before = books(url)["posts"]
        (project / "film.yaml").write_text(FILM.replace("the second", "something else"))
        subprocess.run(["mount", "-o", "remount,ro", project], check=True)
        for words in (("plan", "film.yaml", "--gateway", url), ("status", "film.yaml")):
            code, said = ended(start(project, *words))
            assert code == 0, said
            assert "Traceback" not in said
        code, said = run(project, url)
        assert code == 1, said
        assert "Traceback" not in said
        assert books(url)["posts"] == before


CHAOS = """{"rules": [
  {"fault": "redirect_content", "route": "content"},
  {"fault": "unauthorized", "route": "submit", "nth": 3}
]}"""


@pytest.mark.slow
def test_no_secret_is_left_anywhere(project: Path, tmp_path: Path) -> None:
    """The key, and the signature of a download's URL, stand in no file, no output, no argument."""
    (tmp_path / "chaos.json").write_text(CHAOS)
    with gateway(tmp_path, "quarantine", "--chaos", str(tmp_path / "chaos.json")) as url:
        process = start(project, "run", "film.yaml", "--gateway", url, "--yes")
        command = Path(f"/proc/{process.pid}/cmdline")
        arguments = command.read_bytes() if command.exists() else b""
        code, said = ended(process)
        assert code == 1, said
        code, more = run(project, url)
        assert code == 0, more
        code, idle = run(project, url)  # leaves marks of what was written and said
        assert code == 0, idle
    more += idle
    signed = b"signature="
    assert KEY.encode() not in arguments
    assert KEY not in said + more
    assert signed.decode() not in said + more
    assert "MARK-PROMPT" not in said + more
    written = [path for path in project.rglob("*") if path.is_file()]
    assert written
    for path in written:
        data = path.read_bytes()
        assert KEY.encode() not in data, path
        assert signed not in data, path
    with_prompt = {path.name for path in written if b"MARK-PROMPT" in path.read_bytes()}
    known = {"film.yaml", "manifest.json", "journal.sqlite3", "journal.sqlite3-wal"}
    assert {name for name in with_prompt if not name.startswith("cache")} <= known
