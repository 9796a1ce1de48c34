"""Killed at every named step, whatever became of the answer, under every contract."""

import itertools
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest
from fake_gateway import OK, FakeGateway, Fate, each_its_own, prompts, small_film
from film_set import FilmSet, board, shot, statuses
from killing import STEPS, Trigger, run_until
from virtual_time import run_virtually

from runner.gateway.receipt import Fault, Receipt
from runner.journal import open_reader
from runner.journal.decisions import doubts
from runner.model import Standing, Status

FATES = {
    "answered": OK,
    "lost": Fate(answer=Receipt(fault=Fault.BROKEN, detail="reset")),
    "cut": Fate(answer=Receipt(200, body=b'{"id": "jo', fault=Fault.BROKEN)),
    "5xx after accept": Fate(answer=Receipt(502, body=b"<html>bad gateway</html>")),
    "delayed": Fate(delay=5.0),
    "never arrived": Fate(accepts=False, answer=Receipt(fault=Fault.BROKEN, detail="reset")),
}
LIKE_LOST = ("cut", "5xx after accept")  # in doubt for another reason, and then all the same
CONTRACTS = ("keyed", "listed", "quarantine")
SHOTS = ("one", "two")


@pytest.fixture(scope="module")
def film() -> bytes:
    return small_film(seconds=0.2, audio=False)


@pytest.fixture
def memory() -> Path:
    """Cases by the thousand want a folder in memory; what is lost there is not the point here."""
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    return Path(mkdtemp(dir=root))


def play(root: Path, film: bytes, contract: str, fate: Fate, *kills: Trigger) -> None:
    """One story: runs that die, then one that is left alone; then the books are compared."""
    gateway = FakeGateway(each_its_own(film))
    if contract != "quarantine":
        getattr(gateway, contract)()
    gateway.fates = [replace(fate)]
    film_set = FilmSet(root, gateway, gateway.profile)
    story = board(*map(shot, SHOTS))
    for kill in kills:
        run_virtually(run_until(film_set, story, kill))
    outcomes = run_virtually(film_set.run(story))
    with open_reader(film_set.state) as reader:
        bound = Counter(a.job for a in reader.attempts("paid") if a.job)
        waiting = doubts(reader, "paid")
        intents = len(reader.attempts("paid"))
        stored = reader.attempts("paid", Standing.STORED)
    paid = Counter(prompts(gateway))
    assert all(times == 1 for times in bound.values()), "a job with two owners"
    if contract == "quarantine":
        assert len(gateway.posts) <= intents, "a POST without its own intent"
        unbound = set(gateway.jobs) - set(bound)
        explained = {f"this is {attempt.shot}" for attempt in waiting}
        assert {gateway.jobs[job].body["prompt"] for job in unbound} <= explained
        assert max(paid.values(), default=0) <= 1, "paid twice without a decision"
        assert set(statuses(outcomes)) <= {Status.DONE, Status.UNDECIDED}
        assert len(stored) + len(waiting) == len(SHOTS)
    else:
        assert statuses(outcomes) == [Status.DONE] * len(SHOTS)
        assert sorted(paid.elements()) == ["this is one", "this is two"]
        assert not waiting
    for attempt in stored:
        result = next(o.result for o in outcomes if o.step.fingerprint == attempt.fingerprint)
        assert result
        assert film_set.store.verify(result.sha256)


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(
    "fate",
    [pytest.param(fate, marks=[pytest.mark.slow] if fate in LIKE_LOST else []) for fate in FATES],
)
def test_killed_at_every_step(film: bytes, memory: Path, contract: str, fate: str) -> None:
    """Killed anywhere and run again: paid jobs = takes, or the exception waits for a person."""
    for number, step in enumerate(STEPS):
        play(memory / str(number), film, contract, FATES[fate], Trigger(step))
    shutil.rmtree(memory)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("fate", FATES)
def test_killed_again_while_recovering(film: bytes, memory: Path, contract: str, fate: str) -> None:
    """The recovery is killed at every step too, in turn the first and the second time it comes."""
    steps = itertools.product(STEPS, (*STEPS, "before list", "after list"))
    for number, (first, second) in enumerate(steps):
        root = memory / str(number)
        again = Trigger(second, time=1 + number % 2)
        play(root, film, contract, FATES[fate], Trigger(first), again)
        shutil.rmtree(root)


def test_the_matrix_can_fail(film: bytes, memory: Path) -> None:
    """A gateway that forgets its keys is caught by the books, so they are really compared."""
    gateway_keeps = FakeGateway.__dict__["_accept"]

    def forgets(self: FakeGateway, body: bytes, key: str | None, fate: Fate) -> object:
        return gateway_keeps(self, body, None, fate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeGateway, "_accept", forgets)
        with pytest.raises(AssertionError):
            play(memory, film, "keyed", FATES["lost"], Trigger("after submit"))
    shutil.rmtree(memory)
