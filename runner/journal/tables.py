"""The tables: one of facts, which is the truth, and three that are derived from it.

Every derived row is written in the transaction of the fact it follows from, and `rebuild` makes
them again from nothing. The database itself refuses to change or delete a fact, and to hold
two live attempts for one request.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from runner.errors import Outside
from runner.journal.facts import LEADS_TO, VERSION, Fact, Kind, Realm, micro, read_money
from runner.model import JSON, AttemptId

SCHEMA = 1
LIVE = ("open", "ambiguous", "accepted", "completed")
ENDS = ("not_sent", "refused", "stored", "failed", "expired")  # nothing follows
WAYS_BACK = {("expired", Kind.ADOPTED)}  # a person has found the right job

FACTS = """
CREATE TABLE IF NOT EXISTS project (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    realm TEXT NOT NULL,
    attempt TEXT NOT NULL,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS facts_of ON facts (attempt, seq);
CREATE TRIGGER IF NOT EXISTS facts_stay BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'facts stay'); END;
CREATE TRIGGER IF NOT EXISTS facts_last BEFORE DELETE ON facts
BEGIN SELECT RAISE(ABORT, 'facts last'); END;
"""

DERIVED = f"""
CREATE TABLE IF NOT EXISTS attempts (
    attempt TEXT PRIMARY KEY,
    realm TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    shot TEXT NOT NULL,
    take INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    run TEXT NOT NULL,
    storyboard TEXT NOT NULL,
    day TEXT NOT NULL,
    key TEXT NOT NULL,
    standing TEXT NOT NULL,
    job TEXT,
    price INTEGER,               -- micro-dollars, estimated; NULL: unknown
    at_stake INTEGER NOT NULL,   -- micro-dollars that count against a cap
    billed INTEGER,              -- micro-dollars, where the gateway says
    detail TEXT NOT NULL DEFAULT '',
    again INTEGER NOT NULL DEFAULT 0,  -- ended without a job: the next one keeps its key
    asked INTEGER NOT NULL,      -- seq of the intent
    told INTEGER NOT NULL,       -- seq of the last fact
    stored INTEGER               -- seq of the stored fact
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live ON attempts (realm, fingerprint)
    WHERE standing IN {LIVE};
CREATE INDEX IF NOT EXISTS attempts_for ON attempts (realm, fingerprint, asked);
CREATE INDEX IF NOT EXISTS attempts_at ON attempts (realm, standing);
CREATE INDEX IF NOT EXISTS attempts_job ON attempts (realm, job);
CREATE TABLE IF NOT EXISTS takes (             -- who may use which stored result
    realm TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seq INTEGER NOT NULL,        -- of the fact that says so: stored, or vouched
    attempt TEXT NOT NULL,
    PRIMARY KEY (realm, fingerprint)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (            -- what counts against each cap, in micro-dollars
    realm TEXT NOT NULL,
    scope TEXT NOT NULL,         -- run, storyboard, day
    name TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (realm, scope, name)
) WITHOUT ROWID;
"""

Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: Mapping[int, Migration] = {}  # version -> what leads from it to the next


def create(db: sqlite3.Connection, project: str) -> None:
    """A new journal, in one transaction; nothing happens if another process was first."""
    db.executescript(f"BEGIN IMMEDIATE;{FACTS}{DERIVED}PRAGMA user_version = {SCHEMA};")
    db.execute("INSERT OR IGNORE INTO project VALUES ('uid', ?)", [project])
    db.execute("COMMIT")


def version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def upgrade(
    db: sqlite3.Connection,
    path: Path,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    newest: int = SCHEMA,
) -> None:
    """Brings an older journal up to date; a copy stays beside it. Raises Outside if it is newer."""
    found = version(db)
    if found > newest:
        raise Outside(
            f"{path} was written by a newer reelmake (journal format {found}, known {newest})",
            do="update reelmake; reading it (status, plan, verify) still works",
        )
    if found == newest:
        return
    backup(db, path.with_name(f"{path.stem}.v{found}{path.suffix}"))
    db.execute("BEGIN IMMEDIATE")
    for step in range(found, newest):
        migrations[step](db)
    db.execute(f"PRAGMA user_version = {newest}")
    db.execute("COMMIT")


def backup(db: sqlite3.Connection, copy: Path) -> None:
    """A whole, durable copy; an older copy of that name is replaced only once this one is."""
    draft = copy.with_name(f".{copy.name}.tmp")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(draft)) as target:
        db.backup(target)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    shutil.move(draft, copy)


def append(db: sqlite3.Connection, realm: Realm, at: str, fact: Fact) -> None:
    """Writes a fact and what follows from it."""
    row = db.execute(
        "INSERT INTO facts (at, realm, attempt, kind, v, body) VALUES (?, ?, ?, ?, ?, ?)",
        [at, realm, fact.attempt, fact.kind, VERSION, fact.text()],
    )
    derive(db, realm, row.lastrowid or 0, at, fact)


def rebuild(db: sqlite3.Connection) -> None:
    """The derived tables again, from the facts alone."""
    for table in ("attempts", "takes", "totals"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 (names from above)
    rows = db.execute("SELECT realm, seq, at, attempt, kind, body FROM facts ORDER BY seq")
    for realm, seq, at, attempt, kind, body in rows:
        derive(db, realm, seq, at, Fact(AttemptId(attempt), Kind(kind), json.loads(body)))


def derive(db: sqlite3.Connection, realm: Realm, seq: int, at: str, fact: Fact) -> None:
    """What a fact means for the derived tables."""
    if fact.kind is Kind.INTENT:
        open_attempt(db, realm, seq, at, fact)
    elif fact.kind is Kind.ORPHAN:
        open_orphan(db, seq, at, fact)
    elif fact.kind is Kind.VOUCHED:
        use(db, realm, fact.body["fingerprint"], seq, fact.attempt)
    elif fact.kind in LEADS_TO:
        move(db, realm, seq, fact)


def open_attempt(db: sqlite3.Connection, realm: Realm, seq: int, at: str, fact: Fact) -> None:
    body = fact.body
    price = priced(body)
    db.execute(
        "INSERT INTO attempts (attempt, realm, fingerprint, shot, take, generation, run, "
        "storyboard, day, key, standing, price, at_stake, asked, told) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)",
        [
            fact.attempt, realm, body["fingerprint"], body["shot"], body["take"],
            body["generation"], body["run"], body["storyboard"], at[:10], body["key"],
            price, price or 0, seq, seq,
        ],
    )  # fmt: skip
    count(db, fact.attempt, price or 0)


def open_orphan(db: sqlite3.Connection, seq: int, at: str, fact: Fact) -> None:
    """An attempt of its own, given up from the start, that `adopt` can bring back."""
    db.execute(
        "INSERT INTO attempts SELECT ?, realm, fingerprint, shot, take, generation, run, "
        "storyboard, ?, key, 'abandoned', ?, price, coalesce(price, 0), NULL, ?, 0, asked, ?, NULL "
        "FROM attempts WHERE attempt = ?",
        [fact.attempt, at[:10], fact.body["job"], fact.body["detail"], seq, fact.body["like"]],
    )
    row = db.execute("SELECT at_stake FROM attempts WHERE attempt = ?", [fact.attempt]).fetchone()
    count(db, fact.attempt, row[0] if row else 0)


def priced(body: Mapping[str, JSON]) -> int | None:
    estimate = body["estimate"]
    return micro(read_money(estimate["cost"])) if estimate else None


def move(db: sqlite3.Connection, realm: Realm, seq: int, fact: Fact) -> None:
    body, standing = fact.body, LEADS_TO[fact.kind]
    found = db.execute(
        "SELECT price, at_stake, fingerprint, standing FROM attempts WHERE attempt = ?",
        [fact.attempt],
    ).fetchone()
    if found is None or (found[3] in ENDS and (found[3], fact.kind) not in WAYS_BACK):
        return  # an end is an end: what is said after it stays on record and moves nothing
    price, before, fingerprint, _ = found
    billed = micro(read_money(body.get("billed"))) if body.get("billed") else None
    after = stake(fact, price or 0, billed)
    db.execute(
        "UPDATE attempts SET standing = ?, job = coalesce(?, job), at_stake = ?, "
        "billed = coalesce(?, billed), detail = ?, again = ?, told = ?, "
        "stored = coalesce(?, stored) WHERE attempt = ?",
        [
            standing, body.get("job"), after, billed, body.get("detail", ""),
            fact.kind is Kind.NOT_SENT or bool(body.get("again")), seq,
            seq if fact.kind is Kind.STORED else None, fact.attempt,
        ],
    )  # fmt: skip
    count(db, fact.attempt, after - before)
    if fact.kind is Kind.STORED:
        use(db, realm, fingerprint, seq, fact.attempt)
        stand_in(db, realm, seq, fact.attempt)


def stake(fact: Fact, price: int, billed: int | None) -> int:
    """What counts against a cap now: unknown outcomes count as spent."""
    if fact.kind in (Kind.NOT_SENT, Kind.REFUSED):
        return 0
    if billed is not None:
        return billed
    return 0 if fact.body.get("billing") == "free" else price


def use(
    db: sqlite3.Connection, realm: Realm, fingerprint: str, seq: int, attempt: AttemptId
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO takes VALUES (?, ?, ?, ?)", [realm, fingerprint, seq, attempt]
    )


def stand_in(db: sqlite3.Connection, realm: Realm, seq: int, attempt: AttemptId) -> None:
    """What an `on_failure` step rendered is the take it was sent for, from this moment on."""
    row = db.execute(
        "SELECT json_extract(body, '$.instead_of.fingerprint') FROM facts "
        "JOIN attempts ON seq = asked WHERE attempts.attempt = ?",
        [attempt],
    ).fetchone()
    if row and row[0]:
        use(db, realm, row[0], seq, attempt)


def count(db: sqlite3.Connection, attempt: AttemptId, change: int) -> None:
    if change:
        db.execute(
            "INSERT INTO totals SELECT realm, s.column1, "
            "CASE s.column1 WHEN 'run' THEN run WHEN 'day' THEN day ELSE storyboard END, ? "
            "FROM attempts, (VALUES ('run'), ('storyboard'), ('day')) AS s WHERE attempt = ? "
            "ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            [change, attempt],
        )
