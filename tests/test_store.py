"""Bytes by digest: nothing is lost, nothing wrong gets in, nothing wrong gets out."""

import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.errors import Outside
from runner.model import Digest
from runner.store import Store, local
from runner.store.local import LIST_AFTER


def sha(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def put(store: Store, data: bytes, folder: Path) -> Digest:
    tmp = folder / "incoming"
    tmp.write_bytes(data)
    return store.take_in(tmp)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".reelmake" / "store")


def test_what_was_taken_in_comes_out(store: Store, tmp_path: Path) -> None:
    """The name is the digest; the temporary file is used up; the output has the same bytes."""
    digest = put(store, b"film", tmp_path)
    assert digest == sha(b"film")
    assert store.has(digest)
    assert digest in store
    assert store.path(digest) == store.root / digest[:2] / digest[2:]
    assert not (tmp_path / "incoming").exists()
    assert store.place(digest, tmp_path / "renders" / "film" / "sh010.mp4")
    assert (tmp_path / "renders/film/sh010.mp4").read_bytes() == b"film"


def test_an_output_that_is_right_is_left_alone(store: Store, tmp_path: Path) -> None:
    """A second run touches no file."""
    digest = put(store, b"film", tmp_path)
    out = tmp_path / "x.mp4"
    store.place(digest, out)
    before = out.stat()
    assert not store.place(digest, out)
    assert out.stat() == before


@pytest.mark.parametrize("there", ["other bytes", "a link to the right bytes"])
def test_another_thing_in_the_place_is_replaced(there: str, store: Store, tmp_path: Path) -> None:
    """A symlink is replaced by a file and never written through."""
    digest = put(store, b"film", tmp_path)
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "x.mp4"
    elsewhere.write_bytes(b"film")
    if there == "other bytes":
        out.write_bytes(b"edited")
    else:
        out.symlink_to(elsewhere)
    store.place(digest, out)
    assert out.read_bytes() == b"film"
    assert not out.is_symlink()
    assert elsewhere.read_bytes() == b"film"


def test_editing_an_output_does_not_reach_the_store(store: Store, tmp_path: Path) -> None:
    """Outputs are copies: the take that was paid for survives its user."""
    digest = put(store, b"film", tmp_path)
    out = tmp_path / "x.mp4"
    store.place(digest, out)
    with out.open("r+b") as file:
        file.write(b"FILM")
    assert store.verify(digest)
    assert store.path(digest).stat().st_nlink == 1


def test_blobs_are_read_only_and_private(store: Store, tmp_path: Path) -> None:
    """Nothing writes into a blob by accident; nobody else enters the store."""
    digest = put(store, b"film", tmp_path)
    assert store.path(digest).stat().st_mode & 0o777 == 0o444
    assert store.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "gone"])
def test_a_damaged_blob_is_never_given_out(damage: str, store: Store, tmp_path: Path) -> None:
    """A flipped bit, a lost tail, a lost file: said, and no output appears."""
    digest = put(store, b"film" * 1000, tmp_path)
    blob = store.path(digest)
    blob.chmod(0o600)
    if damage == "flip":
        blob.write_bytes(b"fiLm" + b"film" * 999)
    elif damage == "cut":
        os.truncate(blob, 3999)
    elif damage == "grow":
        blob.write_bytes(b"film" * 1000 + b"!")
    else:
        blob.unlink()
    assert not store.verify(digest)
    with pytest.raises(Outside, match=digest[2:]):
        store.place(digest, tmp_path / "x.mp4")
    assert not (tmp_path / "x.mp4").exists()


def test_taking_in_again_mends_a_damaged_blob(store: Store, tmp_path: Path) -> None:
    """A new download of the same take repairs the store."""
    digest = put(store, b"film", tmp_path)
    store.path(digest).chmod(0o600)
    store.path(digest).write_bytes(b"fi")
    assert put(store, b"film", tmp_path) == digest
    assert store.verify(digest)


def test_the_same_bytes_are_kept_once(store: Store, tmp_path: Path) -> None:
    """Two shots with equal takes cost one blob."""
    first = put(store, b"film", tmp_path)
    before = store.path(first).stat().st_ino
    assert put(store, b"film", tmp_path) == first
    assert store.path(first).stat().st_ino == before
    assert list(store) == [first]


def test_all_blobs_in_order(store: Store, tmp_path: Path) -> None:
    """What gc looks at: blobs only, no temporary or foreign file."""
    assert list(store) == []
    digests = [put(store, bytes([n]), tmp_path) for n in range(20)]
    (store.root / digests[0][:2] / ".reelmake-0123456789abcdef.tmp").write_bytes(b"")
    (store.root / "README").write_bytes(b"")
    assert list(store) == sorted(digests)


@pytest.mark.parametrize("digest", ["", "..", "../" * 21 + "x", "A" * 64, "é" * 64])
def test_only_digests_are_names(digest: str, store: Store, tmp_path: Path) -> None:
    """A digest from a hostile manifest cannot lead out of the store."""
    with pytest.raises(Outside, match="not a SHA-256"):
        store.path(Digest(digest))
    with pytest.raises(Outside, match="not a SHA-256"):
        store.place(Digest(digest), tmp_path / "x")


def test_a_plan_over_thousands_sees_what_is_there(store: Store, tmp_path: Path) -> None:
    """Many questions are answered from one listing, and what came in later is still found."""
    digests = [put(store, bytes([n]), tmp_path) for n in range(LIST_AFTER)]
    assert all(digest in store for digest in digests)
    assert all(digest in store for digest in digests)
    assert put(store, b"later", tmp_path) in store
    assert sha(b"never") not in store
    store.prune(set(), min_age=0, dry_run=False)
    assert not any(digest in store for digest in digests)


def test_prune_keeps_what_is_kept_and_what_is_young(store: Store, tmp_path: Path) -> None:
    """gc first only says; then it takes the unreachable and old, nothing else."""
    kept, loose = put(store, b"kept", tmp_path), put(store, b"loose", tmp_path)
    assert store.prune({kept}, min_age=3600, dry_run=False) == ()
    assert store.prune({kept}, min_age=0) == ((loose, 5),)
    assert store.has(loose)
    assert store.prune({kept}, min_age=0, dry_run=False) == ((loose, 5),)
    assert list(store) == [kept]


def test_a_file_from_another_file_system_is_taken_in(store: Store, tmp_path: Path) -> None:
    """Where a rename cannot reach, the bytes are copied, checked and made durable."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    tmp = shm / f"reelmake-test-{os.getpid()}"
    tmp.write_bytes(b"film")
    digest = store.take_in(tmp)
    assert store.verify(digest)
    assert not tmp.exists()


def test_what_lands_together_shares_the_fsync_of_its_folder(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every film is synced by itself, every folder once, and nobody is told before that."""
    synced: list[Path] = []
    monkeypatch.setattr(local, "sync_folder", lambda folder: synced.append(folder))
    put(store, b"made before", tmp_path)
    first, others = sha(b"0"), (b"%d" % n for n in range(1, 10_000))
    second = next(data for data in others if sha(data)[:2] == first[:2])
    (tmp_path / "a").write_bytes(b"0")
    (tmp_path / "b").write_bytes(second)
    synced.clear()
    assert store.take_in_all([(tmp_path / "a", first), (tmp_path / "b", sha(second))]) == [None] * 2
    assert synced == [store.root, store.root / first[:2]]
    assert store.verify(first)
    assert store.verify(sha(second))


def test_one_that_cannot_be_taken_in_keeps_nobody_out(store: Store, tmp_path: Path) -> None:
    """Trouble with one film is that film's trouble."""
    (tmp_path / "a").write_bytes(b"film")
    trouble, fine = store.take_in_all(
        [(tmp_path / "gone", sha(b"gone")), (tmp_path / "a", sha(b"film"))]
    )
    assert isinstance(trouble, Outside)
    assert fine is None
    assert store.verify(sha(b"film"))


def test_many_writers_of_the_same_bytes(store: Store, tmp_path: Path) -> None:
    """Two projects that share a store cannot spoil it for each other."""
    data = os.urandom(200_000)

    def write(number: int) -> None:
        for turn in range(5):
            tmp = tmp_path / f"incoming-{number}-{turn}"
            tmp.write_bytes(data)
            store.take_in(tmp)
            store.place(sha(data), tmp_path / f"out-{number % 3}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert list(store) == [sha(data)]
    assert store.verify(sha(data))


WRITE = """
import os, sys
from pathlib import Path
from runner.store import Store, local
from runner.store.local import LIST_AFTER
folder = Path(sys.argv[1])
store = Store(folder / "store")
for n in range(10_000):
    tmp = folder / f"incoming-{n}"
    tmp.write_bytes(n.to_bytes(4) * 20_000)
    print(store.take_in(tmp), flush=True)
"""


def test_kill_leaves_no_half_blob(tmp_path: Path) -> None:
    """Killed at any instant, every name in the store still tells the truth, and no digest
    that was given back is missing."""
    for round_ in range(5):
        folder = tmp_path / str(round_)
        folder.mkdir()
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        given = [writer.stdout.readline().strip() for _ in range(5 + round_)]
        writer.kill()
        given += writer.communicate()[0].split()
        store = Store(folder / "store")
        found = list(store)
        assert {Digest(digest) for digest in given if len(digest) == 64} <= set(found)
        assert all(store.verify(digest) for digest in found)


FULL = """
import resource, signal, sys
from pathlib import Path
from runner.errors import Outside
from runner.store import Store, local
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
store = Store(folder / "store")
for digest in store:
    try:
        store.place(digest, folder / "out.mp4")
        print("placed")
    except Outside as error:
        print(error.what)
"""


@pytest.mark.parametrize("limit", [0, 1, 4096, 199_999, 200_000])
def test_where_the_disk_is_full_nothing_appears(limit: int, store: Store, tmp_path: Path) -> None:
    """An output is whole or not there; the blob it would have been is untouched."""
    tmp = tmp_path / "incoming"
    tmp.write_bytes(b"film" * 50_000)
    small = Store(tmp_path / "store")
    digest = small.take_in(tmp)
    said = subprocess.check_output(
        [sys.executable, "-c", FULL, str(tmp_path), str(limit)], text=True
    )
    if limit == 200_000:
        assert said == "placed\n"
        assert (tmp_path / "out.mp4").stat().st_size == limit
    else:
        assert "out.mp4: File too large" in said
        assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert small.verify(digest)


def test_an_fsync_that_fails_is_final(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After EIO nothing is given a name, and the take's bytes still lie where they were."""
    tmp = tmp_path / "incoming"
    tmp.write_bytes(b"film")

    def eio(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", eio)
        with pytest.raises(Outside, match="error"):
            store.take_in(tmp)
    assert tmp.read_bytes() == b"film"
    assert store.take_in(tmp) == sha(b"film")


@pytest.mark.slow
def test_a_gigabyte_passes_in_constant_memory(tmp_path: Path) -> None:
    """Hashing, taking in and placing 1 GB needs no more memory than 1 MB."""
    script = """
import os, resource, sys
from pathlib import Path
from runner.store import Store, local
from runner.store.local import LIST_AFTER
folder = Path(sys.argv[1])
with (folder / "big").open("wb") as file:
    for n in range(1024):
        file.write(n.to_bytes(4) * (1 << 18))
store = Store(folder / "store")
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
digest = store.take_in(folder / "big")
store.place(digest, folder / "out.mp4")
assert store.verify(digest)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 16_000_000
    assert (tmp_path / "out.mp4").stat().st_size == 1 << 30
