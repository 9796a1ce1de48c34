"""Plans: what is done about every take, and the reason in plain words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plain_film import PRICE, A, B, C, attempt, board, facts, plan, result, said, shot, video

from runner.errors import BadInput
from runner.model import (
    Action,
    Digest,
    Estimate,
    Facts,
    History,
    JobId,
    LocalFile,
    Medium,
    ModelId,
    Money,
    Plan,
    ShotId,
    Standing,
    Storyboard,
)
from runner.planner import decide, fallbacks, missing, spends, total

ONE = shot("sh010")
DONE = result(ONE.takes[0], A)


# ── one take ────────────────────────────────────────────────────────────────────────────────


def test_a_new_shot_is_rendered_for_its_price() -> None:
    """The plan says that a shot is new and what it will cost."""
    (step,) = plan(board(ONE), facts()).steps
    assert (step.action, step.reason, step.estimate) == (Action.RENDER, "new", PRICE)


def test_an_unchanged_shot_is_reused() -> None:
    """A second run costs nothing."""
    (step,) = plan(board(ONE), facts([DONE])).steps
    assert (step.action, step.reason, step.result) == (Action.REUSE, "up to date", DONE)
    assert step.estimate is None


@pytest.mark.parametrize(
    ("lies", "size", "reason"),
    [
        (None, None, "sh010.mp4 is missing"),
        (B, 2000, "sh010.mp4 was edited"),
        (B, None, "sh010.mp4 was edited"),
        (B, 400, "sh010.mp4 was truncated: 400 of 1000 bytes"),
        (C, 400, "sh010.mp4 holds another render"),
    ],
)
def test_a_spoilt_output_comes_back_from_the_store(
    lies: Digest | None, size: int | None, reason: str
) -> None:
    """Deleted, edited and truncated outputs are noticed, named, and cost nothing."""
    sizes = {} if size is None else {"sh010.mp4": size}
    known = facts([DONE], held={A, C}, outputs={"sh010.mp4": lies}, sizes=sizes)
    assert said(plan(board(ONE), known)) == [("sh010", 1, "restore", reason)]


def test_lost_bytes_are_rendered_again_and_said_so() -> None:
    """With store and output gone there is nothing to restore."""
    known = facts([DONE], held=(), outputs={})
    assert said(plan(board(ONE), known)) == [
        ("sh010", 1, "render", "rendered 2026-11-23T08:02:00Z, but its bytes are in no store")
    ]


def test_lost_bytes_are_downloaded_again_while_the_gateway_has_them() -> None:
    """What has been paid for is fetched, never bought twice."""
    known = facts([DONE], held=(), outputs={}, fetchable={JobId("job-1")})
    (step,) = plan(board(ONE), known).steps
    assert (step.action, step.result, step.estimate) == (Action.RESUME, DONE, None)


def test_an_intact_output_stands_in_for_a_lost_store() -> None:
    """Deleting the store does not make the films beside it worthless: it gets the bytes back."""
    made = plan(board(ONE), facts([DONE], held=()))
    assert said(made) == [("sh010", 1, "restore", "sh010.mp4 has the bytes, the store has not")]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing.ACCEPTED, "job job-7 is in flight at aihubmix"),
        (Standing.COMPLETED, "job job-7 is ready and not stored yet"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_job_in_flight_is_resumed(standing: Standing, reason: str, force: bool) -> None:
    """What is already paid for is waited for, even with --force."""
    known = facts(running=attempt(DONE, standing))
    assert said(plan(board(ONE), known, force=force)) == [("sh010", 1, "resume", reason)]


@pytest.mark.parametrize("force", [False, True])
def test_a_doubtful_submission_blocks_with_the_price_at_risk(force: bool) -> None:
    """Only a person decides whether to pay again, and sees how much is at stake."""
    known = facts(doubtful=attempt(DONE, Standing.AMBIGUOUS))
    assert said(plan(board(ONE), known, force=force)) == [
        (
            "sh010", 1, "blocked",
            "submitted 2026-11-23T09:00:00Z and never answered ($0.50 at risk): "
            "adopt, resubmit or abandon it",
        )
    ]  # fmt: skip


def test_a_reference_that_cannot_be_read_blocks() -> None:
    """Nothing is sent while a file it needs is gone."""
    medium = Medium("first_frame", "image", LocalFile("refs/a.png"))
    made = plan(board(shot("sh010", media=(medium,))), facts())
    assert said(made) == [("sh010", 1, "blocked", "refs/a.png cannot be read")]


# ── why ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prompt": "another"}, "prompt changed"),
        ({"seconds": 8}, "seconds set to 8"),
        ({"model": ModelId("wan2.5-t2v")}, "model wan2.6-t2v -> wan2.5-t2v"),
        ({"prompt": "x", "seed": 3}, "prompt changed; seed set to 3"),
        (
            {"prompt": "x", "seconds": 8, "audio": False, "seed": 3, "size": "640x480"},
            "prompt changed; seconds set to 8; size set to 640x480; and 2 more",
        ),
        ({"negative_prompt": "text"}, "negative_prompt added"),
        ({"options": {"mode": {"pro": 1}}}, "options.mode.pro set to 1"),
    ],
)  # fmt: skip
def test_a_reason_names_what_has_changed(change: dict[str, Any], reason: str) -> None:
    """A reader learns from the plan which field made it render."""
    edited = replace(ONE.takes[0], request=replace(ONE.takes[0].request, **change))
    made = plan(board(replace(ONE, takes=(edited,))), facts([DONE]))
    assert said(made) == [("sh010", 1, "render", reason)]


def test_a_reason_names_the_file_whose_bytes_changed() -> None:
    """An edited reference is named by its path."""
    with_file = shot("sh010", media=(Medium("first_frame", "image", LocalFile("refs/a.png")),))
    before = result(with_file.takes[0], A)
    known = facts([before], files={"refs/a.png": B})
    assert said(plan(board(with_file), known)) == [
        ("sh010", 1, "render", "first_frame: refs/a.png changed")
    ]


def test_a_dropped_parameter_is_a_reason() -> None:
    """Leaving something out is a change too."""
    before = result(shot("sh010", seed=3).takes[0], A)
    assert said(plan(board(ONE), facts([before]))) == [("sh010", 1, "render", "seed dropped")]


# ── upstream ────────────────────────────────────────────────────────────────────────────────

TWO = board(shot("sh020", "sh010"), shot("sh010"))


def test_a_dependent_waits_and_comes_after_what_it_hangs_on() -> None:
    """Steps stand in an order in which they could be done, whatever the order in the file."""
    made = plan(TWO, facts())
    assert said(made) == [
        ("sh010", 1, "render", "new"),
        ("sh020", 1, "wait", "waits for sh010"),
    ]
    assert made.steps[1].depends_on == ("sh010",)
    assert (made.steps[1].fingerprint, made.steps[1].estimate) == (None, PRICE)


def test_a_dependent_is_reused_when_its_upstream_comes_out_as_before() -> None:
    """Early cutoff: byte-identical input costs nothing downstream."""
    second = TWO.shots[0]
    before = result(second.takes[0], B, {ShotId("sh010"): A})
    step = decide(second, second.takes[0], facts([before]), {ShotId("sh010"): A})
    assert (step.action, step.result) == (Action.REUSE, before)


def test_a_dependent_renders_when_its_upstream_comes_out_new() -> None:
    """The reason names the shot whose bytes are new."""
    second = TWO.shots[0]
    before = result(second.takes[0], B, {ShotId("sh010"): A})
    step = decide(second, second.takes[0], facts([before]), {ShotId("sh010"): C})
    assert (step.action, step.reason) == (Action.RENDER, "reference 1: sh010 came out new")


def test_a_dependent_hangs_on_the_kept_take_only() -> None:
    """Rendering a take that is not kept touches nothing downstream."""
    first = shot("sh010", takes=2, keep=2)
    second = shot("sh020", "sh010")
    kept = result(first.takes[1], B)
    downstream = result(second.takes[0], C, {ShotId("sh010"): B})
    made = plan(
        board(first, second),
        facts([kept, downstream], outputs={"sh010.mp4": B, "sh010.t2.mp4": B, "sh020.mp4": C}),
    )
    assert said(made) == [
        ("sh010", 1, "render", "new"),
        ("sh010", 2, "reuse", "up to date"),
        ("sh020", 1, "reuse", "up to date"),
    ]


def test_a_blocked_shot_blocks_what_hangs_on_it() -> None:
    """Nothing is paid for on top of a take that is in doubt; the rest goes on."""
    first, second, third = shot("sh010"), shot("sh020", "sh010"), shot("sh030", "sh020")
    known = facts(doubtful=attempt(DONE, Standing.OPEN))
    made = plan(board(first, second, third, shot("sh040")), known)
    assert [(s.action, s.reason) for s in made.steps[1:]] == [
        (Action.BLOCKED, "hangs on sh010, which is blocked"),
        (Action.BLOCKED, "hangs on sh020, which is blocked"),
        (Action.RENDER, "new"),
    ]


def test_order_alone_never_changes_what_is_asked() -> None:
    """`after` holds a render back; it is no reason to render."""
    later = shot("sh020", after=["sh010"])
    up_to_date = result(later.takes[0], B)
    doubt = attempt(DONE, Standing.OPEN)
    blocked = plan(board(ONE, later), facts(doubtful=doubt))
    assert said(blocked)[1] == ("sh020", 1, "blocked", "hangs on sh010, which is blocked")
    fine = plan(board(ONE, later), facts([up_to_date], doubtful=doubt))
    assert said(fine)[1] == ("sh020", 1, "reuse", "up to date")


def test_two_shots_that_ask_the_same_share_one_render() -> None:
    """The same request in one run is paid for once."""
    twins = board(shot("sh010", prompt="same"), shot("sh020", prompt="same"))
    made = plan(twins, facts())
    assert said(made) == [
        ("sh010", 1, "render", "new"),
        ("sh020", 1, "wait", "asks for exactly what sh010 take 1 asks: one serves both"),
    ]
    assert made.steps[1].depends_on == ("sh010",)
    assert total(made.steps).cost == Money(Decimal("0.50"))
    assert [spends(step) for step in made.steps] == [True, False]


# ── pins ────────────────────────────────────────────────────────────────────────────────────

PINNED = replace(shot("sh010", prompt="new"), pin=True)


def test_a_pinned_shot_is_never_rendered_again() -> None:
    """`pin: true` keeps the bytes, says what has changed, and what hangs on it goes on."""
    second = shot("sh020", "sh010")
    known = facts([DONE, result(second.takes[0], B, {ShotId("sh010"): A})])
    made = plan(board(PINNED, second), known, force=True, only=[ShotId("sh010")])
    assert said(made) == [("sh010", 1, "reuse", "pinned, although prompt changed")]
    assert said(plan(board(PINNED, second), known))[1] == ("sh020", 1, "reuse", "up to date")


def test_a_pinned_shot_does_not_wait() -> None:
    """Its bytes are what they are, whatever becomes of the shots it once came from."""
    first, second = shot("sh010", prompt="new"), replace(shot("sh020", "sh010"), pin=True)
    known = facts([DONE, result(second.takes[0], B, {ShotId("sh010"): A})])
    assert said(plan(board(first, second), known)) == [
        ("sh010", 1, "render", "prompt changed"),
        ("sh020", 1, "reuse", "pinned"),
    ]


@pytest.mark.parametrize(
    ("more", "action", "reason"),
    [
        ({"outputs": {}}, "restore", "pinned; sh010.mp4 is missing"),
        (
            {"outputs": {}, "held": ()},
            "blocked",
            "pinned, but its bytes are in no store: unpin it to render it again",
        ),
    ],
)
def test_a_pinned_shot_without_its_output(more: dict[str, Any], action: str, reason: str) -> None:
    """It comes back from the store; if that has lost it, only a person can say what follows."""
    assert said(plan(board(PINNED), facts([DONE], **more))) == [("sh010", 1, action, reason)]


def test_a_pinned_shot_is_rendered_once() -> None:
    """There must be something to pin."""
    assert said(plan(board(PINNED), facts())) == [("sh010", 1, "render", "new")]


def test_a_job_in_flight_for_a_pinned_shot_is_not_forgotten() -> None:
    """What has been paid for is fetched, pin or not."""
    asked_now = result(PINNED.takes[0], B)
    known = facts([DONE], running=attempt(asked_now, Standing.ACCEPTED))
    assert said(plan(board(PINNED), known))[0][2] == "resume"


# ── selection, force, price ─────────────────────────────────────────────────────────────────


def test_chosen_shots_bring_what_they_hang_on_and_nothing_else() -> None:
    """`run film.yaml sh020` renders sh020 and the kept takes below it."""
    film = board(shot("sh010", takes=3, keep=2), shot("sh020", "sh010"), shot("sh030"))
    made = plan(film, facts(), only=[ShotId("sh020")])
    assert [(s.shot, s.take) for s in made.steps] == [("sh010", 2), ("sh020", 1)]


def test_chosen_takes_of_chosen_shots() -> None:
    """`run film.yaml sh010 --take 3` adds one take and leaves the others alone."""
    film = board(shot("sh010", takes=3))
    made = plan(film, facts(), only=[ShotId("sh010")], takes=[3])
    assert [(s.shot, s.take) for s in made.steps] == [("sh010", 3)]


@pytest.mark.parametrize("variant", ["t2", "T2"])
def test_two_takes_never_share_a_file(variant: str) -> None:
    """A variant called t2 beside take 2 is refused before anything is paid."""
    film = board(shot("sh010", takes=2), shot(f"sh010.{variant}"))
    with pytest.raises(BadInput, match=f"sh010.{variant} and take 2 of sh010 would be one file"):
        plan(film, facts())
    assert plan(board(shot("sh010"), shot(f"sh010.{variant}")), facts())


def test_an_unknown_shot_is_named() -> None:
    """A typo in a shot's id is an error with the ids there are."""
    with pytest.raises(BadInput, match="no shot 'sh011'") as caught:
        plan(board(ONE), facts(), only=[ShotId("sh011")])
    assert caught.value.do == "one of: sh010"


def test_force_renders_what_was_chosen_and_not_what_it_hangs_on() -> None:
    """--force on one shot does not buy its upstream again."""
    second = shot("sh020", "sh010")
    known = facts([DONE, result(second.takes[0], B, {ShotId("sh010"): A})])
    made = plan(board(ONE, second), known, only=[ShotId("sh020")], force=True)
    assert said(made) == [("sh010", 1, "reuse", "up to date"), ("sh020", 1, "render", "forced")]
    assert [step.forced for step in made.steps] == [False, True]


def test_force_reaches_takes_that_wait() -> None:
    """A forced dependent still renders when its upstream is settled."""
    made = plan(TWO, facts([DONE]), force=True)
    assert [(s.action, s.forced) for s in made.steps] == [
        (Action.RENDER, True),
        (Action.WAIT, True),
    ]


def test_a_frozen_run_knows_what_it_cannot_bring_back() -> None:
    """Everything that is neither in place nor in a store, by name."""
    second, third = shot("sh020"), shot("sh030", "sh020")
    made = plan(board(ONE, second, third), facts([DONE], outputs={}))
    assert [step.shot for step in missing(made)] == ["sh020", "sh030"]


def test_the_total_counts_what_may_be_paid_and_admits_what_is_unknown() -> None:
    """Waiting takes count in full; a take without a price is counted, not guessed."""
    prices = {"the sh010": PRICE, "the sh020": PRICE}
    film = board(ONE, shot("sh020", "sh010"), shot("sh030"))
    made = plan(film, facts(estimate=lambda request: prices.get(request.prompt)))
    assert (total(made.steps).cost, total(made.steps).unpriced) == (Money(Decimal("1.00")), 1)


# ── any storyboard ──────────────────────────────────────────────────────────────────────────


@st.composite
def storyboards(draw: st.DrawFn) -> Storyboard:
    count = draw(st.integers(1, 7))
    names = [f"s{n}" for n in range(count)]
    shots = []
    for n, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:n]), max_size=2, unique=True)) if n else []
        takes = draw(st.integers(1, 3))
        shots.append(
            shot(
                name, *needs, takes=takes, keep=draw(st.integers(1, takes)),
                prompt=draw(st.sampled_from(["same", name])),
            )
        )  # fmt: skip
    return board(*draw(st.permutations(shots)))


def perform(made: Plan, storyboard: Storyboard, known: Facts) -> tuple[Facts, int]:
    """Does the plan as an executor would: every render comes out with bytes of its own."""
    shots = {s.id: s for s in storyboard.shots}
    results = dict(known.history.results)
    kept: dict[ShotId, Digest] = {}
    outputs = dict(known.outputs)
    renders = 0
    for step in made.steps:
        where, take = shots[step.shot], shots[step.shot].takes[step.take - 1]
        held = {r.sha256 for r in results.values()}
        now = replace(known, history=replace(known.history, results=results), held=held)
        if step.action is Action.WAIT:
            step = decide(where, take, now, kept, force=step.forced)
        assert step.fingerprint is not None
        if step.action is Action.RENDER:
            renders += 1
            sha = video(f"{step.fingerprint} {len(results)} {renders}")
            results[step.fingerprint] = replace(
                DONE, shot=step.shot, take=step.take, fingerprint=step.fingerprint,
                asked=step.asked or {}, sha256=sha,
            )  # fmt: skip
        done = results[step.fingerprint]
        outputs |= dict.fromkeys(where.outputs(step.take), done.sha256)
        if step.take == where.keep:
            kept[step.shot] = done.sha256
    latest = {(r.shot, r.take): r for r in results.values()}
    held = {r.sha256 for r in results.values()}
    return replace(
        known, history=History(results, latest=latest), held=held, outputs=outputs
    ), renders


@given(storyboards())
def test_a_second_run_renders_nothing(storyboard: Storyboard) -> None:
    """Whatever the graph, after a complete run everything is up to date."""
    done, _ = perform(plan(storyboard, facts()), storyboard, facts())
    again = plan(storyboard, done)
    assert {step.action for step in again.steps} == {Action.REUSE}


@given(storyboards())
def test_each_request_is_rendered_once(storyboard: Storyboard) -> None:
    """As many renders as there are different requests, never more."""
    done, renders = perform(plan(storyboard, facts()), storyboard, facts())
    assert renders == len(done.history.results)


@given(storyboards())
def test_steps_stand_after_what_they_hang_on(storyboard: Storyboard) -> None:
    """Every take once, and each after the shots it needs."""
    made = plan(storyboard, facts())
    place: dict[str, int] = {}
    for number, step in enumerate(made.steps):
        place[step.shot] = number
        assert all(place[needed] < number for needed in step.depends_on)
    assert sorted((s.shot, s.take) for s in made.steps) == sorted(
        (s.id, t.number) for s in storyboard.shots for t in s.takes
    )


@given(storyboards(), st.data())
def test_a_changed_prompt_touches_its_shot_and_what_hangs_on_it(
    storyboard: Storyboard, data: st.DataObject
) -> None:
    """Everything else is reused."""
    done, _ = perform(plan(storyboard, facts()), storyboard, facts())
    touched = data.draw(st.sampled_from(storyboard.shots))
    takes = tuple(replace(t, request=replace(t.request, prompt="changed")) for t in touched.takes)
    edited = replace(
        storyboard,
        shots=tuple(replace(s, takes=takes) if s is touched else s for s in storyboard.shots),
    )
    stale = {touched.id}
    made = plan(edited, done)
    for step in made.steps:
        if stale & set(step.depends_on):
            stale.add(step.shot)
    for step in made.steps:
        assert (step.action in (Action.RENDER, Action.WAIT)) == (step.shot in stale)


@given(storyboards())
def test_the_same_facts_give_the_same_plan(storyboard: Storyboard) -> None:
    """A plan is a value: made twice it is equal."""
    assert plan(storyboard, facts()) == plan(storyboard, replace(facts(), estimate=lambda _: PRICE))


def test_ten_thousand_shots_are_planned_in_one_go() -> None:
    """Long films, deep chains: neither recursion nor a quadratic step stands in the way."""
    shots = [shot("s0")]
    shots += [shot(f"s{n}", *([f"s{n - 1}"] if n % 5 else [])) for n in range(1, 5000)]
    shots += [shot(f"c{n}", *([f"c{n - 1}"] if n else [])) for n in range(5000)]
    made = plan(board(*shots), facts())
    counts: dict[Action, int] = {}
    for step in made.steps:
        counts[step.action] = counts.get(step.action, 0) + 1
    assert counts == {Action.RENDER: 1001, Action.WAIT: 8999}


def test_what_on_failure_may_add_is_known_beforehand() -> None:
    """Every step of every take that may be rendered is priced; what is up to date adds nothing."""
    dear = ({"again": True}, {"model": ModelId("veo-3.1-generate-preview")})
    film = board(replace(shot("one"), on_failure=dear), shot("two"))
    prices = {"veo-3.1-generate-preview": Estimate(Money(Decimal(3)), "test")}
    known = replace(facts(), estimate=lambda request: prices.get(request.model, PRICE))
    assert PRICE
    more = fallbacks(film, plan(film, known).steps, known)
    assert more.cost == Money(PRICE.cost.amount + 3)
    assert not more.unpriced
    done, _ = perform(plan(film, known), film, known)
    assert fallbacks(film, plan(film, done).steps, done).cost == Money(Decimal(0))
