"""`status`: what a line of the ledger says about money."""

from decimal import Decimal
from io import StringIO

import pytest

from runner.commands.status import money, say
from runner.journal import Entry
from runner.model import AttemptId, ModelId, Money, ShotId, Standing
from runner.progress import Out


def entry(standing: Standing, estimated: str | None, billed: str | None, counted: str) -> Entry:
    def sum_of(text: str | None) -> Money | None:
        return None if text is None else Money(Decimal(text))

    weighs = Money(Decimal(counted))
    return Entry(
        AttemptId("x"), ShotId("a"), 1, ModelId("m"), "film.yaml", "r", "t", standing, None,
        sum_of(estimated), sum_of(billed), weighs,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("standing", "estimated", "billed", "counted", "said"),
    [
        (Standing.STORED, "0.41", None, "0.41", "$0.41"),
        (Standing.STORED, "0.41", "0.5", "0.5", "$0.50 billed, $0.41 estimated"),
        (Standing.FAILED, "0.41", None, "0", "$0.41, not counted"),
        (Standing.FAILED, "0.41", None, "0.41", "$0.41"),
        (Standing.REFUSED, "0.41", None, "0", "$0.41, not counted"),
        (Standing.STORED, "0", None, "0", "$0.00"),
        (Standing.AMBIGUOUS, None, None, "0", "price unknown"),
    ],
)
def test_a_price_that_came_to_nothing_is_not_shown_as_spent(
    standing: Standing, estimated: str | None, billed: str | None, counted: str, said: str
) -> None:
    assert money(entry(standing, estimated, billed, counted)) == said


@pytest.mark.parametrize("free", [True, False])
def test_what_the_local_gateway_drew_is_not_shown_as_spent(free: bool) -> None:
    told = StringIO()
    stored = entry(Standing.STORED, "0.41", None, "0.41")
    say(Out(told, told, colour=False), [stored], full=False, free=free)
    assert ("nothing is charged" in told.getvalue()) is free
