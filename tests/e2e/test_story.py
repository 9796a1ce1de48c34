"""Two people, one film: real git, a shared store, and nobody pays twice."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from space import Done, Gateway, Space

FILM = """\
storyboard: 1
defaults: {model: wan2.5-t2v-preview, seconds: 5, resolution: 480p}
shots:
  - id: sh010
    prompt: A pier at dusk.
  - id: sh020
    model: wan2.5-i2v-preview
    first_frame: {shot: sh010, frame: last}
    prompt: The camera drifts along it.
  - id: sh030
    prompt: "{{ vars.thing }}"
vars: {thing: A bench.}
"""


def git(folder: Path, *words: str) -> str:
    names = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(
        ["git", *names, *words], cwd=folder, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def two(tmp_path: Path, quick_gateway: Gateway) -> tuple[Space, Space]:
    """A's checkout with a rendered, pushed film, and B's fresh clone; one store between them."""
    shared = {"REELMAKE_STORE": f"file://{tmp_path / 'shared'}"}
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "a")
    a = Space(tmp_path / "a", quick_gateway, dict(shared))
    git(a.root, "checkout", "-q", "-b", "main")
    a.write("film.yaml", FILM)
    a.write(".gitignore", ".reelmake/\nrenders/**/*.mp4\n")
    a.run("run", "film.yaml", "--yes").ok()
    git(a.root, "add", ".")
    git(a.root, "commit", "-qm", "film")
    git(a.root, "push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", "origin.git", "b")
    return a, Space(tmp_path / "b", quick_gateway, dict(shared))


def test_a_fresh_clone_gets_the_same_film_and_spends_nothing(two: tuple[Space, Space]) -> None:
    """`run --frozen` restores every take from the team's store: no POST, the same bytes."""
    a, b = two
    before = b.posts
    b.run("run", "film.yaml", "--frozen").ok()
    assert b.posts == before
    for shot in ("sh010", "sh020", "sh030"):
        name = f"renders/film/{shot}.mp4"
        assert (a.root / name).read_bytes() == (b.root / name).read_bytes()
    b.run("verify", "film.yaml").ok()
    assert git(b.root, "status", "--porcelain") == ""


def test_frozen_without_the_store_names_what_is_missing(two: tuple[Space, Space]) -> None:
    """It never renders instead."""
    _, b = two
    before = b.posts
    b.environ.clear()
    b.run("run", "film.yaml", "--frozen").left(3).says("sh010", "sh020", "sh030")
    assert b.posts == before


def test_a_reroll_changes_that_shot_and_what_hangs_on_it(two: tuple[Space, Space]) -> None:
    """B adds a take and keeps it; A merges, and only sh010 and sh020 are others."""
    a, b = two
    b.run("run", "film.yaml", "--frozen").ok()
    before = b.posts
    text = (b.root / "film.yaml").read_text()
    b.run("run", "film.yaml", "sh010", "--take", "2").left(3)
    assert (b.root / "film.yaml").read_text() == text  # nobody said yes
    b.run("run", "film.yaml", "sh010", "--take", "2", "--yes").ok().says("now has takes: 2")
    assert b.posts == before + 1
    b.run("keep", "film.yaml", "sh010", "2").ok()
    b.run("run", "film.yaml", "--yes").ok()
    assert b.posts == before + 2
    git(b.root, "commit", "-qam", "another take of sh010")
    git(b.root, "push", "-q", "origin", "main")
    old = {s["id"]: s["output"]["sha256"] for s in a.manifest()["shots"]}
    git(a.root, "pull", "-q", "--no-rebase", "origin", "main")
    a.run("run", "film.yaml", "--frozen").ok()
    new = {s["id"]: s["output"]["sha256"] for s in a.manifest()["shots"] if s["kept"]}
    assert {id_ for id_ in new if new[id_] != old[id_]} == {"sh010", "sh020"}
    assert a.posts == before + 2


def test_a_saved_plan_is_done_exactly_or_refused(two: tuple[Space, Space]) -> None:
    """What was approved is what is spent; anything that moved is named."""
    a, _ = two
    a.edit("film.yaml", "A bench.", "A green bench.")
    a.run("plan", "film.yaml", "--save", "film.plan.json").ok()
    saved = (a.root / "film.plan.json").read_bytes()
    a.run("plan", "film.yaml", "--save", "film.plan.json").ok()
    assert (a.root / "film.plan.json").read_bytes() == saved
    file = str(a.root / "film.yaml")
    Space(a.root.parent, a.gateway, a.environ).run("plan", file, "--save", "elsewhere.json").ok()
    assert (a.root.parent / "elsewhere.json").read_bytes() == saved
    a.edit("film.yaml", "A green bench.", "A red bench.")
    before = a.posts
    a.run("run", "film.yaml", "--plan", "film.plan.json").left(3).says("sh030")
    a.edit("film.yaml", "A red bench.", "A green bench.")
    a.run("run", "film.yaml", "--plan", "film.plan.json").ok()
    assert a.posts == before + 1
    assert json.loads(saved)["totals"]["cost"]["currency"] == "USD"


@pytest.mark.slow
def test_losing_everything_but_the_lock_and_the_store_loses_nothing(
    two: tuple[Space, Space],
) -> None:
    """State and outputs deleted: the manifest and the team's store bring the film back."""
    a, _ = two
    shutil.rmtree(a.root / ".reelmake")
    for video in (a.root / "renders/film").glob("*.mp4"):
        video.unlink()
    before = a.posts
    a.run("run", "film.yaml").ok()
    a.run("verify", "film.yaml").ok()
    assert a.posts == before


@pytest.mark.slow
def test_the_lock_is_rebuilt_byte_for_byte_whatever_was_decided(two: tuple[Space, Space]) -> None:
    """Deleted after an accept, a re-roll and an edit still to be rendered: the next run, or the
    next decision, writes the same bytes. Lines of shots that nobody touched never change."""
    a, _ = two
    assert a.gateway
    url = a.gateway.url

    def accept() -> Done:
        return a.run("accept", "film.yaml", "sh030", "--gateway", url)

    lock = a.root / "renders/film/manifest.json"
    first = a.manifest()["shots"]
    a.edit("film.yaml", "A bench.", "A green bench.")
    accept().ok().says("vars.thing A bench. -> A green bench.")
    a.run("run", "film.yaml", "sh030", "--force", "--yes").ok()
    a.edit("film.yaml", "A pier at dusk.", "A pier at dawn.")
    a.edit("film.yaml", "A green bench.", "A blue bench.")
    accept().ok()
    assert a.manifest()["shots"][:2] == first[:2]
    before = lock.read_bytes()
    lock.unlink()
    a.edit("film.yaml", "A blue bench.", "A red bench.")
    accept().ok()
    a.edit("film.yaml", "A red bench.", "A blue bench.")
    accept().ok()
    assert lock.read_bytes() == before


@pytest.mark.slow
def test_a_damaged_blob_in_the_teams_store_stops_only_its_take(two: tuple[Space, Space]) -> None:
    """It is never placed and never paid for again; whoever has the bytes mends the store."""
    a, b = two
    before = b.posts
    digest = a.manifest()["shots"][2]["output"]["sha256"]
    blob = a.root.parent / "shared" / digest[:2] / digest[2:]
    blob.chmod(0o600)
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    b.run("run", "film.yaml", "--yes").left(1).says("is damaged; remove it there", "2 done")
    assert not (b.root / "renders/film/sh030.mp4").exists()
    blob.unlink()
    a.run("run", "film.yaml").ok()
    b.run("doctor", "--gateway", "local").ok().says("shared store: answers")
    b.run("run", "film.yaml", "--frozen").ok()
    assert b.posts == before


@pytest.mark.slow
def test_gc_removes_previews_and_nothing_that_may_be_paid(two: tuple[Space, Space]) -> None:
    """Not what was replaced, not what lost its manifest, not what only a colleague paid for; what
    lies in the team's store too may go."""
    a, b = two
    a.run("run", "film.yaml", "sh030", "--force", "--yes").ok()
    b.run("run", "film.yaml", "--frozen").ok()
    for space in (a, b):
        (space.root / "renders/film/manifest.json").unlink()
        space.run("gc", "--min-age", "0").ok()
    a.run("gc", "--min-age", "0", "--delete").ok().says("0 blobs")
    shared = b.environ.pop("REELMAKE_STORE")
    b.run("gc", "--min-age", "0", "--delete").ok().says("0 blobs")
    b.edit("film.yaml", "storyboard: 1", "storyboard: 1\ngateway: local")
    b.run("run", "film.yaml", "--gateway", "local").ok()
    shutil.rmtree(b.root / "renders")
    b.run("gc", "--min-age", "0", "--delete").ok().says("3 blobs")
    b.environ["REELMAKE_STORE"] = shared
    b.run("gc", "--min-age", "0", "--delete").ok().says("3 blobs")
