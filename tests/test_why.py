"""Why: the changed thing, its line, and everything it reaches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plain_film import A, B, board, facts, plan, result, shot

from runner.fingerprint import asked, digest
from runner.load import load
from runner.model import JSON, Facts, Loc, Shot, ShotId, Storyboard
from runner.schema import open_catalogue
from runner.why import causes, diff, ripples

GRADE = Loc("film.yaml", 4, 8)


def templated(name: str, grade: str, *needs: str, line: int = 10, **more: Any) -> Shot:
    """A shot whose prompt was written by a template that looks at vars.grade."""
    made = shot(name, *needs, prompt=f"{grade}. The {name}.", **more)
    takes = tuple(replace(take, vars={"vars.grade": grade}) for take in made.takes)
    origins = {"prompt": Loc("film.yaml", line, 5), "vars.grade": GRADE}
    return replace(made, takes=takes, origins=origins)


def rendered(*shots: Shot) -> Facts:
    """Facts after these shots were rendered; A stands for every upstream's bytes."""
    done = [
        replace(result(t, A, dict.fromkeys(s.needs, A)), vars=t.vars)
        for s in shots
        for t in s.takes
    ]
    return facts(done)


def ripple_lines(film: Storyboard, known: Facts) -> list[str]:
    return [str(r) for r in ripples(plan(film, known), film, known.history)]


def test_a_changed_variable_is_told_with_its_line_and_its_reach() -> None:
    """One sentence for one edit, however many shots it reaches."""
    names = [f"sh0{n}0" for n in range(1, 5)]
    known = rendered(*(templated(n, "teal") for n in names), shot("sh090", "sh010"))
    now = [templated(n, "amber") for n in names]
    film = board(*now, shot("sh090", "sh010"))
    assert ripple_lines(film, known) == [
        "vars.grade teal -> amber, film.yaml:4, in the prompt of 4 shots; + $2.00; "
        "would also touch sh090 (up to $0.50)"
    ]
    assert plan(film, known).steps[0].reason == (
        "vars.grade teal -> amber, film.yaml:4, in the prompt"
    )


def test_an_edited_prompt_is_told_with_its_own_line() -> None:
    """The same word changed by hand is not blamed on a variable."""
    before, now = templated("sh010", "teal"), templated("sh010", "teal", line=12)
    request = replace(now.takes[0].request, prompt="edited")
    now = replace(now, takes=(replace(now.takes[0], request=request),))
    assert ripple_lines(board(now), rendered(before)) == [
        "prompt changed, film.yaml:12, in sh010; + $0.50"
    ]


def test_a_change_in_defaults_is_one_cause() -> None:
    """Shots that inherit a value share the line it is written in."""
    at = {"seconds": Loc("film.yaml", 6, 3)}
    before = [shot(n, seconds=5) for n in ("a", "b")]
    now = [replace(shot(n, seconds=8), origins=at) for n in ("a", "b")]
    assert ripple_lines(board(*now), rendered(*before)) == [
        "seconds 5 -> 8, film.yaml:6, in 2 shots; + $1.00"
    ]


def test_a_take_that_is_not_kept_touches_nothing_below() -> None:
    """Only the kept take's bytes reach other shots."""
    before = [shot("sh010", takes=2), shot("sh020", "sh010")]
    first = shot("sh010", takes=2)
    changed = replace(first.takes[1].request, prompt="x")
    now = replace(first, takes=(first.takes[0], replace(first.takes[1], request=changed)))
    known = rendered(*before)
    known = replace(
        known, outputs={"sh010.mp4": A, "sh010.t1.mp4": A, "sh010.t2.mp4": A, "sh020.mp4": A}
    )
    assert ripple_lines(board(now, before[1]), known) == ["prompt changed, in sh010; + $0.50"]


def test_a_ripple_reaches_through_chains_and_says_how_many() -> None:
    """Long chains are counted, not listed."""
    before = [shot("s1")] + [shot(f"s{n}", f"s{n - 1}") for n in range(2, 8)]
    now = [shot("s1", prompt="x"), *before[1:]]
    assert ripple_lines(board(*now), rendered(*before)) == [
        "prompt changed, in s1; + $0.50; would also touch s2, s3, s4 and 3 more (up to $3.00)"
    ]


def test_choosing_another_take_shows_its_ripple_before_anything_renders() -> None:
    """`keep: 2` renders nothing itself; what hangs on the shot must follow, for a price."""
    second = shot("sh020", "sh010")
    one, two = (result(t, sha) for t, sha in zip(shot("sh010", takes=2).takes, (A, B), strict=True))
    known = facts([one, two, result(second.takes[0], A, {ShotId("sh010"): A})])
    film = board(shot("sh010", takes=2, keep=2), second)
    assert ripple_lines(film, known) == ["reference 1: sh010 came out new, in sh020; + $0.50"]


def test_unknown_prices_are_counted_not_guessed() -> None:
    """The sum says how much of it nobody knows."""
    known = replace(rendered(shot("sh010")), estimate=lambda _: None)
    (ripple,) = ripples(
        plan(board(shot("sh010", seed=1)), known), board(shot("sh010", seed=1)), known.history
    )
    assert str(ripple) == "seed set to 1, in sh010; + $0.00; 1 without a known price"


def test_the_full_difference_shows_both_texts() -> None:
    """`plan SHOT --why` hides nothing."""
    old: Mapping[str, JSON] = {"prompt": "one\ntwo", "seconds": 5}
    new: Mapping[str, JSON] = {"prompt": "one\nthree", "seconds": 5, "options": {"a": {"b": 1}}}
    assert list(diff(old, new)) == [
        "prompt", "  - one", "  - two", "  + one", "  + three", "options.a.b", "  + 1",
    ]  # fmt: skip


FILM = """storyboard: 1
vars: {grade: teal, lens: 35mm}
defaults: {model: wan2.6-t2v}
shots:
  - id: sh010
    prompt: "{{ grade }}. The ferry leaves."
  - id: sh020
    vars: {grade: plum}
    prompt: "{{ vars.grade }}, {{ lens }}. A bench."
  - id: sh030
    prompt: The sea, {{ lens }}.
"""


def test_a_reason_leads_through_templates_to_the_line(tmp_path: Path) -> None:
    """Read from a real file: each shot names the variable that moved it, and where that is set."""

    def read(text: str) -> Storyboard:
        (tmp_path / "film.yaml").write_text(text)
        loaded = load(tmp_path / "film.yaml", tmp_path, open_catalogue())
        assert loaded.storyboard, loaded.problems
        return loaded.storyboard

    known = rendered(*read(FILM).shots)
    now = read(FILM.replace("grade: teal", "grade: amber").replace("plum", "rust"))
    reasons = [step.reason for step in plan(now, known).steps]
    file = tmp_path / "film.yaml"
    assert [reason.replace(str(file), "film.yaml") for reason in reasons] == [
        "vars.grade teal -> amber, film.yaml:2, in the prompt",
        "vars.grade plum -> rust, film.yaml:8, in the prompt",
        "up to date",
    ]


words = st.text(max_size=4)


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    options = draw(st.dictionaries(words, st.integers() | st.booleans(), max_size=2))
    made = shot("s", prompt=draw(words), options=options)
    return replace(made, takes=(replace(made.takes[0], vars={"vars.g": draw(words)}),))


@given(shots(), shots())
def test_there_is_a_cause_exactly_where_the_fingerprint_changed(old: Shot, new: Shot) -> None:
    """Never a bill without a reason, never a reason without a bill."""
    before = replace(result(old.takes[0], A), vars=old.takes[0].vars)
    document = asked(new.takes[0], lambda _: None)
    assert document
    found = causes(before, document, new, new.takes[0])
    assert (digest(before.asked) == digest(document)) == (found == ())
