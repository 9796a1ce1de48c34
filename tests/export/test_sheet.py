"""The table of takes: RFC 4180, and nothing in it that a spreadsheet would calculate."""

import csv
import io

from cut_facts import HOSTILE, take
from hypothesis import given
from hypothesis import strategies as st

from runner.export import TakeFacts, sheet
from runner.export.sheet import COLUMNS
from runner.model import ShotId
from runner.progress import printable


def rows(*takes: TakeFacts) -> list[dict[str, str]]:
    text = sheet(takes, {ShotId("sh010"): [1, 4]})
    assert text.count("\r\n") == len(takes) + 1
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_row_for_every_take() -> None:
    """What a producer asks: is it there, which is kept, what did it cost, where is it."""
    made, to_come = rows(take("sh010"), take("sh010", 2, kept=False, made=False))
    assert list(made) == list(COLUMNS)
    assert (made["kept"], made["clips"], made["state"], made["cost"]) == (
        "yes", "1 4", "up to date", "0.50",
    )  # fmt: skip
    assert (made["file"], made["sha256"]) == ("renders/film/sh010.mp4", "a" * 64)
    assert (to_come["kept"], to_come["clips"], to_come["state"], to_come["sha256"]) == (
        "no", "", "to render", "",
    )  # fmt: skip


SIGNS = "=+-@\t\r\n\"',; a\u202e\x00\uff1d\uff0b\uff0d\uff20"


@given(st.text(SIGNS, max_size=12) | st.sampled_from([HOSTILE, "@SUM(A1)", "+cmd|' /C calc'!A0"]))
def test_no_cell_is_a_formula(prompt: str) -> None:
    """Whatever a prompt begins with, it is read back as text: one cell, nothing hidden in it."""
    (row,) = csv.DictReader(io.StringIO(sheet([take("a", prompt=prompt)], {}), newline=""))
    cell = row["prompt"]
    assert not cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
    assert not set(cell) & {"\x00", "\x1b", "\r", "\u202e"}
    assert cell.removeprefix("'") == printable(prompt) or cell == printable(prompt)
