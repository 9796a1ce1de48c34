"""What people see."""

import io
import json

import pytest

from runner.model import Action, Loc, Outcome, Plan, Problem, Severity, ShotId, Status, Step
from runner.progress import Lines, Live, Out, face, printable


@pytest.fixture
def streams() -> tuple[io.StringIO, io.StringIO]:
    return io.StringIO(), io.StringIO()


def step(shot: str = "sh010", action: Action = Action.RENDER, reason: str = "new") -> Step:
    return Step(ShotId(shot), 1, action, reason)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;pwn\x07", "\\x1b]0;pwn\\x07"),
        ("abc\u202edef", "abc\\u202edef"),
        ("a\rb\x00", "a\\x0db\\x00"),
        ("wide 雪\nnext", "wide 雪\nnext"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_text_from_outside_cannot_move_the_cursor(raw: str, shown: str) -> None:
    """Control, bidi and escape characters are written out; ordinary text stays."""
    assert printable(raw) == shown


def test_results_and_talk_are_kept_apart(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """A script that reads stdout never meets a sentence for people."""
    out = Out(*streams, colour=False)
    out.say("rendering \x1b[31m")
    out.result(json.dumps({"a": 1}))
    assert streams[0].getvalue() == '{"a": 1}\n'
    assert streams[1].getvalue() == "rendering \\x1b[31m\n"


def test_a_problem_says_where_what_and_how(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """place: severity: message [rule], then the hint and who says so."""
    problem = Problem(
        "veo.seconds",
        "seconds is 7",
        Loc("film.yaml", 12, 5),
        Severity.ERROR,
        hint="4, 6 or 8",
        source="gateway doc, 2026-04-14",
    )
    Out(*streams, colour=False).problems([problem])
    assert streams[1].getvalue().splitlines() == [
        "film.yaml:12:5: error: seconds is 7 [veo.seconds]",
        "  4, 6 or 8",
        "  (gateway doc, 2026-04-14)",
    ]


def test_no_escape_codes_away_from_a_terminal(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """Logs stay plain, and a finished take is one line."""
    lines = Lines(Out(*streams, colour=False))
    lines.planned(Plan("film.yaml", "local", (step(),)))
    lines.started(step())
    lines.heard(step(), "in_progress", 40)
    lines.finished(Outcome(step(), Status.DONE, output="sh010.mp4"))
    lines.close()
    text = streams[1].getvalue()
    assert "\x1b" not in text
    assert text.splitlines()[0] == "sh010  render  new"
    assert text.splitlines()[-1].startswith("sh010  done in ")
    assert text.splitlines()[-1].endswith("sh010.mp4")


def test_what_is_up_to_date_is_not_worth_a_line(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    """A thousand reused shots print nothing."""
    lines = Lines(Out(*streams, colour=False))
    lines.planned(Plan("film.yaml", "local", (step(),)))
    lines.finished(Outcome(step(action=Action.REUSE, reason="up to date"), Status.DONE))
    assert streams[1].getvalue() == ""


def test_the_live_display_leaves_the_same_lines_behind(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    """On a terminal the finished lines scroll up above the running rows."""
    live = face(Out(*streams, colour=True))
    assert isinstance(live, Live)
    live.planned(Plan("film.yaml", "local", (step(), step("sh020"))))
    live.started(step())
    live.heard(step(), "in_progress", 40)
    live.heard(step("sh999"), "queued", None)
    live.finished(Outcome(step(), Status.FAILED, detail="moderation: \x1b[2J"))
    live.note("one line that stays")
    live.close()
    text = streams[1].getvalue()
    assert "sh010  failed" in text.replace("\x1b[31m", "")
    assert "moderation: \\x1b[2J" in text
    assert "one line that stays" in text


def test_advice_is_given_once(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """Ten shots with one mistake are ten places and one hint."""
    problems = [
        Problem("veo.seconds", "seconds is 7", Loc("film.yaml", line, 5), hint="4, 6 or 8")
        for line in (12, 19)
    ]
    Out(*streams, colour=False).problems(problems)
    assert streams[1].getvalue().splitlines() == [
        "film.yaml:12:5: error: seconds is 7 [veo.seconds]",
        "  4, 6 or 8",
        "film.yaml:19:5: error: seconds is 7 [veo.seconds]",
    ]


def test_different_mistakes_each_have_their_advice(
    streams: tuple[io.StringIO, io.StringIO],
) -> None:
    """What mends two mistakes stands below both: the second may be a thousand lines further."""
    Out(*streams, colour=False).problems(
        Problem("storyboard.unknown_key", f"unknown key `{key}`", Loc("film.yaml", n, 1), hint="so")
        for n, key in enumerate(("titel", "tilte"), 3)
    )
    assert [line for line in streams[1].getvalue().splitlines() if line == "  so"] == ["  so"] * 2


def test_one_place_has_its_advice_once(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """What is wrong in `defaults` is told for each shot, and how to mend it there once."""
    Out(*streams, colour=False).problems(
        Problem("veo.seconds", f"seconds is 7 (shot {id_})", Loc("film.yaml", 3, 5), hint="so")
        for id_ in ("sh010", "sh020")
    )
    assert [line for line in streams[1].getvalue().splitlines() if line == "  so"] == ["  so"]


def test_a_stop_is_explained_once(streams: tuple[io.StringIO, io.StringIO]) -> None:
    """After Ctrl-C each take is a short line; what to do next stands at the end of the run."""
    lines = Lines(Out(*streams, colour=False))
    lines.planned(Plan("film.yaml", "local", (step(),)))
    lines.finished(Outcome(step(), Status.INTERRUPTED, detail="the next run goes on from here"))
    assert streams[1].getvalue() == "sh010  stopped\n"
