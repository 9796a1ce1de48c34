"""Part of a storyboard read alone is read as in the whole, wherever there is such a part."""

import itertools
import random
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.load import Loaded, load
from runner.load import outline as outlines
from runner.load.outline import Excerpt, Outline, excerpt, outline, read_outline
from runner.model import Problem, Shot, ShotId
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
Texts = dict[str, str]  # of a film, by file
ONE: Texts = {"film.yaml": TEXT}
C, E = SHOTS.index("  - id: c"), SHOTS.index("  - {id: e")
OWN = HEAD.replace("cut:\n  clips: [a, d]\n", "")
SEVERAL: Texts = {
    "film.yaml": TEXT.replace(SHOTS[:E], "")
    .replace("shots:", "include: [one.yaml, more/two.yaml, flow.yaml, none.yaml]\nshots:")
    .replace("model.}", "model., after: [x]}"),
    "one.yaml": OWN + "  # ahead\n  - {id: x, prompt: Not yet., enabled: false}\n" + SHOTS[:C]
    + "  - {id: j, prompt: A later one first., after: [d]}\n",
    "more/two.yaml": OWN + SHOTS[C:E],
    "flow.yaml": """\
{storyboard: 1, shots: [{id: h, model: sora-2, seconds: 4, size: 1280x720, prompt: A hut.},
 {id: i, model: wan2.6-i2v, seconds: 5, resolution: 720p, prompt: Now.,
  first_frame: {shot: c, frame: last}}]}
""",
    "none.yaml": "storyboard: 1\nshots: []\n",
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files that can be named; what is read of them is given."""
    root = tmp_path_factory.mktemp("films")
    (root / "more").mkdir()
    for name in (*SEVERAL, "new.yaml", "rows.yaml"):
        (root / name).touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield


def read(texts: Texts) -> Loaded:
    given = {name: text.encode() for name, text in texts.items()}
    return load(Path("film.yaml"), Path.cwd(), CATALOGUE, texts=given)


def of(texts: Texts, *spoken_of: str) -> Outline | None:
    loaded = read(texts)
    assert loaded.storyboard
    return outline(loaded, frozenset(map(ShotId, spoken_of)))


def parted(texts: Texts, *spoken_of: str, before: Texts) -> Excerpt | None:
    found = of(before, *spoken_of)
    assert found
    return excerpt(read_outline(found.saved()), texts)


def edited(texts: Texts, *changes: tuple[str, str]) -> Texts:
    """The texts with something else in one of them, or in several."""
    for old, new in changes:
        [file] = [name for name, text in texts.items() if text.count(old) == 1]
        texts = {**texts, file: texts[file].replace(old, new)}
    return texts


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
    found = parted(edited(ONE, (word, "Now " + word)), before=ONE)
    assert found
    assert found.shots == frozenset(shots.split())
    assert found.left_out == takes_of(ONE, but=found.shots)


def takes_of(texts: Texts, but: Collection[str]) -> int:
    return sum(len(shot.takes) for shot in read(texts).shots if shot.id not in but)


def test_what_there_is_to_say_about_is_always_read() -> None:
    """A shot that a plan speaks of is in every part, so that the plan goes on speaking of it."""
    found = parted(edited(ONE, ("A street", "A road")), "c.wide", before=ONE)
    assert found
    assert found.shots == frozenset(["c", "c.wide", "c.near", "f", "e", "g"])


ALWAYS = "c c.wide c.near g h i"  # the flow file with what it names; entries with a warning
SEVERAL_KEPT = {
    "a first entry": ([("A pier.", "A quay.")], f"a b d j {ALWAYS}"),
    "one that others hang on": ([("slowly", "fast")], f"a b d j {ALWAYS}"),
    "one that hangs on another file": ([("A lamp", "A lantern")], f"a b d j {ALWAYS}"),
    "one that names a later file's": ([("A later one", "A last one")], f"a b d j {ALWAYS}"),
    "of the file that includes": ([("A street", "A road")], f"e {ALWAYS}"),
    "of two files": ([("A pier", "A quay"), ("A street", "A road")], f"a b d e j {ALWAYS}"),
    "of three files": (
        [("A pier", "A quay"), ("A bench", "A seat"), ("A street", "A road")],
        f"a b d e f j {ALWAYS}",
    ),
    "a new name in another file": ([("A street", "A street, after: [d]")], f"a b d e {ALWAYS}"),
    "a disabled one": ([("Not yet.", "Later.")], ALWAYS),
    "a new shot": ([("  - id: f", "  - {id: n, prompt: New.}\n  - id: f")], f"f {ALWAYS}"),
}


@pytest.mark.parametrize(("changes", "shots"), SEVERAL_KEPT.values(), ids=SEVERAL_KEPT)
def test_files_are_read_in_part(changes: list[tuple[str, str]], shots: str) -> None:
    """Of each file only what a change in any of them concerns; a file in flow style as it is."""
    texts = edited(SEVERAL, *changes)
    found = parted(texts, before=SEVERAL)
    assert found
    assert found.shots == frozenset(shots.split())
    assert found.left_out == takes_of(SEVERAL, but=found.shots)
    assert_as_the_whole(texts, found, SEVERAL)


def test_a_file_without_an_entry_left_is_still_a_storyboard() -> None:
    """Where nothing of a file need be read, its list of shots is empty."""
    before = {"film.yaml": SEVERAL["film.yaml"], **SEVERAL, "flow.yaml": "storyboard: 1\nshots: []"}
    texts = edited(before, ("A street", "A road"))
    found = parted(texts, before=before)
    assert found
    assert found.texts["more/two.yaml"].replace("#", "").split() == [*OWN.split(), "[]"]
    assert_as_the_whole(texts, found, before)


@pytest.mark.parametrize("form", ["CRLF", "no last line break", "indented less"])
def test_the_form_of_lines_does_not_matter(form: str) -> None:
    """Windows' line breaks, a last line that does not end, dashes under their key."""
    before = dict(SEVERAL)
    for name in ("one.yaml", "more/two.yaml", "film.yaml"):
        text = before[name]
        match form:
            case "CRLF":
                text = text.replace("\n", "\r\n")
            case "no last line break":
                text = text.rstrip("\n")
            case "indented less":
                text = re.sub("(?m)^  (?=( |- |#))", "", text).replace("clips", "  clips")
        before[name] = text
    for change in (("A pier.", "A quay."), ("A bench", "A seat"), ("A street", "A road")):
        texts = edited(before, change)
        found = parted(texts, before=before)
        assert found
        assert_as_the_whole(texts, found, before)


OUTSIDE = [
    ("grade: teal", "grade: amber"),  # what every shot stands on
    ("{grade: teal}\ncut", "{grade: dusk}\ncut"),  # in as many characters
    ("clips: [a, d]", "clips: [a]"),
    ("budget: 100", "budget: 10"),
    ("budget: 100", "budget: 900"),
    ("    prompt: >+", "  prompt: >+"),  # the entry ends there
    ("  # the second one", "title: no"),
    ("  - id: f", "   - id: f"),
    ("  - {id: e", "...\n  - {id: e"),
    ("  - {id: e", "\t- {id: e"),
]


@pytest.mark.parametrize("change", OUTSIDE)
def test_a_change_that_may_reach_further_has_no_part(change: tuple[str, str]) -> None:
    """Whatever an edit could change outside its own entries, the whole storyboard is read."""
    assert parted(edited(ONE, change), before=ONE) is None


@pytest.mark.parametrize(
    "change",
    [
        *OUTSIDE[1:],
        ("more/two.yaml, flow", "more/two.yaml, new.yaml, flow"),  # another file
        ("more/two.yaml, flow", "flow"),  # one less
        ("more/two.yaml, flow", "flow, more/two.yaml"),  # in another order
        ("one.yaml, more", "one.yaml, one.yaml, more"),
        ("A hut.", "A hall."),  # in a file in flow style
        ("shots: []\n", "shots: []\n# more\n"),
        ("shots: []\n", "shots:\n  - {id: n, prompt: x}\n"),
        *((f"{head}  # ahead", f"{head}  # above") for head in ("shots:\n",)),
    ],
)
def test_a_change_in_any_file_that_may_reach_further_has_no_part(change: tuple[str, str]) -> None:
    """Also where it would be well in another file."""
    assert parted(edited(SEVERAL, change), before=SEVERAL) is None
    both = edited(SEVERAL, change, ("A lamp", "A lantern"))
    assert parted(both, before=SEVERAL) is None


@pytest.mark.parametrize("name", ["one.yaml", "more/two.yaml"])
@pytest.mark.parametrize("line", ["gateway: local\n", "budget: 5\n", "title: One\n"])
def test_what_only_counts_alone_has_no_part(name: str, line: str) -> None:
    """Fields of an included file that say nothing about this film are still outside its shots."""
    whole = {**SEVERAL, name: SEVERAL[name].replace("storyboard: 1\n", f"storyboard: 1\n{line}")}
    assert parted(whole, before=SEVERAL) is None
    texts = edited(whole, ("A lamp", "A lantern"))
    found = parted(texts, before=whole)
    assert found
    assert_as_the_whole(texts, found, whole)


@pytest.mark.parametrize(
    "put",
    ["{id: E, prompt: Twice.}", "{id: X, prompt: Twice.}"],
    ids=["a name of another file", "a name that is disabled there"],
)
def test_a_new_shot_has_to_be_new_in_the_film(put: str) -> None:
    """Ids are unique in the whole film, whatever files they stand in."""
    texts = edited(SEVERAL, ("  # the second one", f"  - {put}"))
    found = parted(texts, before=SEVERAL)
    assert found
    part = read({**texts, **found.texts})
    assert part.storyboard is None or not found.holds(part)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("prompt: A street", "prompt: &street A street"),
        "{storyboard: 1, shots: [{id: a, model: wan2.6-t2v, seconds: 5, resolution: 720p, "
        'aspect_ratio: "16:9", prompt: x}]}',
        HEAD.replace("clips: [a, d]", "clips: [e]") + "  [{id: e, prompt: A street}]\n",
        HEAD.replace("clips: [a, d]", "clips: [e]") + "  -\n    id: e\n    prompt: A street\n",
    ],
    ids=["an anchor", "flow style", "a list in brackets", "a lonely dash"],
)  # fmt: skip
def test_other_forms_have_no_outline(text: str) -> None:
    """Where entries do not stand alone in their lines."""
    assert of({"film.yaml": text}) is None


def test_a_warning_in_another_file_is_of_no_entry() -> None:
    """Something is said about a table: its lines are not those of the storyboard."""
    table = "  - {id: 'r{{ row.n }}', for_each: rows.yaml, prompt: A row.}\n"
    rows = "".join(f"- {{n: {number}}}\n" for number in range(12))
    texts = {"film.yaml": HEAD + SHOTS + table + TAIL, "rows.yaml": rows}
    assert of(texts)
    warned = {**texts, "rows.yaml": f"{rows}# \ufeff\n"}
    assert "yaml.byte_order_mark" in {problem.rule for problem in read(warned).problems}
    assert of(warned) is None


def test_a_file_with_anchors_is_read_as_it_is() -> None:
    """An anchor in one file: the others are read in part, an edit in it has no part."""
    before = edited(SEVERAL, ("prompt: A bench; it's wet.", "prompt: &wet A bench; it's wet."))
    texts = edited(before, ("A street", "A road"))
    found = parted(texts, before=before)
    assert found
    assert found.texts["more/two.yaml"] == before["more/two.yaml"]
    assert_as_the_whole(texts, found, before)
    assert parted(edited(before, ("A lamp", "A lantern")), before=before) is None


@pytest.mark.parametrize("new", ["- id: dd\n", "- id: d\n    enabled: false\n"])
def test_a_shot_that_is_gone_may_be_named_in_the_cut(new: str) -> None:
    """The cut is not read with the part: what it says of the shot would be missed."""
    texts = edited(ONE, ("- id: d\n", new))
    found = parted(texts, before=ONE)
    assert found
    assert not found.holds(read(found.texts))
    assert 4 in {problem.at.line for problem in read(texts).problems}  # where the cut is


DISABLED: Texts = edited(
    ONE,
    ("near: {takes: 3}}", "near: {takes: 3}, off: {enabled: false}}"),
    ("  - {id: e", "  - {id: no, prompt: Never., enabled: false}\n  - {id: e"),
    ("after: [c.near]", "after: [c.near, c.off, no]"),
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: no", "id: now"),
        (", off: {enabled: false}", ""),
        (", off: {enabled", ", of: {enabled"),
        ("  - {id: e", "  - {id: G, prompt: Never., enabled: false}\n  - {id: e"),
        ("  - {id: e", '  - {id: "\\x62", prompt: Never., enabled: false}\n  - {id: e'),
        ("prompt: Never.", "prompt: At last."),
    ],
)
def test_disabled_shots_are_named_too(old: str, new: str) -> None:
    """What is left out may name them, and nothing in the film may be called like them."""
    texts = edited(DISABLED, (old, new))
    found = parted(texts, before=DISABLED)
    assert found
    part = read(found.texts)
    holds = part.storyboard is not None and found.holds(part)
    assert holds == ("At last" in new)
    if holds:
        assert_as_the_whole(texts, found, DISABLED)


@pytest.mark.parametrize(
    ("entry", "tail"),
    [
        ("    prompt: 'A pier.", "title: T  # 12\"\nbudget: 9 # the actors'\n"),
        ('    prompt: "A pier.', 'title: The 12"\n'),
        ("    prompt: A pier.\n    options: {", "title: T # }\n"),
        ("    prompt: [A pier.", "title: T # ]\n"),
    ],
)
def test_what_an_edit_leaves_open_reaches_further(entry: str, tail: str) -> None:
    """What is left out would be text inside a quote, where comments are none."""
    before = {"film.yaml": HEAD + SHOTS + tail}
    texts = edited(before, ('    prompt: "{{ grade }}. A pier."', entry))
    assert parted(texts, before=before) is None


def test_what_has_gone_behind_the_shots_is_seen() -> None:
    """Although what is left of the file begins as before, and ends as before."""
    last = "  - id: z\n    prompt: x\n    notes: same\n"
    before = {"film.yaml": OWN + last + "notes: same\n"}
    assert of(before)
    assert parted({"film.yaml": OWN + last}, before=before) is None


def test_a_cut_behind_the_shots_is_left_out_where_it_is_now() -> None:
    """It names shots that are left out; a longer entry has moved it."""
    before = {"film.yaml": OWN + SHOTS + "cut: {clips: [a, d]}\n" + TAIL}
    texts = edited(before, ("A street", "A long and winding street"))
    found = parted(texts, before=before)
    assert found
    assert found.texts["film.yaml"].endswith(f"model.}}\n#\n{TAIL}")
    assert_as_the_whole(texts, found, before)


def test_a_warning_about_the_cut_is_not_lost() -> None:
    """In a file that is read as it is, the cut is too."""
    before = {
        **SEVERAL,
        "film.yaml": "storyboard: 1\ninclude: [one.yaml, more/two.yaml]\nshots:\n"
        "  - {id: e, prompt: &e A street, model: sora-2, seconds: 4, size: 1280x720}\n"
        "cut: {clips: [x, e]}\n",
    }
    texts = edited(before, ("A pier.", "A quay."))
    found = parted(texts, before=before)
    assert found
    assert "cut.disabled" in {problem.rule for problem in read(found.texts).problems}
    assert_as_the_whole(texts, found, before)


@pytest.mark.parametrize("stretch", [1, 2, 3, 5])
def test_it_does_not_matter_how_digests_are_grouped(
    monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    """Changes in one entry, in several, and at both ends are found whatever the groups."""
    words = ["A pier.", "slowly", "A bench", "A lamp", "A street", "on\n", "A retired"]
    edits = [
        {"film.yaml": TEXT.replace(first, "Now " + first).replace(last, change + last)}
        for first, last in itertools.product(words, words)
        for change in ("then ", "")
    ]
    whole = [parted(texts, before=ONE) for texts in edits]
    monkeypatch.setattr(outlines, "STRETCH", stretch)
    grouped = [parted(texts, before=ONE) for texts in edits]
    assert None not in whole
    assert [e and (e.texts, e.shots, e.left_out) for e in grouped] == [
        e and (e.texts, e.shots, e.left_out) for e in whole
    ]


EDITS = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from(
        ["x", " ", "\n", '"', "'", "{", "}", "[", "]", "- ", "  - id: a\n", "    takes: 2\n", "#",
         ": ", "|", ">", "&x ", "*x", "    after: [a]\n", "    prompt: y\n", "---\n", "...\n", "{{",
         "\\", "    enabled: false\n", "\n\n", "é", "\r\n", "    keep: 9\n", "  ",
         "\n  - {id: z, prompt: z}", "\n  - {id: B, prompt: z}",
         "\n  - {id: z, prompt: z, after: [a]}", "\n  - {id: z, prompt: z, after: [x]}"]
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
    dice = random.Random(edits[0][0])
    near = len(HEAD) + edits[0][0] % len(SHOTS)
    text = TEXT
    for edit in edits:
        text = after(edit, text, near, dice)
    check({"film.yaml": text}, ONE)


@settings(max_examples=120, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=4), st.integers(0, 2**32))
def test_a_part_of_several_files_says_what_the_whole_says(
    edits: list[tuple[int, str, int]], seed: int
) -> None:
    """The same after edits of any of the files that make up a film."""
    dice = random.Random(seed)
    texts = dict(SEVERAL)
    for edit in edits:
        name = dice.choice(["film.yaml", "one.yaml", "more/two.yaml", *SEVERAL])
        text = texts[name]
        start = text.find("shots:")
        texts[name] = after(edit, text, start + edit[0] % (len(text) - start), dice)
    check(texts, SEVERAL)


def after(edit: tuple[int, str, int], text: str, near: int, dice: random.Random) -> str:
    place, put, gone = edit
    at = min(near + place % 40, len(text)) if dice.random() < 0.8 else place % len(text)
    return text[:at] + put + text[at + gone :]


def check(texts: Texts, before: Texts) -> None:
    found = parted(texts, before=before)
    if found is not None:
        part = read(found.texts)
        if part.storyboard is not None and found.holds(part):  # else the whole is planned
            assert_as_the_whole(texts, found, before)


def assert_as_the_whole(texts: Texts, found: Excerpt, was: Texts) -> None:
    part, whole = read(found.texts), read(texts)
    assert part.storyboard is not None, part.problems
    assert found.holds(part)
    assert whole.storyboard is not None, whole.problems
    for name, text in found.texts.items():
        assert text.count("\n") == texts[name].count("\n")
    ids = {shot.id for shot in part.shots}
    in_order = [told(shot) for shot in whole.shots if shot.id in ids]
    assert [told(shot) for shot in part.shots] == in_order
    before = {shot.id: shot for shot in read(was).shots}
    moved = {
        shot.id
        for shot in whole.shots
        if shot.id not in before or asks(shot) != asks(before[shot.id])
    }
    assert moved <= ids
    assert len(whole.shots) == len(part.shots) + len(before) - len(found.shots)
    assert list(map(said, part.problems)) == list(map(said, whole.problems))


def said(problem: Problem) -> tuple[object, ...]:
    at = problem.at
    return problem.rule, problem.message, at.file, at.line, at.column


def asks(shot: Shot) -> tuple[object, ...]:
    prompts = [take.request.prompt for take in shot.takes]
    return shot.vendor, prompts, shot.keep, shot.pin, shot.after
