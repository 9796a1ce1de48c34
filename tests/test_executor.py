"""The executor against a gateway in memory, under virtual time."""

import asyncio
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_gateway import (
    GATEWAY_502,
    LOST,
    NEVER_ARRIVED,
    NO_CONNECTION,
    OK,
    FakeGateway,
    Fate,
    each_its_own,
    failing,
    no,
    prompts,
    small_film,
)
from film_set import FilmSet, board, shot, soon, statuses
from msgspec.structs import replace
from virtual_time import run_virtually

from runner.executor import Stop, submit
from runner.executor.run import Run
from runner.gateway.download import Fetched, Got
from runner.gateway.profile import Limit
from runner.gateway.receipt import Fault, Receipt
from runner.journal import Caps, open_reader, writing
from runner.model import (
    Action,
    AttemptId,
    Facts,
    JobId,
    LocalFile,
    Medium,
    Money,
    Outcome,
    ShotId,
    ShotOutput,
    Standing,
    Status,
    Storyboard,
    Take,
)

DONE, FAILED, BLOCKED = Status.DONE, Status.FAILED, Status.BLOCKED
UNDECIDED, INTERRUPTED = Status.UNDECIDED, Status.INTERRUPTED


@pytest.fixture(scope="session")
def film() -> bytes:
    return small_film()


@pytest.fixture
def gateway(film: bytes) -> FakeGateway:
    return FakeGateway(each_its_own(film))


@pytest.fixture
def film_set(tmp_path: Path, gateway: FakeGateway) -> FilmSet:
    return FilmSet(tmp_path, gateway, gateway.profile)


def chained(name: str, upstream: str, **more: Any) -> Any:
    medium = Medium("first_frame", "image", ShotOutput(ShotId(upstream), "last"))
    return shot(name, media=(medium,), **more)


# ── the way through ─────────────────────────────────────────────────────────────────────────


def test_renders_what_is_new_and_nothing_twice(film_set: FilmSet, gateway: FakeGateway) -> None:
    """The second run of an unchanged storyboard sends no request at all."""
    film = board(*(shot(f"s{n}") for n in range(5)))
    first = run_virtually(film_set.run(film))
    assert statuses(first) == [DONE] * 5
    assert len(gateway.jobs) == 5
    second = run_virtually(film_set.run(film))
    assert statuses(second) == [DONE] * 5
    assert {outcome.step.action for outcome in second} == {Action.RESTORE}
    assert len(gateway.posts) == 5
    for outcome in second:
        assert outcome.result
        assert film_set.store.verify(outcome.result.sha256)


def test_a_chained_shot_gets_the_frame_of_the_stored_take(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """`{shot: X, frame: last}` sends the last frame of the very bytes that are in the store."""
    film = board(shot("one"), chained("two", "one"), chained("three", "two"))
    assert statuses(run_virtually(film_set.run(film))) == [DONE] * 3
    bodies = [json.loads(body) for _, body, _ in gateway.posts]
    assert [body["prompt"] for body in bodies] == [f"this is {n}" for n in ("one", "two", "three")]
    assert bodies[1]["input_reference"]["image_url"].startswith("data:image/png;base64,")


def test_a_failed_shot_blocks_only_what_hangs_on_it(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """The rest of the film goes on; what hangs on the failure says on whom it waits."""
    gateway.fates = [failing("moderation_blocked", "not allowed")]
    film = board(shot("one"), chained("two", "one"), chained("three", "two"), shot("four"))
    outcomes = run_virtually(film_set.run(film))
    assert statuses(outcomes) == [FAILED, BLOCKED, BLOCKED, DONE]
    assert "moderation" in outcomes[0].detail
    assert "one" in outcomes[1].detail
    assert len(gateway.posts) == 2


def test_fail_fast_submits_nothing_more(film_set: FilmSet, gateway: FakeGateway) -> None:
    """With --fail-fast the first failure ends the submitting, and what runs is collected."""
    gateway.fates = [no(400, "invalid_request")]
    film = board(*(shot(f"s{n}") for n in range(4)))
    outcomes = run_virtually(film_set.run(film, keep_going=False, jobs=1))
    assert statuses(outcomes) == [FAILED, BLOCKED, BLOCKED, BLOCKED]
    assert len(gateway.posts) == 1


def test_takes_that_ask_for_the_same_share_one_job(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Two shots with one request are paid once, and both get the film."""
    film = board(shot("one", "the same"), shot("two", "the same"))
    outcomes = run_virtually(film_set.run(film))
    assert statuses(outcomes) == [DONE, DONE]
    assert len({outcome.result and outcome.result.sha256 for outcome in outcomes}) == 1
    assert len(gateway.posts) == 1


def test_takes_of_one_shot_are_different_jobs(film_set: FilmSet, gateway: FakeGateway) -> None:
    """`takes: 3` is three renders of the same words."""
    outcomes = run_virtually(film_set.run(board(shot("one", takes=3, keep=2))))
    assert statuses(outcomes) == [DONE] * 3
    assert len(gateway.jobs) == 3


def test_a_dependent_starts_when_the_kept_take_is_there(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """The other takes of the shot before need not be finished."""
    film = board(shot("one", takes=2, keep=1), chained("two", "one"))
    gateway.fates = [OK, Fate(delay=500.0)]
    run_virtually(film_set.run(film, submits=2))
    assert [json.loads(body)["prompt"] for _, body, _ in gateway.posts][-1] == "this is two"
    assert gateway.posts[-1][0] < 500


def test_an_upstream_that_came_out_as_before_renders_nothing_after_it(
    film_set: FilmSet, gateway: FakeGateway, film: bytes
) -> None:
    """Early cutoff: the dependent's inputs are the same bytes, so it is up to date."""
    gateway.film = lambda job: film
    two = board(shot("one", "first wording"), chained("two", "one"))
    run_virtually(film_set.run(two))
    changed = board(shot("one", "second wording"), chained("two", "one"))
    outcomes = run_virtually(film_set.run(changed))
    assert statuses(outcomes) == [DONE, DONE]
    assert outcomes[1].step.action is Action.RESTORE
    assert len(gateway.posts) == 3


def test_the_longest_chain_goes_first(film_set: FilmSet, gateway: FakeGateway) -> None:
    """With room for one take at a time, the start of the longest chain is not left for last."""
    film = board(shot("lone"), shot("a"), chained("b", "a"), chained("c", "b"))
    run_virtually(film_set.run(film, jobs=1))
    assert next(prompts(gateway)) == "this is a"


# ── limits ──────────────────────────────────────────────────────────────────────────────────


def test_submits_go_one_by_one(film_set: FilmSet, gateway: FakeGateway) -> None:
    """One POST at a time bounds what a crash can leave in doubt to one take."""
    gateway.fates = [Fate(delay=1.0) for _ in range(4)]
    outcomes = run_virtually(film_set.run(board(*(shot(f"s{n}") for n in range(4)))))
    assert statuses(outcomes) == [DONE] * 4
    assert gateway.most_submitting == 1


def test_few_bodies_wait_to_be_sent(
    film_set: FilmSet, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body may hold many megabytes of references: it is written when its turn is near."""
    unsent, real = [0], submit.written

    def written(run: Run, take: Take, vendor: str) -> bytes:
        unsent.append(len(unsent) - len(gateway.posts))
        return real(run, take, vendor)

    monkeypatch.setattr(submit, "written", written)
    gateway.fates = [Fate(delay=1.0) for _ in range(30)]
    film = board(*(shot(f"s{n}") for n in range(30)))
    assert statuses(run_virtually(film_set.run(film, submits=2))) == [DONE] * 30
    assert len(unsent) == 31
    assert max(unsent) <= 4


def test_no_body_is_written_when_nothing_more_is_sent(
    film_set: FilmSet, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused key in a film of a thousand shots does not read a thousand references."""
    bodies, real = list[bytes](), submit.written

    def written(run: Run, take: Take, vendor: str) -> bytes:
        bodies.append(real(run, take, vendor))
        return bodies[-1]

    monkeypatch.setattr(submit, "written", written)
    gateway.fates = [no(401)]
    film = board(*(shot(f"s{n}") for n in range(30)))
    assert statuses(run_virtually(film_set.run(film))) == [FAILED] + [BLOCKED] * 29
    assert len(bodies) == 2


@pytest.mark.parametrize("places", [1, 2])
def test_no_moment_at_which_a_crash_leaves_more_in_doubt(
    film_set: FilmSet, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    """The next intent may share a transaction with the last answer, and never comes before it."""
    doubts: list[int] = []
    real = writing.state

    def state(db: sqlite3.Connection, batch: list[writing.Waiting]) -> list[object]:
        answers = real(db, batch)
        (open_,) = db.execute(
            "SELECT count(*) FROM attempts AS a WHERE standing = 'open' AND NOT EXISTS "
            "(SELECT 1 FROM facts AS f WHERE f.attempt = a.attempt AND f.kind = 'receipt')"
        ).fetchone()
        doubts.append(open_)
        return answers

    monkeypatch.setattr(writing, "state", state)
    gateway.fates = [Fate(delay=1.0 + n % 3) for n in range(8)]
    film = board(*(shot(f"s{n}") for n in range(8)))
    outcomes = run_virtually(film_set.run(film, submits=places))
    assert statuses(outcomes) == [DONE] * 8
    assert max(doubts) == places
    assert gateway.most_submitting == places


def test_an_intent_that_an_answer_held_back_is_not_sent(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """It was on the disk together with a 401: it goes on record as not sent, and nobody pays."""
    gateway.fates = [no(401)]
    film = board(*(shot(f"s{n}") for n in range(3)))
    assert statuses(run_virtually(film_set.run(film))) == [FAILED, BLOCKED, BLOCKED]
    assert len(gateway.posts) == 1
    standings = {entry.standing for entry in film_set.ledger().entries}
    assert standings <= {Standing.REFUSED, Standing.NOT_SENT}


def test_a_crowd_looks_no_oftener_than_the_gateway_allows(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """Where a hundred jobs may ask once a second in all, each of them asks more seldom, and all
    are found as soon as each could be asked once."""
    poll = replace(gateway.profile.poll, a_second=1.0)
    gateway.profile = film_set.profile = replace(gateway.profile, poll=poll)
    gateway.renders = 400.0
    film = board(*(shot(f"s{n}") for n in range(100)))
    assert statuses(run_virtually(film_set.run(film, submits=100))) == [DONE] * 100
    times = [at for at, _ in gateway.looks]
    assert max(sum(at <= other < at + 60 for other in times) for at in times) <= 61
    assert max(times) - max(job.ready for job in gateway.jobs.values()) <= 101


def test_what_is_no_film_fails_alone(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Films that land together are taken in together; one that is none keeps nobody out."""
    real = gateway.film
    gateway.film = lambda job: b"no film" if job.id == "job-2" else real(job)
    film = board(*(shot(f"s{n}") for n in range(4)))
    outcomes = run_virtually(film_set.run(film, submits=4))
    assert statuses(outcomes) == [DONE, FAILED, DONE, DONE]
    assert not list((film_set.state / "scratch").iterdir())


@pytest.mark.parametrize(("jobs", "concurrency", "most"), [(2, None, 2), (50, 3, 3)])
def test_no_more_jobs_in_flight_than_allowed(
    film_set: FilmSet, gateway: FakeGateway, jobs: int, concurrency: int | None, most: int
) -> None:
    """--jobs holds for the run, the profile's limit for each vendor."""
    profile = replace(gateway.profile, limits={"default": Limit(concurrency=concurrency)})
    film_set.profile = profile
    run_virtually(film_set.run(board(*(shot(f"s{n}") for n in range(7))), jobs=jobs))
    jobs_at = [(job.at, job.ready) for job in gateway.jobs.values()]
    for at, _ in jobs_at:
        assert sum(start <= at < end for start, end in jobs_at) <= most


def test_a_429_slows_every_take_and_loses_none(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Too fast is not a failure: the same request goes again after the wait it was told."""
    gateway.fates = [no(429, wait="7"), OK, OK]
    outcomes = run_virtually(film_set.run(board(shot("one"), shot("two"))))
    assert statuses(outcomes) == [DONE, DONE]
    refused, *later = [at for at, _, _ in gateway.posts]
    assert all(at >= refused + 7 for at in later)
    assert len(gateway.jobs) == 2


def test_too_fast_for_ever_ends(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A gateway that only says 429 is asked a bounded number of times; nothing is in doubt."""
    gateway.fates = [no(429) for _ in range(100)]
    outcomes = run_virtually(film_set.run(board(shot("one"), shot("two"))))
    assert statuses(outcomes) == [FAILED, FAILED]
    assert len(gateway.posts) < 20
    assert film_set.ledger().at_risk.amount == 0


def test_when_nothing_goes_through_we_do_not_double_the_load(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """Retries of a whole run stay a small share of it, however many takes fail at once."""
    gateway.fates = [NO_CONNECTION] * 1000
    outcomes = run_virtually(film_set.run(board(*(shot(f"s{n}") for n in range(40)))))
    assert statuses(outcomes) == [FAILED] * 40
    assert len(gateway.posts) <= 40 + 10 + 4


# ── what an answer proves ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fate", [LOST, GATEWAY_502, NEVER_ARRIVED, no(500), no(408), no(409)])
def test_a_lost_answer_is_never_sent_again(
    film_set: FilmSet, gateway: FakeGateway, fate: Fate
) -> None:
    """What may have been paid waits for a person, in every later run too; the others go on."""
    gateway.fates = [fate]
    film = board(shot("one"), chained("two", "one"), shot("three"))
    for _ in range(3):
        outcomes = run_virtually(film_set.run(film))
        assert statuses(outcomes) == [UNDECIDED, BLOCKED, DONE]
        assert "$0.50 at risk" in outcomes[0].detail
        assert len(gateway.posts) == 2
    assert film_set.ledger().at_risk == Money(Decimal("0.5"))


def test_what_was_not_sent_goes_again(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A refused connection proves that nothing was bought."""
    gateway.fates = [NO_CONNECTION, NO_CONNECTION]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 3
    assert len(gateway.jobs) == 1
    keys = {key for _, _, key in gateway.posts}
    assert len(keys) == 1


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_stops_all_submits_but_no_poll(
    film_set: FilmSet, gateway: FakeGateway, status: int
) -> None:
    """No other request will fare better; what is already paid for is still collected."""
    gateway.fates = [OK, no(status)]
    film = board(*(shot(f"s{n}") for n in range(6)))
    outcomes = run_virtually(film_set.run(film))
    assert statuses(outcomes) == [DONE, FAILED, BLOCKED, BLOCKED, BLOCKED, BLOCKED]
    assert len(gateway.posts) == 2


def test_an_answer_is_on_disk_before_it_is_read(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A reply that nobody understands is kept word for word, with its request id."""
    headers = (("x-request-id", "req-77"),)
    odd = Receipt(200, headers, b'{"task": "unheard of"}')
    gateway.fates = [Fate(answer=odd)]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [UNDECIDED]
    from runner.journal import open_reader

    with open_reader(film_set.state) as reader:
        (attempt,) = reader.attempts("paid")
        kept = reader.receipt(attempt.id)
    assert attempt.standing is Standing.AMBIGUOUS
    assert kept
    assert kept["body"] == '{"task": "unheard of"}'
    assert ["x-request-id", "req-77"] in kept["headers"]


def test_a_job_has_one_owner(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A gateway that gives one id to two requests is not believed: no more submits, no mix-up."""
    twice = Receipt(200, body=b'{"id": "job-1", "status": "queued"}')
    gateway.fates = [OK, Fate(answer=twice)]
    film = board(shot("one"), shot("two"), shot("three"))
    assert statuses(run_virtually(film_set.run(film))) == [DONE, UNDECIDED, BLOCKED]
    assert len(gateway.posts) == 2


# ── jobs ────────────────────────────────────────────────────────────────────────────────────


def test_capacity_is_tried_once_more_and_nothing_else_is(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A vendor with no room gets one more chance; a moderated prompt none."""
    busy, banned = failing("overloaded", "no capacity"), failing("sensitive", "moderation")
    gateway.fates = [busy]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 2
    gateway.fates = [busy, busy]
    assert statuses(run_virtually(film_set.run(board(shot("two"))))) == [FAILED]
    assert len(gateway.posts) == 4
    gateway.fates = [banned]
    assert statuses(run_virtually(film_set.run(board(shot("three"))))) == [FAILED]
    assert len(gateway.posts) == 5


def test_a_wrong_film_is_kept_and_named(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Another size, length or no sound: a finding to look at, never a second render."""
    film = board(shot("one", seconds=4))
    (outcome,) = run_virtually(film_set.run(film))
    assert outcome.status is DONE
    assert outcome.result
    assert [finding.rule for finding in outcome.result.findings] == ["take.seconds"]
    (entry,) = film_set.ledger().to_review
    assert (entry.shot, entry.findings) == ("one", outcome.result.findings)
    run_virtually(film_set.run(film))
    assert len(gateway.posts) == 1


def test_a_job_that_is_gone_is_told_once_with_its_price(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """An expired result is a loss, said once; nothing is rendered again in the same run."""
    gateway.look_fates = [Receipt(410, body=b"{}")]
    (outcome,) = run_virtually(film_set.run(board(shot("one"))))
    assert outcome.status is FAILED
    assert "$0.50 lost" in outcome.detail
    assert "job-1" in outcome.detail
    assert len(gateway.posts) == 1
    assert film_set.ledger().at_risk == Money(Decimal("0.5"))
    run_virtually(film_set.run(board(shot("other"))))
    assert sum("lost" in line for line in film_set.said.lines) == 0


def test_a_result_that_may_soon_be_gone_is_told(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Half of the gateway's retention has passed: said before it is too late."""
    gateway.renders = 2 * gateway.profile.poll.give_up
    run_virtually(film_set.run(board(shot("one"))))
    assert not any("results are kept" in line for line in film_set.said.lines)

    async def a_day_later() -> list[Outcome]:
        await asyncio.sleep(20 * 3600.0)
        return await film_set.run(board(shot("one")))

    assert statuses(run_virtually(a_day_later())) == [DONE]
    assert any("20 h ago; results are kept 24 h" in line for line in film_set.said.lines)


def test_a_404_right_after_the_submit_is_lag(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A gateway that does not know the job yet is asked again."""
    gateway.look_fates = [Receipt(404, body=b"{}"), Receipt(404, body=b"{}")]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]


def test_a_gateway_that_forgets_for_a_moment_loses_no_job(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """Minutes into a render a few 404s are the gateway's trouble, not the end of a paid job."""
    running = Receipt(200, body=b'{"id": "job-1", "status": "in_progress"}')
    unknown = Receipt(404, body=b"{}")
    gateway.look_fates = [*[running] * 8, *[unknown] * 3, running, *[unknown] * 3]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]


def test_a_job_that_stays_unknown_is_a_loss(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Told with its id and price once the 404s have lasted, and not rendered again by itself."""
    gateway.look_fates = [Receipt(404, body=b"{}") for _ in range(50)]
    (outcome,) = run_virtually(film_set.run(board(shot("one"))))
    assert outcome.status is FAILED
    assert "job-1: the gateway does not know the job" in outcome.detail
    assert len(gateway.posts) == 1


def test_a_bill_that_differs_from_the_estimate_is_told(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """More than a tenth off: the price table may be wrong for all that is still to come."""
    for number, cost in enumerate(("0.54", "0.56", "0.40"), 1):
        told = {"id": f"job-{number}", "status": "completed", "cost": cost}
        gateway.look_fates = [Receipt(200, body=json.dumps(told).encode())]
        run_virtually(film_set.run(board(shot(f"s{number}"))))
    told_of = [line for line in film_set.said.lines if "thought to cost" in line]
    assert told_of == [
        "s2: billed $0.56, thought to cost $0.50",
        "s3: billed $0.40, thought to cost $0.50",
    ]


def test_trouble_while_looking_never_costs(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Errors, unknown words and silence on a GET only mean: look again."""
    gateway.look_fates = [
        Receipt(fault=Fault.DEADLINE),
        Receipt(503),
        Receipt(200, body=b'{"id": "job-1", "status": "post_processing"}'),
        Receipt(200, body=b"<html>"),
        Receipt(200, body=b'{"id": "another", "status": "failed"}'),
    ]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 1


def test_a_deadline_leaves_the_job_to_the_next_run(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Still running is not failed: the next run collects what this one did not wait for."""
    gateway.renders = 2 * gateway.profile.poll.give_up
    (outcome,) = run_virtually(film_set.run(board(shot("one"))))
    assert outcome.status is INTERRUPTED
    assert "job-1" in outcome.detail
    gateway.renders = 0
    gateway.jobs["job-1"].ready = 0
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 1


def test_a_job_is_collected_also_where_its_shot_hangs_on_a_finished_one(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """The job outlives its run, and what it was rendered from is up to date by then."""
    film = board(shot("one"), chained("two", "one"))
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    gateway.renders = 2 * gateway.profile.poll.give_up
    assert statuses(run_virtually(film_set.run(film))) == [DONE, INTERRUPTED]
    gateway.jobs["job-2"].ready = 0
    assert statuses(run_virtually(film_set.run(film))) == [DONE, DONE]
    assert len(gateway.posts) == 2


def test_a_download_that_fails_leaves_the_job_ready(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A broken transfer is tried again now and in the next run, and never paid again."""
    gateway.fetch_fates = [Fetched(Got.BROKEN, "cut") for _ in range(20)]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [FAILED]
    gateway.fetch_fates = [Fetched(Got.UNREACHABLE, "later")]
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [DONE]
    assert len(gateway.posts) == 1


def test_a_job_is_collected_although_the_shot_has_changed(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """What was paid for is kept in the store, even if nobody asks for it any more."""
    stop = Stop()

    async def stopped() -> list[Outcome]:
        run, _ = await asyncio.gather(
            film_set.run(board(shot("one", "old words")), stop=stop), soon(20.0, stop.request)
        )
        return run

    assert statuses(run_virtually(stopped())) == [INTERRUPTED]
    gateway.jobs["job-1"].ready = 0
    outcomes = run_virtually(film_set.run(board(shot("one", "new words"))))
    assert statuses(outcomes) == [DONE]
    assert len(gateway.posts) == 2
    assert any("kept in the store" in line for line in film_set.said.lines)
    again = run_virtually(film_set.run(board(shot("one", "old words"))))
    assert again[0].step.action is Action.RESTORE
    assert len(gateway.posts) == 2


def test_a_job_of_another_gateway_is_left_alone(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A job can be asked for only where it was made."""
    gateway.renders = 2 * gateway.profile.poll.give_up
    run_virtually(film_set.run(board(shot("one"))))
    film_set.profile = replace(film_set.profile, name="elsewhere")
    (outcome,) = run_virtually(film_set.run(board(shot("one"))))
    assert outcome.status is BLOCKED
    assert "fake" in outcome.detail
    assert len(gateway.posts) == 1


# ── stopping ────────────────────────────────────────────────────────────────────────────────


def test_one_ctrl_c_lets_the_post_in_flight_finish(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Its answer is worth money: it is awaited and written down, then the program ends."""
    gateway.fates = [Fate(delay=30.0)]
    stop = Stop()

    async def stopped() -> list[Outcome]:
        run, _ = await asyncio.gather(
            film_set.run(board(shot("one"), shot("two")), stop=stop), soon(10.0, stop.request)
        )
        return run

    assert statuses(run_virtually(stopped())) == [INTERRUPTED, INTERRUPTED]
    assert any("waiting for the answer" in line for line in film_set.said.lines)
    assert len(gateway.posts) == 1
    assert statuses(run_virtually(film_set.run(board(shot("one"), shot("two"))))) == [DONE, DONE]
    assert len(gateway.jobs) == 2


def test_two_ctrl_c_stop_at_once_and_safely(film_set: FilmSet, gateway: FakeGateway) -> None:
    """The answer is not awaited; the take is in doubt, and is not sent again."""
    gateway.fates = [Fate(delay=300.0)]
    stop = Stop()

    async def stopped() -> float:
        await asyncio.gather(
            film_set.run(board(shot("one")), stop=stop),
            soon(10.0, stop.request),
            soon(11.0, stop.request),
        )
        return asyncio.get_running_loop().time()

    assert run_virtually(stopped()) < 20
    assert any("in doubt" in line for line in film_set.said.lines)
    assert film_set.ledger().at_risk == Money(Decimal("0.5"))
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [UNDECIDED]
    assert len(gateway.posts) == 1


def test_only_what_somebody_watched_tells_how_long_a_render_takes(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A job that ended between two runs has not taken the night that lies between them."""
    stop = Stop()

    async def a_night_between() -> list[Outcome]:
        film = board(shot("one"), shot("two", takes=2))
        await asyncio.gather(film_set.run(film, stop=stop), soon(10.0, stop.request))
        await asyncio.sleep(30_000.0)
        return await film_set.run(board(*film.shots, shot("three")))

    assert statuses(run_virtually(a_night_between())) == [DONE] * 4
    with open_reader(film_set.state) as journal:
        ((model, seconds),) = journal.render_seconds("paid")
    assert model == "sora-2"
    assert gateway.renders <= seconds < 2 * gateway.renders


# ── money ───────────────────────────────────────────────────────────────────────────────────


def test_a_cap_is_a_wall(film_set: FilmSet, gateway: FakeGateway) -> None:
    """What would pass --max-cost is not sent, and says so; what fits is rendered."""
    caps = Caps(run=Money(Decimal("1.20")))
    film = board(*(shot(f"s{n}") for n in range(4)))
    outcomes = run_virtually(film_set.run(film, caps=caps))
    assert statuses(outcomes) == [DONE, DONE, UNDECIDED, UNDECIDED]
    assert "--max-cost of $1.20" in outcomes[2].detail
    assert len(gateway.posts) == 2


def test_what_nobody_can_price_is_not_sent(film_set: FilmSet, gateway: FakeGateway) -> None:
    """No price known, no submit, unless the user says so."""
    film_set.price = None
    assert statuses(run_virtually(film_set.run(board(shot("one"))))) == [UNDECIDED]
    assert gateway.posts == []
    assert statuses(run_virtually(film_set.run(board(shot("one")), unpriced=True))) == [DONE]


def test_previews_are_free(film_set: FilmSet, gateway: FakeGateway) -> None:
    """The local gateway never runs into a cap and needs no price."""
    film_set.realm = "preview"
    caps = Caps(run=Money(Decimal("0.10")))
    assert statuses(run_virtually(film_set.run(board(shot("one")), caps=caps))) == [DONE]


def test_a_preview_that_was_killed_is_simply_drawn_again(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """The built-in gateway dies with its run: no doubt and no decision over free slates."""
    film_set.realm = "preview"
    gateway.fates = [LOST, Fate(delay=300.0)]
    stop = Stop()

    async def killed() -> None:
        await asyncio.gather(
            film_set.run(board(shot("one"), shot("two")), stop=stop),
            soon(10.0, stop.request),
            soon(11.0, stop.request),
        )

    run_virtually(killed())
    gateway.jobs.clear()
    film = board(shot("one"), shot("two"))
    assert statuses(run_virtually(film_set.run(film))) == [DONE, DONE]


def test_a_forced_take_is_rendered_again_once(film_set: FilmSet, gateway: FakeGateway) -> None:
    """--force pays for a second render; the run after it is up to date with the new one."""
    run_virtually(film_set.run(board(shot("one"))))
    (again,) = run_virtually(film_set.run(board(shot("one")), how={"force": True}))
    assert again.result
    assert again.result.job == "job-2"
    (after,) = run_virtually(film_set.run(board(shot("one"))))
    assert after.result
    assert after.result.job == "job-2"
    assert len(gateway.posts) == 2


def test_a_take_that_the_manifest_names_can_be_forced_too(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """After a merge the manifest's take counts; the journal's own is no obstacle."""
    run_virtually(film_set.run(board(shot("one"))))
    real = film_set.facts

    def merged(storyboard: Storyboard) -> Facts:
        facts = real(storyboard)
        locked = {f: replace(r, attempt=AttemptId("")) for f, r in facts.history.results.items()}
        return replace(facts, history=replace(facts.history, results=locked))

    film_set.facts = merged  # type: ignore[method-assign]
    (again,) = run_virtually(film_set.run(board(shot("one")), how={"force": True}))
    assert again.status is DONE
    assert len(gateway.posts) == 2


def test_bytes_lost_here_and_still_there_are_fetched_for_free(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A deleted store is filled again by downloading, as long as the gateway has the film."""
    film = board(shot("one"))
    (outcome,) = run_virtually(film_set.run(film))
    assert outcome.result
    film_set.store.path(outcome.result.sha256).unlink()
    film_set.fetchable = frozenset({JobId("job-1")})
    (again,) = run_virtually(film_set.run(film))
    assert again.status is DONE
    assert again.step.action is Action.RESUME
    assert film_set.store.verify(outcome.result.sha256)
    assert len(gateway.posts) == 1


def test_a_video_that_is_gone_is_said_once_and_never_paid_unasked(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A lost film that the gateway lost too is on record as gone; rendering it anew is a plan."""
    film = board(shot("one"))
    (outcome,) = run_virtually(film_set.run(film))
    assert outcome.result
    film_set.store.path(outcome.result.sha256).unlink()
    film_set.fetchable = frozenset({JobId("job-1")})
    gateway.fetch_fates = [Fetched(Got.MISSING, detail="HTTP 404") for _ in range(3)]
    (again,) = run_virtually(film_set.run(film))
    assert again.status is FAILED
    assert len(gateway.posts) == 1
    with open_reader(film_set.state) as journal:
        assert journal.gone("paid") == {JobId("job-1")}
        assert journal.gone("preview") == set()
        assert len(journal.history("paid").results) == 1  # what was stored stays stored


def test_a_lost_video_of_another_gateway_is_not_looked_for_here(
    film_set: FilmSet, gateway: FakeGateway
) -> None:
    """A job id means nothing elsewhere: the take waits for a run at its own gateway."""
    film = board(shot("one"))
    (outcome,) = run_virtually(film_set.run(film))
    assert outcome.result
    film_set.store.path(outcome.result.sha256).unlink()
    film_set.fetchable = frozenset({JobId("job-1")})
    fetches = len(gateway.fetches)
    film_set.profile = replace(film_set.profile, name="elsewhere")
    (again,) = run_virtually(film_set.run(film))
    assert again.status is BLOCKED
    assert f"--gateway {outcome.result.gateway}" in again.detail
    assert len(gateway.fetches) == fetches


def test_a_run_and_its_journal_say_the_same_of_a_take(film_set: FilmSet) -> None:
    """Variables and inputs included: the manifest is the same from the one and from the other."""
    start = shot("one")
    take = replace(start.takes[0], vars={"vars.grade": "teal"})
    film = board(replace(start, takes=(take,)), chained("two", "one"))
    outcomes = run_virtually(film_set.run(film))
    with open_reader(film_set.state) as journal:
        assert [outcome.result for outcome in outcomes] == list(
            journal.history("paid").results.values()
        )
    first, second = (outcome.result for outcome in outcomes)
    assert first
    assert second
    assert first.vars == {"vars.grade": "teal"}
    assert second.inputs == (
        {"role": "first_frame", "shot": "one", "frame": "last", "sha256": first.sha256},
    )


def test_a_reference_that_changed_since_the_plan_is_not_sent(
    film_set: FilmSet, gateway: FakeGateway, tmp_path: Path
) -> None:
    """What is sent is what the plan was made and priced with."""
    picture = tmp_path / "mara.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n before")
    medium = Medium("first_frame", "image", LocalFile("mara.png"))
    real = film_set.parts

    def parts(journal: Any) -> Any:
        picture.write_bytes(b"\x89PNG\r\n\x1a\n after")
        return real(journal)

    film_set.parts = parts  # type: ignore[method-assign]
    (outcome,) = run_virtually(film_set.run(board(shot("one", media=(medium,)))))
    assert outcome.status is FAILED
    assert "mara.png" in outcome.detail
    assert gateway.posts == []


# ── trouble of our own ──────────────────────────────────────────────────────────────────────


def test_no_room_on_the_disk_means_no_post(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A result that could not be stored is not ordered."""
    from runner.errors import Outside

    def full() -> None:
        raise Outside("no room: 3 MB free")

    parts = film_set.parts
    film_set.parts = lambda journal: replace(parts(journal), preflight=full)  # type: ignore[method-assign]
    (outcome,) = run_virtually(film_set.run(board(shot("one"))))
    assert outcome.status is FAILED
    assert "3 MB" in outcome.detail
    assert gateway.posts == []


def test_what_a_killed_download_left_is_swept(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Half a film under a private name does not stay for ever."""
    scratch = film_set.state / "scratch"
    scratch.mkdir(parents=True)
    (scratch / ".a1.mp4.x7.part").write_bytes(b"half a film")
    run_virtually(film_set.run(board(shot("one"))))
    assert list(scratch.iterdir()) == []


def test_a_bug_in_one_take_loses_no_other(film_set: FilmSet, gateway: FakeGateway) -> None:
    """An unexpected exception ends the run, and everything paid for is on record."""
    bad = film_set.parts

    def probing(path: Path) -> Any:
        raise ZeroDivisionError

    def parts(journal: Any) -> Any:
        real = bad(journal)
        return replace(real, media=replace(real.media, probe=probing))

    film_set.parts = parts  # type: ignore[method-assign]
    film = board(*(shot(f"s{n}") for n in range(3)))
    with pytest.raises(ZeroDivisionError):
        run_virtually(film_set.run(film))
    film_set.parts = bad  # type: ignore[method-assign]
    assert statuses(run_virtually(film_set.run(film))) == [DONE] * 3
    assert len(gateway.jobs) == 3


def test_ten_thousand_steps_in_one_chain(film_set: FilmSet, gateway: FakeGateway) -> None:
    """A long chain that fails at its start needs no deep stack."""
    gateway.fates = [no(400)]
    shots = [shot("s0"), *(shot(f"s{n}", after=(ShotId(f"s{n - 1}"),)) for n in range(1, 3000))]
    outcomes = run_virtually(film_set.run(board(*shots)))
    assert [outcomes[0].status, outcomes[-1].status] == [FAILED, BLOCKED]


def test_every_take_is_told_when_it_ends(film_set: FilmSet, gateway: FakeGateway) -> None:
    """Progress hears of each step exactly once, whichever way it ended."""
    gateway.fates = [no(400)]
    film = board(shot("one"), chained("two", "one"), shot("three"), shot("four", "this is three"))
    run_virtually(film_set.run(film))
    ends = [line for line in film_set.said.lines if line.split()[0] in tuple(Status)]
    assert sorted(ends) == ["blocked two 1", "done four 1", "done three 1", "failed one 1"]
