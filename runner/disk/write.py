"""Durable writes: temporary name in the same folder, fsync, rename, fsync of the folder."""

import contextlib
import fcntl
import hashlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner.errors import Outside
from runner.model import Digest

CHUNK = 1 << 20
TEMP_PREFIX = ".reelmake-"
TEMP_SUFFIX = ".tmp"
FICLONE = 0x40049409  # linux/fs.h


@contextlib.contextmanager
def said(path: Path | str) -> Iterator[None]:
    """An OSError inside becomes `Outside` with the path and the system's own words."""
    try:
        yield
    except OSError as error:
        hint = "free some space" if error.errno == 28 else ""  # ENOSPC
        raise Outside(f"{path}: {error.strerror or error}", do=hint) from error


def sync_file(fd: int) -> None:
    """Force a file to the device. An error is final: the kernel may already have dropped pages,
    so a second fsync on this descriptor that succeeds proves nothing."""
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync alone stops at the drive's own cache
    else:
        os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the device: a rename is durable only after this."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_temp(dest: Path) -> tuple[int, Path]:
    """A new private file beside `dest`, so that a rename never crosses a file system."""
    tmp = dest.parent / f"{TEMP_PREFIX}{os.urandom(8).hex()}{TEMP_SUFFIX}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(tmp, flags, 0o600), tmp


@contextlib.contextmanager
def writing(dest: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file that appears at `dest`, whole and durable, when the block ends well, else not at all.

    Raises `Outside` when the disk will not do it.
    """
    with said(dest):
        fd, tmp = open_temp(dest)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                sync_file(file.fileno())
            tmp.replace(dest)
            sync_folder(dest.parent)
        except BaseException:
            tmp.unlink(missing_ok=True)
            raise


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file's content so that a reader, or a crash, sees all of the old or all of the new.

    Raises `Outside`.
    """
    with writing(path, mode=mode) as file:
        file.write(data)


def move_file(tmp: Path, dest: Path) -> None:
    """Make a finished file's bytes durable and give it its final name, on the same file system.

    The name is durable only once the caller has synced the folder. Raises `Outside`; `tmp` then
    still lies where it was.
    """
    with said(dest):
        fd = os.open(tmp, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            sync_file(fd)
        finally:
            os.close(fd)
        tmp.replace(dest)


def copy_file(source: Path, dest: Path, *, mode: int, expected: Digest) -> None:
    """A copy at `dest`, whole and durable, of a file that must have the digest `expected`.

    Shares blocks where the file system can clone; every byte is read back through the hash
    either way. Raises `Outside`, and nothing appears at `dest`, where the bytes are others.
    """
    with said(source):
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb", buffering=0) as reading, writing(dest, mode=mode) as copy:
        cloned = _clone(fd, copy.fileno())
        hasher = hashlib.sha256()
        while chunk := reading.read(CHUNK):
            hasher.update(chunk)
            if not cloned:
                copy.write(chunk)
        if hasher.hexdigest() != expected:
            raise Outside(f"{source} is damaged: its bytes are not the ones it was named for")


def _clone(source: int, dest: int) -> bool:
    """Copy-on-write where Linux offers it (Btrfs, XFS): no bytes move."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(dest, FICLONE, source)
    except OSError:
        return False
    return True


def leftovers(folder: Path, *, older_than: float) -> Iterator[Path]:
    """Temporary files below a folder that a killed run left behind; `older_than` in seconds."""
    limit = time.time() - older_than
    for path in folder.rglob(f"{TEMP_PREFIX}*{TEMP_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < limit:
                yield path


def make_private_dir(path: Path) -> Path:
    """A folder that only its owner can enter, made if it is missing; `path` itself is returned.

    A new folder's name is durable too: what is synced into it would be lost without its name.
    Raises `Outside` where something else lies there, another user owns it, or anyone may write.
    """
    with said(path):
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(path.parent)
        found = path.stat()
    if found.st_uid != os.geteuid() and os.geteuid() != 0:
        raise Outside(f"{path} belongs to another user (uid {found.st_uid})")
    if found.st_mode & stat.S_IWOTH:
        raise Outside(f"{path} may be written by everyone", do=f"chmod 700 {path}")
    return path


def hash_file(path: Path | str) -> Digest:
    """SHA-256 of a regular file, in constant memory. Raises `Outside`."""
    with said(path):
        # O_NONBLOCK: a FIFO put in a file's place must not hang us.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Outside(f"{path} is not a regular file")
            hasher = hashlib.sha256()
            while chunk := os.read(fd, CHUNK):
                hasher.update(chunk)
        finally:
            os.close(fd)
    return Digest(hasher.hexdigest())
