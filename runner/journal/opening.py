"""A journal's files: made, checked, upgraded, and the reserve of an earlier run taken back."""

import os
import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path

from runner.errors import Outside
from runner.journal import tables
from runner.journal.facts import Realm
from runner.journal.reading import NAME, connect_read_only
from runner.journal.rescue import Reserve
from runner.journal.writing import Journal
from runner.ports import Clock

PROJECT = "project"  # the file that holds the project's uid, so that keys outlive the journal


def open_journal(folder: Path, realm: Realm, clock: Clock, secrets: Sequence[str] = ()) -> Journal:
    """Opens, creates or upgrades the journal in `folder`; takes back what the reserve holds.

    Raises Outside if it cannot be written, is damaged, or was written by a newer reelmake.
    """
    path = folder / NAME
    try:
        make_private(folder, path)
        writer = connect(path, folder)
        reserve = Reserve(folder)
        reader = connect_read_only(path)
    except (sqlite3.Error, OSError) as error:
        raise Outside(
            f"the journal {path} cannot be written: {error}",
            do="without it nothing may be sent; check the folder's permissions and free space",
        ) from error
    journal = Journal(writer, reader, reserve, realm, clock, secrets)
    take_back(writer, reserve)
    return journal


def make_private(folder: Path, path: Path) -> None:
    """0700 for the folder, 0600 for the files, and both durable names."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        sync_folder(folder.parent)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def connect(path: Path, folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            check(db, path)
            tables.upgrade(db, path)
        # FULL: a commit is on the disk, not only in the log's pages. fullfsync: on macOS too.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON"):
            db.execute(f"PRAGMA {pragma}")
        if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            tables.create(db, uid(folder))
    except BaseException:
        db.close()
        raise
    return db


def check(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Outside(
            f"{path} is damaged: {found}",
            do="nothing is submitted; keep the file, reading it still works as far as it goes",
        )


def uid(folder: Path) -> str:
    """The project's uid, from its own small file: keys stay the same if the journal is lost."""
    path = folder / PROJECT
    try:
        return str(uuid.UUID(path.read_text().strip()))
    except (OSError, ValueError):
        new = str(uuid.uuid4())
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(new + "\n")
        out.flush()
        os.fsync(out.fileno())
    sync_folder(folder)
    return new


def take_back(db: sqlite3.Connection, reserve: Reserve) -> None:
    """What an earlier run could only save in the reserve becomes part of the journal."""
    saved = reserve.returned()
    if not saved:
        return
    db.execute("BEGIN IMMEDIATE")
    for realm, at, fact in saved:
        tables.append(db, realm, at, fact)
    db.execute("COMMIT")
    reserve.clear()
