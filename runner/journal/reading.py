"""What the journal says: history for the planner, attempts and a ledger for people.

Reading needs no write permission, blocks nobody and is blocked by nobody; where there is no
journal yet, the past is empty.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from msgspec.structs import replace

from runner.errors import Outside
from runner.journal.facts import (
    Realm,
    dollars,
    read_estimate,
    read_findings,
    read_money,
    read_probe,
)
from runner.journal.ledger import Entry, Ledger
from runner.model import (
    JSON,
    Attempt,
    AttemptId,
    Digest,
    Estimate,
    History,
    JobId,
    ModelId,
    Result,
    ShotId,
    Standing,
)

NAME = "journal.sqlite3"
Key = TypeVar("Key")
Row = tuple[JSON, ...]

ATTEMPTS = """
SELECT a.attempt, a.standing, a.job, a.detail, f.body
FROM attempts AS a JOIN facts AS f ON f.seq = a.asked WHERE a.realm = ?
"""
RESULTS = """
SELECT t.fingerprint, a.shot, a.take, a.attempt, a.job, i.body, s.body, v.kind, v.body
FROM takes AS t
JOIN attempts AS a ON a.attempt = t.attempt
JOIN facts AS i ON i.seq = a.asked
JOIN facts AS s ON s.seq = a.stored
JOIN facts AS v ON v.seq = t.seq
WHERE t.realm = ? ORDER BY t.seq, t.fingerprint <> a.fingerprint
"""


class Reader:
    """A journal opened to be read. A context manager; `None` inside means there is none yet."""

    def __init__(self, db: sqlite3.Connection | None) -> None:
        self._db = db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._db:
            self._db.close()

    def mark(self) -> int:
        """Grows with every fact: what was derived from the journal at this mark is still true."""
        return next((row[0] or 0 for row in self._rows("SELECT max(seq) FROM facts")), 0)

    def history(self, realm: Realm) -> History:
        """The past as the planner wants it. Results are decoded when they are looked at."""
        return self._past(realm, list(self._rows(RESULTS, realm)))

    def _past(self, realm: Realm, rows: list[Row]) -> History:
        running = self.attempts(realm, Standing.ACCEPTED, Standing.COMPLETED)
        doubtful = self.attempts(realm, Standing.OPEN, Standing.AMBIGUOUS)
        by_fingerprint = Results({Digest(row[0]): row for row in rows})
        by_take = {(ShotId(row[1]), int(row[2])): row for row in rows}
        return History(
            results=by_fingerprint,
            running={a.fingerprint: a for a in running},
            doubtful={a.fingerprint: a for a in doubtful},
            latest=Latest(by_take, by_fingerprint),
        )

    def sought(self, realm: Realm) -> History:
        """The same for a plan of few takes: a result is looked up when somebody asks for it, as
        long as the journal is open."""
        by_fingerprint = RESULTS.replace("ORDER", "AND t.fingerprint = ? ORDER")
        by_take = RESULTS.replace("ORDER", "AND a.shot = ? AND a.take = ? ORDER")
        return replace(
            self._past(realm, []),
            results=Sought(lambda digest: self._rows(by_fingerprint, realm, digest)),
            latest=Sought(lambda take: self._rows(by_take, realm, *take)),
        )

    def attempts(self, realm: Realm, *standings: Standing) -> tuple[Attempt, ...]:
        """Attempts in the order of their intents; all of them, or those that stand so."""
        marks = ", ".join("?" * len(standings))
        only = f" AND a.standing IN ({marks})" if standings else ""
        rows = self._rows(f"{ATTEMPTS}{only} ORDER BY a.asked", realm, *standings)
        return tuple(read_attempt(row) for row in rows)

    def attempt(self, attempt: AttemptId) -> Attempt | None:
        rows = self._rows(ATTEMPTS.replace("a.realm", "a.attempt"), attempt)
        return next((read_attempt(row) for row in rows), None)

    def holder(self, realm: Realm, job: JobId) -> AttemptId | None:
        """The attempt that a job belongs to."""
        rows = self._rows("SELECT attempt FROM attempts WHERE realm = ? AND job = ?", realm, job)
        return next((AttemptId(row[0]) for row in rows), None)

    def receipt(self, attempt: AttemptId) -> Mapping[str, JSON] | None:
        """The last raw answer to this attempt's POST, if one is on record."""
        rows = self._rows(
            "SELECT body FROM facts WHERE attempt = ? AND kind = 'receipt' "
            "ORDER BY seq DESC LIMIT 1",
            attempt,
        )
        return next((json.loads(row[0]) for row in rows), None)

    def intent(self, attempt: AttemptId) -> Mapping[str, JSON]:
        """The saved intent, key and time included."""
        rows = self._rows(
            "SELECT body FROM facts JOIN attempts AS a ON seq = a.asked WHERE a.attempt = ?",
            attempt,
        )
        return next((json.loads(row[0]) for row in rows), {})

    def blobs(self, realm: Realm) -> set[Digest]:
        """The bytes of every take that was ever stored, also of those that were rendered anew."""
        rows = self._rows(
            "SELECT json_extract(s.body, '$.sha256') FROM attempts AS a "
            "JOIN facts AS s ON s.seq = a.stored WHERE a.realm = ?",
            realm,
        )
        return {Digest(row[0]) for row in rows}

    def gone(self, realm: Realm) -> set[JobId]:
        """Jobs whose video the gateway no longer has."""
        rows = self._rows(
            "SELECT json_extract(body, '$.job') FROM facts WHERE realm = ? AND kind = 'expired'",
            realm,
        )
        return {JobId(row[0]) for row in rows if row[0]}

    def tries(self, realm: Realm, run: str) -> tuple[int, int]:
        """POSTs of one run: how many there were, and how many went unanswered or refused."""
        rows = self._rows(
            "SELECT count(*), total(again) FROM attempts WHERE realm = ? AND run = ?", realm, run
        )
        return next(((int(all_), int(again)) for all_, again in rows), (0, 0))

    def render_seconds(self, realm: Realm, newest: int = 2000) -> tuple[tuple[ModelId, float], ...]:
        """How long past renders took, newest last: model, seconds from submit to completion.

        Of those that somebody watched: a job that ended between two runs may long have been ready.
        """
        rows = self._rows(
            "SELECT json_extract(i.body, '$.model'), json_extract(c.body, '$.took') AS took "
            "FROM attempts AS a JOIN facts AS i ON i.seq = a.asked "
            "JOIN facts AS c ON c.attempt = a.attempt AND c.kind = 'completed' "
            "WHERE a.realm = ? AND took IS NOT NULL ORDER BY a.stored DESC LIMIT ?",
            realm,
            newest,
        )
        return tuple((ModelId(model), took) for model, took in rows)[::-1]

    def ledger(self, realm: Realm) -> Ledger:
        """Every attempt with its money, in the order of the intents."""
        rows = self._rows(
            "SELECT a.attempt, shot, take, standing, job, price, at_stake, billed, detail, "
            "storyboard, run, f.at, json_extract(f.body, '$.model'), "
            "json_extract(s.body, '$.findings') "
            "FROM attempts AS a JOIN facts AS f ON f.seq = a.asked "
            "LEFT JOIN facts AS s ON s.seq = a.stored WHERE a.realm = ? ORDER BY a.asked",
            realm,
        )
        return Ledger(tuple(read_entry(row) for row in rows))

    def _rows(self, statement: str, *values: JSON) -> Iterator[Row]:
        return iter(self._db.execute(statement, values)) if self._db else iter(())


class Results(Mapping[Digest, Result]):
    """Results by fingerprint; a row is decoded the first time somebody wants it."""

    def __init__(self, rows: dict[Digest, Row]) -> None:
        self._rows, self._read = rows, dict[Digest, Result]()

    def __getitem__(self, fingerprint: Digest) -> Result:
        found = self._read.get(fingerprint)
        if found is None:
            found = self._read[fingerprint] = read_result(self._rows[fingerprint])
        return found

    def __iter__(self) -> Iterator[Digest]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._rows


class Sought(Mapping[Key, Result]):
    """Results that are looked up one by one; the last row found is the one that counts."""

    def __init__(self, find: Callable[[Key], Iterator[Row]]) -> None:
        self._find = find

    def __getitem__(self, key: Key) -> Result:
        rows = list(self._find(key))
        if not rows:
            raise KeyError(key)
        return read_result(rows[-1])

    def __iter__(self) -> Iterator[Key]:
        """None: only what somebody asks for is known."""
        return iter(())

    def __len__(self) -> int:
        return 0


class Latest(Mapping[tuple[ShotId, int], Result]):
    """The newest result of each shot and take number."""

    def __init__(self, rows: dict[tuple[ShotId, int], Row], results: Results) -> None:
        self._rows, self._results = rows, results

    def __getitem__(self, take: tuple[ShotId, int]) -> Result:
        return self._results[Digest(self._rows[take][0])]

    def __iter__(self) -> Iterator[tuple[ShotId, int]]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, take: object) -> bool:
        return take in self._rows


def read_attempt(row: Row) -> Attempt:
    attempt, standing, job, detail, text = row
    asked = json.loads(text)
    return Attempt(
        id=AttemptId(attempt),
        shot=ShotId(asked["shot"]),
        take=asked["take"],
        fingerprint=Digest(asked["fingerprint"]),
        asked=asked["asked"],
        gateway=asked["gateway"],
        model=ModelId(asked["model"]),
        vendor=asked["vendor"],
        standing=Standing(standing),
        submitted_at=asked["at"],
        estimate=read_estimate(asked["estimate"]),
        job=JobId(job) if job else None,
        detail=detail,
        vars=asked.get("vars", {}),
        inputs=tuple(asked.get("inputs", ())),
        instead_of=asked["instead_of"]["fingerprint"] if "instead_of" in asked else None,
    )


def read_result(row: Row) -> Result:
    fingerprint, shot, take, attempt, job, intent, stored, kind, said = row
    asked, got = json.loads(intent), json.loads(stored)
    billed = read_money(got["billed"])
    vouched = json.loads(said)["asked"] if kind == "vouched" else None
    if vouched is None and fingerprint != asked["fingerprint"]:
        vouched = asked["instead_of"]["asked"]
    return Result(
        attempt=AttemptId(attempt),
        shot=ShotId(shot),
        take=take,
        fingerprint=Digest(fingerprint),
        asked=vouched or asked["asked"],
        gateway=asked["gateway"],
        job=JobId(job) if job else None,
        submitted_at=asked["at"],
        completed_at=got["at"],
        sha256=Digest(got["sha256"]),
        bytes=got["bytes"],
        probe=read_probe(got["probe"]),
        cost=Estimate(billed, "billed by the gateway")
        if billed
        else read_estimate(asked["estimate"]),
        findings=read_findings(got["findings"]),
        vendor=asked["vendor"],
        vars=asked.get("vars", {}),
        inputs=tuple(asked.get("inputs", ())),
        accepted=asked["asked"] if vouched else None,
    )


def read_entry(row: Row) -> Entry:
    attempt, shot, take, standing, job, price, at_stake, billed, detail, board, run, *more = row
    at, model, findings = more
    return Entry(
        attempt=AttemptId(attempt),
        shot=ShotId(shot),
        take=take,
        model=ModelId(model),
        storyboard=board,
        run=run,
        at=at,
        standing=Standing(standing),
        job=JobId(job) if job else None,
        estimated=None if price is None else dollars(price),
        billed=None if billed is None else dollars(billed),
        counted=dollars(at_stake),
        detail=detail,
        findings=read_findings(json.loads(findings)) if findings else (),
    )


def open_reader(folder: Path) -> Reader:
    """Opens `folder`'s journal for reading, on a read-only project too; none is fine.

    Raises Outside if what lies there is no journal.
    """
    path = folder / NAME
    if not path.exists():
        return Reader(None)
    try:
        db = connect_read_only(path)
        if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            db.close()
            return Reader(None)  # a run ended before it had made its tables
        db.execute("SELECT 1 FROM facts LIMIT 1")
    except sqlite3.Error as error:
        raise Outside(
            f"{path} cannot be read: {error}",
            do="keep the file; nothing is submitted while it cannot be read",
        ) from error
    return Reader(db)


def connect_read_only(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        db.close()
        return copy_in_memory(path)
    return db


def copy_in_memory(path: Path) -> sqlite3.Connection:
    """For a folder that cannot be written: SQLite's log needs a writable index beside it.

    The log holds acknowledged facts, so it is copied too, never skipped.
    """
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="reelmake-") as folder:
        copy = Path(folder) / path.name
        for part in (path, path.with_name(path.name + "-wal")):
            if part.exists():
                shutil.copyfile(part, copy.with_name(part.name))
        memory = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(copy)) as source:
            source.backup(memory)
    return memory
