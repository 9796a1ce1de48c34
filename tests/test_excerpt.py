"""After a small change only what changed is planned, and the plan reads as if all had been."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from film_set import settle, undrawn

from runner import cli, uptodate
from runner.project import open_project
from runner.project.excerpt import changed_part

FILM = """\
storyboard: 1
vars: {grade: teal}
cut: {clips: [{shot: a, out: 0.5}, {shot: d, out: 0.5}]}
defaults: {model: wan2.5-t2v-preview, seconds: 5, resolution: 480p, aspect_ratio: "16:9"}
shots:
  - id: a
    prompt: "{{ grade }}. A pier."
  - id: b
    model: wan2.5-i2v-preview
    first_frame: {shot: a, frame: last}
    prompt: It moves.
  - id: c
    prompt: A bench.
    variants: {wide: {prompt: A wide bench.}}
  - id: d
    prompt: A lamp.
    takes: 2
  - id: e
    prompt: A road.
    pin: true
  - {id: g2, prompt: A gap., enabled: false}
  - {id: f, model: sora-2, seconds: 4, resolution: 720p, prompt: A retired model.}
"""


OWN = """\
storyboard: 1
vars: {grade: teal}
defaults: {model: wan2.5-t2v-preview, seconds: 5, resolution: 480p, aspect_ratio: "16:9"}
shots:
"""
LONG = {
    "long.yaml": """\
storyboard: 1
include: [one.yaml, more/two.yaml, flow.yaml, note.yaml]
cut: {clips: [{shot: k1, out: 0.5}, {shot: k4, out: 0.5}]}
""",
    "one.yaml": OWN
    + """\
  - {id: k0, prompt: Not yet., enabled: false}
  - {id: k1, prompt: "{{ grade }}. A jetty."}
  - {id: k2, model: wan2.5-i2v-preview, first_frame: {shot: k1, frame: last}, prompt: It waits.}
  - {id: k7, prompt_file: note.yaml}
""",
    "more/two.yaml": "\ufeff"
    + (
        OWN
        + """\
  - {id: k3, prompt_file: look.txt}
  - {id: k4, model: wan2.5-i2v-preview, first_frame: {shot: k2, frame: last}, prompt: It goes.}
  - id: "row{{ row.n }}"
    for_each: rows.csv
    prompt: "{{ row.text }}"
  - {id: k6, prompt: A crane.}
"""
    ).replace("\n", "\r\n"),
    "flow.yaml": """\
{storyboard: 1, shots: [{id: k5, model: wan2.5-t2v-preview, seconds: 5, resolution: 480p,
  aspect_ratio: "16:9", prompt: A hut., after: [k3]}]}
""",
    "note.yaml": OWN + "  - {id: k8, prompt: A note.}\n",
    "more/look.txt": "A look.\n",
    "more/rows.csv": "n,text\n1,One.\n2,Two.\n",
    "new.yaml": OWN + "  - {id: n1, prompt: New.}\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A film rendered on the local gateway, with whatever a plan may have to say about it, and
    one of several files."""
    root = tmp_path_factory.mktemp("film")
    (root / "film.yaml").write_text(FILM.replace("A road.", "A street."))
    write(root, LONG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("REELMAKE_RENDER_SECONDS", "0.01")
        patch.setenv("REELMAKE_POLL_SECONDS", "0.05")
        undrawn(patch)
        for name in ("film.yaml", "long.yaml"):
            carry_out(patch, "run", name, "--gateway", "local")
        yield root


def write(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text.encode())


def carry_out(patch: pytest.MonkeyPatch, *words: str) -> None:
    assert ask(patch, *words) == 0


def ask(patch: pytest.MonkeyPatch, *words: str) -> int:
    patch.setattr(sys, "argv", ["reelmake", *words])
    return cli.main(words)


@pytest.fixture
def film(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The film as it was rendered, known to be up to date by a `run` that found nothing to do."""
    (folder / "film.yaml").write_text(FILM)
    return known(folder, "film.yaml", monkeypatch, capsys)


@pytest.fixture
def long(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The same of the film of several files."""
    write(folder, LONG)
    return known(folder, "long.yaml", monkeypatch, capsys)


def known(
    folder: Path, name: str, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    forget(folder)
    settle(folder)
    carry_out(patch, "run", name, "--gateway", "local")
    capsys.readouterr()
    return folder


def forget(folder: Path) -> None:
    for mark in (folder / ".reelmake" / uptodate.FOLDER).glob("*"):
        mark.unlink()


def planned(
    patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str = "film.yaml"
) -> str:
    code = ask(patch, "plan", name, "--gateway", "local")
    return f"{capsys.readouterr().err}exit {code}"


def part_of(file: Path) -> set[str] | None:
    """The shots that are planned alone, if there are such."""
    part = changed_part(open_project(file, os.environ), Path(file.name), "local", None)
    return {step.shot for step in part.plan.steps} if part else None


EDITS = {
    "a prompt": ("A lamp.", "A lantern.", {"d", "e", "f"}),
    "a prompt that others hang on": ("A pier.", "A quay.", {"a", "b", "e", "f"}),
    "a longer entry": ("A bench.", ">-\n      A bench,\n      wet.", {"c", "c.wide", "e", "f"}),
    "a shorter one": ("    takes: 2\n", "    seconds: 10\n", {"d", "e", "f"}),
    "more takes": ("takes: 2", "takes: 3", {"d", "e", "f"}),
    "a pinned shot": ("A road.", "A road.\n    notes: wet", None),  # nothing is to be done
    "a comment": ("A lamp.", "A lamp.  # lit", None),
    "a new shot": (
        "  - id: c",
        "  - {id: g, prompt: A gull.}\n  - id: c",
        {"g", *["c", "c.wide", "e", "f"]},
    ),
    "a new first one": ("  - id: a", "  - {id: g, prompt: A gull.}\n  - id: a", {"g", *"abef"}),
    "a new last one": ("model.}\n", "model.}\n  - {id: g, prompt: A gull.}\n", {"e", "f", "g"}),
    "a new variant": (
        "{wide: {",
        "{near: {prompt: Near.}, wide: {",
        {"c.near", *["c", "c.wide", "e", "f"]},
    ),
    "a new shot of a name there is": ("  - id: c", "  - {id: D, prompt: A gull.}\n  - id: c", None),
    "of a name that is disabled": ("  - id: c", "  - {id: G2, prompt: A gull.}\n  - id: c", None),
    "a new shot after a later one": (
        "  - id: c",
        "  - {id: g, prompt: A gull., after: [d]}\n  - id: c",
        {"g", *["c", "c.wide", "d", "e", "f"]},
    ),
    "a new shot after an earlier one": (
        "  - id: c",
        "  - {id: g, prompt: A gull., after: [a]}\n  - id: c",
        {"g", *["a", "c", "c.wide", "e", "f"]},
    ),
    "a disabled shot that comes back": (", enabled: false", "", None),
    "a shot renamed": ("id: c\n", "id: h\n", None),
    "a shot gone": ("  - id: c\n", "  - id: c\n    enabled: false\n", None),
    "another one needed": ("takes: 2", "takes: 2\n    after: [c]", None),
    "what all stand on": ("grade: teal", "grade: amber", None),
}


@pytest.mark.parametrize(("old", "new", "shots"), EDITS.values(), ids=EDITS)
def test_the_plan_of_a_part_reads_as_the_whole(
    film: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    shots: set[str] | None,
) -> None:
    """Actions, reasons, prices, warnings, sums: word for word, from a part or from all."""
    file = film / "film.yaml"
    assert old in FILM
    file.write_text(FILM.replace(old, new))
    assert part_of(file) == shots
    first = planned(monkeypatch, capsys)
    forget(film)
    assert first == planned(monkeypatch, capsys)
    assert first


EVER = {"k3", "k5"}  # of a file in flow style all is read, and what it names
LONG_EDITS = {
    "a prompt that other files hang on": ([("A jetty.", "A mole.")], {"k1", "k2", "k4", *EVER}),
    "one that hangs on another file": ([("It goes.", "It flies.")], {"k1", "k2", "k4", *EVER}),
    "one of two files": (
        [("A jetty.", "A mole."), ("A crane.", "Cranes.")],
        {"k1", "k2", "k4", "k6", *EVER},
    ),
    "what another file waits for": ([("look.txt}", "look.txt, seconds: 10}")], EVER),
    "rows in another tone": ([("{{ row.text }}", "Grey. {{ row.text }}")], {"row1", "row2", *EVER}),
    "a new shot that names another file": (
        [("  - {id: k6", "  - {id: n, prompt: New., after: [k1]}\n  - {id: k6")],
        {"n", "k1", "k6", *EVER},
    ),
}
LONG_NOT = {
    "a shot in another file": [
        ("  - {id: k6, prompt: A crane.}\r\n", ""),
        ("k7, ", "k6, prompt: A crane.}\n  - {id: k7, "),
    ],
    "a file in flow style": [("A hut.", "A hall.")],
    "a file that is read as a prompt too": [("A note.", "A tune.")],
    "a new file": [("[one.yaml", "[new.yaml, one.yaml")],
    "a prompt file": [("A look.", "A glance."), ("A crane.", "Cranes.")],
    "a table": [("2,Two.", "2,Three."), ("A crane.", "Cranes.")],
}


@pytest.mark.parametrize(("changes", "shots"), LONG_EDITS.values(), ids=LONG_EDITS)
def test_the_plan_of_parts_of_files_reads_as_the_whole(
    long: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: list[tuple[str, str]],
    shots: set[str],
) -> None:
    """In a film of several files too, whichever of them were edited."""
    change(long, changes)
    assert part_of(long / "long.yaml") == shots
    first = planned(monkeypatch, capsys, "long.yaml")
    forget(long)
    assert first == planned(monkeypatch, capsys, "long.yaml")
    assert first


@pytest.mark.parametrize("changes", LONG_NOT.values(), ids=LONG_NOT)
def test_what_may_reach_further_means_the_whole(long: Path, changes: list[tuple[str, str]]) -> None:
    """A change that is not within the shots of the files, or of which more than shots hang."""
    change(long, changes)
    assert part_of(long / "long.yaml") is None


def change(root: Path, changes: list[tuple[str, str]]) -> None:
    texts = dict(LONG)
    for old, new in changes:
        [name] = [name for name, text in texts.items() if old in text]
        texts[name] = texts[name].replace(old, new)
    write(root, {name: text for name, text in texts.items() if text != LONG[name]})


def test_both_sides_in_an_entry_of_the_manifest(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where git has left its marks in what a take is, the manifest is read as a whole."""
    path = film / "renders/film.preview/manifest.json"
    committed = path.read_text()
    job = next(line for line in committed.splitlines(keepends=True) if '"job"' in line)
    other = job.replace("2026", "2025").replace("2027", "2025")
    both = f"<<<<<<< ours\n{job}=======\n{other}>>>>>>> theirs\n"
    try:
        path.write_text(committed.replace(job, both, 1))
        settle(film)
        planned(monkeypatch, capsys)
        change_text = FILM.replace("A pier.", "A quay.")
        (film / "film.yaml").write_text(change_text)
        first = planned(monkeypatch, capsys)
        forget(film)
        assert first == planned(monkeypatch, capsys)
        assert "prompt changed" in first
    finally:
        path.write_text(committed)


def test_a_file_that_is_gone_is_told(
    long: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read is no change within shots."""
    (long / "one.yaml").unlink()
    assert part_of(long / "long.yaml") is None
    assert planned(monkeypatch, capsys, "long.yaml").endswith("exit 2")


def test_a_storyboard_that_is_another_file_now_is_planned_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link to a storyboard of another name: what that renders lies in another folder."""
    text = OWN + "  - {id: a, prompt: A bench.}\n  - {id: b, prompt: A lamp.}\n"
    file, other = folder / "plain.yaml", folder / "other.yaml"
    file.write_text(text)
    carry_out(monkeypatch, "run", "plain.yaml", "--gateway", "local")
    known(folder, "plain.yaml", monkeypatch, capsys)
    file.write_text(text.replace("A lamp.", "A lantern."))
    assert part_of(file) == {"b"}
    file.rename(other)
    file.symlink_to(other)
    assert part_of(file) is None


def test_what_is_wrong_is_told_in_full(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edit that breaks the storyboard gives every problem there is, as ever."""
    (film / "film.yaml").write_text(FILM.replace("A lamp.", "'{{ nobody }}'"))
    assert part_of(film / "film.yaml") is None
    assert cli.main(["plan", "film.yaml", "--gateway", "local"]) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path", ["renders/film.preview/c.mp4", "renders/film.preview/manifest.json"]
)
def test_anything_else_that_moved_means_the_whole(film: Path, path: str) -> None:
    """An output or a lock that is not as it was: nothing is taken for granted."""
    (film / "film.yaml").write_text(FILM.replace("A lamp.", "A lantern."))
    assert part_of(film / "film.yaml")
    there = film / path
    data, stamp = there.read_bytes(), there.stat()
    there.write_bytes(data[:-1] + b" ")
    os.utime(there, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert part_of(film / "film.yaml") is None
    there.write_bytes(data)


LOOK = """
import json, os, signal, sys
from runner import uptodate

if "deaf" in sys.argv:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
uptodate._cores = lambda: 1 if "one core" in sys.argv else 2
uptodate.look_ahead(["plan", "film.yaml", "--gateway", sys.argv[1]])
ahead = bool(uptodate._AHEAD)
asked = ("film.yaml", "local", ""), os.path.abspath(".reelmake")
seen = uptodate.all_but_texts(*asked)
assert seen == uptodate.all_but_texts(*asked)
print(json.dumps([ahead, bool(seen)]))
"""


@pytest.mark.parametrize(
    ("how", "ahead"),
    [
        (["local"], True),
        (["local", "deaf"], True),
        (["local", "one core"], False),
        (["elsewhere"], False),  # of which nothing is remembered
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("moved", [False, True], ids=["unmoved", "moved"])
def test_who_looks_ahead_sees_the_same(
    film: Path, how: list[str], ahead: bool, moved: bool
) -> None:
    """A process beside this one, or this one itself: the answer does not depend on it."""
    (film / "film.yaml").write_text(FILM.replace("A lamp.", "A lantern."))
    output = film / "renders/film.preview/c.mp4"
    if moved:
        os.utime(output)
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *how], cwd=film, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [ahead, not moved]


def test_bytes_that_came_back_are_found(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prompt that was rendered before is restored, not rendered: the whole film is asked."""
    file = film / "film.yaml"
    file.write_text(FILM.replace("A bench.", "A wide bench."))  # what its variant asks for
    assert part_of(file) is None
    assert "to render" not in planned(monkeypatch, capsys).replace("nothing to render", "")
