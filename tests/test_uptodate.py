"""Nothing to do, known at once: any change that matters undoes the mark, and no mark is no harm."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from film_set import settle, undrawn

from runner import cli, uptodate

WORDS = ["run", "film.yaml", "--gateway", "local"]
FILM = """\
storyboard: 1
include: [more.yaml]
defaults: {model: wan2.5-t2v-preview, seconds: 5, size: 832*480}
shots:
  - id: sh010
    prompt_file: look.txt
  - id: sh020
    model: wan2.5-i2v-preview
    first_frame: {shot: sh010, frame: last}
    prompt: The camera drifts along it.
  - {id: "row{{ row.n }}", for_each: rows.csv, prompt: "{{ row.text }}"}
  - {id: said, prompt: "{% include 'far/away/tone.txt' %}"}
  - id: seen
    model: wan2.5-i2v-preview
    first_frame: still.png
    prompt: It moves.
cut: {clips: [{shot: sh010, out: 0.5}, {shot: seen, out: 0.5}]}
"""
MORE = """\
storyboard: 1
shots: [{id: more, model: wan2.5-t2v-preview, seconds: 5, prompt: A bench.}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A film of every kind of input, rendered on the local gateway."""
    from PIL import Image

    root = tmp_path_factory.mktemp("film")
    for name, text in (
        ("film.yaml", FILM.replace("size: 832*480", "resolution: 480p, aspect_ratio: '16:9'")),
        ("more.yaml", MORE),
        ("look.txt", "Wide: a pier."),
        ("rows.csv", "n,text\n1,one\n2,two\n"),
        ("prompts/far/away/tone.txt", "Grey."),
        ("reelmake.yaml", "jobs: 4\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    Image.new("RGB", (832, 480), "teal").save(root / "still.png")
    (root / ".reelmake").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("REELMAKE_RENDER_SECONDS", "0.01")
        patch.setenv("REELMAKE_POLL_SECONDS", "0.05")
        undrawn(patch)
        patch.setattr(sys, "argv", ["reelmake", *WORDS])
        settle(root)
        carry_out()
        yield root


@pytest.fixture
def film(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The film with a mark that holds."""
    for _ in range(3):  # a change made by the test before may be work, or too young to be believed
        settle(folder)
        if uptodate.again(WORDS) is not None:
            break
        carry_out()
    capsys.readouterr()
    assert uptodate.again(WORDS) == 0
    assert "nothing to render" in capsys.readouterr().err
    return folder


def carry_out() -> int:
    return cli.main(WORDS)


def grow(name: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        path = root / name
        text = path.read_bytes()
        path.write_bytes(text + b"\n")

    return change


def same_size(name: str) -> Callable[[Path], object]:
    """Other bytes, as many, and the mtime put back."""

    def change(root: Path) -> None:
        path = root / name
        found, data = path.stat(), bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    return change


def fact(root: Path) -> None:
    with closing(sqlite3.connect(root / ".reelmake/journal.sqlite3")) as db, db:
        db.execute("UPDATE attempts SET detail = detail || '.'")


def blob_gone(root: Path) -> None:
    video = (root / "renders/film.preview/sh010.mp4").read_bytes()
    blobs = (p for p in (root / ".reelmake/store").glob("*/*") if p.read_bytes() == video)
    next(blobs).unlink()


OUT = "renders/film.preview"
CHANGES = {
    "a byte of the storyboard": grow("film.yaml"),
    "an included storyboard": grow("more.yaml"),
    "a prompt file": grow("look.txt"),
    "an included prompt": grow("prompts/far/away/tone.txt"),
    "a row of a table": lambda root: (root / "rows.csv").write_text("n,text\n1,one\n2,two.\n"),
    "the settings": grow("reelmake.yaml"),
    "a reference, its size and time as before": same_size("still.png"),
    "an output deleted": lambda root: (root / f"{OUT}/row1.mp4").unlink(),
    "an output edited, its time put back": same_size(f"{OUT}/row2.mp4"),
    "an output truncated": lambda root: os.truncate(root / f"{OUT}/said.mp4", 100),
    "the cut deleted": lambda root: (root / f"{OUT}/cut.mp4").unlink(),
    "the manifest": grow(f"{OUT}/manifest.json"),
    "the manifest gone": lambda root: (root / f"{OUT}/manifest.json").unlink(),
    "a fact in the journal": fact,
    "a blob gone from the store": blob_gone,
    "the journal gone": lambda root: [p.unlink() for p in (root / ".reelmake").glob("journal*")],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_undoes_the_mark(film: Path, change: Callable[[Path], object]) -> None:
    """Whatever a film hangs on has moved: the command is carried out."""
    kept = {path: path.read_bytes() for path in film.glob("*.*") if path.is_file()}
    change(film)
    assert uptodate.again(WORDS) is None
    for path, data in kept.items():  # a still that was damaged may be no picture any more
        if path.read_bytes() != data:
            path.write_bytes(data)


def test_what_is_asked_matters(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other words, another folder or another environment ask something else."""
    assert uptodate.again([*WORDS, "--force"]) is None
    assert uptodate.again(["plan", *WORDS[1:]]) is None
    for name in ("REELMAKE_STORE", "REELMAKE_GATEWAY"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "other")
            expected = 0 if name == "REELMAKE_GATEWAY" else None  # the flag wins over it
            assert uptodate.again(WORDS) == expected
    monkeypatch.chdir(film / "prompts")
    assert uptodate.again(["run", "../film.yaml", "--gateway", "local"]) is None


def test_the_environment_chooses_the_gateway_again(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no flag names a gateway, the variables that choose one are part of the question."""
    words = ["plan", "film.yaml"]
    monkeypatch.setattr(sys, "argv", ["reelmake", *words])
    monkeypatch.delenv("AIHUBMIX_API_KEY", raising=False)
    cli.main(words)
    capsys.readouterr()
    assert uptodate.again(words) == 0
    assert "7 up to date" in capsys.readouterr().err
    for name in ("AIHUBMIX_API_KEY", "REELMAKE_GATEWAY"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "sk-test-0123456789")
            assert uptodate.again(words) is None


def test_another_version_asks_anew(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update of Reelmake, or a moved file of its own, undoes every mark."""
    monkeypatch.setattr(uptodate, "__version__", "999")
    assert uptodate.again(WORDS) is None


def test_a_folder_that_became_a_link_counts(film: Path) -> None:
    """Nothing in it has moved, but it may lead out of the project now."""
    place = film / "prompts/far/away"
    elsewhere = place.rename(film / "elsewhere")
    place.symlink_to(elsewhere)
    try:
        assert uptodate.again(WORDS) is None
    finally:
        place.unlink()
        elsewhere.rename(place)


def test_a_film_whose_results_these_were_comes_back(film: Path) -> None:
    """The folder of a film that was renamed is taken over, as long as there is no other one."""
    path = film / f"{OUT}/manifest.json"
    ours = path.read_text()
    try:
        path.write_text(ours.replace('"path": "film.yaml"', '"path": "was.yaml"'))
        settle(film)
        carry_out()
        assert uptodate.again(WORDS) == 0
        (film / "was.yaml").write_text(FILM)
        assert uptodate.again(WORDS) is None
    finally:
        (film / "was.yaml").unlink(missing_ok=True)
        path.write_text(ours)


def test_a_settings_file_that_appears_counts(film: Path) -> None:
    """A place where nothing lay is looked at too: a nearer project root, a new settings file."""
    (film / "reelmake.yaml").unlink()
    assert uptodate.again(WORDS) is None
    carry_out()
    assert uptodate.again(WORDS) == 0
    (film / "reelmake.yaml").write_text("jobs: 4\n")
    assert uptodate.again(WORDS) is None


def test_a_link_that_leads_elsewhere_counts(film: Path) -> None:
    """A reference through a symbolic link is the file it leads to, and the way there."""
    still, other = film / "still.png", film / "other.png"
    other.write_bytes(still.read_bytes())
    still.rename(film / "first.png")
    still.symlink_to("first.png")
    settle(film)
    carry_out()
    settle(film)
    carry_out()
    assert uptodate.again(WORDS) == 0
    still.unlink()
    still.symlink_to("other.png")
    assert uptodate.again(WORDS) is None
    still.unlink()
    (film / "first.png").rename(still)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:50] + bytes(byte ^ 1 for byte in data[50:51]) + data[51:],
        lambda data: b"\xff" * len(data),
    ],
    ids=["empty", "cut short", "a flipped bit", "noise"],
)
def test_a_damaged_mark_is_only_slower(film: Path, damage: Callable[[bytes], bytes]) -> None:
    """What is not whole is no mark; the command is carried out and says the same."""
    for mark in (film / ".reelmake" / uptodate.FOLDER).iterdir():
        mark.write_bytes(damage(mark.read_bytes()))
    assert uptodate.again(WORDS) is None
    assert carry_out() == 0
    assert uptodate.again(WORDS) == 0


def test_a_file_too_young_is_not_believed(film: Path) -> None:
    """A later write in the same tick could bear the same stamp: then there is no mark."""
    began = time.time_ns()
    assert not leave(began, film / "more.yaml", modified=began - 1_000_000)
    assert not leave(began, film / "more.yaml", modified=began + 1)


def leave(began: int, path: Path, modified: int) -> bool:
    os.utime(path, ns=(modified, modified))
    said = {uptodate.answer_to(WORDS): (b"0", b"", b"")}
    state = str(path.parent / uptodate.STATE)
    return uptodate.leave_marks(
        state, began, paths=[str(path)], storyboards=(), links=(), variables=(), marks=said
    )


def test_a_project_that_is_only_read_has_no_marks(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mark that cannot be written is no error."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(uptodate, "_write", refuse)
    path = film / "rows.csv"
    assert not leave(time.time_ns() + 10**12, path, modified=path.stat().st_mtime_ns)


def test_nothing_heavy_is_imported(film: Path) -> None:
    """With nothing to do, not even the command line's parser is loaded."""
    import subprocess

    names = "click yaml jinja2 jsonschema httpx sqlite3 av rich msgspec dataclasses json"
    code = (
        "import sys; from runner.__main__ import answer\n"
        f"assert answer({WORDS!r}) == 0\n"
        f"print(*(n for n in '{names}'.split() if n in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=film, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
    assert done.stderr == "7 up to date, nothing to render\n"
