"""Lost answers, settled by key, by list, or by a person; under virtual time."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_gateway import (
    GATEWAY_502,
    LOST,
    NEVER_ARRIVED,
    OK,
    FakeGateway,
    Fate,
    Job,
    each_its_own,
    failing,
    no,
    prompts,
    small_film,
)
from film_set import FilmSet, board, shot, soon, statuses
from msgspec.structs import replace
from virtual_time import START, LoopClock, run_virtually

from runner.errors import BadInput
from runner.executor import Stop, receipt
from runner.gateway.download import Fetched, Got
from runner.gateway.listing import Listed, Listing
from runner.gateway.profile import Dialect, ErrorRule, Refusal
from runner.gateway.receipt import Fault, Receipt
from runner.journal import facts, open_reader
from runner.journal.decisions import (
    GIVEN_UP,
    UNDER_WAY,
    abandon,
    adopt,
    doubts,
    named,
    resubmit,
)
from runner.journal.opening import open_journal
from runner.journal.writing import Journal
from runner.model import (
    Attempt,
    JobId,
    LocalFile,
    Medium,
    Money,
    Outcome,
    Standing,
    Status,
    Storyboard,
)

DONE, FAILED, UNDECIDED = Status.DONE, Status.FAILED, Status.UNDECIDED
MAYBE = [LOST, GATEWAY_502, NEVER_ARRIVED, no(500), no(408)]


@pytest.fixture(scope="module")
def film() -> bytes:
    return small_film()


@pytest.fixture
def gateway(film: bytes) -> FakeGateway:
    return FakeGateway(each_its_own(film))


@pytest.fixture
def keyed(tmp_path: Path, gateway: FakeGateway) -> FilmSet:
    return FilmSet(tmp_path, gateway, gateway.keyed().profile)


@pytest.fixture
def listed(tmp_path: Path, gateway: FakeGateway) -> FilmSet:
    return FilmSet(tmp_path, gateway, gateway.listed().profile)


@pytest.fixture
def quarantined(tmp_path: Path, gateway: FakeGateway) -> FilmSet:
    return FilmSet(tmp_path, gateway, gateway.profile)


def decided(film_set: FilmSet, decision: Callable[[Journal], Any]) -> Any:
    """What a command does: the journal opened, one decision, closed."""

    async def use() -> Any:
        journal = open_journal(film_set.state, "paid", LoopClock())
        try:
            return await decision(journal)
        finally:
            journal.close()

    return run_virtually(use())


# ── by key ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fate", MAYBE)
def test_the_same_key_finds_the_same_job(keyed: FilmSet, gateway: FakeGateway, fate: Fate) -> None:
    """Where the gateway honours keys, a lost answer is asked for again and paid once."""
    gateway.fates = [fate]
    assert statuses(run_virtually(keyed.run(board(shot("one"), shot("two"))))) == [DONE, DONE]
    assert len(gateway.jobs) == 2
    first, second = [post[1:] for post in gateway.posts if b"this is one" in post[1]]
    assert first == second


def test_in_progress_under_a_key_is_waited_for(keyed: FilmSet, gateway: FakeGateway) -> None:
    """409, 429 and silence mean: the same once more, later."""
    waiting = Receipt(fault=Fault.BROKEN, detail="reset")
    gateway.fates = [LOST, no(409), no(429, wait="9"), Fate(answer=waiting), OK]
    assert statuses(run_virtually(keyed.run(board(shot("one"))))) == [DONE]
    assert len(gateway.jobs) == 1
    assert len({key for _, _, key in gateway.posts}) == 1


def test_another_body_is_never_sent_under_an_old_key(keyed: FilmSet, gateway: FakeGateway) -> None:
    """422 under a key is a bug or a changed request: quarantine, no new key by itself."""
    gateway.fates = [LOST, no(422)]
    assert statuses(run_virtually(keyed.run(board(shot("one"))))) == [UNDECIDED]
    assert len(gateway.posts) == 2


def test_bytes_that_are_written_otherwise_now_are_not_sent(
    keyed: FilmSet, gateway: FakeGateway
) -> None:
    """The old key vouches for the old bytes only: a changed dialect leaves it to a person."""
    gateway.fates = [Fate(answer=LOST.answer, delay=300.0)]
    film = board(shot("one", seconds=4))
    run_virtually(killed(keyed, film))
    keyed.profile = replace(keyed.profile, dialect=Dialect(seconds="number"))
    (outcome,) = run_virtually(keyed.run(film))
    assert outcome.status is UNDECIDED
    assert "written differently" in outcome.detail
    assert len(gateway.posts) == 1


async def killed(film_set: FilmSet, film: Storyboard) -> None:
    """A run that is left while its POST is on the way."""
    stop = Stop()
    await asyncio.gather(
        film_set.run(film, stop=stop), soon(10.0, stop.request), soon(11.0, stop.request)
    )


def test_a_key_that_is_too_old_is_worthless(keyed: FilmSet, gateway: FakeGateway) -> None:
    """After its retention a key could buy a second job: then a person decides."""
    gateway.fates = [Fate(accepts=True, answer=LOST.answer, delay=3.0)]
    stop = Stop()

    async def interrupted() -> None:
        await asyncio.gather(
            keyed.run(board(shot("one")), stop=stop),
            soon(1.0, stop.request),
            soon(2.0, stop.request),
        )

    run_virtually(interrupted())

    async def two_days_later() -> list[Outcome]:
        await asyncio.sleep(48 * 3600)
        return await keyed.run(board(shot("one")))

    assert statuses(run_virtually(two_days_later())) == [UNDECIDED]
    assert len(gateway.posts) == 1


def test_a_run_that_died_is_settled_by_the_next(keyed: FilmSet, gateway: FakeGateway) -> None:
    """The intent holds the key and the digest of the body; that is all the next run needs."""
    gateway.fates = [Fate(answer=LOST.answer, delay=300.0)]
    run_virtually(killed(keyed, board(shot("one"))))
    assert statuses(run_virtually(keyed.run(board(shot("one"))))) == [DONE]
    assert len({key for _, _, key in gateway.posts}) == 1
    assert len(gateway.jobs) == 1


# ── by list ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fate", MAYBE)
def test_the_list_tells_whether_there_is_a_job(
    listed: FilmSet, gateway: FakeGateway, fate: Fate
) -> None:
    """Found: bound. Not found after the quiet period: sent again. One job either way."""
    gateway.fates = [fate]
    assert statuses(run_virtually(listed.run(board(shot("one"), shot("two"))))) == [DONE, DONE]
    assert sorted(prompts(gateway)) == ["this is one", "this is two"]
    assert gateway.lists[0] >= 600.0


def test_another_server_under_the_same_name_proves_nothing(
    listed: FilmSet, gateway: FakeGateway
) -> None:
    """Its list has no job of the first one's, and its keys are not the first one's keys."""
    film, here = board(shot("one")), listed.profile
    waits = replace(here, dedupe=replace(here.dedupe, contract="quarantine"))
    gateway.fates, listed.profile = [LOST], waits
    assert statuses(run_virtually(listed.run(film))) == [UNDECIDED]
    listed.profile = here.at("https://moved.example")
    (outcome,) = run_virtually(listed.run(film))
    assert outcome.status is UNDECIDED
    assert here.base_url in outcome.detail
    assert gateway.lists == []
    listed.profile = here
    assert statuses(run_virtually(listed.run(film))) == [DONE]
    assert len(gateway.posts) == 1


def test_a_list_that_lags_is_given_its_time(listed: FilmSet, gateway: FakeGateway) -> None:
    """A job that shows up after nine minutes is not paid a second time."""
    gateway.fates, gateway.list_lag = [LOST], 540.0
    assert statuses(run_virtually(listed.run(board(shot("one"))))) == [DONE]
    assert len(gateway.jobs) == 1


def entry(job: str, prompt: str | None, **echo: str) -> Listed:
    return Listed(JobId(job), START, prompt, {"model": "sora-2", **echo})


@pytest.mark.parametrize(
    "listing",
    [
        Listing((), "cut", "more than 100 pages", START),
        Listing((), "unsupported", "the gateway lists no jobs (404)"),
        Listing((), "failed", "503"),
        Listing((entry("x", None),), "complete", gateway_clock=START),
        Listing((), "complete", gateway_clock=None),
        Listing((), "complete", gateway_clock=START + 86400),
    ],
    ids=["cut", "unsupported", "failed", "no prompts", "no clock", "strange clock"],
)
def test_a_list_that_proves_nothing_means_quarantine(
    listed: FilmSet, gateway: FakeGateway, listing: Listing
) -> None:
    """Only a complete list that tells prompts, by a known clock, can say that there is no job."""
    gateway.fates, gateway.list_fates = [NEVER_ARRIVED], [listing]
    (outcome,) = run_virtually(listed.run(board(shot("one"))))
    assert outcome.status is UNDECIDED
    assert len(gateway.posts) == 1


def test_jobs_of_others_are_not_taken(listed: FilmSet, gateway: FakeGateway) -> None:
    """Another prompt, another length, or a job that a take already has: not ours."""
    gateway.jobs["theirs"] = Job("theirs", {"prompt": "something else"}, 0.0, 0.0)
    gateway.jobs["longer"] = Job(
        "longer", {"prompt": "this is one", "model": "sora-2", "seconds": "12"}, 0.0, 0.0
    )
    gateway.fates = [OK, NEVER_ARRIVED]
    film = board(shot("zero", "this is one", seconds=8), shot("one", takes=2, seconds=8, keep=2))
    outcomes = run_virtually(listed.run(board(film.shots[1])))
    assert statuses(outcomes) == [DONE, DONE]
    assert {o.result.job for o in outcomes if o.result} == {"job-3", "job-4"}


def test_a_job_too_many_is_put_on_record(listed: FilmSet, gateway: FakeGateway) -> None:
    """A POST that something on the way repeated is paid twice; the second job can be adopted."""
    gateway.fates = [LOST]
    body = {"prompt": "this is one", "model": "sora-2"}
    gateway.jobs["twin"] = Job("twin", body, 0.0, 0.0)
    (outcome,) = run_virtually(listed.run(board(shot("one"))))
    assert outcome.status is DONE
    assert any("was paid too" in line for line in listed.said.lines)
    with open_reader(listed.state) as reader:
        (orphan,) = [a for a in reader.attempts("paid") if a.standing is Standing.ABANDONED]
        assert reader.ledger("paid").at_risk == Money(Decimal("0.5"))
    assert outcome.result
    assert {orphan.job, outcome.result.job} == {"job-2", "twin"}

    async def adopting(journal: Journal) -> None:
        assert orphan.job
        await adopt(journal, orphan, orphan.job)

    decided(listed, adopting)
    (again,) = run_virtually(listed.run(board(shot("one"))))
    assert again.result
    assert again.result.job == orphan.job
    assert len(gateway.posts) == 1


def test_shots_that_look_alike_in_a_list_are_left_to_a_person(
    listed: FilmSet, gateway: FakeGateway, tmp_path: Path
) -> None:
    """Lists do not show media: one prompt with two first frames must not be mixed up."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    frames = [Medium("first_frame", "image", LocalFile(name)) for name in ("a.png", "b.png")]
    film = board(
        shot("one", "the same words", media=(frames[0],)),
        shot("two", "the same words", media=(frames[1],)),
    )
    gateway.fates = [LOST, LOST]
    assert statuses(run_virtually(listed.run(film))) == [UNDECIDED, UNDECIDED]
    assert len(gateway.posts) == 2


def test_a_doubt_is_settled_although_the_shot_has_changed(
    listed: FilmSet, gateway: FakeGateway
) -> None:
    """A job found in the list is collected into the store, whatever the storyboard says by now."""
    gateway.fates = [Fate(answer=LOST.answer, delay=100.0)]
    stop = Stop()

    async def killed() -> None:
        await asyncio.gather(
            listed.run(board(shot("one", "old words")), stop=stop),
            soon(200.0, stop.request),
            soon(201.0, stop.request),
        )

    run_virtually(killed())
    run_virtually(listed.run(board(shot("one", "new words"))))
    assert sorted(prompts(gateway)) == ["new words", "old words"]
    with open_reader(listed.state) as reader:
        assert {a.standing for a in reader.attempts("paid")} == {Standing.STORED}


# ── by a person ─────────────────────────────────────────────────────────────────────────────


def in_doubt(film_set: FilmSet, gateway: FakeGateway) -> Any:
    gateway.fates = [LOST]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [UNDECIDED]
    with open_reader(film_set.state) as reader:
        (attempt,) = doubts(reader, "paid")
    assert attempt.shot == "one"
    return attempt


def test_adopt_binds_a_job_without_paying(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """The user found the job on the gateway's page: the next run collects it."""
    attempt = in_doubt(quarantined, gateway)
    decided(quarantined, lambda journal: adopt(journal, attempt, JobId("job-1")))
    (outcome,) = run_virtually(quarantined.run(board(shot("one"))))
    assert outcome.status is DONE
    assert outcome.result
    assert outcome.result.job == "job-1"
    assert len(gateway.posts) == 1


def test_resubmit_pays_again_on_the_next_run(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """A second charge, wanted: under a new key, with the first one still in the ledger."""
    attempt = in_doubt(quarantined, gateway)
    decided(quarantined, lambda journal: resubmit(journal, attempt))
    assert statuses(run_virtually(quarantined.run(board(shot("one"))))) == [DONE]
    assert len(gateway.jobs) == 2
    assert len({key for _, _, key in gateway.posts}) == 2
    assert quarantined.ledger().at_risk == Money(Decimal("0.5"))


def test_abandon_keeps_the_loss_on_record(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """What may have been paid for nothing stays in the ledger."""
    attempt = in_doubt(quarantined, gateway)
    decided(quarantined, lambda journal: abandon(journal, attempt))
    assert quarantined.ledger().at_risk == Money(Decimal("0.5"))
    with open_reader(quarantined.state) as reader:
        assert doubts(reader, "paid") == ()


def test_a_job_whose_result_is_withheld_can_be_given_up(
    quarantined: FilmSet, gateway: FakeGateway
) -> None:
    """It would be asked for by every run for ever; `adopt` takes the same job back."""
    gateway.fetch_fates = [Fetched(Got.DENIED, "withheld") for _ in range(2)]
    for _ in range(2):
        assert statuses(run_virtually(quarantined.run(board(shot("one"))))) == [FAILED]
    (attempt,) = meant(quarantined, "one", *UNDER_WAY)
    decided(quarantined, lambda journal: abandon(journal, attempt))
    assert quarantined.ledger().at_risk == Money(Decimal("0.5"))
    assert meant(quarantined, "one", *UNDER_WAY) == ()
    (given_up,) = meant(quarantined, "one", *GIVEN_UP)
    decided(quarantined, lambda journal: adopt(journal, given_up, JobId("job-1")))
    assert statuses(run_virtually(quarantined.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 1


def test_two_doubts_of_one_take_can_be_told_apart(
    quarantined: FilmSet, gateway: FakeGateway
) -> None:
    """The shot was changed after the first answer was lost: each doubt has a name of its own."""
    gateway.fates = [LOST, LOST]
    for words in ("old words", "new words"):
        run_virtually(quarantined.run(board(shot("one", words))))
    both = meant(quarantined, "one")
    assert len(both) == 2
    for attempt in both:
        assert meant(quarantined, attempt.id[:8]) == (attempt,)


def test_an_answer_is_judged_by_the_gateway_that_gave_it(
    quarantined: FilmSet, gateway: FakeGateway
) -> None:
    """What proves a refusal elsewhere proves nothing here: a saved answer waits for a run there."""
    gateway.fates = [Fate(answer=LOST.answer, delay=300.0)]
    run_virtually(killed(quarantined, board(shot("one"))))
    (attempt,) = meant(quarantined, "one")
    told = facts.receipt(attempt.id, receipt.save(Receipt(503, body=b"no channel")))
    decided(quarantined, lambda journal: journal.append(told))
    here, rule = quarantined.profile, ErrorRule((503,), Refusal.INVALID)
    for profile in (replace(here, name="elsewhere", errors=(rule,)), here):
        quarantined.profile = profile
        (outcome,) = run_virtually(quarantined.run(board(shot("one"))))
        assert outcome.status is UNDECIDED
    assert "503" in outcome.detail
    assert len(gateway.posts) == 1


def meant(film_set: FilmSet, name: str, *then: Standing) -> tuple[Attempt, ...]:
    with open_reader(film_set.state) as reader:
        return named(reader, "paid", name, None, *then)


def test_decisions_that_do_not_fit_are_refused(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """A job has one owner, an empty id is none, and what is settled is settled."""
    attempt = in_doubt(quarantined, gateway)
    run_virtually(quarantined.run(board(shot("two"))))
    for job in map(JobId, ("job-2", "", " ")):
        with pytest.raises(BadInput):
            decided(quarantined, partial(adopt, attempt=attempt, job=job))
    with open_reader(quarantined.state) as reader:
        (stored,) = reader.attempts("paid", Standing.STORED)
    for decision in (resubmit, abandon, partial(adopt, job=JobId("x"))):
        with pytest.raises(BadInput):
            decided(quarantined, partial(decision, attempt=stored))


# ── on_failure ──────────────────────────────────────────────────────────────────────────────

MODERATED = failing("sensitive", "moderation")


def test_a_failed_take_tries_what_the_shot_says(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """Again, then other words; what comes of it stands for the shot, also in the next run."""
    gateway.fates = [MODERATED, OK, MODERATED]
    steps = ({"again": True}, {"prompt": "a gentler version"})
    film = board(shot("one", on_failure=steps), shot("two"))
    outcomes = run_virtually(quarantined.run(film))
    assert statuses(outcomes) == [DONE, DONE]
    assert list(prompts(gateway)) == [
        "this is one", "this is two", "this is one", "a gentler version"
    ]  # fmt: skip
    gateway.fates = []
    again = run_virtually(quarantined.run(film))
    assert statuses(again) == [DONE, DONE]
    assert len(gateway.posts) == 4
    result = again[0].result
    assert result
    assert result.accepted
    assert (result.asked["prompt"], result.accepted["prompt"]) == (
        "this is one",
        "a gentler version",
    )


def test_a_step_under_way_is_collected_by_the_next_run(
    quarantined: FilmSet, gateway: FakeGateway
) -> None:
    """What was refused before is not sent anew beside it: one take, one video."""
    gateway.fates = [MODERATED]
    film = board(shot("one", on_failure=({"prompt": "a gentler version"},)))
    stop = Stop()

    async def interrupted() -> None:
        await asyncio.gather(quarantined.run(film, stop=stop), soon(100.0, stop.request))

    run_virtually(interrupted())
    assert list(prompts(gateway)) == ["this is one", "a gentler version"]
    (outcome,) = run_virtually(quarantined.run(film))
    assert outcome.status is DONE
    assert outcome.result
    assert outcome.result.accepted
    assert outcome.result.accepted["prompt"] == "a gentler version"
    assert len(gateway.posts) == 2


def test_a_step_in_doubt_is_settled_before_anything_is_sent(
    listed: FilmSet, gateway: FakeGateway
) -> None:
    """Its answer was lost: the list has its job, and the first request stays refused."""
    gateway.fates = [MODERATED, LOST]
    film = board(shot("one", on_failure=({"prompt": "a gentler version"},)))
    waits = replace(listed.profile, dedupe=replace(listed.profile.dedupe, contract="quarantine"))
    here, listed.profile = listed.profile, waits
    assert statuses(run_virtually(listed.run(film))) == [UNDECIDED]
    listed.profile = here
    assert statuses(run_virtually(listed.run(film))) == [DONE]
    assert list(prompts(gateway)) == ["this is one", "a gentler version"]


def test_every_step_stays_within_the_cap(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """A fallback is a submit like any other: no cap is passed for it."""
    from runner.journal import Caps

    gateway.profile = quarantined.profile = replace(
        quarantined.profile, failures={"default": "billed"}
    )
    gateway.fates = [MODERATED, MODERATED]
    film = board(shot("one", on_failure=({"again": True}, {"again": True})))
    caps = Caps(run=Money(Decimal("1.00")))
    assert statuses(run_virtually(quarantined.run(film, caps=caps))) == [UNDECIDED]
    assert len(gateway.posts) == 2


def test_a_doubt_is_no_failure(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """A lost answer never sets off a fallback: it may have been paid. Success even less."""
    gateway.fates = [LOST, OK]
    other = ({"again": True}, {"prompt": "a gentler version"})
    film = board(shot("one", on_failure=other), shot("two", on_failure=other))
    assert statuses(run_virtually(quarantined.run(film))) == [UNDECIDED, DONE]
    assert list(prompts(gateway)) == ["this is one", "this is two"]


def test_a_step_that_cannot_be_taken_says_so(quarantined: FilmSet, gateway: FakeGateway) -> None:
    """Nothing of a fallback is silently left out."""
    step = {"references": ["mara"]}
    gateway.fates = [MODERATED]
    (outcome,) = run_virtually(quarantined.run(board(shot("one", on_failure=(step,)))))
    assert outcome.status is FAILED
    assert next(iter(step)) in outcome.detail
    assert len(gateway.posts) == 1
