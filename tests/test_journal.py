"""The journal: durable, append-only, rebuildable, private, and readable whatever happens."""

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.errors import Outside
from runner.journal import (
    Caps,
    Intent,
    Realm,
    decisions,
    facts,
    open_reader,
    opening,
    tables,
    writing,
)
from runner.journal.opening import open_journal
from runner.journal.reading import NAME
from runner.journal.rescue import Reserve
from runner.journal.writing import Admitted, Denied, Journal
from runner.model import (
    AttemptId,
    Digest,
    Estimate,
    Finding,
    JobId,
    ModelId,
    Money,
    Probe,
    ShotId,
    Standing,
)

PROBE = Probe(1280, 720, 8.0, 24.0, audio=True)
BLOB = Digest("b" * 64)


class WallClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def wish(name: str = "sh010", price: str | None = "0.50", **more: Any) -> Intent:
    asked = {"model": "sora-2", "prompt": f"the wide of {name}"}
    own: dict[str, Any] = {
        "shot": ShotId(name),
        "take": 1,
        "fingerprint": Digest(name.encode().hex().rjust(64, "0")),
        "asked": asked,
        "gateway": "aihubmix",
        "origin": "https://gateway.example",
        "model": ModelId("sora-2"),
        "vendor": "sora",
        "storyboard": "film.yaml",
        "run": "run-1",
        "body_sha256": Digest("0" * 64),
        "sent": {"model": "sora-2", "prompt": f"the wide of {name}"},
        "estimate": Estimate(Money(Decimal(price)), "list price") if price else None,
    }
    return Intent(**{**own, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".reelmake"


def with_journal(
    folder: Path, use: Callable[[Journal], Coroutine[Any, Any, Any]], realm: Realm = "paid"
) -> Any:
    journal = open_journal(folder, realm, WallClock(), secrets=["sk-very-secret"])
    try:
        return asyncio.run(use(journal))
    finally:
        journal.close()


async def admit(journal: Journal, intent: Intent, caps: Caps | None = None) -> AttemptId:
    admitted = await journal.intend(intent, caps or Caps())
    assert isinstance(admitted, Admitted), admitted
    return admitted.attempt.id


async def finish(journal: Journal, attempt: AttemptId, job: str = "job-1") -> None:
    await journal.append(facts.accepted(attempt, JobId(job)))
    await journal.append(facts.completed(attempt, journal.now()))
    found = (Finding("take.size", "asked for 1280x720, the file has 64x64"),)
    await journal.append(
        facts.stored(attempt, sha256=BLOB, size=9, probe=PROBE, at=journal.now(), findings=found)
    )


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


# ── facts and history ───────────────────────────────────────────────────────────────────────


def test_a_stored_take_comes_back_as_it_was_told(folder: Path) -> None:
    """What was paid for can be read back whole: request, job, bytes, cost, findings."""

    async def use(journal: Journal) -> None:
        await finish(journal, await admit(journal, wish()))

    with_journal(folder, use)
    with open_reader(folder) as reader:
        history = reader.history("paid")
    result = history.results[wish().fingerprint]
    assert result.job == "job-1"
    assert result.sha256 == BLOB
    assert result.asked == wish().asked
    assert result.probe == PROBE
    assert result.cost == wish().estimate
    assert [finding.rule for finding in result.findings] == ["take.size"]
    assert history.latest[ShotId("sh010"), 1] == result
    assert not history.running
    assert not history.doubtful


def test_what_a_step_rendered_stands_for_its_take_at_once(folder: Path) -> None:
    """Stored is enough, should the program end before it says so: nothing is sent again."""
    first, step = wish("first"), wish("step", shot=ShotId("first"))
    step = replace(step, instead_of=(first.fingerprint, first.asked))

    async def use(journal: Journal) -> None:
        await finish(journal, await admit(journal, step))

    with_journal(folder, use)
    for _ in range(2):
        with open_reader(folder) as reader:
            history = reader.history("paid")
        result = history.results[first.fingerprint]
        assert (result.asked, result.accepted) == (first.asked, step.asked)
        assert history.latest[ShotId("first"), 1] == result
        assert history.results[step.fingerprint].accepted is None
        with closing(sqlite3.connect(folder / NAME)) as db, db:
            tables.rebuild(db)


def test_a_job_that_expired_can_still_be_another_one(folder: Path) -> None:
    """A wrong id that was looked for in vain does not lock out the right one."""

    async def use(journal: Journal) -> None:
        attempt = await admit(journal, wish())
        await journal.append(facts.adopted(attempt, JobId("wrong"), "user"))
        await journal.append(facts.expired(attempt, "not found", JobId("wrong")))
        (lost,) = journal.attempts("paid", Standing.EXPIRED)
        await decisions.adopt(journal, lost, JobId("right"))
        await journal.append(facts.failed(attempt, "unknown", "late", "free"))
        await journal.append(facts.accepted(attempt, JobId("later")))

    with_journal(folder, use)
    with open_reader(folder) as reader:
        (attempt,) = reader.attempts("paid")
    assert (attempt.standing, attempt.job) == (Standing.FAILED, "right")


def test_an_attempt_is_seen_where_it_stands(folder: Path) -> None:
    """In flight, in doubt and done are three different things to a plan."""

    async def use(journal: Journal) -> None:
        await admit(journal, wish("open"))
        running = await admit(journal, wish("running"))
        await journal.append(facts.accepted(running, JobId("job-7")))
        doubtful = await admit(journal, wish("doubtful"))
        await journal.append(facts.ambiguous(doubtful, "no answer"))
        refused = await admit(journal, wish("refused"))
        await journal.append(facts.refused(refused, "invalid", "no", again=False))

    with_journal(folder, use)
    with open_reader(folder) as reader:
        history = reader.history("paid")
    assert {a.shot for a in history.running.values()} == {"running"}
    assert {a.shot for a in history.doubtful.values()} == {"open", "doubtful"}


def test_realms_do_not_see_each_other(folder: Path) -> None:
    """A preview's slate never satisfies a paid shot, nor does its price count."""

    async def use(journal: Journal) -> None:
        await finish(journal, await admit(journal, wish()))

    with_journal(folder, use, "preview")
    with open_reader(folder) as reader:
        assert not reader.history("paid").results
        assert reader.history("preview").results
        assert reader.ledger("paid").spent.amount == 0


def test_an_end_is_an_end(folder: Path) -> None:
    """A stored take stays stored, whatever the gateway says of the job afterwards."""

    async def use(journal: Journal) -> None:
        attempt = await admit(journal, wish())
        await finish(journal, attempt)
        await journal.append(facts.failed(attempt, "unknown", "changed its mind", "free"))

    with_journal(folder, use)
    with open_reader(folder) as reader:
        assert [a.standing for a in reader.attempts("paid")] == [Standing.STORED]
        assert reader.ledger("paid").spent == Money(Decimal("0.5"))


def test_facts_cannot_be_changed_or_deleted(folder: Path) -> None:
    """The database itself refuses to forget."""

    async def use(journal: Journal) -> None:
        await admit(journal, wish())

    with_journal(folder, use)
    with closing(sqlite3.connect(folder / NAME)) as db:
        for statement in ("UPDATE facts SET body = '{}'", "DELETE FROM facts"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(statement)


def test_no_journal_is_an_empty_past(tmp_path: Path) -> None:
    """Reading a project that has never run works and writes nothing."""
    with open_reader(tmp_path / ".reelmake") as reader:
        assert not reader.history("paid").results
        assert reader.ledger("paid").entries == ()
        assert reader.mark() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_was_only_begun_is_an_empty_past(folder: Path) -> None:
    """Killed between the file and its tables: nothing has happened yet, the next run goes on."""
    folder.mkdir()
    (folder / NAME).touch()
    with open_reader(folder) as reader:
        assert reader.attempts("paid") == ()
    with_journal(folder, lambda journal: admit(journal, wish()))


ENDINGS: dict[str, Callable[[AttemptId], list[facts.Fact]]] = {
    "open": lambda _: [],
    "not_sent": lambda a: [facts.not_sent(a, "no connection")],
    "refused": lambda a: [facts.refused(a, "invalid", "no", again=False)],
    "ambiguous": lambda a: [facts.ambiguous(a, "cut")],
    "accepted": lambda a: [facts.accepted(a, JobId(f"job-{a}"))],
    "failed free": lambda a: [
        facts.accepted(a, JobId(f"job-{a}")),
        facts.failed(a, "capacity", "busy", "free"),
    ],
    "failed maybe": lambda a: [
        facts.accepted(a, JobId(f"job-{a}")),
        facts.failed(a, "moderation", "no", "maybe"),
    ],
    "abandoned": lambda a: [facts.ambiguous(a, "cut"), facts.abandoned(a)],
    "resubmitted": lambda a: [facts.ambiguous(a, "cut"), facts.resubmitted(a, "user")],
    "expired": lambda a: [facts.accepted(a, JobId(f"job-{a}")), facts.expired(a, "gone", None)],
    "stored": lambda a: [
        facts.accepted(a, JobId(f"job-{a}")),
        facts.stored(a, sha256=BLOB, size=1, probe=PROBE, at="2026-11-23T07:00:00.000Z"),
    ],
}
COUNTED = {name for name in ENDINGS if name not in ("not_sent", "refused", "failed free")}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_may_have_been_spent_counts(folder: Path, ending: str) -> None:
    """Only what provably cost nothing is free again; an unknown outcome counts as spent."""

    async def use(journal: Journal) -> Admitted | Denied:
        attempt = await admit(journal, wish())
        await journal.append(*ENDINGS[ending](attempt))
        return await journal.intend(wish("next"), Caps(run=Money(Decimal("0.50"))))

    answer = with_journal(folder, use)
    assert isinstance(answer, Denied) == (ending in COUNTED)


@pytest.mark.parametrize("examples", [8, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_derived_tables_follow_from_the_facts(
    tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    """Whatever happened, the derived tables can be made again from the facts alone."""

    @settings(max_examples=examples, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(sorted(ENDINGS))), max_size=12))
    def held(story: list[tuple[int, str]]) -> None:
        rebuilt_as_it_was(tmp_path_factory.mktemp("journal"), story)

    held()


def rebuilt_as_it_was(folder: Path, story: list[tuple[int, str]]) -> None:

    async def use(journal: Journal) -> None:
        for number, ending in story:
            admitted = await journal.intend(wish(f"s{number}"), Caps())
            if isinstance(admitted, Admitted):
                await journal.append(*ENDINGS[ending](admitted.attempt.id))

    with_journal(folder, use)
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as db:
        names = ("attempts", "takes", "totals")
        before = [sorted(db.execute(f"SELECT * FROM {name}"), key=str) for name in names]
        tables.rebuild(db)
        after = [sorted(db.execute(f"SELECT * FROM {name}"), key=str) for name in names]
    assert before == after


# ── admission ───────────────────────────────────────────────────────────────────────────────


def test_one_live_attempt_for_one_request(folder: Path) -> None:
    """Whoever asks for what is already under way is refused before any POST."""

    async def use(journal: Journal) -> Any:
        await admit(journal, wish())
        return await journal.intend(wish(), Caps())

    assert with_journal(folder, use).reason == "taken"


def test_a_take_rendered_meanwhile_is_not_rendered_again(folder: Path) -> None:
    """A plan that is older than the result of another run does not spend."""

    async def use(journal: Journal) -> Any:
        attempt = await admit(journal, wish())
        await finish(journal, attempt)
        stale = await journal.intend(wish(), Caps())
        forced = await journal.intend(wish(known=attempt), Caps())
        return stale, forced

    stale, forced = with_journal(folder, use)
    assert isinstance(stale, Denied)
    assert isinstance(forced, Admitted)


@pytest.mark.parametrize("scope", ["run", "storyboard", "day"])
def test_a_cap_is_never_passed(folder: Path, scope: str) -> None:
    """Three takes of 0.50 fit under 1.60, the fourth is refused; each scope counts its own."""
    caps = Caps(**{scope: Money(Decimal("1.60"))})

    async def use(journal: Journal) -> list[bool]:
        answers = [await journal.intend(wish(f"s{n}"), caps) for n in range(4)]
        elsewhere = {"run": "run-2", "storyboard": "other.yaml"}
        if scope in elsewhere:
            answers.append(await journal.intend(wish("s9", **{scope: elsewhere[scope]}), caps))
        return [isinstance(answer, Admitted) for answer in answers]

    other = [] if scope == "day" else [True]
    assert with_journal(folder, use) == [True, True, True, False, *other]


def test_prices_do_not_slip_under_a_cap_by_rounding(folder: Path) -> None:
    """A price is rounded up, a cap down: ten times a third of a cent is not three cents."""

    async def least(journal: Journal) -> Admitted | Denied:
        return await journal.intend(wish(price="0.000001"), Caps(run=Money(Decimal("0.0000009"))))

    assert isinstance(with_journal(folder, least), Denied)

    async def use(journal: Journal) -> int:
        caps = Caps(run=Money(Decimal("0.03")))
        price = str(Decimal("0.01") / 3)
        answers = [await journal.intend(wish(f"s{n}", price), caps) for n in range(10)]
        return sum(isinstance(answer, Admitted) for answer in answers)

    assert with_journal(folder, use) == 8


def spend(folder: str, number: int) -> None:
    """In a process of its own: as many intents as the cap lets through."""

    async def use(journal: Journal) -> None:
        caps = Caps(storyboard=Money(Decimal("5.00")))
        for step in range(8):
            await journal.intend(wish(f"p{number}s{step}"), caps)

    with_journal(Path(folder), use)


def test_two_processes_cannot_pass_a_cap_together(folder: Path) -> None:
    """Reservations are checked and made in one transaction, whoever else is writing."""
    with_journal(folder, lambda journal: asyncio.sleep(0))
    context = get_context("spawn")
    processes = [context.Process(target=spend, args=(str(folder), n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with open_reader(folder) as reader:
        assert reader.ledger("paid").at_risk == Money(Decimal(5))


def test_keys_are_the_same_for_the_same_take(folder: Path) -> None:
    """A lost journal finds the same job again: the key follows from project, take and request."""

    async def key(journal: Journal) -> str:
        admitted = await journal.intend(wish(), Caps())
        assert isinstance(admitted, Admitted)
        return admitted.key

    first = with_journal(folder, key)
    for path in folder.glob(f"{NAME}*"):
        path.unlink()
    assert with_journal(folder, key) == first
    assert len(first) <= 36


def test_a_key_changes_only_after_an_end(folder: Path) -> None:
    """Not sent and slowed down keep the key; a failed or settled job must not come back."""

    async def use(journal: Journal) -> list[str]:
        keys = []
        endings = ("not_sent", "refused again", "failed free", "stored", "open")
        for ending in endings:
            with open_reader(folder) as reader:
                known = reader.history("paid").results.get(wish().fingerprint)
            admitted = await journal.intend(wish(known=known and known.attempt), Caps())
            assert isinstance(admitted, Admitted), (ending, admitted)
            keys.append(admitted.key)
            attempt = admitted.attempt.id
            slowed = [facts.refused(attempt, "rate", "429", again=True)]
            new = slowed if ending == "refused again" else ENDINGS[ending](attempt)
            await journal.append(*new)
        return keys

    first, second, third, fourth, fifth = with_journal(folder, use)
    assert first == second == third
    assert len({third, fourth, fifth}) == 3


# ── durability ──────────────────────────────────────────────────────────────────────────────


def test_takes_that_come_together_share_a_transaction(folder: Path) -> None:
    """A hundred intents at once are one wait for the disk, or few, and all are there."""

    async def use(journal: Journal) -> None:
        commits = 0

        def seen(statement: str) -> None:
            nonlocal commits
            commits += statement == "COMMIT"

        journal._writer.set_trace_callback(seen)
        await asyncio.gather(*(admit(journal, wish(f"s{n}")) for n in range(100)))
        assert commits <= 3

    with_journal(folder, use)
    assert rows(folder / NAME, "SELECT count(*) FROM facts") == [(100,)]


def test_a_cancelled_writer_has_written_all_the_same(folder: Path) -> None:
    """Ctrl-C between a paid answer and its record does not lose the record."""

    async def use(journal: Journal) -> None:
        attempt = await admit(journal, wish())
        writing = asyncio.ensure_future(journal.append(facts.accepted(attempt, JobId("job-1"))))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    with_journal(folder, use)
    with open_reader(folder) as reader:
        assert [a.job for a in reader.attempts("paid")] == ["job-1"]


def test_a_conflict_hurts_nobody_else(folder: Path) -> None:
    """One refused fact in a shared transaction leaves the others durable."""

    async def use(journal: Journal) -> Any:
        first = await admit(journal, wish("a"))
        await journal.append(facts.ambiguous(first, "cut"), facts.abandoned(first))
        second = await admit(journal, wish("a"))
        third = await admit(journal, wish("b"))
        return await asyncio.gather(
            journal.append(facts.adopted(first, JobId("x"), "user")),
            journal.append(facts.accepted(second, JobId("y"))),
            journal.append(facts.accepted(third, JobId("z"))),
            return_exceptions=True,
        )

    conflict, *fine = with_journal(folder, use)
    assert isinstance(conflict, Outside)
    assert fine == [None, None]
    with open_reader(folder) as reader:
        assert {a.job for a in reader.history("paid").running.values()} == {"y", "z"}


def full_disk(folder: str, size: int) -> None:
    """In a process of its own: the files may not grow beyond `size` bytes, as if it were full."""

    async def use(journal: Journal) -> None:
        attempts = [await admit(journal, wish(f"s{n}")) for n in range(3)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for number, attempt in enumerate(attempts):
            answer = {"status": 200, "headers": [], "body": f'{{"id": "job-{number}"}}' * 4000}
            with pytest.raises(Outside):
                await journal.append(facts.receipt(attempt, answer))
            with pytest.raises(Outside):
                await journal.append(facts.accepted(attempt, JobId(f"job-{number}")))
        with pytest.raises(Outside):
            await journal.intend(wish("more"), Caps())

    with_journal(Path(folder), use)


def test_an_id_outlives_a_full_disk(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the journal cannot take lies in the reserve, and is taken back by the next run."""
    process = get_context("spawn").Process(target=full_disk, args=(str(folder), 64 * 1024))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert b"job-2" in (folder / "reserve").read_bytes()

    async def look(journal: Journal) -> set[JobId | None]:
        return {attempt.job for attempt in journal.attempts("paid")}

    assert with_journal(folder, look) == {"job-0", "job-1", "job-2"}
    assert not (folder / "reserve").read_bytes().strip(b"\0")
    assert with_journal(folder, look) == {"job-0", "job-1", "job-2"}


def test_after_a_disk_error_nothing_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failed write is the last: that fact, and those that waited behind it, are rescued."""
    tried: list[object] = []

    def fails(db: sqlite3.Connection, batch: object) -> list[object]:
        tried.append(batch)
        raise sqlite3.OperationalError("disk I/O error")

    async def use(journal: Journal) -> None:
        monkeypatch.setattr(writing, "state", fails)
        first = asyncio.ensure_future(journal.append(facts.accepted(AttemptId("a"), JobId("j1"))))
        for _ in range(3):  # until the first is on its way to the disk
            await asyncio.sleep(0)
        second = asyncio.ensure_future(journal.append(facts.accepted(AttemptId("b"), JobId("j2"))))
        answers = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Outside, Outside]

    with_journal(folder, use)
    assert len(tried) == 1
    reserve = Reserve(folder)
    assert [fact.body["job"] for _, _, fact in reserve.returned()] == ["j1", "j2"]
    reserve.close()


def test_a_bug_in_what_is_to_be_written_leaves_nobody_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is written, whoever wrote is told, and the next fact is taken as ever."""

    def stumbles(*_: object) -> None:
        raise KeyError("nothing")

    async def use(journal: Journal) -> None:
        with monkeypatch.context() as bug:
            bug.setattr(tables, "derive", stumbles)
            with pytest.raises(Outside):
                await journal.append(facts.accepted(AttemptId("a"), JobId("j1")))
        await journal.append(facts.accepted(AttemptId("b"), JobId("j2")))

    with_journal(folder, use)
    assert rows(folder / NAME, "SELECT attempt FROM facts") == [("b",)]


def test_every_commit_waits_for_the_disk(folder: Path) -> None:
    """What SQLite itself is told; the system calls that follow from it are proved elsewhere."""
    with_journal(folder, lambda journal: asyncio.sleep(0))
    with closing(opening.connect(folder / NAME, folder)) as db:
        told = [
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    assert told == ["wal", 2]


def test_the_last_resort_is_a_line_of_json(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With no journal and no reserve left, the id is said on standard error."""
    from runner.journal.rescue import rescue

    fact = facts.accepted(AttemptId("a1"), JobId("job-1"))
    rescue(None, [("paid", "2026-11-23T07:00:00Z", fact)])
    told = json.loads(capfd.readouterr().err)
    assert told["attempt"] == "a1"
    assert told["body"] == {"job": "job-1"}


def test_a_torn_line_in_the_reserve_is_left_out(tmp_path: Path) -> None:
    """Half a record says nothing; the ones before it count."""
    reserve = Reserve(tmp_path)
    line = b'{"realm": "paid", "at": "x", "attempt": "a", "kind": "accepted", "body": {"job": "j"}}'
    assert reserve.put(line + b"\n")
    assert reserve.put(line[:20])
    assert [fact.body for _, _, fact in reserve.returned()] == [{"job": "j"}]
    reserve.clear()
    assert reserve.returned() == ()
    reserve.close()


# ── versions, damage, permissions, secrets ──────────────────────────────────────────────────


def test_a_newer_journal_is_read_and_never_written(folder: Path) -> None:
    """An older program must not write into what it does not understand."""
    with_journal(folder, lambda journal: admit(journal, wish()))
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {tables.SCHEMA + 1}")
    with pytest.raises(Outside, match="newer"):
        open_journal(folder, "paid", WallClock())
    with open_reader(folder) as reader:
        assert reader.history("paid").doubtful


def test_an_older_journal_is_migrated_and_kept(folder: Path) -> None:
    """A migration leaves the journal as it was beside the new one."""
    with_journal(folder, lambda journal: admit(journal, wish()))

    def add(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE project ADD COLUMN note TEXT")

    path = folder / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        tables.upgrade(db, path, {tables.SCHEMA: add}, tables.SCHEMA + 1)
        assert tables.version(db) == tables.SCHEMA + 1
        assert db.execute("SELECT note FROM project").fetchall() == [(None,)]
    copy = folder / f"journal.v{tables.SCHEMA}.sqlite3"
    assert rows(copy, "PRAGMA user_version") == [(tables.SCHEMA,)]
    assert rows(copy, "SELECT kind FROM facts") == [("intent",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_damaged_journal_stops_submits(folder: Path) -> None:
    """A page of garbage in the middle is found before anything is sent."""

    async def fill(journal: Journal) -> None:
        await asyncio.gather(*(admit(journal, wish(f"s{n}")) for n in range(200)))

    with_journal(folder, fill)
    with (folder / NAME).open("r+b") as file:
        for page in range(2, 20):
            file.seek(page * 4096)
            file.write(os.urandom(2048))
    with pytest.raises(Outside, match="journal"):
        open_journal(folder, "paid", WallClock())


def test_a_file_that_is_no_journal_is_refused(folder: Path) -> None:
    """Something else under the journal's name is neither read nor overwritten."""
    folder.mkdir()
    (folder / NAME).write_text("not a database" * 100)
    with pytest.raises(Outside):
        open_reader(folder)
    with pytest.raises(Outside):
        open_journal(folder, "paid", WallClock())
    assert (folder / NAME).read_text().startswith("not a database")


def test_state_is_private(folder: Path) -> None:
    """Prompts and ids are for the user alone: 0700 and 0600 whatever the umask says."""
    before = os.umask(0)
    try:
        with_journal(folder, lambda journal: admit(journal, wish()))
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_no_secret_is_kept(folder: Path) -> None:
    """A key echoed by a server, and the signature of a URL, never reach the disk."""

    async def use(journal: Journal) -> None:
        attempt = await admit(journal, wish())
        body = '{"error": "bad key sk-very-secret", "url": "https://cdn.example/a.mp4?sig=f00"}'
        await journal.append(facts.receipt(attempt, {"status": 400, "headers": [], "body": body}))
        await journal.append(facts.ambiguous(attempt, "said sk-very-secret"))

    with_journal(folder, use)
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"very-secret" not in written
    assert b"sig=f00" not in written
    assert b"cdn.example/a.mp4" in written


def test_prompts_are_kept_word_for_word(folder: Path) -> None:
    """A URL in a prompt is the user's text, not a secret of a server."""
    asked = {"model": "sora-2", "prompt": "a poster that says https://example.org/?a=b"}
    with_journal(folder, lambda journal: admit(journal, wish(asked=asked)))
    with open_reader(folder) as reader:
        assert reader.attempts("paid")[0].asked == asked


def read_as_nobody(folder: str, found: Any) -> None:
    os.setuid(65534)
    with open_reader(Path(folder)) as reader:
        found.put([attempt.shot for attempt in reader.attempts("paid")])


@pytest.mark.skipif(os.getuid() != 0, reason="needs to become somebody who may not write")
@pytest.mark.parametrize("log", ["checkpointed", "in the log"])
def test_a_project_that_cannot_be_written_can_be_read(log: str) -> None:
    """`plan` and `status` work on a read-only project, whatever still stands in SQLite's log."""
    with TemporaryDirectory() as top:  # pytest keeps its own folders closed to others
        folder = Path(top) / ".reelmake"
        journal = open_journal(folder, "paid", WallClock())
        asyncio.run(admit(journal, wish()))
        if log == "in the log":
            away = Path(top) / "copy"
            away.mkdir()
            for part in (NAME, f"{NAME}-wal"):
                shutil.copyfile(folder / part, away / part)
            folder = away
        journal.close()
        for path in (*folder.iterdir(), folder, Path(top)):
            path.chmod(0o555 if path.is_dir() else 0o444)
        context = get_context("spawn")
        found = context.Queue()
        process = context.Process(target=read_as_nobody, args=(str(folder), found))
        process.start()
        process.join()
        assert found.get(timeout=5) == ["sh010"]


def test_readers_are_not_blocked_by_a_writer(folder: Path) -> None:
    """`status` answers in the middle of another process's transaction."""
    with_journal(folder, lambda journal: admit(journal, wish()))
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO project VALUES ('x', 'y')")
        with open_reader(folder) as reader:
            assert len(reader.attempts("paid")) == 1
        db.execute("ROLLBACK")
