"""Catalogue, structure, and two validators that mean the same."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import BadInput
from runner.model import ModelId, Severity
from runner.schema import (
    check_shot,
    check_storyboard,
    data_file,
    did_you_mean,
    open_catalogue,
)
from runner.schema.complaint import fill, listed, shown
from runner.schema.data import data_files, read_json
from runner.schema.engine import accepts, refusals
from runner.schema.shots import model_checks, whole_schema
from runner.schema.structure import explain, storyboard_schema
from runner.source import locate, read_yaml

CATALOGUE = open_catalogue()
ROOT = Path(__file__).parent.parent
PICTURE = {"image": "refs/a.png"}
BOTH = {"image": "refs/a.png", "shot": "sh020"}
CAMERAS = [{"type": "simple"}, {"type": "simple", "config": {"zoom": 1}}, {"type": "down_back"}]


# ── where the data is ───────────────────────────────────────────────────────────────────────


def test_data_is_found_in_a_checkout() -> None:
    """A checkout is used as it lies there."""
    assert data_file("shot.schema.json") == ROOT / "schemas" / "shot.schema.json"
    with pytest.raises(FileNotFoundError, match=r"schemas/nothing\.json"):
        data_file("nothing.json")


def test_data_is_found_when_installed(tmp_path: Path) -> None:
    """In a wheel the schemas lie inside the package; nothing else is needed to check a shot."""
    shutil.copytree(ROOT / "runner", tmp_path / "runner", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(ROOT / "schemas", tmp_path / "runner" / "schemas")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from runner.schema import data_file, open_catalogue\n"
        "print(data_file('shot.schema.json'), len(open_catalogue().models))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    path, models = run.stdout.split()
    assert Path(path) == tmp_path / "runner" / "schemas" / "shot.schema.json"
    assert int(models) == len(CATALOGUE.models)


# ── the structure of a storyboard ───────────────────────────────────────────────────────────


def storyboard(**fields: Any) -> dict[str, Any]:
    return {"storyboard": 1, "shots": [{"id": "sh010", "prompt": "A pier.", **fields}]}


def said(data: Any) -> list[tuple[str, str, str]]:
    return [
        (c.rule, "/".join(map(str, c.path)), f"{c.message}; {c.hint}")
        for c in check_storyboard(data)
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_storyboards_are_well_formed(path: Path) -> None:
    """What we give as examples has no fault."""
    data, problems = read_yaml(path.read_bytes(), path.name)
    assert (problems, check_storyboard(data)) == ([], [])


@pytest.mark.parametrize(
    ("data", "rule", "path", "words"),
    [
        (storyboard(secnds=5), "unknown_key", "shots/0/secnds", "did you mean `seconds`?"),
        (storyboard(duration=5), "unknown_key", "shots/0/duration", "; write `seconds:`"),
        (storyboard(ratio="16:9"), "unknown_key", "shots/0/ratio", "; write `aspect_ratio:`"),
        (storyboard(seconds="5"), "type", "shots/0/seconds", '"5", not a number; write it without'),
        (storyboard(aspect_ratio=969), "type", "shots/0/aspect_ratio", "969, not text"),
        (storyboard(resolution="2k"), "value", "shots/0/resolution", '"2k"; one of: 480p, 720p'),
        (storyboard(takes=0), "value", "shots/0/takes", "is 0; at least 1"),
        (storyboard(prompt=None), "type", "shots/0/prompt", "nothing, not text; give it a value"),
        (storyboard(audio="on"), "type", "shots/0/audio", '"on", not true or false'),
        (storyboard(id="a b"), "value", "shots/0/id", '"a b"; letters, digits'),
        (storyboard(id="x" * 65), "value", "shots/0/id", "at most 64"),
        (storyboard(id="sh010\n"), "value", "shots/0/id", "letters, digits"),
        (storyboard(first_frame=BOTH), "value", "shots/0/first_frame", "has image and shot of"),
        (storyboard(last_frame={}), "value", "shots/0/last_frame", "none of `image`, `video`"),
        (storyboard(references=["a", 5]), "type", "shots/0/references/1", "item 2 in `references`"),
        (storyboard(variants={"a b": {}}), "key", "shots/0/variants/a b", "`a b`"),
        (storyboard(variants={"b": {"id": 1}}), "unknown_key", "shots/0/variants/b/id", "`id`"),
        ({**storyboard(), "titel": "x"}, "unknown_key", "titel", "did you mean `title`?"),
        ({**storyboard(), "storyboard": 2}, "value", "storyboard", "is 2; it must be 1"),
        ({**storyboard(), "cut": {"clips": [{"in": 1}]}}, "missing_key", "cut/clips/0", "`shot`"),
        ({**storyboard(), "cut": {}}, "missing_key", "cut", "`clips` is missing"),
        ({**storyboard(), "references": {"a/b": "x.png"}}, "key", "references/a/b", "without `/`"),
        ({"storyboard": 1}, "value", "", "none of `shots`, `include`"),
        ({"shots": []}, "missing_key", "", "`storyboard` is missing"),
        (["storyboard"], "type", "", "the file is a list, not a mapping"),
        (None, "type", "", "the file is empty; `reelmake init`"),
    ],
)  # fmt: skip
def test_faults_are_named(data: Any, rule: str, path: str, words: str) -> None:
    """Each fault gets one complaint with the value, its place, and what would be legal."""
    [(found, where, text)] = said(data)
    assert (found, where) == (f"storyboard.{rule}", path)
    assert words in text


def test_all_faults_are_reported_at_once() -> None:
    """Nobody should have to run `validate` three times to see three mistakes."""
    shot = {"id": "sh010", "secnds": 5, "seconds": "x", "takes": 0, "variants": {"a": {"sed": 1}}}
    data = {"storyboard": 1, "shots": [shot, {"prompt": 5}], "cut": {"clips": []}}
    assert [path for _, path, _ in said(data)] == [
        "shots/0/seconds",
        "shots/0/takes",
        "shots/0/variants/a/sed",
        "shots/0/secnds",
        "shots/1/prompt",
        "shots/1",
        "cut/clips",
    ]


def test_a_templated_id_needs_a_table() -> None:
    """With `for_each` the id is a template; without it, it is a name."""
    assert said(storyboard(id="{{ row.city }}", for_each="cities.csv")) == []
    assert said(storyboard(id="{{ row.city }}"))[0][1] == "shots/0/id"


def test_complaints_can_be_placed() -> None:
    """Located data is plain data to the validators, and their paths lead back to lines."""
    text = "storyboard: 1\nshots:\n  - id: sh010\n    secnds: 5\n"
    data, _ = read_yaml(text, "film.yaml")
    [complaint] = check_storyboard(data)
    assert str(locate(data, complaint.path, key=complaint.key)) == "film.yaml:4:5"


# ── models ──────────────────────────────────────────────────────────────────────────────────


def rules_of(**fields: Any) -> dict[str, Any]:
    shot = {"prompt": "A pier.", **fields}
    return {c.rule: c for c in check_shot(CATALOGUE, shot)}


def test_unknown_models_are_told_apart() -> None:
    """A typo gets the right name; an id of a known vendor's kind gets the line that adds it."""
    assert rules_of(model="wan2.6-t2w")["model.unknown"].hint.startswith(
        "did you mean `wan2.6-t2v`"
    )
    assert "models: {veo-9: {vendor: veo}}" in rules_of(model="veo-9")["model.unknown"].hint
    assert "reelmake models" in rules_of(model="xyzzy")["model.unknown"].hint
    assert rules_of()["model.missing"].path == ()
    assert rules_of(model=5)["model.unknown"].message == "unknown model 5"


def test_retired_models_warn_and_name_what_comes_after() -> None:
    """Sora is retired by its vendor and listed by the gateway: it works, with a warning."""
    warning = rules_of(model="sora-2")["model.retired"]
    assert warning.severity is Severity.WARNING
    assert "2026-09-24" in warning.message
    assert "veo-3.1-generate-preview" in warning.hint


@pytest.mark.parametrize(
    ("field", "value", "capability"),
    [
        ("last_frame", PICTURE, "last_frame"),
        ("base_video", {"video": "https://media.example.com/a.mp4"}, "base_video"),
        ("references", [PICTURE], "reference_image"),
    ],
)
def test_a_dash_names_models_that_can(field: str, value: Any, capability: str) -> None:
    """What a model cannot do at all is an error that says which models can."""
    error = rules_of(model="sora-2", first_frame=PICTURE, **{field: value})[
        f"capability.{capability}"
    ]
    assert error.severity is Severity.ERROR
    named = error.hint.partition(": ")[2].partition(" and ")[0].split(", ")
    assert named
    for model in named:
        assert capability in CATALOGUE.models[ModelId(model)].capabilities


def test_no_hint_names_what_was_just_refused() -> None:
    """Who is warned of a model is sent to another, and to another vendor where all are in doubt."""
    shot = {"model": "veo-3.1-generate-preview", "prompt": "p", "first_frame": {"image": "a.png"}}
    (complaint,) = check_shot(CATALOGUE, shot)
    assert complaint.rule == "veo.image_was_rejected"
    assert "jimeng-3.0-pro" in complaint.hint
    assert "veo" not in complaint.hint


def test_each_wrong_item_of_a_list_is_told() -> None:
    """Two files that a vendor takes by URL only are two problems, each at its own place."""
    shot = {"model": "kling-v3-omni", "prompt": "p", "references": [{"image": "a.png"}] * 2}
    complaints = [c for c in check_shot(CATALOGUE, shot) if c.rule == "kling.by_url_only"]
    assert [c.path[:2] for c in complaints] == [("references", 0), ("references", 1)]


def test_facts_hold_together() -> None:
    """Defaults are legal, retired models have a date, replacements exist."""
    for facts in CATALOGUE.models.values():
        rows = facts.sizes
        assert facts.default_seconds in (*facts.seconds, None) or not facts.seconds, facts.id
        assert facts.default_size is None or facts.default_size in {row.native for row in rows}
        assert facts.default_resolution in (None, *(row.resolution for row in rows)), facts.id
        assert facts.default_aspect_ratio in (None, *(row.aspect_ratio for row in rows)), facts.id
        assert (facts.status == "retired") == (facts.retired is not None), facts.id
        assert facts.replacement is None or facts.replacement in CATALOGUE.models
        assert facts.source, facts.id
        assert CATALOGUE.vendor_of(f"{facts.id}-x") == facts.vendor


def test_vendor_files_fit_their_own_schema() -> None:
    """A schema file with a misspelt key would silently say less than it seems to."""
    meta = read_json(data_file("vendor.schema.json"))
    for path in data_files("vendors/*.schema.json"):
        assert list(explain(meta, read_json(path), path.stem)) == []


# ── one meaning ─────────────────────────────────────────────────────────────────────────────

sources = st.one_of(
    st.fixed_dictionaries({"image": st.sampled_from(["a.png", "https://media.example.com/a.png"])}),
    st.fixed_dictionaries({"video": st.sampled_from(["a.mp4", "https://media.example.com/a.mp4"])}),
    st.just({"audio": "https://media.example.com/a.mp3"}),
    st.just({"shot": "sh010"}),
    st.just({"shot": "sh010", "frame": "last"}),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["std", "pro", "4k", "max"]),
        "cfg_scale": st.sampled_from([-1, 0, 0.5, 1, 1.5, "1"]),
        "camera_control": st.sampled_from(CAMERAS),
        "multi_shot": st.booleans(),
        "shot_type": st.sampled_from(["customize", "intelligence", "multi", "single"]),
        "multi_prompt": st.just([{"index": 1, "prompt": "A door.", "duration": 3}]),
        "element_list": json_values,
        "frames": st.sampled_from([120, 121, 500]),
        "prompt_extend": st.booleans(),
        "audio_url": st.sampled_from(["a.mp3", "https://media.example.com/a.mp3"]),
        "static_mask": st.text(max_size=2),
    },
)  # fmt: skip
shots = st.fixed_dictionaries(
    {"model": st.sampled_from(sorted(CATALOGUE.models))},
    optional={
        "prompt": st.sampled_from(["A pier.", " ", "x" * 2000, "Like <<<video_1>>>."]),
        "negative_prompt": st.sampled_from(["blur", "x" * 600]),
        "seconds": st.sampled_from([-1, 2, 4, 5, 6, 8, 10, 12, 15, 16, 7.5, 8.0, "8", True]),
        "size": st.sampled_from(["1280x720", "720x1280", "832x480", "16:9", "4k", "1792x1024"]),
        "resolution": st.sampled_from(["480p", "720p", "1080p", "4k"]),
        "aspect_ratio": st.sampled_from(["16:9", "9:16", "1:1", "4:3", "21:9", "adaptive"]),
        "audio": st.booleans(),
        "watermark": st.booleans(),
        "seed": st.sampled_from([-1, 0, 7, 2**31, 2**40]),
        "first_frame": sources,
        "last_frame": sources,
        "base_video": sources,
        "references": st.lists(sources, max_size=11),
        "options": options,
    },
)


def example_shots() -> Iterator[dict[str, Any]]:
    for rule in CATALOGUE.rules():
        if rule.on == "shot":
            for example in (*rule.examples["fail"], *rule.examples["pass"]):
                yield {"prompt": "A pier.", **example}


def agree(shot: dict[str, Any]) -> None:
    facts = CATALOGUE.models[shot["model"]]
    checks = model_checks(CATALOGUE, facts)
    by_schema = [
        c
        for c in checks.complaints(shot)
        if c.rule not in {r.id for r, _ in checks.rules if r.check}
    ]
    said_yes = checks.all_well(shot)
    assert said_yes == (not list(refusals(whole_schema(CATALOGUE, facts), shot)))
    assert said_yes == (by_schema == [])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(shots)
def test_the_fast_yes_and_the_explained_no_agree(shot: dict[str, Any]) -> None:
    """Two validators and the rules one by one come to the same verdict on any shot."""
    agree(shot)


def test_they_agree_on_every_example() -> None:
    """And on all examples of all rules."""
    for shot in example_shots():
        agree(shot)


keys = st.text() | st.sampled_from(["prompt", "seconds", "size", "options", "references"])


@given(st.dictionaries(keys, json_values), st.sampled_from(sorted(CATALOGUE.models)))
def test_nothing_in_a_shot_breaks_the_checks(fields: dict[str, Any], model: str) -> None:
    """Whatever a shot holds, the answer is complaints, never a crash."""
    for complaint in check_shot(CATALOGUE, {**fields, "model": model}):
        assert complaint.message


fields = ("seconds", "first_frame", "options", "variants", "for_each")
storyboards = st.builds(storyboard, **dict.fromkeys(fields, json_values))


@given(json_values | storyboards)
def test_structure_is_decided_the_same_way(data: Any) -> None:
    """Both validators accept the same storyboards, and a refusal always says why."""
    schema, fits = storyboard_schema()
    assert fits(data) == (not list(refusals(schema, data))) == (check_storyboard(data) == [])


# ── schemas can be trusted ──────────────────────────────────────────────────────────────────


def test_patterns_cannot_be_made_slow() -> None:
    """A pattern that takes a backtracking engine years is answered at once, by both validators."""
    schema = {"pattern": "^(a+)+$"}
    hostile = "a" * 100_000 + "!"
    assert accepts(schema)("aaa")
    assert not accepts(schema)(hostile)
    assert [error.validator for error in refusals(schema, hostile)] == ["pattern"]


@pytest.mark.parametrize("pattern", ["(?=a)a", r"(a)\1", "(", "a{1,99999}{1,99999}"])
def test_patterns_that_are_not_linear_are_refused(pattern: str) -> None:
    """Somebody else's schema cannot bring look-around, back-references or giant automata."""
    with pytest.raises(BadInput, match="cannot be used"):
        accepts({"title": "theirs", "pattern": pattern})


class Listener(BaseHTTPRequestHandler):
    """Counts requests; a schema must never make one."""

    hits: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.hits.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/theirs.schema.json"
        server.shutdown()
        thread.join()


def test_nothing_is_ever_fetched(listener: str) -> None:
    """A `$ref` to somewhere else is an error; the server it names hears nothing."""
    schema = {"title": "theirs", "properties": {"a": {"$ref": listener}}}
    with pytest.raises(BadInput, match="nothing is fetched"):
        accepts(schema)
    with pytest.raises(Exception, match="Unresolvable"):
        list(refusals(schema, {"a": 1}))
    assert Listener.hits == []
    urlopen(listener).close()
    assert Listener.hits == ["/theirs.schema.json"]  # it would have heard


def test_end_means_the_end() -> None:
    """`$` does not match before a final newline, as it would in Python's own engine."""
    assert not accepts({"pattern": "^a$"})("a\n")
    assert [e.validator for e in refusals({"pattern": "^a$"}, "a\n")] == ["pattern"]


# ── words ───────────────────────────────────────────────────────────────────────────────────


def test_values_are_shown_short() -> None:
    """Messages repeat values on one line, and lists the way people say them."""
    assert listed([4, 6, 8]) == "4, 6, 8"
    assert listed([-1, 4, 5, 6, 7]) == "-1, 4 to 7"
    assert listed([5, 6]) == "5, 6"
    assert shown("a\n  b " + "x" * 100).endswith("x…")
    assert len(shown("x" * 500)) == 80
    assert (shown(True), shown(None), shown(0.5)) == ("true", "nothing", "0.5")
    assert shown({"image": "a.png"}) == "image: a.png"
    assert fill("{a.b} of {c}", lambda place: place.upper()) == "A.B of C"
    assert did_you_mean("Secnds", ["seconds", "seed"]) == "did you mean `seconds`?"
    assert did_you_mean("zzz", ["seconds"]) == ""
    assert did_you_mean("nope", ["openai"]) == ""


@pytest.mark.parametrize(
    ("model", "word", "field"),
    [
        ("kling-v3-omni", "video_list", "references"),
        ("kling-v3", "sound", "audio"),
        ("kling-v3", "negative_prompt", "negative_prompt"),
        ("sora-2", "duration", "seconds"),
        ("doubao-seedance-2-0-260128", "ratio", "aspect_ratio"),
        ("wan2.6-i2v", "input_reference", "first_frame"),
    ],
)
def test_a_vendors_word_for_what_any_shot_says_leads_to_the_field(
    model: str, word: str, field: str
) -> None:
    """Whoever comes from a vendor's page finds the word that holds for all vendors."""
    fields = {"model": model, "prompt": "A pier.", "options": {word: "x"}}
    [hint] = [c.hint for c in check_shot(CATALOGUE, fields) if c.path[-1] == word]
    assert hint.startswith(f"write `{field}:` beside `options`")
