"""Durable writes, the project lock, the stat cache, the kind of file system."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import disk
from runner.disk import mounts, statcache
from runner.errors import Outside
from runner.model import Digest


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The durable system calls from here on, in order; each is still really made."""
    made: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(fd: int) -> None:
        made.append("fsync folder" if Path(f"/proc/self/fd/{fd}").is_dir() else "fsync file")
        real_fsync(fd)

    def replace(src: str, dst: str) -> None:
        made.append("rename")
        real_replace(src, dst)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    return made


# ── durable writes ──────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc/self/fd")
@pytest.mark.parametrize("way", ["write_atomic", "move_file"])
def test_nothing_is_renamed_before_it_is_on_the_device(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File first, then its name, then the folder: after a power cut no name leads to a hole."""
    made = calls(monkeypatch)
    if way == "write_atomic":
        disk.write_atomic(tmp_path / "a", b"x")
    else:
        (tmp_path / "t").write_bytes(b"x")
        disk.move_file(tmp_path / "t", tmp_path / "a")
        disk.sync_folder(tmp_path)
    assert made == ["fsync file", "rename", "fsync folder"]
    assert (tmp_path / "a").read_bytes() == b"x"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    """A manifest is either the old one or the new one."""
    path = tmp_path / "manifest.json"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), disk.writing(path) as file:
        file.writelines([b"half of the n", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_private_unless_said_otherwise(tmp_path: Path) -> None:
    """State is for its owner; what the user commits to git gets ordinary rights."""
    disk.write_atomic(tmp_path / "state", b"")
    disk.write_atomic(tmp_path / "manifest", b"", mode=0o644)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "manifest").stat().st_mode & 0o777 == 0o644


def test_the_temporary_file_lies_beside_its_destination(tmp_path: Path) -> None:
    """A rename across file systems would be a copy that can be seen half done."""
    fd, tmp = disk.open_temp(tmp_path / "x.mp4")
    os.close(fd)
    assert tmp.parent == tmp_path
    assert tmp.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_with_its_path(tmp_path: Path) -> None:
    """The message names the file and the remedy, not a traceback."""
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(Outside, match=r"No space left") as caught, disk.said(tmp_path / "m.json"):
        (tmp_path / "full").write_bytes(b"x" * 9999)
    assert str(tmp_path / "m.json") in caught.value.what
    assert "space" in caught.value.do


def test_writing_where_no_folder_is(tmp_path: Path) -> None:
    """A missing folder is the disk's error, with the path."""
    with pytest.raises(Outside, match="nowhere"):
        disk.write_atomic(tmp_path / "nowhere" / "x", b"")


def test_leftovers_of_a_killed_run_are_found_when_old(tmp_path: Path) -> None:
    """A temporary file of a run that still writes is not taken away from it."""
    (tmp_path / "a").mkdir()
    fd, old = disk.open_temp(tmp_path / "a" / "x")
    os.close(fd)
    os.utime(old, (1, 1))
    fd, _young = disk.open_temp(tmp_path / "x")
    os.close(fd)
    assert list(disk.leftovers(tmp_path, older_than=3600)) == [old]


def test_private_folder(tmp_path: Path) -> None:
    """Prompts and job ids are nobody else's business."""
    folder = disk.make_private_dir(tmp_path / "p" / ".reelmake")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert disk.make_private_dir(folder) == folder


def test_a_folder_everyone_may_write_is_refused(tmp_path: Path) -> None:
    """Others could put a journal or a lock under our feet."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s").chmod(0o777)
    with pytest.raises(Outside, match="written by everyone"):
        disk.make_private_dir(tmp_path / "s")


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    """The state folder was replaced by a file: a clear error."""
    (tmp_path / "s").write_bytes(b"")
    with pytest.raises(Outside, match="exists"):
        disk.make_private_dir(tmp_path / "s")


# ── the lock ────────────────────────────────────────────────────────────────────────────────


def test_one_holder_at_a_time_and_the_second_learns_who(tmp_path: Path) -> None:
    """Two runs on one project: one submits, the other says which process it waits for."""
    path = tmp_path / "lock"
    with disk.ProjectLock(path), pytest.raises(Outside, match=f"pid {os.getpid()} on"):
        disk.ProjectLock(path).acquire()
    with disk.ProjectLock(path):
        pass
    assert path.exists()


HOLD = """
    import sys, time
    from pathlib import Path
    from runner.disk import ProjectLock
    lock = ProjectLock(Path(sys.argv[1]))
    lock.acquire(wait=len(sys.argv) > 2)
    print("held", flush=True)
    sys.stdin.read()
"""


def holder_process(path: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), str(path), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=20)


def test_kill_frees_the_lock(tmp_path: Path) -> None:
    """kill -9 leaves nothing to unlock by hand; a waiting run takes over."""
    path = tmp_path / "lock"
    first = holder_process(path)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with pytest.raises(Outside, match=f"pid {first.pid} "):
        disk.ProjectLock(path).acquire()
    second = holder_process(path, "wait")
    first.send_signal(signal.SIGKILL)
    end(first)
    assert second.stdout is not None
    assert second.stdout.readline() == "held\n"
    end(second)


def test_a_child_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A tool started during a run must not hold the project after it."""
    path = tmp_path / "lock"
    lock = disk.ProjectLock(path)
    lock.acquire()
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        lock.release()
        with disk.ProjectLock(path):
            pass
    finally:
        child.kill()
        child.wait()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a threaded test runner
def test_a_fork_neither_keeps_nor_frees_the_lock(tmp_path: Path) -> None:
    """The lock belongs to the process that took it, not to its forks."""
    path = tmp_path / "lock"
    lock = disk.ProjectLock(path)
    lock.acquire()
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(Outside, match="another run"):
        disk.ProjectLock(path).acquire()
    lock.release()
    with disk.ProjectLock(path):
        pass


@pytest.mark.parametrize("what", ["symlink", "fifo", "folder"])
def test_a_lock_file_that_is_something_else_is_refused(what: str, tmp_path: Path) -> None:
    """A planted symlink or FIFO neither redirects nor hangs a run."""
    path = tmp_path / "lock"
    if what == "symlink":
        path.symlink_to(tmp_path / "elsewhere")
    elif what == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Outside, match="lock"):
        disk.ProjectLock(path).acquire()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\0"])
def test_an_unreadable_holder_is_no_holder(text: bytes, tmp_path: Path) -> None:
    """The note about the holder is for people; the kernel decides."""
    (tmp_path / "lock").write_bytes(text)
    assert disk.ProjectLock(tmp_path / "lock").holder() is None
    with disk.ProjectLock(tmp_path / "lock") as lock:
        assert lock.holder() is not None


# ── hashing and the stat cache ──────────────────────────────────────────────────────────────


def test_hash_is_sha256(tmp_path: Path) -> None:
    """The digest is the one that `sha256sum` prints."""
    data = os.urandom(3_000_001)
    (tmp_path / "x").write_bytes(data)
    assert disk.hash_file(tmp_path / "x") == sha(data)


@pytest.mark.parametrize("what", ["fifo", "folder", "missing"])
def test_only_files_are_hashed(what: str, tmp_path: Path) -> None:
    """A FIFO where a reference should be is refused, not waited for."""
    if what == "fifo":
        os.mkfifo(tmp_path / "x")
    elif what == "folder":
        (tmp_path / "x").mkdir()
    with pytest.raises(Outside):
        disk.hash_file(tmp_path / "x")


def age(path: Path) -> None:
    """Make a file look as if it had been written long ago, by mtime; ctime cannot be set."""
    os.utime(path, (1_600_000_000, 1_600_000_000.5))


def settled(cache: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> statcache.StatCache:
    """A cache that takes even a file just made for an old one."""
    monkeypatch.setattr(statcache, "CLOCK_STEP", -(10**12))
    return disk.StatCache(cache, root)


def test_an_unmoved_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second plan costs one stat a file."""
    (tmp_path / "a").write_bytes(b"one")
    age(tmp_path / "a")
    cache = settled(tmp_path / "cache", monkeypatch, tmp_path)
    assert cache.digest("a") == sha(b"one")
    cache.save()
    monkeypatch.setattr(statcache, "hash_file", None)
    assert disk.StatCache(tmp_path / "cache", tmp_path).digest("a") == sha(b"one")


def test_missing_files_and_folders_have_no_digest(tmp_path: Path) -> None:
    """What is not there, or not a file, is None and no error."""
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_bytes(b"")
    cache = disk.StatCache(tmp_path / "cache", tmp_path)
    assert cache.digests(["gone", "d", "f/x", "f"]) == {
        "gone": None,
        "d": None,
        "f/x": None,
        "f": sha(b""),
    }


def test_a_file_rewritten_with_its_size_and_mtime_kept_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp -p` and `touch -r` do not hide a change."""
    path = tmp_path / "a"
    path.write_bytes(b"one")
    age(path)
    cache = settled(tmp_path / "cache", monkeypatch, tmp_path)
    cache.digest("a")
    cache.save()
    path.write_bytes(b"two")
    age(path)
    assert disk.StatCache(tmp_path / "cache", tmp_path).digest("a") == sha(b"two")


def test_a_file_as_young_as_its_hash_is_not_remembered(tmp_path: Path) -> None:
    """Written, hashed and written again within one tick of the clock: both contents are seen."""
    path = tmp_path / "a"
    cache = disk.StatCache(tmp_path / "cache", tmp_path)
    for content in (b"one", b"two", b"six") * 30:
        path.write_bytes(content)
        assert cache.digest("a") == sha(content)
        cache.save()
        assert disk.StatCache(tmp_path / "cache", tmp_path).digest("a") == sha(content)


def test_an_entry_not_older_than_the_cache_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system's clock runs behind ours, its own stamps decide, as in git."""
    path = tmp_path / "a"
    path.write_bytes(b"one")
    cache = settled(tmp_path / "cache", monkeypatch, tmp_path)
    cache.digest("a")
    cache.save()
    os.utime(tmp_path / "cache", ns=(1, path.stat().st_mtime_ns))
    monkeypatch.setattr(statcache, "hash_file", lambda _: "hashed again")
    assert disk.StatCache(tmp_path / "cache", tmp_path).digest("a") == "hashed again"


def test_a_cache_is_saved_only_when_something_was_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with nothing to do writes nothing."""
    (tmp_path / "a").write_bytes(b"one")
    age(tmp_path / "a")
    cache = settled(tmp_path / "cache", monkeypatch, tmp_path)
    cache.digest("a")
    cache.save()
    before = (tmp_path / "cache").stat().st_ino
    again = disk.StatCache(tmp_path / "cache", tmp_path)
    again.digest("a")
    again.save()
    assert (tmp_path / "cache").stat().st_ino == before


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """On a read-only project plan still works."""
    (tmp_path / "a").write_bytes(b"one")
    cache = disk.StatCache(tmp_path / "missing" / "cache", tmp_path)
    cache._changed = True
    cache.save()


Rows = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1),
    st.tuples(*[st.integers(0, 2**64 - 1)] * 4, st.binary(min_size=32, max_size=32)),
)


@settings(max_examples=40)
@given(rows=Rows)
def test_the_cache_reads_back_what_it_wrote(
    rows: dict[str, tuple[int, int, int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any path and any stamp survive the file."""
    file = tmp_path_factory.getbasetemp() / "columns"
    entries = {
        path: (a, b, c, d, Digest(digest.hex())) for path, (a, b, c, d, digest) in rows.items()
    }
    statcache._write_cache(file, entries)
    assert statcache._read_cache(file)[0].entries() == entries


@settings(max_examples=60)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_damaged_cache_is_an_empty_one(
    at: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A flipped bit costs a hash, never a wrong digest."""
    file = tmp_path_factory.getbasetemp() / "damaged"
    statcache._write_cache(file, {"a": (1, 2, 3, 4, Digest("ab" * 32))})
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1 << bit
    file.write_bytes(data)
    assert statcache._read_cache(file)[0].entries() == {}
    file.write_bytes(data[: at % len(data)])
    assert statcache._read_cache(file)[0].entries() == {}


# ── file systems ────────────────────────────────────────────────────────────────────────────

PROC = """\
/dev/vda / ext4 rw,relatime 0 0
nas:/films /mnt/my\\040films nfs4 rw 0 0
me@host: /home/me/remote fuse.sshfs rw 0 0
tmpfs /mnt/my\\040films/fast tmpfs rw 0 0
/dev/sdb1 /mnt/stick fuseblk rw 0 0
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//me@nas/films on /Volumes/my films (x) (smbfs, nodev, nosuid, mounted by me)
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/mnt/my films/a.yaml", "nfs4"),
        ("/mnt/my films", "nfs4"),
        ("/mnt/my filmstock/a", None),
        ("/mnt/my films/fast/a", None),
        ("/home/me/remote/a", "fuse.sshfs"),
        ("/mnt/stick/a", None),
        ("/usr", None),
    ],
)
def test_network_file_systems_are_named(
    path: str, network: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a lock may not reach the other machine, the caller can refuse by name."""
    monkeypatch.setattr(mounts, "_mounts", lambda: mounts.parse_proc_mounts(PROC))
    assert disk.network_filesystem(Path(path)) == network


def test_the_mac_table_is_understood() -> None:
    """Folders with blanks and brackets keep their type."""
    assert mounts.parse_mount_command(MACOS) == [("/", "apfs"), ("/Volumes/my films (x)", "smbfs")]


def test_this_machine_has_a_file_system(tmp_path: Path) -> None:
    """The real table is read, not only our sample."""
    assert disk.filesystem(tmp_path) != ""


def test_room_is_asked_for_before_money_is_spent(tmp_path: Path) -> None:
    """Too little room is refused with both figures."""
    disk.require_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(Outside, match=r"MB free, 1000000000000 MB needed"):
        disk.require_space(tmp_path, 10**18)
