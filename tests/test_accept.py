"""Stale is the user's call: bytes declared good for what is asked by now."""

import pytest
from msgspec.structs import replace
from plain_film import A, B, board, facts, plan, result, said, shot

from runner.accept import accept
from runner.errors import BadInput
from runner.model import Facts, History, Result, ShotId

OLD = result(shot("sh010").takes[0], A)
NOW = shot("sh010", prompt="another")
SECOND = shot("sh020", "sh010")
SECOND_OLD = result(SECOND.takes[0], B, {ShotId("sh010"): A})


def with_results(known: Facts, *more: Result) -> Facts:
    results = {**known.history.results, **{r.fingerprint: r for r in more}}
    return replace(known, history=History(results, latest=known.history.latest))


def test_an_accepted_shot_is_up_to_date() -> None:
    """The plan then reuses it, says that it was accepted, and why it was not as asked."""
    (yes,) = accept(board(NOW), facts([OLD]), [ShotId("sh010")])
    assert (yes.old, yes.reason) == (OLD.fingerprint, "prompt changed")
    known = with_results(facts([OLD]), yes.result)
    assert said(plan(board(NOW), known)) == [
        ("sh010", 1, "reuse", "accepted as it is: prompt changed")
    ]


def test_an_acceptance_keeps_what_was_really_asked() -> None:
    """Accepted twice, the record still says what the bytes were made from."""
    (first,) = accept(board(NOW), facts([OLD]), [ShotId("sh010")])
    assert (first.result.accepted, first.result.sha256) == (OLD.asked, A)
    later = shot("sh010", prompt="a third")
    (second,) = accept(board(later), facts([first.result]), [ShotId("sh010")])
    assert (second.old, second.result.accepted) == (first.result.fingerprint, OLD.asked)


def test_nothing_is_recorded_for_a_shot_that_is_up_to_date() -> None:
    """Accepting twice does nothing twice."""
    assert accept(board(shot("sh010")), facts([OLD]), [ShotId("sh010")]) == ()


def test_a_chain_is_accepted_from_the_top() -> None:
    """A dependent counts with the bytes accepted above it, so nothing below is rendered."""
    edited = replace(SECOND.takes[0].request, prompt="second, edited")
    second = replace(SECOND, takes=(replace(SECOND.takes[0], request=edited),))
    film = board(NOW, second)
    known = facts([OLD, SECOND_OLD])
    found = accept(film, known, [ShotId("sh020"), ShotId("sh010")])
    assert [a.result.shot for a in found] == ["sh010", "sh020"]
    settled = plan(film, with_results(known, *(a.result for a in found)))
    assert {step.action.value for step in settled.steps} == {"reuse"}


def test_a_shot_below_one_that_will_render_cannot_be_accepted_yet() -> None:
    """What it would be accepted for is not known before."""
    with pytest.raises(BadInput, match="sh020 cannot be accepted: waits for sh010"):
        accept(board(NOW, SECOND), facts([OLD, SECOND_OLD]), [ShotId("sh020")])


def test_a_shot_that_was_never_rendered_cannot_be_accepted() -> None:
    """There is nothing to look at and say yes to."""
    with pytest.raises(BadInput, match="sh010 take 1 was never rendered"):
        accept(board(NOW), facts(), [ShotId("sh010")])


def test_bytes_that_are_lost_cannot_be_accepted() -> None:
    """A yes to bytes nobody has would be a lie in the lock."""
    with pytest.raises(BadInput, match="in no store"):
        accept(board(NOW), facts([OLD], held=()), [ShotId("sh010")])
