"""`export` and `graph` on films that were really rendered, by the program as people call it."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import cast
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import av
import pytest
from film_set import undrawn

from runner.cli import main
from runner.commands.export import Known, price
from runner.model import Action, Estimate, Money, ShotId, Step

FILM = """\
storyboard: 1
title: Fähre
defaults: {model: wan2.5-t2v-preview, seconds: 5, aspect_ratio: "16:9", resolution: 480p}
shots:
  - {id: sh010, prompt: A pier., takes: 2, keep: 2}
  - {id: sh020, model: wan2.5-i2v-preview, first_frame: {shot: sh010, frame: last}, prompt: Drift.}
  - {id: sh030, prompt: A bench.}
cut:
  clips: [{shot: sh010, out: 2.3}, {shot: sh020, in: 0.51, out: 3, transition: {dissolve: 0.75}}]
  audio: {audio: hum.wav, gain_db: -6, fade_out: 1}
"""
HUM = Path(__file__).parents[2] / "pipelines" / "refs" / "engine.wav"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film in a folder with a space and an umlaut in its name, rendered as a preview."""
    root = tmp_path_factory.mktemp("export") / "mein Film ü"
    (root / ".reelmake").mkdir(parents=True)
    shutil.copy(HUM, root / "hum.wav")
    (root / "film.yaml").write_text(FILM)
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        patch.setenv("REELMAKE_POLL_SECONDS", "0.02")
        patch.setenv("REELMAKE_RENDER_SECONDS", "0.02")
        patch.setenv("REELMAKE_POLL_SECONDS", "0.05")
        patch.delenv("REELMAKE_GATEWAY", raising=False)
        assert main(["run", str(root / "film.yaml"), "--gateway", "local"]) == 0
    return root


@pytest.fixture
def film(rendered: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(rendered, tmp_path / rendered.name)) / "film.yaml"


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    def called(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return called


def exported(call: Call, film: Path, form: str) -> tuple[str, list[str]]:
    code, out, err = call("export", film, "--format", form)
    assert code == 0, err
    return out, err.splitlines()


def frames_of_cut(film: Path) -> tuple[int, float]:
    """How many frames the assembled cut has, and how many a second."""
    with av.open(str(film.parent / "renders/film.preview/cut.mp4")) as container:
        stream = container.streams.video[0]
        return sum(1 for _ in container.decode(stream)), float(stream.average_rate or 0)


def test_every_format_is_as_long_as_the_cut_that_was_made(rendered: Path, call: Call) -> None:
    """Counted in decoded frames: timeline and film end together."""
    otio = pytest.importorskip("opentimelineio")
    film = rendered / "film.yaml"
    frames, fps = frames_of_cut(film)
    lasts = frames / fps
    text, said = exported(call, film, "otio")
    assert otio.adapters.read_from_string(text, "otio_json").duration().to_seconds() == lasts
    assert said == [
        "OpenTimelineIO has no word for levels and fades, the music has an effect that only "
        "names them: -6 dB, fade out 1 s"
    ]
    text, said = exported(call, film, "edl")
    video = otio.adapters.read_from_string(text, "cmx_3600", rate=24).video_tracks()[0]
    assert video.duration().to_seconds() == lasts
    assert said == [
        "an EDL has no levels and no fades, set them in the editor: music -6 dB, fade out 1 s",
        "all timecode counts 24 frames a second, set the editor to it first: the clips have 2",
        "an EDL has ASCII only: 'Fähre' is called 'Fahre'",
    ]
    text, said = exported(call, film, "fcpxml")
    sequence = next(ElementTree.fromstring(text).iter("sequence"))
    above, _, below = sequence.attrib["duration"].rstrip("s").partition("/")
    assert int(above) / int(below or 1) == lasts
    assert said == []


def test_music_is_told_as_it_was_asked_for(film: Path, call: Call) -> None:
    """Not in what frames make of it, and a fade of less than a frame is told too."""
    asked = "gain_db: -3.5, fade_in: 0.01, fade_out: 1.3"
    film.write_text(film.read_text().replace("gain_db: -6, fade_out: 1", asked))
    for form in ("otio", "edl"):
        assert "-3.5 dB, fade in 0.01 s, fade out 1.3 s" in exported(call, film, form)[1][0]


def test_a_bound_is_told_once() -> None:
    """The basis of a price says itself that it is one."""
    known = cast("Known", SimpleNamespace(billed={}))
    bound = Estimate(Money(Decimal("0.50")), "at most 5 s x 0.10 USD", bound=True)
    step = Step(ShotId("a"), 1, Action.RENDER, "new", estimate=bound)
    assert price(known, step, None) == (bound.cost, "at most 5 s x 0.10 USD")


def test_editors_find_the_files(rendered: Path, call: Call) -> None:
    """Every URL, decoded, is a file that is there, the folder's name notwithstanding."""
    text, _ = exported(call, rendered / "film.yaml", "fcpxml")
    urls = [each.attrib["src"] for each in ElementTree.fromstring(text).iter("media-rep")]
    assert len(urls) == 3
    for url in urls:
        assert url.startswith("file:///")
        assert url.isascii()
        assert " " not in url
        assert Path(unquote(urlsplit(url).path)).is_file()


def test_a_slate_carries_where_it_came_from(rendered: Path, call: Call) -> None:
    """Both takes of a shot, the kept one active; the digest is that of the file."""
    text, _ = exported(call, rendered / "film.yaml", "otio")
    clip = json.loads(text)["tracks"]["children"][0]["children"][0]
    assert clip["active_media_reference_key"] == "take 2"
    takes = {key: ref["metadata"]["reelmake"] for key, ref in clip["media_references"].items()}
    assert [takes[key]["kept"] for key in ("take 1", "take 2")] == [False, True]
    manifest = json.loads((rendered / "renders/film.preview/manifest.json").read_text())
    pinned = {(each["id"], each["take"]): each for each in manifest["shots"]}
    for told in takes.values():
        entry = pinned[told["shot"], told["take"]]
        assert told["sha256"] == entry["output"]["sha256"]
        assert told["fingerprint"] == entry["fingerprint"]
        assert told["request"] == entry["request"]
        assert told["job"] == entry["job"]


def test_the_table_has_every_take(rendered: Path, call: Call) -> None:
    """Also of shots that the cut leaves out; a slate's price is said to be none."""
    text, said = exported(call, rendered / "film.yaml", "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["shot"], row["take"], row["kept"], row["clips"]) for row in rows] == [
        ("sh010", "1", "no", ""), ("sh010", "2", "yes", "1"), ("sh020", "1", "yes", "2"),
        ("sh030", "1", "yes", ""),
    ]  # fmt: skip
    assert all(row["cost_basis"].startswith("a free slate") for row in rows)
    assert all((rendered / row["file"]).is_file() for row in rows)
    assert said == []


def test_what_is_not_as_it_should_be_is_said(film: Path, call: Call) -> None:
    """Missing, stale or hanging on what is, out of place: exported all the same, exit code 0."""
    text = film.read_text().replace("A pier.", "A quay.").replace("{shot: sh010, out: 2.3}", "new")
    text = text.replace("cut:\n", "  - {id: new, prompt: New., seconds: 10}\ncut:\n")
    film.write_text(text.replace("[new,", "[sh010, new, sh030,"))
    (film.parent / "renders/film.preview/sh030.mp4").unlink()
    text, said = exported(call, film, "otio")
    assert said[:3] == [
        "not rendered yet, only the place is kept: new",
        "not up to date, the last render stands in: sh010 t1, sh010, sh020",
        "not in place, `reelmake run` puts it there: sh030",
    ]
    clips = json.loads(text)["tracks"]["children"][0]["children"]
    new = next(clip for clip in clips if clip["name"] == "new")
    assert new["media_references"]["take 1"]["OTIO_SCHEMA"] == "MissingReference.1"
    stale = next(clip for clip in clips if clip["name"] == "sh010")
    told = stale["media_references"]["take 2"]["metadata"]["reelmake"]
    assert (told["state"], told["prompt"]) == ("stale", "A pier.")


def test_without_a_cut_all_shots_play_in_the_order_of_the_film(film: Path, call: Call) -> None:
    """As they are, those that are not rendered in their places."""
    text = film.read_text().split("cut:")[0]
    film.write_text(text + "  - {id: off, prompt: O., enabled: false}\n")
    text, said = exported(call, film, "edl")
    assert len(said) == 2  # rate and title
    events = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    assert [event[1] for event in events if event[2] == "V"] == ["SH010", "SH020", "SH030"]


def test_a_file_can_be_named(film: Path, call: Call) -> None:
    """Folders are made; where a folder stands already, that is said, and what was meant."""
    where = film.parent / "to editor" / "film.edl"
    for _ in range(2):  # an older export is overwritten
        code, out, _ = call("export", film, "--format", "edl", "--out", where)
        assert (code, Path(out.strip()).resolve()) == (0, where.resolve())
    assert where.stat().st_mode & 0o777 == 0o644
    assert where.read_text().startswith("TITLE: Fahre\n")
    code, _, err = call("export", film, "--format", "edl", "--out", where.parent)
    assert code == 2
    assert "is a folder; --out names the file to write" in err
    assert "--from" in err
    code, _, err = call("export", film, "--format", "edl", "--out", where / "below.edl")
    assert code == 1
    assert "film.edl" in err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("film.yaml", "the film reads"),
        ("shots.csv", "the film reads"),
        ("linked.csv", "the film reads"),
        ("hum.wav", "the film reads"),
        ("renders/film.preview/manifest.json", "no .csv file"),
        ("renders/film.preview/sh010.mp4", "no .csv file"),
        (".reelmake/preview.csv", "lies in .reelmake"),
        (".reelmake/journal.db", "lies in .reelmake"),
    ],
)
def test_nothing_is_lost_to_a_slip_of_the_keyboard(
    film: Path, call: Call, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """What is no older export stays, and so does what the film is made from."""
    table = "  - for_each: shots.csv\n    id: t{{ row.n }}\n    prompt: A {{ row.what }}.\ncut:\n"
    film.write_text(film.read_text().replace("cut:\n", table))
    (film.parent / "shots.csv").write_text("n,what\n1,quay\n")
    (film.parent / "linked.csv").symlink_to("shots.csv")
    monkeypatch.chdir(film.parent.parent)  # names of tables begin where the storyboard's does
    path = film.parent / name
    before = path.read_bytes() if path.exists() else None
    told = film.relative_to(film.parent.parent)
    code, out, err = call("export", told, "--format", "csv", "--out", path)
    assert (code, out) == (2, "")
    assert said in err
    assert (path.read_bytes() if path.exists() else None) == before


def test_state_is_spared_where_it_is_a_link(film: Path, call: Call) -> None:
    """Also by the name that it really has; and a link in a circle is no bug of ours."""
    state, elsewhere = film.parent / ".reelmake", film.parent / "state"
    state.rename(elsewhere)
    state.symlink_to("state")
    for folder in (state, elsewhere):
        code, _, err = call("export", film, "--format", "csv", "--out", folder / "new.csv")
        assert (code, "lies in .reelmake" in err) == (2, True)
    assert not (elsewhere / "new.csv").exists()
    circle = film.parent / "circle.csv"
    circle.symlink_to("circle.csv")
    assert call("export", film, "--format", "csv", "--out", circle)[0] == 0


def test_pipes_and_stdout_are_written_as_they_are(film: Path, call: Call) -> None:
    """`-` is stdout; a pipe stays one; nothing at all is no name."""
    whole, _ = exported(call, film, "edl")
    for name in ("-", "/dev/stdout"):
        assert call("export", film, "--format", "edl", "--out", name)[:2] == (0, whole)
    pipe = film.parent / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert call("export", film, "--format", "edl", "--out", pipe)[:2] == (0, "")
    reader.join(10)
    assert read == [whole]
    assert pipe.is_fifo()
    code, _, err = call("export", film, "--format", "edl", "--out", "")
    assert (code, "names no file" in err) == (2, True)


def test_a_take_is_named_where_its_bytes_are(film: Path, call: Call) -> None:
    """Another take is kept, and no run has moved the files yet: the shot's own name still holds
    the other one, and nobody is sent there."""
    film.write_text(film.read_text().replace("takes: 2, keep: 2", "takes: 2, keep: 1"))
    text, _ = exported(call, film, "otio")
    clip = json.loads(text)["tracks"]["children"][0]["children"][0]
    assert clip["active_media_reference_key"] == "take 1"
    urls = {key: ref["target_url"] for key, ref in clip["media_references"].items()}
    assert urls["take 1"].endswith("/sh010.t1.mp4")
    assert urls["take 2"].endswith("/sh010.t2.mp4")
    (film.parent / "renders/film.preview/sh010.t1.mp4").unlink()
    text, said = exported(call, film, "otio")
    assert "left out, another file lies under its name: sh010" in said
    clip = json.loads(text)["tracks"]["children"][0]["children"][0]
    assert clip["media_references"]["take 1"]["OTIO_SCHEMA"] == "MissingReference.1"
    for form in ("edl", "fcpxml"):
        text, said = exported(call, film, form)
        assert "left out, another file lies under its name: sh010" in said
        assert "/sh010.mp4" not in text


def test_results_elsewhere_are_found_there(film: Path, call: Call) -> None:
    """`--from` names the folder that `run --out` wrote to."""
    (film.parent / "renders/film.preview").rename(film.parent / "elsewhere")
    code, out, err = call("export", film, "--format", "edl", "--from", film.parent / "elsewhere")
    assert (code, "not in place" in err) == (0, False)
    assert "/elsewhere/sh010.mp4" in out


@pytest.mark.parametrize("command", ["otio", "csv", "graph"])
def test_a_folder_without_results_is_said_to_be(film: Path, call: Call, command: str) -> None:
    """A file, nothing, an empty folder: no document full of dead links."""
    words = ["graph", film] if command == "graph" else ["export", film, "--format", command]
    (film.parent / "empty").mkdir()
    for name, said in (
        ("hum.wav", "is a file"), ("nowhere", "there is no folder"), ("empty", "no manifest.json"),
    ):  # fmt: skip
        code, out, err = call(*words, "--from", film.parent / name)
        assert (code, out) == (2, "")
        assert said in err
    code, _, err = call("report", film, "--out", film.parent / "hum.wav")
    assert (code, "is a file" in err) == (2, True)


def test_a_manifest_that_cannot_be_read_is_a_sentence(film: Path, call: Call) -> None:
    path = film.parent / "renders/film.preview/manifest.json"
    path.unlink()
    path.mkdir()
    code, out, err = call("export", film, "--format", "otio")
    assert (code, out) == (1, "")
    assert "manifest.json: Is a directory" in err


def test_a_strict_project_may_be_looked_at(film: Path, call: Call) -> None:
    """Warnings keep money from being spent; to look costs nothing."""
    (film.parent / "reelmake.yaml").write_text("strict: true\n")
    film.write_text(
        film.read_text().replace(
            "prompt: A bench.", "model: sora-2, seconds: 4, resolution: 720p, prompt: B."
        )
    )
    code, _, err = call("plan", film, "--gateway", "local")
    assert (code, "model.retired" in err) == (2, True)
    for words in (["export", film, "--format", "csv"], ["graph", film], ["report", film]):
        code, _, err = call(*words)
        assert code == 0, err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("storyboard: 1", "storyboard: [", "error"),
        ("out: 2.3", "out: 99", "does not lie within its 5 s"),
        ("dissolve: 0.75", "dissolve: 2.75", "no room for a dissolve of 2.75 s"),
        ("audio: hum.wav", "audio: sh010.txt", "error"),
    ],
)
def test_bad_input_is_a_sentence(film: Path, call: Call, old: str, new: str, said: str) -> None:
    """With its place, and never half a file on stdout."""
    film.write_text(film.read_text().replace(old, new))
    code, out, err = call("export", film, "--format", "otio")
    assert (code, out) == (2, "")
    assert said in err
    assert "film.yaml" in err


def test_a_damaged_take_still_has_its_place(film: Path, call: Call) -> None:
    """Its length is known from when it arrived; that the file is another is said."""
    whole, _ = exported(call, film, "otio")
    for name in ("sh010", "sh010.t2"):
        path = film.parent / f"renders/film.preview/{name}.mp4"
        path.write_bytes(b"\0\0\0\x18ftypisom")
    text, said = exported(call, film, "otio")
    assert "not in place, `reelmake run` puts it there: sh010" in said
    was, now = (json.loads(t)["tracks"]["children"][0]["children"][0] for t in (whole, text))
    assert now["source_range"] == was["source_range"]


def test_nothing_rendered_is_an_animatic_of_gaps(film: Path, call: Call) -> None:
    """Before the first run there is a timeline to look at already."""
    shutil.rmtree(film.parent / "renders")
    shutil.rmtree(film.parent / ".reelmake")
    (film.parent / ".reelmake").mkdir()
    text, said = exported(call, film, "fcpxml")
    assert said == ["not rendered yet, only the place is kept: sh010, sh020"]
    spine = next(ElementTree.fromstring(text).iter("spine"))
    assert [each.tag for each in spine] == ["gap", "transition", "gap"]


def test_a_drawing_of_it(rendered: Path, call: Call) -> None:
    """DOT unless Mermaid is asked for; nothing else on stdout."""
    code, out, err = call("graph", rendered / "film.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("digraph film {\n")
    assert '  label="Fähre";\n' in out
    assert '"sh010" -> "sh020" [label="last frame as first frame"];' in out
    code, out, err = call("graph", rendered / "film.yaml", "--format", "mermaid")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:4] == ['title: "Fähre"', "---", "flowchart LR"]
    assert out.count("up to date") == 3


def test_a_drawing_too_large_for_mermaid_is_said_to_be(film: Path, call: Call) -> None:
    """GitHub would only say that it is too large."""
    shots = "".join(f"  - {{id: s{n}, prompt: p, after: [sh010]}}\n" for n in range(501))
    film.write_text(film.read_text().replace("cut:\n", f"{shots}cut:\n"))
    code, out, err = call("graph", film, "--format", "mermaid")
    assert (code, out.count("-.->")) == (0, 501)
    assert "larger than Mermaid draws by default" in err
