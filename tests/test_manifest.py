"""The manifest: the lock of a film, and the files it speaks of."""

import json
import re
import subprocess
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.disk import hash_file
from runner.errors import BadInput, NeedsDecision, Outside
from runner.fingerprint import asked, digest, inputs
from runner.manifest import (
    CutFile,
    Manifest,
    build,
    dump,
    find,
    parse,
    read,
    recall,
    write,
)
from runner.manifest.apart import apart, regular
from runner.manifest.check import verify
from runner.manifest.outputs import place
from runner.manifest.reach import reachable
from runner.model import (
    AttemptId,
    Digest,
    Estimate,
    Facts,
    Finding,
    History,
    JobId,
    LocalFile,
    Medium,
    ModelId,
    Money,
    Plan,
    Probe,
    Request,
    Result,
    Shot,
    ShotId,
    ShotOutput,
    Storyboard,
    Take,
    Url,
)
from runner.planner import make_plan
from runner.store import Store

SCHEMA = json.loads((Path(__file__).parent.parent / "schemas/manifest.schema.json").read_text())
A, B = Digest("a" * 64), Digest("b" * 64)


class Film:
    """A storyboard whose takes have been rendered: bytes in a real store, results in a history."""

    def __init__(self, folder: Path, *shots: Shot) -> None:
        self.folder = folder / "renders" / "film"
        self.store = Store(folder / ".reelmake" / "store")
        self.scratch = folder
        self.storyboard = Storyboard("film.yaml", Digest("0" * 64), shots)
        self.results: dict[Digest, Result] = {}
        self.latest: dict[tuple[ShotId, int], Result] = {}

    @property
    def history(self) -> History:
        return History(self.results, latest=self.latest)

    @property
    def path(self) -> Path:
        return self.folder / "manifest.json"

    def plan(self, history: History | None = None) -> Plan:
        held = set(self.store)
        facts = Facts(history or self.history, {"a.png": A}, held, {}, lambda _: None)
        return make_plan(self.storyboard, facts, gateway="aihubmix")

    def render(self, *only: str) -> None:
        """Give every take that lacks one a result with bytes of its own."""
        for shot in self.storyboard.shots:
            for take in shot.takes:
                step = next(
                    s for s in self.plan().steps if (s.shot, s.take) == (shot.id, take.number)
                )
                if step.result is None and step.fingerprint and (not only or shot.id in only):
                    self.note(take, step.fingerprint, dict(step.asked or {}))

    def note(self, take: Take, fingerprint: Digest, document: dict[str, Any]) -> None:
        data = f"video {take.shot} {take.number} {fingerprint}".encode() * 20
        tmp = self.scratch / "download"
        tmp.write_bytes(data)
        result = Result(
            AttemptId("at-1"), take.shot, take.number, fingerprint, document, "aihubmix",
            JobId("job/ü-1"), "2026-11-23T08:00:00Z", "2026-11-23T08:02:00Z",
            self.store.take_in(tmp), len(data), Probe(1280, 720, 5.04, 24.0, True),
            Estimate(Money(Decimal("0.50")), "5 s x 0.10 USD/s"), vendor="wan",
            inputs=inputs(take.request, document),
        )  # fmt: skip
        self.results[fingerprint] = self.latest[take.shot, take.number] = result

    def manifest(self, cut: CutFile | None = None) -> Manifest:
        return build(self.storyboard, self.plan(), self.history, cut)

    def finish(self, cut: CutFile | None = None) -> Manifest:
        """What happens at the end of a run: outputs placed, manifest written."""
        manifest = self.manifest(cut)
        for entry in manifest.entries:
            place(entry.outputs, entry.result.sha256, self.folder, self.store)
        write(self.path, manifest)
        return manifest

    def flaws(self) -> list[tuple[str, str]]:
        manifest = read(self.path)
        assert manifest
        return [(f.rule, f.path) for f in verify(manifest, self.folder, self.store)]


def shot(name: str, *needs: str, takes: int = 1, keep: int = 1, **fields: Any) -> Shot:
    media = tuple(
        Medium("first_frame", "image", ShotOutput(ShotId(other), "last")) for other in needs
    )
    request = Request(ModelId("wan2.6"), **{"prompt": f"the {name}", "media": media} | fields)
    numbered = tuple(Take(ShotId(name), n, request) for n in range(1, takes + 1))
    return Shot(ShotId(name), "wan", numbered, keep)


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Three shots; of the second's three takes the second is kept, and the third hangs on it."""
    made = Film(tmp_path, shot("sh010"), shot("sh020", takes=3, keep=2), shot("sh030", "sh020"))
    made.render()
    return made


# ── the file ────────────────────────────────────────────────────────────────────────────────


def test_the_manifest_names_every_take_in_order(film: Film) -> None:
    """Takes in the order of the storyboard, the kept one marked and placed as the shot."""
    entries = film.manifest().entries
    assert [(e.shot, e.take, e.kept, e.outputs) for e in entries] == [
        ("sh010", 1, True, ("sh010.mp4",)),
        ("sh020", 1, False, ("sh020.t1.mp4",)),
        ("sh020", 2, True, ("sh020.mp4", "sh020.t2.mp4")),
        ("sh020", 3, False, ("sh020.t3.mp4",)),
        ("sh030", 1, True, ("sh030.mp4",)),
    ]


def test_an_entry_says_what_was_asked_and_what_came_back(film: Film) -> None:
    """The documented shape: request, job, inputs, output, cost."""
    saved = json.loads(dump(film.manifest()))["shots"][4]
    kept = film.latest[ShotId("sh020"), 2]
    done = film.latest[ShotId("sh030"), 1]
    assert saved == {
        "id": "sh030", "take": 1, "kept": True, "fingerprint": done.fingerprint,
        "model": "wan2.6", "vendor": "wan", "prompt": "the sh030", "request": done.asked,
        "job": {
            "id": "job/ü-1", "gateway": "aihubmix",
            "submitted_at": "2026-11-23T08:00:00Z", "completed_at": "2026-11-23T08:02:00Z",
        },
        "inputs": [
            {"role": "first_frame", "shot": "sh020", "frame": "last", "sha256": kept.sha256}
        ],
        "output": {
            "path": "sh030.mp4", "sha256": done.sha256, "bytes": done.bytes, "width": 1280,
            "height": 720, "seconds": 5.04, "fps": 24.0, "audio": True,
        },
        "cost": {"amount": "0.50", "currency": "USD", "basis": "5 s x 0.10 USD/s"},
    }  # fmt: skip


def test_the_manifest_keeps_its_published_schema(film: Film) -> None:
    """Other tools may rely on schemas/manifest.schema.json."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    assert list(validator.iter_errors(json.loads(dump(film.manifest(CutFile("cut.mp4", B)))))) == []
    assert list(validator.iter_errors(json.loads(dump(Film(film.folder).manifest())))) == []


def test_inputs_of_every_origin_are_named_without_secrets(tmp_path: Path) -> None:
    """A file by its path, a URL without its query; neither base64 nor tokens."""
    media = (
        Medium("reference", "image", Url("https://cdn.test/x.png?sig=hush")),
        Medium("first_frame", "image", LocalFile("a.png")),
    )
    made = Film(tmp_path, shot("sh010", media=media))
    made.render()
    text = dump(made.manifest()).decode()
    first, second = json.loads(text)["shots"][0]["inputs"]
    assert first == {"role": "first_frame", "path": "a.png", "sha256": A}
    assert (second["role"], second["url"]) == ("reference", "https://cdn.test/x.png")
    assert "hush" not in text


def test_a_manifest_is_written_only_when_it_changes(film: Film) -> None:
    """An unchanged film leaves the file and its time stamp alone."""
    film.finish()
    before = film.path.stat()
    assert write(film.path, film.manifest()) is False
    assert film.path.stat().st_mtime_ns == before.st_mtime_ns
    assert film.path.stat().st_ino == before.st_ino


def test_a_manifest_read_and_written_is_the_same_bytes(film: Film) -> None:
    """Reading loses nothing that writing needs."""
    data = dump(film.manifest(CutFile("cut.mp4", B)))
    assert dump(parse(data.decode(), "m")) == data


def test_the_manifest_is_rebuilt_byte_for_byte(film: Film) -> None:
    """Deleted by accident, it comes back from journal and store."""
    film.finish(CutFile("cut.mp4", B))
    before = film.path.read_bytes()
    film.path.unlink()
    film.finish(CutFile("cut.mp4", B))
    assert film.path.read_bytes() == before


def test_a_take_that_is_not_up_to_date_keeps_its_entry(film: Film) -> None:
    """The lock changes where something was rendered, not where something was edited."""
    film.finish()
    before = film.path.read_bytes()
    first = film.storyboard.shots[0]
    edited = replace(first.takes[0], request=replace(first.takes[0].request, prompt="new"))
    shots = (replace(first, takes=(edited,)), *film.storyboard.shots[1:])
    film.storyboard = replace(film.storyboard, shots=shots, sha256=A)
    write(film.path, film.manifest())
    assert film.path.read_bytes() == before


def test_a_new_render_changes_only_the_lines_of_its_shot(film: Film) -> None:
    """A reviewer sees in the diff which shots are new."""
    before = dump(film.manifest()).decode().splitlines()
    film.results.pop(film.latest[ShotId("sh010"), 1].fingerprint)
    first = film.storyboard.shots[0].takes[0]
    document = asked(first, lambda _: None)
    assert document
    film.note(first, digest(document), document | {"prompt": "as it was sent"})
    after = dump(film.manifest()).decode().splitlines()
    changed = [line for line in after if line not in before]
    assert len(before) == len(after)
    assert {line.split('"')[1] for line in changed} == {"prompt", "request"}


def test_findings_travel_with_their_take(film: Film) -> None:
    """A take that came out shorter than asked stays marked for review."""
    key = (ShotId("sh010"), 1)
    odd = replace(film.latest[key], findings=(Finding("take.seconds", "asked 5 s, got 3 s"),))
    film.results[odd.fingerprint] = film.latest[key] = odd
    back = parse(dump(film.manifest()).decode(), "m")
    assert back.entries[0].result.findings == odd.findings


def one_spelling(text: str) -> bool:
    """Two surrogates that make a pair are one character for JSON, and two for Python."""
    return text == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


texts = st.text(st.characters(exclude_categories=[]), max_size=20).filter(one_spelling)


@given(texts, texts)
def test_any_prompt_survives(prompt: str, key: str) -> None:
    """Whatever characters a prompt has, surrogates included, the file is JSON and says the same."""
    document = {"prompt": prompt, "options": {key: 1}, "model": "m"}
    result = Result(
        AttemptId(""), ShotId("s"), 1, A, document, "g", None, "", "", B, 1,
        Probe(1, 1, 1.0, 1.0, False),
    )  # fmt: skip
    storyboard = Storyboard("f.yaml", A, (shot("s"),))
    history = History({}, latest={(ShotId("s"), 1): result})
    data = dump(build(storyboard, Plan("f.yaml", "g", ()), history))
    assert json.loads(data)["shots"][0]["request"] == result.asked


# ── reading what others wrote ───────────────────────────────────────────────────────────────


def test_no_manifest_is_none(tmp_path: Path) -> None:
    """A film that was never rendered has none."""
    assert read(tmp_path / "manifest.json") is None


def spoil(change: Callable[[Any], None]) -> str:
    entry = {
        "id": "sh010", "take": 1, "kept": True, "fingerprint": A, "model": "m", "vendor": "v",
        "prompt": "p", "request": {}, "inputs": [], "cost": None,
        "job": {"id": None, "gateway": "g", "submitted_at": "", "completed_at": ""},
        "output": {
            "path": "sh010.mp4", "sha256": B, "bytes": 1, "width": 1, "height": 1, "seconds": 1.0,
            "fps": 1.0, "audio": False,
        },
    }  # fmt: skip
    data = {
        "manifest": 1,
        "storyboard": {"path": "f", "sha256": A},
        "gateway": "g",
        "shots": [entry],
    }
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a manifest"),
        ('{"manifest": NaN}', "not JSON"),
        (spoil(lambda d: d.update(manifest=2)), "format 2"),
        (spoil(lambda d: d["shots"][0].pop("output")), "'sh010' is damaged"),
        (spoil(lambda d: d["shots"].append(7)), "entry 1 is damaged"),
        (spoil(lambda d: d["shots"][0]["output"].update(path="../x.mp4")), "no path below"),
        (spoil(lambda d: d["shots"][0]["output"].update(path="/etc/x")), "no path below"),
        (spoil(lambda d: d["shots"][0]["output"].update(also=["a\\b"])), "no path below"),
    ],
)
def test_a_damaged_manifest_is_one_clear_error(text: str, message: str) -> None:
    """Never a traceback, and never a path that leads out of the folder."""
    with pytest.raises(BadInput, match=message):
        parse(text, "renders/film/manifest.json")


def spots(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            found += spots(item, (*path, key))
    return found


rubbish: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "../x", [], [1], {}, {"a": 1}, "NaN", {"media": [{}]}]
)


@given(st.data(), rubbish)
def test_any_spoilt_place_is_one_clear_error_or_harmless(data: st.DataObject, junk: Any) -> None:
    """Whatever somebody wrote where, reading it ends in a manifest or in an error of ours."""
    whole = json.loads(spoil(lambda d: d.update(cut={"path": "cut.mp4", "sha256": A})))
    *way, last = data.draw(st.sampled_from(spots(whole)))
    spot = whole
    for step in way:
        spot = spot[step]
    if data.draw(st.booleans()):
        spot[last] = junk
    else:
        del spot[last]
    try:
        manifest = parse(json.dumps(whole), "m")
    except BadInput:
        return
    dump(manifest)


def test_a_manifest_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """Binary rubbish in its place is named."""
    (tmp_path / "m").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read(tmp_path / "m")


# ── as history ──────────────────────────────────────────────────────────────────────────────


def test_a_fresh_clone_knows_what_was_rendered(film: Film) -> None:
    """With manifest and store, but no journal, nothing is rendered again."""
    film.finish()
    manifest = read(film.path)
    assert manifest
    plan = film.plan(recall(History(), manifest, set(film.store)))
    assert {step.action.value for step in plan.steps} == {"restore"}


@pytest.mark.parametrize("takes", [1, 1_000], ids=["one by one", "by an index"])
def test_single_entries_are_read_as_the_whole_is(tmp_path: Path, takes: int) -> None:
    """Whatever is looked up, and whatever prompts look like; two shots may share a take."""
    odd = f'{{\n      "id": "z",\n      "take": 1,\n      "fingerprint": "{A}",\n'
    many = (shot(f"s{number}", prompt=f"{number}{odd}") for number in range(30))
    film = Film(tmp_path, *many, shot("t", "s1", takes=2), shot("also", prompt=f"3{odd}"))
    film.render()
    data = dump(film.manifest())
    whole = parse(data.decode(), "manifest.json").entries
    assert regular(data)
    by_fingerprint, by_take = apart(data, takes)
    for entry in whole:
        assert by_take[entry.shot, entry.take] == entry.result
    for fingerprint, result in {e.result.fingerprint: e.result for e in whole}.items():
        assert by_fingerprint[fingerprint] == result
    strangers = [("z", 1), ("s1", 2), ("s", 1), ("t", 11), ("t", 3)]
    assert not any((ShotId(name), number) in by_take for name, number in strangers)
    assert A not in by_fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda text: json.dumps(json.loads(text), indent=4),
        lambda text: text.replace('      "kept"', '        "kept"', 1),
        lambda text: text.replace('"id": "sh010"', '"id": "sh\\u0030"'),
        lambda text: text.replace('"take": 3', '"take": 2'),
    ],
    ids=["reformatted", "indented", "escaped", "twice"],
)
def test_other_forms_are_not_looked_up(film: Film, change: Callable[[str], str]) -> None:
    """A text that somebody else wrote is read as a whole."""
    text = dump(film.manifest()).decode()
    assert regular(text.encode())
    assert change(text) != text
    assert not regular(change(text).encode())


def test_the_lock_wins_over_the_journal(film: Film) -> None:
    """After a merge the colleague's take is the shot, if its bytes can be had."""
    theirs = film.manifest()
    key = (ShotId("sh010"), 1)
    mine = replace(film.latest[key], sha256=B)
    journal = History({mine.fingerprint: mine}, latest={key: mine})
    both = {mine.sha256, theirs.entries[0].result.sha256}
    assert recall(journal, theirs, both).results[mine.fingerprint] == replace(
        film.latest[key], attempt=AttemptId("at-1")
    )
    assert recall(journal, theirs, {B}).results[mine.fingerprint] == mine


# ── outputs ─────────────────────────────────────────────────────────────────────────────────


def test_outputs_are_copies_of_what_the_store_has(film: Film) -> None:
    """The kept take lies under the shot's name, all takes under their numbers."""
    film.finish()
    assert sorted(p.name for p in film.folder.iterdir()) == [
        ".gitattributes", "manifest.json", "sh010.mp4", "sh020.mp4",
        "sh020.t1.mp4", "sh020.t2.mp4", "sh020.t3.mp4",
        "sh030.mp4",
    ]  # fmt: skip
    assert hash_file(film.folder / "sh020.mp4") == film.latest[ShotId("sh020"), 2].sha256


def test_an_edited_output_is_moved_aside(film: Film) -> None:
    """A grade somebody put on a shot is never overwritten."""
    film.finish()
    output = film.folder / "sh010.mp4"
    output.write_bytes(b"graded")
    sha = film.latest[ShotId("sh010"), 1].sha256
    (aside,) = place(["sh010.mp4"], sha, film.folder, film.store)
    assert aside.name == f"sh010.edited-{hash_file(aside)[:8]}.mp4"
    assert aside.read_bytes() == b"graded"
    assert hash_file(output) == sha


def test_a_second_edit_does_not_overwrite_the_first(film: Film) -> None:
    """Even where names collide both edits survive; the same edit is kept once."""
    film.finish()
    sha = film.latest[ShotId("sh010"), 1].sha256
    output = film.folder / "sh010.mp4"
    for text in (b"graded", b"graded"):
        output.write_bytes(text)
        place(["sh010.mp4"], sha, film.folder, film.store)
    (aside,) = film.folder.glob("*.edited-*")
    aside.write_bytes(b"edited again")
    output.write_bytes(b"graded")
    (second,) = place(["sh010.mp4"], sha, film.folder, film.store)
    assert (aside.read_bytes(), second.read_bytes()) == (b"edited again", b"graded")


def test_an_earlier_render_is_simply_replaced(film: Film) -> None:
    """Choosing another take leaves no litter: the store has the old bytes."""
    film.finish()
    film.storyboard = replace(
        film.storyboard,
        shots=tuple(replace(s, keep=3) if s.id == "sh020" else s for s in film.storyboard.shots),
    )
    sha = film.latest[ShotId("sh020"), 3].sha256
    assert place(["sh020.mp4", "sh020.t3.mp4"], sha, film.folder, film.store) == []
    assert hash_file(film.folder / "sh020.mp4") == sha


def test_a_lost_blob_comes_back_from_an_intact_output(film: Film) -> None:
    """Deleting the store loses nothing while the films are there."""
    film.finish()
    sha = film.latest[ShotId("sh020"), 2].sha256
    film.store.path(sha).unlink()
    (film.folder / "sh020.mp4").unlink()
    place(["sh020.mp4", "sh020.t2.mp4"], sha, film.folder, film.store)
    assert film.store.verify(sha)
    assert hash_file(film.folder / "sh020.mp4") == sha


def test_a_paid_take_is_not_mistaken_for_an_edit(film: Film) -> None:
    """What the store has lost, but an output still holds, goes back to the store."""
    film.finish()
    old = film.latest[ShotId("sh010"), 1].sha256
    new = film.latest[ShotId("sh030"), 1].sha256
    film.store.path(old).unlink()
    assert place(["sh010.mp4"], new, film.folder, film.store, film.history) == []
    assert film.store.verify(old)


def test_bytes_that_are_nowhere_are_an_error(film: Film) -> None:
    """Nothing is put in place of what is lost."""
    with pytest.raises(Outside, match=r"sh010\.mp4: its bytes are in no store"):
        place(["sh010.mp4"], A, film.folder, film.store)


def test_names_that_windows_keeps_for_devices_are_not_used() -> None:
    """A shot may be called con; its file may not."""
    assert shot("con").outputs(1) == ("_con.mp4",)
    assert shot("COM1", takes=2).outputs(2) == ("_COM1.t2.mp4",)
    assert shot("nul.wide").outputs(1) == ("_nul.wide.mp4",)
    assert shot("console").outputs(1) == ("console.mp4",)


# ── verify ──────────────────────────────────────────────────────────────────────────────────


def test_a_complete_film_verifies(film: Film) -> None:
    """Nothing to say means every byte is as recorded."""
    film.finish()
    assert film.flaws() == []


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda p: p.unlink(), "output.missing"),
        (lambda p: p.write_bytes(p.read_bytes()[:-1]), "output.truncated"),
        (lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x"), "output.edited"),
        (lambda p: p.write_bytes(p.read_bytes() + b"x"), "output.edited"),
    ],
)
def test_a_spoilt_output_is_found(film: Film, spoil: Callable[[Path], None], rule: str) -> None:
    """One byte is enough."""
    film.finish()
    spoil(film.folder / "sh010.mp4")
    assert film.flaws() == [(rule, "sh010.mp4")]


def test_a_spoilt_store_is_found(film: Film) -> None:
    """A blob that is gone, and one with a flipped bit."""
    film.finish()
    gone, bad = (film.latest[ShotId(s), 1].sha256 for s in ("sh010", "sh030"))
    film.store.path(gone).unlink()
    blob = film.store.path(bad)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    assert film.flaws() == [("store.missing", gone), ("store.damaged", bad)]
    *_, damaged = verify(film.manifest(), film.folder, film.store)
    assert f"{blob} is damaged; remove it" in damaged.message


def test_a_manifest_edited_by_hand_is_found(film: Film) -> None:
    """A request that does not have the fingerprint it stands beside."""
    film.finish()
    text = film.path.read_text().replace('"prompt": "the sh010", "take"', '"prompt": "x", "take"')
    film.path.write_text(text)
    assert film.flaws() == [("manifest.request", "manifest.json")]


def test_the_cut_is_verified(film: Film) -> None:
    """A cut that is missing, or not the one that was made, is found."""
    cut = film.folder / "cut.mp4"
    cut.parent.mkdir(parents=True, exist_ok=True)
    cut.write_bytes(b"cut")
    film.finish(CutFile("cut.mp4", hash_file(cut)))
    assert film.flaws() == []
    cut.write_bytes(b"recut")
    assert film.flaws() == [("cut.edited", "cut.mp4")]
    cut.unlink()
    assert film.flaws() == [("cut.missing", "cut.mp4")]


def test_a_comment_in_the_storyboard_leaves_the_lock_alone(film: Film) -> None:
    """The manifest changes only where a render changed something."""
    film.finish()
    before = film.path.read_bytes()
    film.storyboard = replace(film.storyboard, sha256=B)
    film.finish()
    assert film.path.read_bytes() == before


# ── two people ──────────────────────────────────────────────────────────────────────────────


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def edited(film: Film, name: str, prompt: str) -> None:
    """Edit one shot's prompt and render what follows from it."""
    film.storyboard = replace(
        film.storyboard,
        sha256=Digest(prompt[0] * 64),
        shots=tuple(
            s
            if s.id != name
            else replace(
                s,
                takes=tuple(replace(t, request=replace(t.request, prompt=prompt)) for t in s.takes),
            )
            for s in film.storyboard.shots
        ),
    )
    film.render()


def test_both_storyboard_lines_of_a_merge_become_one(film: Film) -> None:
    """What git kept of both sides is written anew, although no render has changed."""
    film.finish()
    before = film.path.read_bytes()
    head, line, rest = re.split(rb'(?m)^(  "storyboard".*\n)', before, maxsplit=1)
    film.path.write_bytes(head + line + line.replace(B.encode(), A.encode()) + line + rest)
    film.finish()
    assert film.path.read_bytes() == before


def test_two_people_who_render_different_shots_merge(tmp_path: Path) -> None:
    """Real git, neighbouring shots, a film with a cut: no conflict, and both renders are there."""
    shots = tuple(shot(f"sh{n:03}") for n in range(10, 60, 10))
    ann, bob = Film(tmp_path / "ann", *shots), Film(tmp_path / "bob", *shots)
    (tmp_path / "ann").mkdir()
    git(tmp_path / "ann", "init", "-qb", "main")
    ann.render()
    ann.finish(CutFile("cut.mp4", A))
    git(tmp_path / "ann", "add", "renders/film/manifest.json", "renders/film/.gitattributes")
    git(tmp_path / "ann", "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", "ann", "bob")
    theirs = read(bob.path)
    assert theirs
    bob.results = {e.result.fingerprint: e.result for e in theirs.entries}
    bob.latest = {(e.shot, e.take): e.result for e in theirs.entries}
    bob.store = ann.store

    edited(ann, "sh020", "ann's")
    ann.finish(CutFile("cut.mp4", B))
    git(tmp_path / "ann", "commit", "-qam", "ann")
    edited(bob, "sh030", "bob's")
    bob.finish(CutFile("cut.mp4", Digest("c" * 64)))
    git(tmp_path / "bob", "commit", "-qam", "bob")
    git(tmp_path / "bob", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")

    merged = read(bob.path)
    assert merged
    assert [e.result.asked["prompt"] for e in merged.entries] == [
        "the sh010", "ann's", "bob's", "the sh040", "the sh050",
    ]  # fmt: skip
    assert merged.sha256 in (ann.storyboard.sha256, bob.storyboard.sha256)


def pull(folder: Path) -> bool:
    """Whether git merges by itself."""
    words = ["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]
    who = ["-c", "user.name=t", "-c", "user.email=t@t.test"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True).returncode == 0


def two_people(tmp_path: Path, *shots: Shot, first: str, union: bool) -> tuple[Film, Film]:
    """Ann has rendered and committed one shot; Bob has cloned it, store and all.

    `union`: the `.gitattributes` beside the manifest is in git too.
    """
    ann, bob = Film(tmp_path / "ann", *shots), Film(tmp_path / "bob", *shots)
    (tmp_path / "ann").mkdir()
    git(tmp_path / "ann", "init", "-qb", "main")
    ann.render(first)
    ann.finish()
    if not union:
        ann.path.with_name(".gitattributes").write_text("")
    git(tmp_path / "ann", "add", "renders/film/manifest.json", "renders/film/.gitattributes")
    git(tmp_path / "ann", "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", "ann", "bob")
    bob.results, bob.latest, bob.store = dict(ann.results), dict(ann.latest), ann.store
    return ann, bob


@pytest.mark.parametrize("union", [True, False])
def test_new_shots_side_by_side_settle_themselves(tmp_path: Path, union: bool) -> None:
    """Git cannot order two additions in one place; the next run reads both sides and can."""
    shots = (shot("a"), shot("b"), shot("c"), shot("d"))
    ann, bob = two_people(tmp_path, *shots, first="a", union=union)
    for film, name in ((ann, "b"), (bob, "c")):
        film.render(name)
        film.finish()
        git(film.scratch, "commit", "-qam", name)
    assert pull(tmp_path / "bob") is union
    merged = read(bob.path)
    assert merged
    assert {e.shot for e in merged.entries} == {"a", "b", "c"}
    bob.results = {e.result.fingerprint: e.result for e in merged.entries}
    bob.latest = {(e.shot, e.take): e.result for e in merged.entries}
    bob.finish()
    assert [e.shot for e in parse(bob.path.read_text(), "m").entries] == ["a", "b", "c"]


@pytest.mark.parametrize("union", [True, False])
def test_one_take_rendered_twice_is_a_persons_choice(tmp_path: Path, union: bool) -> None:
    """Two different videos for the same take: the error names it and how to go on."""
    ann, bob = two_people(tmp_path, shot("a"), shot("b"), first="a", union=union)
    for film in (ann, bob):
        edited(film, "a", f"{film.scratch.name}'s")
        film.finish()
        git(film.scratch, "commit", "-qam", "mine")
    assert pull(tmp_path / "bob") is union
    with pytest.raises(NeedsDecision, match="both sides of the merge have rendered a take 1") as no:
        read(bob.path)
    if union:  # git has left no marks to look for
        lines = bob.path.read_text().splitlines()
        named = [lines[int(n) - 1] for n in re.findall(r"\d+(?=[,)])", no.value.what)]
        assert named
        assert all(named.count(line) == 1 and line.startswith(" " * 6) for line in named)
        theirs = [line for line in lines if "ann's" in line or "bob's" in line]
        assert {*theirs} <= {*named}


# ── what the store must keep ────────────────────────────────────────────────────────────────


def test_whatever_a_manifest_or_the_journal_names_is_reachable(film: Film) -> None:
    """Cleaning up takes neither a take nor what it was made from."""
    old = replace(film.latest[ShotId("sh010"), 1], sha256=B, accepted={"media": [{"sha256": A}]})
    found = reachable([film.manifest()], [old])
    assert found == {r.sha256 for r in film.results.values()} | {A, B}


def test_only_our_manifests_are_found(film: Film) -> None:
    """Another program's manifest.json is left alone; a spoilt one of ours stops the cleaning."""
    film.finish()
    other = film.scratch / "web" / "manifest.json"
    other.parent.mkdir()
    other.write_text('{"name": "a web page"}')
    assert [len(m.entries) for m in find(film.scratch)] == [5]
    film.path.write_text(film.path.read_text().replace('"shots": [', '"shots": {', 1))
    with pytest.raises(BadInput, match="not JSON"):
        list(find(film.scratch))


# ── size ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_ten_thousand_takes_never_hold_their_videos_in_memory(tmp_path: Path) -> None:
    """Read, verified by a stat cache, and rewritten: memory is for the text alone."""
    shots = [
        shot(f"s{n}", prompt=f"{n} " + "the ferry leaves the pier " * 8) for n in range(10_000)
    ]
    storyboard = Storyboard("f.yaml", A, tuple(shots))
    latest = {}
    for s in shots:
        document = asked(s.takes[0], lambda _: None)
        assert document
        latest[s.id, 1] = Result(
            AttemptId("x"), s.id, 1, digest(document), document, "g", JobId("j"), "t", "t", B,
            50_000_000, Probe(1280, 720, 5.0, 24.0, True),
        )  # fmt: skip
    path = tmp_path / "manifest.json"
    made = build(storyboard, Plan("f.yaml", "g", ()), History({}, latest=latest))
    assert write(path, made)
    del made, latest, shots, storyboard
    tracemalloc.start()
    again = read(path)
    assert again
    store = Store(tmp_path / "store")
    cached: dict[Path, Digest] = {}
    lost = sum(1 for _ in verify(again, tmp_path, store, cached.get))
    assert lost == 20_000
    assert write(path, again) is False
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * path.stat().st_size
