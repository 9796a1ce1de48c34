"""The order of fsync, POST and rename on the real system calls, and every loss of power between."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from film_set import FilmSet, board, shot, statuses
from random_kills import WallClock, books, gateway, profile_for
from syscalls import TRACED, Call, Disk, acknowledged, calls

from runner.gateway.client import Client
from runner.journal import open_reader
from runner.journal.reading import NAME
from runner.model import Status

SHOTS = 2
STRACE = shutil.which("strace")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(STRACE is None, reason="needs strace to see the system calls"),
]


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Path, str, list[Call]]]:
    """One run under strace: its project, its gateway, its system calls."""
    with TemporaryDirectory() as folder, gateway(Path(folder), "keyed") as url:
        root, log = Path(folder) / "project", Path(folder) / "trace"
        root.mkdir()
        script = Path(__file__).parent / "one_run.py"
        command = [STRACE or "", "-f", "-y", "-xx", "-s", "1000000", "-o", str(log)]
        command += ["-e", f"trace={TRACED}", sys.executable, str(script)]
        command += [str(root), url, "keyed", str(SHOTS)]
        subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
        yield root, url, list(calls(log.read_text()))


def is_post(call: Call) -> bool:
    return call.name in ("sendto", "sendmsg") and any(b"POST /v1/videos" in t for t in call.texts)


def test_no_post_before_its_intent_is_on_the_disk(
    watched: tuple[Path, str, list[Call]],
) -> None:
    """At the first byte of every POST the synced bytes alone hold an intent for it."""
    root, _, history = watched
    disk, posts = Disk(root), 0
    with TemporaryDirectory() as folder:
        for call in history:
            if is_post(call):
                posts += 1
                disk.image(Path(folder) / "image")
                with open_reader(Path(folder) / "image" / ".reelmake") as reader:
                    assert len(reader.attempts("paid")) == posts
            disk.happen(call)
    assert posts == SHOTS


def test_a_video_is_synced_before_its_name_and_its_name_before_its_record(
    watched: tuple[Path, str, list[Call]],
) -> None:
    """fsync of the bytes, rename, fsync of the folder, and only then: stored."""
    root, _, history = watched
    stored = [index for index, kind, _ in acknowledged(history) if kind == "stored"]
    shelves = str(root / ".reelmake" / "store")
    moves = [
        (index, call)
        for index, call in enumerate(history)
        if call.name.startswith("rename") and shelves in "".join(map(repr, call.texts))
    ]
    assert len(moves) == len(stored) == SHOTS
    for index, call in moves:
        old, new = (text.decode() for text in call.texts)
        synced = [n for n, c in enumerate(history) if c.name == "fsync" and c.path == old]
        named = [
            n
            for n, c in enumerate(history)
            if c.name == "fsync" and c.path == str(Path(new).parent) and n > index
        ]
        assert synced
        assert max(synced) < index
        assert named
        assert any(min(named) < record for record in stored)


def test_what_is_acknowledged_survives_the_loss_of_all_else(
    watched: tuple[Path, str, list[Call]],
) -> None:
    """Power fails after any system call: every fact the program relied on is still there."""
    root, _, history = watched
    told = {index: (kind, attempt) for index, kind, attempt in acknowledged(history)}
    disk, safe = Disk(root), list[tuple[str, str]]()
    with TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        for index, call in enumerate(history):
            disk.happen(call)
            if index not in told:
                continue
            safe.append(told[index])
            disk.image(image)
            assert set(safe) <= set(facts_in(image))
            for blob in blobs_in(image):
                assert blob.stat().st_size
    assert [kind for kind, _ in safe].count("stored") == SHOTS


def facts_in(image: Path) -> list[tuple[str, str]]:
    with open_reader(image / ".reelmake") as reader:
        return [(str(k), str(a)) for k, a in reader._rows("SELECT kind, attempt FROM facts")]


def blobs_in(image: Path) -> Iterator[Path]:
    return (path for path in (image / ".reelmake" / "store").rglob("*") if path.is_file())


def test_every_loss_of_power_is_recovered_without_paying_again(
    watched: tuple[Path, str, list[Call]],
) -> None:
    """From what is left after any sync, the next run finishes the film with the jobs there are."""
    root, url, history = watched
    profile = profile_for("keyed", url)
    before = books(url)["accepted"]
    disk = Disk(root)

    async def recover(image: Path) -> list[Status]:
        async with Client(profile, "test-key") as client:
            film_set = FilmSet(image, client, profile, clock=WallClock(), poll_seconds=0.05)
            return statuses(await film_set.run(board(*(shot(f"s{n}") for n in range(SHOTS)))))

    points = 0
    with TemporaryDirectory() as folder:
        for call in history:
            disk.happen(call)
            started = f"{root}/.reelmake/project" in disk.durable
            if call.name not in ("fsync", "fdatasync") or not started:
                continue
            points += 1
            image = Path(folder) / str(points)
            disk.image(image)
            assert asyncio.run(recover(image)) == [Status.DONE] * SHOTS
            shutil.rmtree(image)
    assert points > 10
    assert books(url)["accepted"] == before == SHOTS


def test_the_model_forgets_what_was_not_synced(tmp_path: Path) -> None:
    """The disk in these tests is as harsh as it claims, so the tests above mean something."""
    disk = Disk(tmp_path)
    name = tmp_path / NAME

    def hexed(text: str) -> str:
        return "".join(f"\\x{byte:02x}" for byte in text.encode())

    disk.happen(Call("openat", 'AT_FDCWD</>, "", O_CREAT', str(name)))
    disk.happen(Call("write", f'3<{name}>, "{hexed("abc")}", 3'))
    disk.image(tmp_path / "image")
    assert not (tmp_path / "image" / NAME).exists()
    disk.happen(Call("fsync", f"4<{tmp_path}>"))
    disk.image(tmp_path / "image")
    assert (tmp_path / "image" / NAME).read_bytes() == b""
    disk.happen(Call("fsync", f"3<{name}>"))
    disk.image(tmp_path / "image")
    assert (tmp_path / "image" / NAME).read_bytes() == b"abc"
