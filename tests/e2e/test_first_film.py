"""The main job: a storyboard renders end to end, and renders again for free."""

import json
import os
import time
from pathlib import Path

import pytest
from space import KEY, Space, gateway

from runner.media.boxes import check_mp4
from runner.media.probe import probe

FILM = """\
storyboard: 1
title: Film
vars: {grade: teal dusk}
defaults: {model: wan2.5-t2v-preview, seconds: 5, aspect_ratio: "16:9", resolution: 480p}
shots:
  - id: sh010
    prompt: "{{ grade }}. Wide: a pier."
  - id: sh020
    model: wan2.5-i2v-preview
    first_frame: {shot: sh010, frame: last}
    prompt: The camera drifts along it.
  - id: sh030
    prompt: "{{ grade }}. A bench."
"""


def test_a_film_renders_and_renders_again_for_free(paid: Space) -> None:
    """Playable MP4s of the asked size and length, a manifest; the second run sends nothing."""
    paid.write("film.yaml", FILM)
    before = paid.posts
    paid.run("run", "film.yaml", "--yes").ok().says("3 done")
    assert paid.posts == before + 3
    for shot in ("sh010", "sh020", "sh030"):
        video = paid.root / f"renders/film/{shot}.mp4"
        assert check_mp4(video) is None
        found = probe(video)
        assert (found.width, found.height, found.audio) == (832, 480, True)
        assert abs(found.seconds - 5) <= 1 / found.fps + 1e-6
    paid.run("verify", "film.yaml").ok().says("3 takes: as the manifest says")
    paid.run("run", "film.yaml").ok().says("nothing to render")
    assert paid.posts == before + 3


def test_how_it_is_said_costs_nothing(paid: Space) -> None:
    """A comment, key order, a var's name, file name and times are not the request."""
    paid.write("film.yaml", FILM)
    paid.run("run", "film.yaml", "--yes").ok()
    before = paid.posts
    told = FILM.replace("storyboard: 1", "# a comment\nstoryboard: 1")
    told = told.replace(
        'prompt: "{{ grade }}. A bench."',
        "notes: hold\n    prompt: >-\n      teal dusk.\n      A bench.",
    )
    told = told.replace("title: Film\n", "").replace("shots:", "title: Other\nshots:")
    paid.write("film.yaml", told)
    os.utime(paid.root / "film.yaml", (1, 1))
    paid.run("run", "film.yaml").ok().says("nothing to render")
    paid.write("again.yaml", told)
    paid.run("run", "again.yaml").ok()
    assert paid.posts == before
    assert check_mp4(paid.root / "renders/again/sh020.mp4") is None


def test_one_word_costs_one_shot_and_what_hangs_on_it(paid: Space) -> None:
    """The plan says which, why and for how much; the run sends exactly that."""
    paid.write("film.yaml", FILM)
    paid.run("run", "film.yaml", "--yes").ok()
    before = paid.posts
    paid.edit("film.yaml", "A bench.", "A green bench.")
    plan = paid.run("plan", "film.yaml", "--format", "json").ok().json
    assert {s["shot"]: s["action"] for s in plan["steps"]} == {
        "sh010": "reuse",
        "sh020": "reuse",
        "sh030": "render",
    }
    assert "prompt" in plan["steps"][2]["reason"]
    assert paid.posts == before
    paid.run("run", "film.yaml", "--yes").ok().says("1 done\n2 up to date")
    assert paid.posts == before + 1
    paid.edit("film.yaml", "Wide: a pier.", "Wide: a long pier.")
    paid.run("run", "film.yaml", "--yes").ok()
    assert paid.posts == before + 3


def test_lost_and_damaged_outputs_come_back_without_a_request(paid: Space) -> None:
    """Missing, truncated and edited outputs are noticed; an edit is kept beside."""
    paid.write("film.yaml", FILM)
    paid.run("run", "film.yaml", "--yes").ok()
    before, folder = paid.posts, paid.root / "renders/film"
    whole = (folder / "sh020.mp4").read_bytes()
    (folder / "sh010.mp4").unlink()
    (folder / "sh020.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "sh030.mp4").write_bytes(whole + b"edited by hand")
    paid.run("verify", "film.yaml").left(1).says("is missing", "was truncated", "was edited")
    plan = paid.run("plan", "film.yaml", "--format", "json").ok().json
    assert [s["action"] for s in plan["steps"]] == ["restore"] * 3
    paid.run("run", "film.yaml").ok()
    paid.run("verify", "film.yaml").ok()
    assert paid.posts == before
    assert (folder / "sh020.mp4").read_bytes() == whole
    assert [p.read_bytes() for p in folder.glob("sh030.edited-*.mp4")] == [
        whole + b"edited by hand"
    ]


def test_without_a_key_it_is_a_preview_and_says_so(space: Space) -> None:
    """Slates go to a folder of their own and never stand for a paid shot."""
    space.write("film.yaml", FILM)
    done = space.run("run", "film.yaml").ok()
    lines = [line for line in done.err.splitlines() if "AIHUBMIX_API_KEY" in line]
    assert len(lines) == 1
    assert "local gateway" in lines[0]
    assert (space.root / "renders/film.preview/sh010.mp4").exists()
    assert not (space.root / "renders/film").exists()
    space.run("verify", "film.yaml").ok()
    space.run("run", "film.yaml").ok().says("nothing to render")
    space.environ["AIHUBMIX_API_KEY"] = KEY
    plan = space.run("plan", "film.yaml", "--format", "json").ok().json
    assert plan["gateway"] == "aihubmix"
    assert {s["action"] for s in plan["steps"]} == {"render", "wait"}


def test_a_gateway_that_was_asked_for_needs_its_key(space: Space) -> None:
    """--gateway aihubmix without a key stops; it never falls back in silence."""
    space.write("film.yaml", FILM)
    before = space.files()
    space.run("run", "film.yaml", "--gateway", "aihubmix").left(2).says("AIHUBMIX_API_KEY")
    assert space.files() == before


def test_nothing_is_spent_without_a_yes(paid: Space) -> None:
    """Away from a terminal a paid run needs --yes or a cap; a cap is never passed."""
    paid.write("film.yaml", FILM)
    before = paid.posts
    paid.run("run", "film.yaml").left(3).says("--max-cost")
    assert paid.posts == before
    paid.run("run", "film.yaml", "--max-cost", "0.01").left(3)
    paid.run("run", "film.yaml", "--force", "--yes").left(2).says("say which shots")
    paid.run("run", "film.yaml", "--frozen", "--yes").left(3).says("a frozen run spends nothing")
    assert paid.posts == before


def test_on_a_terminal_a_person_is_asked_for_what_may_really_be_spent(paid: Space) -> None:
    """The question names the cap where that is less than the plan; only a yes sends anything."""
    paid.write("film.yaml", FILM)
    before = paid.posts
    for typed in ("n\n", "\n", "\x04"):
        said = paid.asked(typed, "run", "film.yaml", "--max-cost", "0.01").left(3)
        said.says("Spend up to $0.01 at", "[y/N]", "nothing was sent")
    assert paid.posts == before
    paid.asked("y\n", "run", "film.yaml").ok()
    assert paid.posts > before


def test_ten_shots_take_as_long_as_one(space: Space) -> None:
    """Independent shots are in flight together: the gateway sees all of them running at once."""
    shots = "".join(f"  - {{id: s{n}, prompt: Number {n} of ten.}}\n" for n in range(10))
    head = "storyboard: 1\ndefaults: {model: wan2.5-t2v-preview, resolution: 480p}\nshots:\n"
    space.write("film.yaml", head + shots)
    with gateway("--render-seconds", "2", "--slates", "plain") as opened:
        space.gateway = opened
        began = time.monotonic()
        space.run("run", "film.yaml", "--yes").ok()
        took = time.monotonic() - began
        starts = [job["at"] for job in opened.jobs]
    assert len(starts) == 10
    assert max(starts) - min(starts) < 2 < took


def test_the_key_is_nowhere(paid: Space) -> None:
    """Not in what is printed, not in any file, not in an error."""
    paid.write("film.yaml", FILM)
    said = [paid.run("run", "film.yaml", "--yes").ok(), paid.run("status", "film.yaml")]
    paid.edit("film.yaml", "480p", "999p")
    said.append(paid.run("run", "film.yaml").left(2))
    for done in said:
        assert KEY not in done.out + done.err
    for path in paid.root.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("storyboard: 1\nshots: [", "yaml"),
        ("[" * 200_000, "yaml"),
        (FILM + "title: again\n", "yaml"),
        (FILM.replace("title: Film", "titel: Film"), "storyboard"),
        (FILM.replace("teal dusk}", "!!python/object:os.system x}"), "yaml"),
        (FILM.replace("shot: sh010", "shot: sh099"), ""),
        (FILM.replace("id: sh010", "id: sh010\n    after: [sh020]"), "cycle"),
        (FILM.replace("{{ grade }}. Wide", "{{ colour }}. Wide"), ""),
        (FILM.replace("seconds: 5", "seconds: 7"), "wan"),
        (FILM.replace("seconds: 5", "seconds: no"), ""),
        (FILM.replace("wan2.5-t2v-preview", "wan2.5-t2v-previw"), ""),
        ("", ""),
    ],
)
def test_bad_input_is_explained_and_nothing_is_written(space: Space, text: str, rule: str) -> None:
    """Exit 2, each problem with file, line and column; no file appears."""
    space.write("film.yaml", text)
    before = space.files()
    done = space.run("run", "film.yaml").left(2)
    first = done.err.splitlines()[0]
    assert first.startswith("film.yaml:")
    assert first.split(":")[1].isdigit()
    assert first.split(":")[2].isdigit()
    assert rule in done.err
    assert space.files() == before


def test_problems_as_json_have_the_published_keys(space: Space) -> None:
    """Scripts and editors read `validate --format json`; github reads its own form."""
    space.write("film.yaml", FILM.replace("seconds: 5", "seconds: 7"))
    shown = space.run("validate", "film.yaml", "--format", "json").left(2).json
    assert shown["problems"]
    assert set(shown["problems"][0]) == {
        "severity", "file", "line", "column", "path", "rule", "message", "hint", "source",
    }  # fmt: skip
    lines = space.run("validate", "film.yaml", "--format", "github").left(2).out.splitlines()
    assert lines[0].startswith("::error file=film.yaml,line=4,col=")


def test_run_prints_the_plan_with_its_end_as_json(paid: Space) -> None:
    """The last thing on stdout is one JSON document; people's text goes to stderr."""
    paid.write("film.yaml", FILM)
    done = paid.run("run", "film.yaml", "--yes", "--format", "json").ok()
    shown = json.loads(done.out)
    assert [s["status"] for s in shown["steps"]] == ["done"] * 3
    assert [s["output"] for s in shown["steps"]] == ["sh010.mp4", "sh020.mp4", "sh030.mp4"]
    assert shown["totals"]["cost"]["currency"] == "USD"


@pytest.mark.slow
def test_init_makes_a_film_that_runs(space: Space, tmp_path: Path) -> None:
    """A new user's first three commands work as they stand."""
    new = Space(tmp_path)
    new.run("init", "lighthouse").ok()
    new.root = tmp_path / "lighthouse"
    head = (new.root / "lighthouse.yaml").read_text().splitlines()[0]
    schema = (new.root / head.rpartition("=")[2]).read_text()
    assert json.loads(schema) == new.run("schema").ok().json
    new.run("validate", "lighthouse.yaml").ok()
    new.run("run", "lighthouse.yaml").ok()
    new.run("verify", "lighthouse.yaml").ok()
    assert check_mp4(new.root / "renders/lighthouse.preview/cut.mp4") is None
    new.run("init", ".").left(2)


def test_warnings_are_told_before_money_and_only_counted_after(paid: Space) -> None:
    """What a vendor may refuse is said in full while it can still be paid for, then in a line."""
    paid.write(
        "film.yaml",
        "storyboard: 1\nshots:\n  - {id: a, model: sora-2, prompt: A pier., seconds: 4}\n",
    )
    told = paid.run("run", "film.yaml", "--yes").ok().says("1 done")
    assert "[model.retired]" in told.err
    again = paid.run("run", "film.yaml").ok().says("1 warning: reelmake validate film.yaml")
    assert "[model.retired]" not in again.err
    paid.run("validate", "film.yaml").ok().says("[model.retired]")
    paid.run("verify", "film.yaml").ok().says("1 take: as")


@pytest.mark.slow
def test_two_films_of_one_name_are_never_mixed(space: Space) -> None:
    """Same stem, other folder: refused while both exist; after a move it is the same film."""
    space.write(".reelmake/.keep", "")
    space.write("one/film.yaml", FILM)
    space.run("run", "one/film.yaml", "sh030").ok()
    space.write("two/film.yaml", FILM)
    for command in ("plan", "run"):
        done = space.run(command, "two/film.yaml").left(2)
        done.says("renders/film.preview holds the results of one/film.yaml", "--out")
    space.run("run", "two/film.yaml", "sh030", "--out", "two/out").ok()
    (space.root / "two/film.yaml").unlink()
    (space.root / "one/film.yaml").rename(space.root / "two/film.yaml")
    space.run("run", "two/film.yaml", "sh030").ok().says("nothing to render")


@pytest.mark.parametrize("name", ["REELMAKE_POLL_SECONDS", "REELMAKE_RENDER_SECONDS"])
def test_a_time_that_is_none_is_refused(space: Space, name: str) -> None:
    """A slip in a variable is said with its name and value, and nothing is rendered."""
    space.write("film.yaml", FILM)
    space.environ[name] = "soon"
    space.run("run", "film.yaml").left(2).says(f"{name} is 'soon'")


def test_a_gateway_nobody_knows_is_told_at_its_place(space: Space) -> None:
    """`gateway:` in the storyboard is checked like everything else in it."""
    space.write("film.yaml", FILM.replace("title: Film", "gateway: aihubmx"))
    space.run("validate", "film.yaml").left(2).says("film.yaml:2:10", "did you mean `aihubmix`?")
