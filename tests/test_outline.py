"""Part of a storyboard read alone is read as in the whole, wherever there is such a part."""

import itertools
import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.load import Loaded, load
from runner.load import outline as outlines
from runner.load.outline import Excerpt, Outline, excerpt, outline, read_outline
from runner.model import Shot, ShotId
from runner.schema import open_catalogue

HEAD = """\
storyboard: 1
vars: {grade: teal}
cut:
  clips: [a, d]
defaults: {model: wan2.6-t2v, seconds: 5, resolution: 720p, aspect_ratio: "16:9"}
shots:
"""
SHOTS = """\
  - id: a
    prompt: "{{ grade }}. A pier."

  # the second one
  - id: b
    model: wan2.6-i2v
    first_frame: {shot: a, frame: last}
    prompt: >+
      It moves,
      slowly.

  - id: c
    prompt: A bench; it's wet.
    variants: {wide: {prompt: "Wide. \\"So\\" she says."}, near: {takes: 3}}
  - id: d
    model: wan2.6-i2v
    first_frame: {shot: b, frame: last}
    prompt: |
      A lamp - id: x
  - {id: e, prompt: A street}
  - id: f
    after: [c.near]
    prompt: Rain
      on
      slate.
  - {id: g, model: sora-2, seconds: 4, size: 1280x720, prompt: A retired model.}
"""
TAIL = "budget: 100\n"
TEXT = HEAD + SHOTS + TAIL
CATALOGUE = open_catalogue()
FILE = Path("film.yaml")


def read(text: str) -> Loaded:
    return load(Path.cwd() / FILE, Path.cwd(), CATALOGUE, text=text.encode())


def of(text: str, *spoken_of: str) -> Outline | None:
    loaded = read(text)
    assert loaded.storyboard
    return outline(str(Path.cwd() / FILE), loaded, frozenset(map(ShotId, spoken_of)))


def parted(text: str, *spoken_of: str, before: str = TEXT) -> Excerpt | None:
    found = of(before, *spoken_of)
    assert found
    return excerpt(read_outline(found.saved()), text)


def told(shot: Shot) -> str:
    """Everything a plan could look at: all but an entry's number in its list."""
    return re.sub(r"/shots/\d+", "/shots/n", repr(replace(shot, origins=dict(shot.origins))))


# A comment, then every entry with what hangs on it, what it needs, and the one with a warning.
KEPT = {
    "A pier.": "a b d g",
    "slowly": "a b d g",
    "A bench": "c c.wide c.near f g",
    "A lamp": "a b d g",
    "A street": "e g",
    "on\n": "c c.wide c.near f g",
    "A retired": "g",
}


@pytest.mark.parametrize(("word", "shots"), KEPT.items(), ids=[w.strip() for w in KEPT])
def test_what_hangs_on_a_change_is_read(word: str, shots: str) -> None:
    """The entry itself, what comes from it, what that needs, and every entry with a warning."""
    found = parted(TEXT.replace(word, "Now " + word))
    assert found
    assert found.shots == frozenset(shots.split())
    everything = read(TEXT).shots
    takes = {shot.id: len(shot.takes) for shot in everything}
    assert found.left_out == sum(n for id_, n in takes.items() if id_ not in found.shots)


def test_what_there_is_to_say_about_is_always_read() -> None:
    """A shot that a plan speaks of is in every part, so that the plan goes on speaking of it."""
    found = parted(TEXT.replace("A street", "A road"), "c.wide")
    assert found
    assert found.shots == frozenset(["c", "c.wide", "c.near", "f", "e", "g"])


@pytest.mark.parametrize(
    "change",
    [
        ("grade: teal", "grade: amber"),  # what every shot stands on
        ("clips: [a, d]", "clips: [a]"),
        ("budget: 100", "budget: 10"),
        ("    prompt: >+", "  prompt: >+"),  # the entry ends there
        ("  # the second one", "title: no"),
        ("  - id: f", "   - id: f"),
        ("  - {id: e", "...\n  - {id: e"),
        ("  - {id: e", "\t- {id: e"),
    ],
)
def test_a_change_that_may_reach_further_has_no_part(change: tuple[str, str]) -> None:
    """Whatever an edit could change outside its own entries, the whole storyboard is read."""
    assert change[0] in TEXT
    assert parted(TEXT.replace(*change)) is None


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("prompt: A street", "prompt: &street A street"),
        "{storyboard: 1, shots: [{id: a, model: wan2.6-t2v, seconds: 5, resolution: 720p, "
        'aspect_ratio: "16:9", prompt: x}]}',
        HEAD.replace("clips: [a, d]", "clips: [e]") + "  [{id: e, prompt: A street}]\n",
        HEAD.replace("clips: [a, d]", "clips: [e]") + "  -\n    id: e\n    prompt: A street\n",
        TEXT.replace("- id: a\n", "- id: a\n    after: [e]\n"),
    ],
    ids=["an anchor", "flow style", "a list in brackets", "a lonely dash", "a later shot first"],
)  # fmt: skip
def test_other_forms_have_no_outline(text: str) -> None:
    """Where entries do not stand alone in their lines, or in the order of the film."""
    assert of(text) is None


@pytest.mark.parametrize("stretch", [1, 2, 3, 5])
def test_it_does_not_matter_how_digests_are_grouped(
    monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    """Changes in one entry, in several, and at both ends are found whatever the groups."""
    words = ["A pier.", "slowly", "A bench", "A lamp", "A street", "on\n", "A retired"]
    edits = [
        TEXT.replace(first, "Now " + first).replace(last, change + last)
        for first, last in itertools.product(words, words)
        for change in ("then ", "")
    ]
    whole = [parted(text) for text in edits]
    monkeypatch.setattr(outlines, "STRETCH", stretch)
    grouped = [parted(text) for text in edits]
    assert None not in whole
    assert [e and (e.text, e.shots, e.left_out) for e in grouped] == [
        e and (e.text, e.shots, e.left_out) for e in whole
    ]


EDITS = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from(
        ["x", " ", "\n", '"', "'", "{", "}", "[", "]", "- ", "  - id: a\n", "    takes: 2\n", "#",
         ": ", "|", ">", "&x ", "*x", "    after: [a]\n", "    prompt: y\n", "---\n", "...\n", "{{",
         "\\", "    enabled: false\n", "\n\n", "é", "\r\n", "    keep: 9\n", "  ",
         "\n  - {id: z, prompt: z}", "\n  - {id: B, prompt: z}",
         "\n  - {id: z, prompt: z, after: [a]}"]
    ),
    st.integers(0, 12),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=3))
@example([(TEXT.index("it's") - len(HEAD), '"', 0)])
@example([(TEXT.index("A lamp") - len(HEAD), "'", 3)])
@example([(TEXT.index(" street}") - len(HEAD) + 8, "\n  - {id: z, prompt: z}", 0)])
def test_a_part_says_what_the_whole_says(edits: list[tuple[int, str, int]]) -> None:
    """After any edit: shots of the part, their places and problems are those of the whole."""
    text = TEXT
    dice = random.Random(edits[0][0])
    near = len(HEAD) + edits[0][0] % len(SHOTS)
    for place, put, gone in edits:
        at = min(near + place % 40, len(text)) if dice.random() < 0.8 else place % len(text)
        text = text[:at] + put + text[at + gone :]
    found = parted(text)
    if found is None:
        return
    part, whole = read(found.text), read(text)
    assert found.text.count("\n") == text.count("\n")
    if part.storyboard is None or not found.holds(part.shots):
        return  # then the whole is planned
    assert whole.storyboard is not None, whole.problems
    there = {shot.id: shot for shot in whole.shots}
    assert [told(shot) for shot in part.shots] == [told(there[shot.id]) for shot in part.shots]
    before = {shot.id: shot for shot in read(TEXT).shots}
    moved = {
        shot.id
        for shot in whole.shots
        if shot.id not in before or asks(shot) != asks(before[shot.id])
    }
    assert moved <= {shot.id for shot in part.shots}
    assert len(whole.shots) == len(part.shots) + len(before) - len(found.shots)
    lines = [(p.rule, p.message, p.at.line, p.at.column) for p in part.problems]
    assert lines == [(p.rule, p.message, p.at.line, p.at.column) for p in whole.problems]


def asks(shot: Shot) -> tuple[object, ...]:
    prompts = [take.request.prompt for take in shot.takes]
    return shot.vendor, prompts, shot.keep, shot.pin, shot.after
