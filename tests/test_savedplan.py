"""A plan on paper: done as approved, or refused with what has moved."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from plain_film import A, B, C, attempt, board, facts, plan, result, shot

from runner.errors import BadInput
from runner.model import Digest, Estimate, Facts, Money, ShotId, Standing, Storyboard
from runner.planner import Selection
from runner.savedplan import SavedPlan, moved, read_saved, save

FIRST, SECOND = shot("sh010"), shot("sh020", "sh010")
FILM = board(FIRST, SECOND)
FIRST_DONE = result(FIRST.takes[0], A)
SECOND_DONE = result(SECOND.takes[0], B, {ShotId("sh010"): A})


EVERYTHING = Selection()


def approved(known: Facts, film: Storyboard = FILM, chosen: Selection = EVERYTHING) -> SavedPlan:
    made = plan(film, known, only=chosen.only, takes=chosen.takes, force=chosen.force)
    return read_saved(save(film, made, chosen), "film.plan.json")


def test_the_same_plan_is_the_same_bytes() -> None:
    """Saved again without a change, the file in the repository does not move."""
    one = save(FILM, plan(FILM, facts()), Selection())
    assert one == save(FILM, plan(FILM, facts()), Selection())
    assert b"2026" not in one


def test_a_saved_plan_can_be_reviewed() -> None:
    """A reviewer reads actions, reasons and prices, a step a line."""
    text = save(FILM, plan(FILM, facts()), Selection(only=(ShotId("sh020"),))).decode()
    saved = json.loads(text)
    assert saved["totals"] == {"cost": {"amount": "1.00", "currency": "USD"}, "unpriced": 0}
    assert saved["only"] == ["sh020"]
    assert [(s["shot"], s["action"], s["reason"]) for s in saved["steps"]] == [
        ("sh010", "render", "new"),
        ("sh020", "wait", "waits for sh010"),
    ]
    assert sum('"shot"' in line for line in text.splitlines()) == 2


def test_the_selection_comes_back() -> None:
    """`run --plan` needs no other flags than the plan was made with."""
    chosen = Selection((ShotId("sh010"),), (1,), force=True)
    assert approved(facts(), chosen=chosen).selection == chosen


@pytest.mark.parametrize(
    "later",
    [
        facts(),
        facts(running=attempt(FIRST_DONE, Standing.ACCEPTED)),
        facts([FIRST_DONE]),
        facts([FIRST_DONE, SECOND_DONE]),
        facts([FIRST_DONE, SECOND_DONE], outputs={}),
    ],
)
def test_an_interrupted_plan_can_be_taken_up_again(later: Facts) -> None:
    """Steps that are further along the approved way have not moved."""
    assert moved(approved(facts()), FILM, plan(FILM, later)) == ()


def cheaper(_: Any) -> Estimate:
    return Estimate(Money(Decimal("0.40")), "new list")


@pytest.mark.parametrize(
    ("before", "film", "later", "says"),
    [
        (
            facts(), replace(FILM, sha256=Digest("1" * 64)), facts(),
            ["storyboard's content: 000000000000 -> 111111111111"],
        ),
        (
            facts(), board(shot("sh010", prompt="x"), SECOND), facts(),
            ["sh010 take 1: asks for something else (new)"],
        ),
        (
            facts(), FILM, facts(estimate=cheaper),
            ["sh010 take 1: price $0.50 -> $0.40", "sh020 take 1: price $0.50 -> $0.40"],
        ),
        (
            facts(), FILM, facts(estimate=lambda _: None),
            ["sh010 take 1: price $0.50 -> unknown", "sh020 take 1: price $0.50 -> unknown"],
        ),
        (
            facts([FIRST_DONE, SECOND_DONE]), FILM,
            facts([FIRST_DONE, SECOND_DONE], held=(), outputs={}),
            [
                "sh010 take 1: reuse -> render (rendered 2026-11-23T08:02:00Z, but its bytes are "
                "in no store)",
                "sh020 take 1: asks for something else (waits for sh010)",
            ],
        ),
        (
            facts(), FILM, facts(doubtful=attempt(FIRST_DONE, Standing.OPEN)),
            [
                "sh010 take 1: render -> blocked (submitted 2026-11-23T09:00:00Z and never "
                "answered ($0.50 at risk): adopt, resubmit or abandon it)",
                "sh020 take 1: wait -> blocked (hangs on sh010, which is blocked)",
            ],
        ),
        (
            facts([FIRST_DONE]), FILM, facts([replace(FIRST_DONE, sha256=C)]),
            [
                "sh010 take 1: its bytes are others: aaaaaaaaaaaa -> cccccccccccc",
                "sh020 take 1: asks for something else (new)",
            ],
        ),
        (
            facts([FIRST_DONE]), board(FIRST), facts([FIRST_DONE]),
            ["sh020 take 1: no longer in the plan"],
        ),
        (
            facts([FIRST_DONE]), board(FIRST, SECOND, shot("sh030")), facts([FIRST_DONE]),
            ["sh030 take 1: not in the saved plan"],
        ),
    ],
)  # fmt: skip
def test_what_has_moved_is_named(
    before: Facts, film: Storyboard, later: Facts, says: list[str]
) -> None:
    """Nothing is spent that nobody approved."""
    assert list(moved(approved(before), film, plan(film, later))) == says


def test_another_gateway_is_another_plan() -> None:
    """Approved for one account, never run on another."""
    elsewhere = replace(plan(FILM, facts()), gateway="openai")
    assert moved(approved(facts()), FILM, elsewhere) == ("gateway: aihubmix -> openai",)


def test_a_forced_plan_is_not_forced_twice() -> None:
    """Done once, its bytes are others, and a second run of the same paper is refused."""
    film, chosen = board(FIRST), Selection(force=True)
    saved = approved(facts([FIRST_DONE]), film, chosen)
    assert moved(saved, film, plan(film, facts([FIRST_DONE]), force=True)) == ()
    again = plan(film, facts([replace(FIRST_DONE, sha256=C)]), force=True)
    assert moved(saved, film, again) == (
        "sh010 take 1: its bytes are others: aaaaaaaaaaaa -> cccccccccccc",
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: b"",
        lambda d: b"[]",
        lambda d: b"\xff",
        lambda d: d.replace(b'"plan": 1', b'"plan": 9'),
        lambda d: d.replace(b'"wait"', b'"dance"'),
        lambda d: d.replace(b'"fingerprint"', b'"finger"'),
        lambda d: d.replace(
            b'"totals": {"cost": {"amount": "', b'"totals": {"cost": {"amount": "9'
        ),
    ],
)
def test_a_damaged_plan_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """One clear error, never a traceback."""
    data = save(FILM, plan(FILM, facts()), Selection())
    with pytest.raises(BadInput, match=r"film\.plan\.json"):
        read_saved(spoil(data), "film.plan.json")
