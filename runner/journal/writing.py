"""The journal opened to be written: what `append` has answered survives the loss of power.

Appends that come together share one transaction and one fsync. The statements are made on the
spot: each takes microseconds, and twenty of them in a thread would wait twenty times for their
turn in Python. The commit, which waits for the disk, has a thread of its own, so that a slow disk
holds up neither polls nor downloads. After the first disk error nothing more is written or
submitted; what is still being learned goes to the reserve (`rescue`).
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct

from runner.errors import Outside
from runner.journal import facts, tables
from runner.journal.facts import Fact, Intent, Realm
from runner.journal.ledger import Caps
from runner.journal.reading import Reader
from runner.journal.redact import Redactor
from runner.journal.rescue import Reserve, Saved, rescue
from runner.model import Attempt, AttemptId, Money, Standing
from runner.ports import Clock

Work = Callable[[sqlite3.Connection], object]


class Denied(Struct, frozen=True):
    """Why an intent was not written: nothing may be sent.

    `taken`: the same request is under way, in doubt, or was rendered since the plan was made.
    """

    reason: str  # "budget", "taken"
    detail: str


class Admitted(Struct, frozen=True):
    attempt: Attempt
    key: str  # idempotency key, for gateways that honour one


class Waiting(Struct):
    work: Work
    saved: tuple[Saved, ...]
    answer: "asyncio.Future[object]"


class Journal(Reader):
    """One realm of a project's journal, for the one process that holds the project's lock."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        reserve: Reserve | None,
        realm: Realm,
        clock: Clock,
        secrets: Sequence[str] = (),
    ) -> None:
        super().__init__(reader)
        self.realm = realm
        self.project = read_project(writer)
        self._writer, self._reserve, self._clock = writer, reserve, clock
        self._redact = Redactor(secrets)
        self._waiting: list[Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._broken: str | None = None

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more, once that is so."""
        return self._broken

    def append(self, *new: Fact) -> Awaitable[object]:
        """In line to be written as soon as this returns; durable once it was awaited, also if
        whoever awaits it is cancelled meanwhile. What comes later is not durable before it.

        Raises Outside if the disk would not take it; then it is in the reserve or on stderr.
        """
        at = self.now()
        clean = tuple(self._redact.fact(fact) for fact in new)

        def work(db: sqlite3.Connection) -> None:
            for fact in clean:
                tables.append(db, self.realm, at, fact)

        return self._commit_soon(work, tuple((self.realm, at, fact) for fact in clean))

    async def intend(self, wish: Intent, caps: Caps) -> Admitted | Denied:
        """Reserves the money and makes the intent durable, or says why not; one transaction.

        The POST may leave only after this has returned `Admitted`. Raises Outside as `append`.
        """
        at = self.now()
        attempt = facts.new_attempt()

        def work(db: sqlite3.Connection) -> Admitted | Denied:
            denied = taken(db, self.realm, wish) or over(db, self.realm, wish, caps, at[:10])
            if denied:
                return denied
            step = generation(db, self.realm, wish)
            key = facts.idempotency_key(self.project, wish, step)
            fact = self._redact.fact(facts.intent(attempt, wish, step, key, at))
            tables.append(db, self.realm, at, fact)
            return Admitted(opened(attempt, wish, at), key)

        answer = await self._commit_soon(work, ())
        assert isinstance(answer, Admitted | Denied)
        return answer

    def now(self) -> str:
        """ISO 8601 in UTC, to the millisecond."""
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def close(self) -> None:
        """Writes what is still waiting, and closes."""
        self._thread.shutdown(wait=True)
        if self._waiting and not self._broken:
            self._commit(self._waiting, self._stated(self._waiting))
        super().close()
        self._writer.close()
        if self._reserve:
            self._reserve.close()

    def _commit_soon(self, work: Work, saved: tuple[Saved, ...]) -> "asyncio.Future[object]":
        loop = asyncio.get_running_loop()
        waiting = Waiting(work, saved, loop.create_future())
        self._waiting.append(waiting)
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        return waiting.answer

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # Whoever the last commit has woken may have more to say: let it share the next.
                await asyncio.sleep(0)
                batch, self._waiting = self._waiting, []
                answers: list[object] = [Outside("the journal did not answer")] * len(batch)
                try:
                    stated = self._stated(batch)
                    # Shielded: what is only queued would be dropped when the loop is closed.
                    answers = await asyncio.shield(
                        loop.run_in_executor(self._thread, self._commit, batch, stated)
                    )
                finally:  # also after a bug of ours: nobody waits for ever
                    for waiting, answer in zip(batch, answers, strict=True):
                        settle(waiting.answer, answer)
        finally:
            self._flushing = None

    def _stated(self, batch: list[Waiting]) -> list[object] | sqlite3.Error:
        """An open transaction with all of the batch, and an answer for each; or the trouble."""
        if self._broken is not None:
            return []
        try:
            return state(self._writer, batch)
        except sqlite3.Error as error:
            return error
        except BaseException:
            roll_back(self._writer)
            raise

    def _commit(self, batch: list[Waiting], stated: list[object] | sqlite3.Error) -> list[object]:
        """Makes the transaction durable: an answer or an exception for each. Raises nothing.

        Only this thread writes to the reserve: two at once would write over each other.
        """
        if self._broken is None:
            try:
                if isinstance(stated, sqlite3.Error):
                    raise stated
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                # Never tried again: after a failed fsync the kernel may have dropped the pages.
                self._broken = f"the journal cannot be written: {error}"
                roll_back(self._writer)
            else:
                return stated
        rescue(self._reserve, [saved for waiting in batch for saved in waiting.saved])
        return [Outside(self._broken, do="see to the disk, then run again") for _ in batch]


def settle(answer: "asyncio.Future[object]", value: object) -> None:
    if answer.done():
        return  # cancelled: the fact is durable all the same
    if isinstance(value, BaseException):
        answer.set_exception(value)
    else:
        answer.set_result(value)


def state(db: sqlite3.Connection, batch: list[Waiting]) -> list[object]:
    """Begins a transaction and says everything in it; gives the answers.

    Raises sqlite3.Error if the disk is the trouble; a conflict concerns only its own entry, so
    after one everything is said once more, each where it can be taken back alone.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        return [waiting.work(db) for waiting in batch]
    except sqlite3.IntegrityError:
        db.rollback()
    db.execute("BEGIN IMMEDIATE")
    return [alone(db, waiting.work) for waiting in batch]


def alone(db: sqlite3.Connection, work: Work) -> object:
    """The answer, or the refusal; then nothing of it is left."""
    db.execute("SAVEPOINT one")
    try:
        return work(db)
    except sqlite3.IntegrityError as error:
        db.execute("ROLLBACK TO one")
        return Outside(f"the journal refuses: {error}")
    finally:
        db.execute("RELEASE one")


def roll_back(db: sqlite3.Connection) -> None:
    """Lets go of what could not be made durable; the disk may not even take that."""
    with suppress(sqlite3.Error):
        db.rollback()


def taken(db: sqlite3.Connection, realm: Realm, wish: Intent) -> Denied | None:
    """Whether somebody else has, or may have, sent this request since the plan was made."""
    live = db.execute(
        f"SELECT shot, standing FROM attempts WHERE realm = ? AND fingerprint = ? "  # noqa: S608
        f"AND standing IN {tables.LIVE}",
        [realm, wish.fingerprint],
    ).fetchone()
    if live:
        return Denied("taken", f"the same request is already {live[1]} (for {live[0]})")
    use = db.execute(
        "SELECT attempt FROM takes WHERE realm = ? AND fingerprint = ?", [realm, wish.fingerprint]
    ).fetchone()
    if (use and use[0]) != wish.known:
        return Denied("taken", "another run has rendered this take meanwhile")
    return None


def over(db: sqlite3.Connection, realm: Realm, wish: Intent, caps: Caps, day: str) -> Denied | None:
    """spent + reserved + in doubt + this price must not exceed any cap."""
    price = facts.micro(wish.estimate.cost) if wish.estimate else 0
    limits: tuple[tuple[str, str, Money | None, str], ...] = (
        ("run", wish.run, caps.run, "this run's --max-cost"),
        ("storyboard", wish.storyboard, caps.storyboard, "the storyboard's budget"),
        ("day", day, caps.day, "the cap for a day"),
    )
    for scope, name, cap, word in limits:
        if cap is None:
            continue
        row = db.execute(
            "SELECT amount FROM totals WHERE realm = ? AND scope = ? AND name = ?",
            [realm, scope, name],
        ).fetchone()
        committed = row[0] if row else 0
        # The cap is rounded down: a sum of integers must never pass it.
        if committed + price > int(cap.amount * facts.MICRO):
            used, more = facts.dollars(committed), facts.dollars(price)
            return Denied("budget", f"{used} is committed, {more} more would pass {word} of {cap}")
    return None


def generation(db: sqlite3.Connection, realm: Realm, wish: Intent) -> int:
    """Rises after every attempt that came to an end; a request that was never taken keeps it."""
    last = db.execute(
        "SELECT generation, again FROM attempts WHERE realm = ? AND fingerprint = ? "
        "ORDER BY asked DESC LIMIT 1",
        [realm, wish.fingerprint],
    ).fetchone()
    if last is None:
        return 0
    return int(last[0]) if last[1] else int(last[0]) + 1


def opened(attempt: AttemptId, wish: Intent, at: str) -> Attempt:
    return Attempt(
        id=attempt,
        shot=wish.shot,
        take=wish.take,
        fingerprint=wish.fingerprint,
        asked=wish.asked,
        gateway=wish.gateway,
        model=wish.model,
        vendor=wish.vendor,
        standing=Standing.OPEN,
        submitted_at=at,
        estimate=wish.estimate,
        vars=wish.vars,
        inputs=wish.inputs,
        instead_of=wish.instead_of[0] if wish.instead_of else None,
    )


def read_project(db: sqlite3.Connection) -> str:
    return str(db.execute("SELECT value FROM project WHERE name = 'uid'").fetchone()[0])
