"""A film as a drawing: every shot, every edge, where each stands; text from outside stays text."""

import re
from collections.abc import Sequence
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plain_film import A, B, C, attempt, board, facts, plan, result, shot

from runner.diagram import FORMATS, Diagram, drawn
from runner.diagram.dot import quoted
from runner.diagram.mermaid import text
from runner.model import Medium, Probe, Result, Shot, ShotId, ShotOutput, Standing
from runner.progress import printable

HOSTILE = (
    '"; n1[label=x] <script>alert(1)</script> &amp; #35; `a` |b| \\N \\n \\ \u202etxt\n]--> n2'
)
STRING = r'"((?:[^"\\]|\\.)*)"'


def diagram(*shots: Shot, results: Sequence[Result] = (), **more: Any) -> Diagram:
    known = facts(results, **more)
    storyboard = board(*shots)
    return drawn(storyboard, plan(storyboard, known), known.history, lambda request: 5.0)


def shown(literal: str) -> str:
    """What Graphviz draws for what stands between its quotes."""
    escapes = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}
    return unescape(re.sub(r'\\["\\n]', lambda found: escapes[found[0]], literal))


def nodes(dot: str) -> dict[str, str]:
    found = re.findall(rf"^  {STRING} \[label={STRING}, ", dot, re.MULTILINE)
    return {shown(name): shown(label) for name, label in found}


def edges(dot: str) -> list[tuple[str, ...]]:
    found = re.findall(rf"^  {STRING} -> {STRING} \[label={STRING}", dot, re.MULTILINE)
    return [tuple(map(shown, each)) for each in found]


def test_every_shot_stands_where_the_plan_says() -> None:
    """Up to date, stale, waiting, new, in doubt: in words, as a class and as a colour."""
    fine, old = shot("fine"), shot("stale", seconds=4)
    others = (shot("stale", seconds=5), shot("w", "stale"), shot("new"), shot("lost"))
    results = [result(fine.takes[0], A), result(old.takes[0], B)]
    doubt = attempt(result(others[-1].takes[0], C), Standing.AMBIGUOUS)
    made = diagram(fine, *others, results=results, doubtful=doubt)
    dot, mermaid = (FORMATS[name].write(made) for name in ("dot", "mermaid"))
    words = [label.splitlines()[-1] for label in nodes(dot).values()]
    states = ["up to date", "stale", "waiting", "to render", "in doubt"]
    assert words == [f"5 s · {state}" for state in states]
    assert re.findall('class="([a-z-]+)"', dot) == [state.replace(" ", "-") for state in states]
    assert re.findall(":::(.*)", mermaid) == [
        "IsUpToDate", "IsStale", "IsWaiting", "IsToRender", "IsInDoubt",
    ]  # fmt: skip
    assert sorted(re.findall("classDef ([A-Za-z]+) fill:#", mermaid)) == sorted(
        re.findall(":::(.*)", mermaid)
    )


def test_a_length_that_the_model_chose_is_that_of_the_file() -> None:
    """Where the request leaves it open, the render knows it: also a stale one."""
    fine, old, new = shot("fine"), shot("stale", seconds=4), shot("new")
    found = [replace(result(each.takes[0], A), probe=Probe(1280, 720, 5.0417, 24.0, True))
             for each in (fine, old)]  # fmt: skip
    board_ = board(fine, shot("stale", seconds=5), new)
    known = facts(found)
    made = drawn(board_, plan(board_, known), known.history, lambda request: None)
    assert [node.about for node in made.nodes] == ["5.04 s", "5.04 s", ""]


def test_an_edge_says_what_is_handed_on() -> None:
    """Frames with their place, whole videos, several at once, and mere order as a dashed line."""
    media = (
        Medium("first_frame", "image", ShotOutput(ShotId("a"), "last")),
        Medium("last_frame", "image", ShotOutput(ShotId("a"), Decimal("2.5"))),
        Medium("reference", "video", ShotOutput(ShotId("b"))),
    )
    made = diagram(shot("a"), shot("b"), shot("c", media=media, after=("a", "d")), shot("d"))
    dot, mermaid = (FORMATS[name].write(made) for name in ("dot", "mermaid"))
    assert edges(dot) == [
        ("a", "c", "last frame as first frame, frame at 2.5 s as last frame"),
        ("b", "c", "video as reference"),
        ("d", "c", "after"),
    ]
    assert dot.count("style=dashed") == 1
    assert '  n4 -.->|"after"| n3' in mermaid
    assert '  n2 -->|"video as reference"| n3' in mermaid


def test_variants_and_takes_are_told() -> None:
    """A variant is a shot of its own; of several takes it says which one stands for it."""
    made = diagram(shot("a", takes=3, keep=2), shot("a.wide"))
    assert nodes(FORMATS["dot"].write(made)) == {
        "a": "a\nwan2.6-t2v\n5 s · take 2 of 3 · to render",
        "a.wide": "a.wide\nwan2.6-t2v\n5 s · to render",
    }


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_text_from_outside_adds_nothing_to_a_drawing(form: str) -> None:
    """Title, model and reason: as many lines as without, and none of their signs is taken up."""
    made = diagram(shot("end"), shot("b", "end"))
    hostile = Diagram(
        HOSTILE,
        tuple(replace(node, model=HOSTILE, reason=HOSTILE) for node in made.nodes),
        made.edges,
    )
    plain, drawing = (FORMATS[form].write(each) for each in (made, hostile))
    assert drawing.count("\n") == plain.count("\n")
    assert "\u202e" not in drawing
    lines = drawing.splitlines()[3 if form == "mermaid" else 5 :]  # below the title
    if form == "mermaid":
        assert not [line for line in lines if "<script" in line or "`" in line]
        assert all(line.count('"') in (0, 2) for line in lines)
    else:
        assert list(nodes(drawing)) == ["end", "b"]
        flat = " ".join(printable(HOSTILE).split())
        assert [label.splitlines()[1] for label in nodes(drawing).values()] == [flat, flat]


ANY = st.text("\"\\&#;<>`'|[]{}nNl \n%aé", max_size=20)


@given(ANY)
def test_graphviz_reads_back_what_was_meant(words: str) -> None:
    """Quotes, backslashes and entities are drawn as they are."""
    literal = quoted(words)
    assert re.fullmatch(STRING, literal)
    assert shown(literal[1:-1]) == " ".join(printable(words).split())


@given(ANY)
def test_mermaid_reads_back_what_was_meant(words: str) -> None:
    """Only codes remain of the signs that it, or HTML, would take for its own."""
    written = text(words)
    assert not set(re.sub(r"#\d+;", "", written)) & set('"#<>&;`|[]{}\\%')
    meant = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), written)
    assert meant == " ".join(printable(words).split())


def test_a_long_film_is_drawn_in_a_line_each() -> None:
    """The size grows with the shots, not with their square."""
    chain = [shot("s0"), *(shot(f"s{n}", f"s{n - 1}") for n in range(1, 500))]
    made = diagram(*chain)
    assert FORMATS["dot"].write(made).count("\n") == 6 + 500 + 499
    assert FORMATS["mermaid"].write(made).count("\n") == 4 + 500 + 499 + 2
