"""Edits of a storyboard's text that leave everything else alone."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.edit import set_field, set_fields
from runner.errors import BadInput
from runner.model import JSON
from runner.source import read_yaml

BOAT = 'A boat with @Image at dusk; the "lamps" smear.'
FILM = """\
# a film
storyboard: 1
shots:
  - id: sh010   # the first
    model: wan2.6-t2v  # cheap
    prompt: >-
      A ferry with <<<image_1>>> at
      dusk; the "lamps" smear.

    takes: 3
    # about the picture
    options:   # native
      cfg: 0.5

  - {id: sh020, model: "veo", first_frame: {shot: sh010, frame: last}}
  - model: sora-2
    id: sh030
    keep:
    variants:
      wide: {seconds: 8}   # wide
      tall:
        seconds: 4
    prompt: |
      One.

      Two.
"""


TALL = "seconds: 4\n"
TEXT = "prompt: |\n      One.\n\n      Two.\n"
FRAME = "{shot: sh010, frame: last}"


@pytest.mark.parametrize(
    ("shot", "key", "value", "old", "new"),
    [
        ("sh010", "takes", 4, "takes: 3\n", "takes: 4\n"),
        ("sh010", "model", "kling-v2-6", "model: wan2.6-t2v  #", "model: kling-v2-6  #"),
        ("sh010", "keep", 2, "takes: 3\n", "takes: 3\n    keep: 2\n"),
        ("sh010", "options", {"cfg": 1}, ":   # native\n      cfg: 0.5", ": {cfg: 1}   # native"),
        ("sh010", "prompt", BOAT, "ferry with <<<image_1>>> at", "boat with @Image at"),
        ("sh010", "takes", None, "    takes: 3\n", ""),
        ("sh010", "model", None, "    model: wan2.6-t2v  # cheap\n", ""),
        ("sh020", "model", "kling-v2-6", 'model: "veo"', "model: kling-v2-6"),
        ("sh020", "keep", 2, "frame: last}}", "frame: last}, keep: 2}"),
        ("sh020", "model", None, ', model: "veo"', ""),
        ("sh020", "first_frame", None, f", first_frame: {FRAME}", ""),
        ("sh020", "first_frame", {"image": "refs/a b.png"}, FRAME, "{image: refs/a b.png}"),
        ("sh030", "keep", 2, "keep:\n", "keep: 2\n"),
        ("sh030", "model", None, "- model: sora-2\n    id", "- id"),
        ("sh030", "model", "no", "model: sora-2", 'model: "no"'),
        ("sh030.wide", "keep", 2, "{seconds: 8}", "{seconds: 8, keep: 2}"),
        ("sh030.tall", "size", "9:16", TALL, f'{TALL}        size: "9:16"\n'),
        ("sh030", "prompt", "Short: #1", TEXT, 'prompt: "Short: #1"\n'),
    ],
)
def test_only_the_field_changes(shot: str, key: str, value: JSON, old: str, new: str) -> None:
    """Comments, order and layout stay as they were, to the letter."""
    assert FILM.count(old) == 1
    assert set_field(FILM, shot, key, value) == FILM.replace(old, new)


def test_several_fields_at_once() -> None:
    """A move to another model is one edit."""
    edited = set_fields(FILM, "sh010", {"model": "sora-2", "seconds": 8, "options": None})
    assert "sora-2  # cheap" in edited
    assert "seconds: 8" in edited
    assert "cfg" not in edited


def test_windows_line_ends_and_byte_order_marks_stay() -> None:
    """A file from another editor stays such a file."""
    text = "\ufeff" + FILM.replace("\n", "\r\n")
    edited = set_field(text, "sh010", "keep", 2)
    assert edited == text.replace("    takes: 3\r\n", "    takes: 3\r\n    keep: 2\r\n")


def test_setting_what_is_set_changes_nothing() -> None:
    """An edit to the same value gives the same text."""
    assert set_field(FILM, "sh010", "model", "wan2.6-t2v") == FILM
    assert set_field(FILM, "sh020", "seconds", None) == FILM


@pytest.mark.parametrize(
    ("text", "shot"),
    [
        (FILM, "sh099"),
        (FILM, "sh030.big"),
        (FILM + "a: [", "sh010"),
        ("storyboard: 1\nshots:\n  - &a {id: sh010, model: x}\nmore: *a\n", "sh010"),
        ("storyboard: 1\nmore: &a {id: sh010, model: x}\nshots:\n  - *a\n", "sh010"),
        ("storyboard: 1\nshots:\n  - id: sh010\n    model: &m x\n    notes: *m\n", "sh010"),
        ("- 1\n", "sh010"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, shot: str) -> None:
    """Nothing is returned rather than a text in which something else has changed as well."""
    with pytest.raises(BadInput):
        set_field(text, shot, "model", "y")


plain = st.text("abc é'\"#:{}[],&*!|>%@`-?\n\t\\日0179.~", max_size=24)
scalars = (
    plain
    | st.integers(-5, 99)
    | st.booleans()
    | st.floats(-5, 5)
    | st.sampled_from(["no", "16:9", "~", "1e3"])
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(plain, scalars, max_size=3)
styles = st.sampled_from(["flow", "block", "json"])


def written(shot: dict[str, JSON], style: str) -> str:
    if style == "json":
        return f"  - {json.dumps(shot, ensure_ascii=False)}  # note\n"
    if style == "flow":
        inner = ", ".join(f"{key}: {json.dumps(value)}" for key, value in shot.items())
        return f"  - {{{inner}}}  # note\n"
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}  # note" for key, value in shot.items()
    ]
    return "  - " + "\n    # between\n    ".join(lines) + "\n\n"


fields = st.dictionaries(
    st.sampled_from(["model", "prompt", "options", "seconds"]), values, max_size=4
)


@given(st.lists(st.tuples(fields, styles), min_size=1, max_size=3), st.data())
def test_any_field_of_any_film_can_be_set(
    shots: list[tuple[dict[str, JSON], str]], data: st.DataObject
) -> None:
    """After an edit the new value stands there, the old ones elsewhere, and every comment."""
    texts = [written({"id": f"sh{n}", **shot}, style) for n, (shot, style) in enumerate(shots)]
    text = "storyboard: 1  # one\nshots:\n" + "".join(texts) + "# end\n"
    number = data.draw(st.integers(0, len(shots) - 1))
    key = data.draw(st.sampled_from(["model", "prompt", "options", "keep"]))
    value = data.draw(values)
    edited = set_field(text, f"sh{number}", key, value)
    wanted = [{"id": f"sh{n}", **shot} for n, (shot, _) in enumerate(shots)]
    wanted[number][key] = value
    again, problems = read_yaml(edited, "film.yaml")
    assert not problems
    assert again["shots"] == wanted
    assert edited.count("# note") == text.count("# note")
    assert edited.endswith("# end\n")
    if key not in shots[number][0]:
        assert set_field(edited, f"sh{number}", key, None) == text


def test_the_examples_can_be_edited() -> None:
    """Every shot of every storyboard that is shipped can have its keeper chosen."""
    for path in sorted((Path(__file__).parent.parent / "pipelines").glob("*.yaml")):
        text = path.read_text()
        data, _ = read_yaml(text, path.name)
        for shot in data.get("shots", ()):
            edited = set_field(text, shot["id"], "keep", 1)
            assert len(edited.splitlines()) - len(text.splitlines()) in (0, 1)
