"""Text on slates: nothing is lost, nothing leaves its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from runner.localgateway.lettering import clean, fit, shorten, width, wrap, write


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=60), st.integers(8, 40), st.integers(60, 400))
def test_wrapping_loses_no_letter(text: str, size: int, space: int) -> None:
    """Every visible character is on some line, in order."""
    lines = wrap(text, size, space)
    assert "".join("".join(lines).split()) == "".join(clean(text).split())


@pytest.mark.parametrize(
    "text", ["a plain sentence of some length", "夜のフェリーが桟橋を離れる。", "unbreakable" * 9]
)
def test_lines_fit(text: str) -> None:
    """No line is wider than its space, whether it breaks at blanks, ideographs or anywhere."""
    assert all(width(line, 20) <= 200 for line in wrap(text, 20, 200))


def test_a_closing_mark_never_begins_a_line() -> None:
    """The full stop stays with the ideograph before it."""
    for space in range(40, 300, 7):
        assert not any(line.startswith("。") for line in wrap("夜の。" * 9, 20, space))


def test_what_is_too_long_says_so() -> None:
    """Text that does not fit ends in an ellipsis, inside its space."""
    size, lines = fit("word " * 2000, range(20, 9, -1), 300, 100)
    assert size == 10
    assert lines[-1].endswith("…")
    assert len(lines) * size * 1.32 <= 100
    assert all(width(line, size) <= 300 for line in lines)
    assert width(shorten("a very long name", 20, 70), 20) <= 70


def test_short_text_is_large() -> None:
    """The largest size that fits is taken."""
    assert fit("One line.", range(40, 9, -1), 400, 100)[0] == 40


def test_a_character_no_font_has_is_not_dropped() -> None:
    """It is drawn as a box with its code."""
    image = Image.new("L", (60, 60))
    write(ImageDraw.Draw(image), (5, 5), "\U000f1234", 40, 255)
    assert image.getbbox() is not None


def test_a_blank_after_a_character_no_font_has_stays_blank() -> None:
    """The box stands for the character alone."""
    lone, followed = (Image.new("L", (60, 60)) for _ in range(2))
    write(ImageDraw.Draw(lone), (5, 5), "\U0010fffd", 20, 255)
    write(ImageDraw.Draw(followed), (5, 5), "\U0010fffd ", 20, 255)
    assert followed.tobytes() == lone.tobytes()
    assert width("\U0010fffd ", 20) == width("\U0010fffd", 20) + width(" ", 20)


def test_letters_that_turn_the_line_round_are_taken_out() -> None:
    """Control and bidi characters have no effect on a slate."""
    assert clean("a\u202eb\x1b[31m\u200bc\nd") == "ab[31mc d"
