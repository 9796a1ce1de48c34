"""The disk fills up at every step, on a real file system that is full: no paid id is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from random_kills import books, gateway

from runner.journal import open_reader
from runner.journal.decisions import doubts

SHOTS = 3
SCRIPT = Path(__file__).parent / "one_run.py"


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[None]:
    place.mkdir()
    options = f"size={kilobytes}k"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False)
    if made.returncode:
        pytest.skip("may not mount a small file system here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)


def one_run(root: Path, url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCRIPT), str(root), url, "quarantine", str(SHOTS)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_loses_no_id(tmp_path: Path) -> None:
    """Every job that was answered is bound after the next run with room, and nothing paid twice.

    The sizes run from no room for a journal at all to room for everything; between them the disk
    is full at the intent, the receipt, the record of the id, the download and the last record.
    """
    ended = set[int]()
    with gateway(tmp_path, "quarantine") as url:
        seen = 0
        for number, size in enumerate(range(200, 1000, 20)):
            place = tmp_path / f"disk{number}"
            with small_disk(place, size):
                ended.add(one_run(place, url).returncode)
                told = books(url)
                grow(place)
                after = one_run(place, url)
                assert after.returncode == 0, (size, after.stderr)
                told = books(url)
                jobs, seen = told["jobs"][seen:], len(told["jobs"])
                with open_reader(place / ".reelmake") as reader:
                    bound = {attempt.job for attempt in reader.attempts("paid")}
                    assert doubts(reader, "paid") == ()
                assert {job["job"] for job in jobs} <= bound
                assert len(jobs) == SHOTS
    assert ended >= {0, 1}, "the sizes must reach from too small to large enough"
