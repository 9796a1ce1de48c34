"""Stories nobody thought of: edits, kills, lost answers, failures and decisions in any order."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from fake_gateway import FakeGateway, each_its_own, failing, no, prompts, small_film
from film_set import FilmSet, board, shot, statuses
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from killing import STEPS, Trigger, run_until
from test_kill_matrix import CONTRACTS, FATES
from virtual_time import LoopClock, run_virtually

from runner.journal import open_reader
from runner.journal.decisions import abandon, adopt, doubts, resubmit
from runner.journal.opening import open_journal
from runner.model import Attempt, JobId, Shot, Standing, Status, Storyboard

WORDS = ("dusk", "dawn", "fog")
ENDS = {
    **FATES,
    "too fast": no(429, wait="3"),
    "refused": no(400, "invalid_request"),
    "moderated": failing("sensitive", "moderation"),
    "no capacity": failing("overloaded", "no capacity"),
}


@cache
def film() -> bytes:
    return small_film(seconds=0.2, audio=False)


class Stories(RuleBasedStateMachine):
    """One project, one gateway, and everything that may happen to them."""

    contract = "quarantine"

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.gateway = FakeGateway(each_its_own(film()))
        if self.contract != "quarantine":
            getattr(self.gateway, self.contract)()
        self.film_set = FilmSet(self.root, self.gateway, self.gateway.profile)
        self.words = {"one": "dusk", "two": "dusk"}
        self.allowed = Counter[str]()  # jobs a prompt may have beyond the first

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def storyboard(self) -> Storyboard:
        def one(name: str) -> Shot:
            return shot(name, f"{name} at {self.words[name]}")

        return board(one("one"), one("two"))

    @rule(name=st.sampled_from(("one", "two")), word=st.sampled_from(WORDS))
    def edit(self, name: str, word: str) -> None:
        self.words[name] = word

    @rule(end=st.sampled_from(sorted(ENDS)))
    def what_becomes_of_the_next_post(self, end: str) -> None:
        self.gateway.fates.append(replace(ENDS[end]))

    @rule(step=st.sampled_from(STEPS), time=st.integers(1, 2))
    def killed(self, step: str, time: int) -> None:
        self.rested()
        run_virtually(run_until(self.film_set, self.storyboard(), Trigger(step, time)))

    @rule()
    def run(self) -> None:
        self.rested()
        outcomes = run_virtually(self.film_set.run(self.storyboard()))
        assert Status.INTERRUPTED not in statuses(outcomes)

    @rule(how=st.sampled_from(("adopt", "resubmit", "abandon")))
    def decide(self, how: str) -> None:
        with open_reader(self.film_set.state) as reader:
            waiting = doubts(reader, "paid")
            bound = {attempt.job for attempt in reader.attempts("paid")}
        if not waiting:
            return
        attempt = waiting[0]
        prompt = attempt.asked["prompt"]
        theirs = [
            job.id
            for job in self.gateway.jobs.values()
            if job.body["prompt"] == prompt and job.id not in bound
        ]
        if how == "adopt" and theirs:
            self.decided(partial(adopt, attempt=attempt, job=JobId(theirs[0])))
        elif how != "adopt":
            self.decided(partial(resubmit if how == "resubmit" else abandon, attempt=attempt))
            self.allowed[prompt] += 1

    def decided(self, decision: Callable[..., Any]) -> None:
        async def use() -> None:
            journal = open_journal(self.film_set.state, "paid", LoopClock())
            try:
                await decision(journal)
            finally:
                journal.close()

        run_virtually(use())

    def rested(self) -> None:
        """The virtual clock starts anew with every run: jobs of earlier ones are ready."""
        for job in self.gateway.jobs.values():
            job.ready = 0.0

    def attempts(self) -> tuple[Attempt, ...]:
        with open_reader(self.film_set.state) as reader:
            return reader.attempts("paid")

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        """One job a request, one more for each that failed, and for each decision to risk it."""
        failed = Counter(
            attempt.asked["prompt"]
            for attempt in self.attempts()
            if attempt.standing in (Standing.FAILED, Standing.EXPIRED)
        )
        for prompt, jobs in Counter(prompts(self.gateway)).items():
            assert jobs <= 1 + failed[prompt] + self.allowed[prompt], prompt

    @invariant()
    def every_job_is_known_or_in_doubt(self) -> None:
        attempts = self.attempts()
        bound = Counter(attempt.job for attempt in attempts if attempt.job)
        assert all(times == 1 for times in bound.values())
        unknown = Counter(
            job.body["prompt"] for job in self.gateway.jobs.values() if job.id not in bound
        )
        doubtful = Counter(
            attempt.asked["prompt"]
            for attempt in attempts
            if attempt.standing in (Standing.OPEN, Standing.AMBIGUOUS, Standing.ABANDONED)
        )
        assert unknown <= doubtful

    @invariant()
    def every_post_had_its_intent(self) -> None:
        if self.contract != "keyed":
            assert len(self.gateway.posts) <= len(self.attempts())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("contract", CONTRACTS)
def test_whatever_happens_the_books_agree(contract: str) -> None:
    """Paid once, known or in doubt, and never sent without an intent: after every single step."""
    stories = type("StoriesOf", (Stories,), {"contract": contract})
    run_state_machine_as_test(
        stories, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )
