"""Storyboards become films: the cascade, sources, texts, tables, includes, every problem."""

import functools
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.load import Loaded, load
from runner.model import (
    Clip,
    LocalFile,
    Medium,
    Money,
    Problem,
    Severity,
    Shot,
    ShotId,
    ShotOutput,
    Soundtrack,
    Storyboard,
    Url,
)
from runner.schema import Catalogue, open_catalogue

PIPELINES = Path(__file__).parent.parent / "pipelines"
HEAD = """\
storyboard: 1
vars: {grade: teal, look: {lens: 35mm}}
references:
  mara: {image: refs/mara.png, as: the woman in yellow}
  hum: {audio: refs/hum.wav}
  site: https://example.com/site.png
defaults: {model: wan2.6-t2v, seconds: 5, resolution: 720p, aspect_ratio: "16:9"}
shots:
"""


@functools.cache
def catalogue() -> Catalogue:
    return open_catalogue()


class Project:
    """A folder with a few media in it, and a way to load what is written there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("refs/mara.png", "refs/hum.wav", "refs/clip.mp4", "refs/bo.png"):
            self.write(name, "x")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self, text: str, name: str = "film.yaml") -> Loaded:
        return load(self.write(name, text), self.root, catalogue())

    def film(self, shots: str) -> Storyboard:
        loaded = self.load(HEAD + shots)
        assert loaded.storyboard is not None, loaded.problems
        return loaded.storyboard

    def shot(self, shot: str) -> Shot:
        return self.film(shot).shots[0]

    def wrong(self, shots: str) -> list[Problem]:
        loaded = self.load(HEAD + shots)
        assert loaded.storyboard is None
        return [p for p in loaded.problems if p.severity is Severity.ERROR]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def at(problem: Problem) -> str:
    return f"{Path(problem.at.file).name}:{problem.at.line}:{problem.at.column}"


# ── the cascade ─────────────────────────────────────────────────────────────────────────────


def test_a_shot_is_its_own_fields_over_the_defaults(project: Project) -> None:
    """`defaults` < shot: mappings of values merge, a source or a list is replaced as a whole."""
    storyboard = project.load(
        "storyboard: 1\ntitle: T\ngateway: local\nbudget: 12.5\nvars: {a: 1, b: 1, c: 1}\n"
        "defaults:\n  model: kling-v3-omni\n  vars: {b: 2, c: 2}\n  options: {mode: pro}\n"
        "  extra_body: {x: {y: 1, z: 1}}\n  references: [refs/mara.png]\n"
        "shots:\n  - id: s\n    seconds: 5\n    vars: {c: 3}\n"
        "    prompt: '{{ a }}{{ b }}{{ vars.c }}'\n"
        "    extra_body: {x: {z: 2}}\n    references: ['https://e.com/a.png']\n"
    ).storyboard
    assert storyboard is not None
    request = storyboard.shots[0].takes[0].request
    assert request.prompt == "123"
    assert (request.options, request.extra_body) == ({"mode": "pro"}, {"x": {"y": 1, "z": 2}})
    assert [medium.origin for medium in request.references] == [Url("https://e.com/a.png")]
    assert (storyboard.title, storyboard.gateway, storyboard.budget) == (
        "T",
        "local",
        Money(Decimal("12.5")),
    )
    assert (storyboard.path, storyboard.stem) == ("film.yaml", "film")


def test_variants_are_more_shots(project: Project) -> None:
    """`variants` make `sh010.name` beside the shot, with overrides of their own."""
    shots = project.film(
        "  - id: s\n    prompt: '{{ shot.id }} {{ word }}'\n    vars: {word: w}\n    variants:\n"
        "      tall: {aspect_ratio: '9:16'}\n"
        "      long: {seconds: 10, vars: {word: v}, takes: 2, keep: 2}\n"
        "  - {id: t, prompt: p, after: [s.tall]}\n"
    ).shots
    assert [shot.id for shot in shots] == ["s", "s.tall", "s.long", "t"]
    requests = [shot.takes[0].request for shot in shots]
    assert [r.prompt for r in requests] == ["s w", "s.tall w", "s.long v", "p"]
    assert [(r.aspect_ratio, r.seconds) for r in requests[:3]] == [
        ("16:9", 5),
        ("9:16", 5),
        ("16:9", 10),
    ]
    assert (len(shots[2].takes), shots[2].keep, shots[3].needs) == (2, 2, ("s.tall",))


def test_takes_share_a_request_unless_they_look_at_their_number(project: Project) -> None:
    """`take` in a template makes the takes differ; without it they ask for the same."""
    same = project.shot("  - {id: s, prompt: '{{ grade }}', takes: 3, keep: 2}\n")
    assert same.takes[0].request is same.takes[2].request
    other = project.shot("  - {id: s, prompt: 'no. {{ take }}', takes: 2}\n")
    assert [take.request.prompt for take in other.takes] == ["no. 1", "no. 2"]
    assert [take.number for take in other.takes] == [1, 2]


def test_notes_and_layout_are_no_part_of_a_request(project: Project) -> None:
    """Comments, notes, key order, quotes and anchors say the same."""
    one = project.shot("  - {id: s, prompt: a b, seed: 7, notes: x}\n")
    two = project.shot("  - seed: 007\n    prompt: |\n      a b\n    id: 's'   # note\n")
    assert one.takes[0].request == two.takes[0].request


def test_a_prompt_may_have_a_file(project: Project) -> None:
    """`prompt_file` is a template beside the storyboard; a nearer `prompt` wins over it."""
    project.write("p.txt", "{% include 'look.txt' %}\n")
    project.write("prompts/look.txt", "{{ look.lens }}, {{ grade }}\n")
    shots = project.film(
        "  - id: s\n    prompt_file: p.txt\n    variants: {v: {prompt: own}}\n"
        "  - id: t\n    prompt: own\n    variants: {v: {prompt_file: p.txt}}\n"
    ).shots
    prompts = [shot.takes[0].request.prompt for shot in shots]
    assert prompts == ["35mm, teal", "own", "own", "35mm, teal"]


def test_shots_keep_what_the_engine_needs(project: Project) -> None:
    """`after`, `pin`, `keep`, and where each was said."""
    shots = project.film(
        "  - {id: a, prompt: p}\n  - {id: b, prompt: '{{ grade }}', after: [a], pin: true}\n"
    ).shots
    assert (shots[1].after, shots[1].pin, shots[1].vendor) == (("a",), True, "wan")
    assert shots[1].origins["id"].line == 10
    origins = shots[1].origins
    assert [origins[name].line for name in ("prompt", "seconds", "vars.grade")] == [10, 7, 2]
    assert shots[1].takes[0].vars == {"vars.grade": "teal"}
    with pytest.raises(KeyError):
        origins["nothing"]


def test_disabled_shots_are_not_in_the_film(project: Project) -> None:
    """`enabled: false` stays in the file; nobody waits for it and its clip is left out."""
    loaded = project.load(
        HEAD + "  - {id: a, enabled: false, prompt: p}\n  - {id: b, prompt: p, after: [a]}\n"
        "cut: {clips: [a, b]}\n"
    )
    assert loaded.storyboard is not None
    assert [(s.id, s.after) for s in loaded.storyboard.shots] == [("b", ())]
    assert loaded.storyboard.cut is not None
    assert [clip.shot for clip in loaded.storyboard.cut.clips] == ["b"]
    assert [(p.rule, p.severity, at(p)) for p in loaded.problems] == [
        ("cut.disabled", Severity.WARNING, "film.yaml:11:15")
    ]


# ── sources ─────────────────────────────────────────────────────────────────────────────────


def media(shot: Shot) -> list[tuple[str, str, object, str | None]]:
    request = shot.takes[0].request
    return [(m.role, m.kind, m.origin, m.name) for m in request.media]


def test_every_form_of_a_source(project: Project) -> None:
    """A name, a URL, a path, a mapping, a shot, a frame of a shot."""
    text = (
        "  - {id: a, prompt: p}\n"
        "  - {id: b, model: kling-v3-omni, prompt: p, base_video: {shot: a}}\n"
        "  - {id: c, model: wan2.6-i2v, prompt: p, first_frame: {shot: a, frame: last}}\n"
        "  - {id: d, model: wan2.6-i2v, prompt: p, first_frame: {shot: a, frame: 1.5}}\n"
        "  - {id: e, model: doubao-seedance-2-0-260128, prompt: p,\n"
        "     references: [mara, site, 'https://e.com/v.mp4"
        "', ./refs/bo.png, {audio: 'https://e.com/s'}]}\n"
    )
    lenient = open_catalogue({"rules": {"kling.by_url_only": "off", "kling.no_seconds": "off"}})
    loaded = load(project.write("film.yaml", HEAD + text), project.root, lenient)
    assert loaded.storyboard is not None, loaded.problems
    shots = loaded.storyboard.shots
    assert media(shots[1]) == [("base_video", "video", ShotOutput(ShotId("a")), None)]
    assert media(shots[2])[0][2] == ShotOutput(ShotId("a"), "last")
    assert media(shots[3])[0][2] == ShotOutput(ShotId("a"), Decimal("1.5"))
    assert media(shots[4]) == [
        ("reference", "image", LocalFile("refs/mara.png"), "mara"),
        ("reference", "image", Url("https://example.com/site.png"), "site"),
        ("reference", "video", Url("https://e.com/v.mp4"), None),
        ("reference", "image", LocalFile("refs/bo.png"), None),
        ("reference", "audio", Url("https://e.com/s"), None),
    ]


def test_sources_may_be_templates(project: Project) -> None:
    """Paths, names and shots of a source are rendered; the root may lie above the storyboard."""
    text = HEAD.replace("refs/", "../refs/") + (
        "  - {id: a, prompt: p}\n"
        "  - id: b\n    model: doubao-seedance-2-0-260128\n    vars: {who: mara, prev: a}\n"
        "    prompt: p\n"
        "    references: ['{{ who }}', '../refs/{{ \"bo\" }"
        "}.png', {shot: '{{ prev }}', frame: first}]\n"
    )
    loaded = project.load(text, "boards/film.yaml")
    assert loaded.storyboard is not None, loaded.problems
    assert loaded.storyboard.path == "boards/film.yaml"
    origins = [medium.origin for medium in loaded.storyboard.shots[1].takes[0].request.media]
    assert origins == [
        LocalFile("refs/mara.png"),
        LocalFile("refs/bo.png"),
        ShotOutput(ShotId("a"), "first"),
    ]


@pytest.mark.parametrize(
    ("model", "prompt", "meant"),
    [
        (
            "doubao-seedance-2-0-260128",
            "{{ ref('bo') }} and {{ ref('mara') }}",
            "Image 2 and Image 1",
        ),
        ("kling-v3-omni", "{{ ref('mara') }}", "<<<image_1>>>"),
        ("doubao-seedance-2-0-260128", "{{ ref('refs/bo.png') }}", "Image 2"),
    ],
)
def test_markers_are_the_vendors_own(project: Project, model: str, prompt: str, meant: str) -> None:
    """`ref()` writes how the vendor points at a reference, counted in the shot's order."""
    text = HEAD.replace("refs/mara.png", "https://e.com/mara.png").replace(
        "  hum", "  bo: {image: refs/bo.png}\n  hum"
    )
    if model.startswith("kling"):
        text = text.replace("refs/bo.png", "https://e.com/bo.png")
    loaded = project.load(
        f'{text}  - {{id: a, model: {model}, references: [mara, bo], prompt: "{prompt}"}}\n'
    )
    assert loaded.storyboard is not None, loaded.problems
    assert loaded.storyboard.shots[0].takes[0].request.prompt == meant


def test_without_a_marker_a_reference_is_called_by_its_as_text(project: Project) -> None:
    """A vendor that cannot point at media is told in words."""
    text = HEAD.replace("refs/mara.png", "https://e.com/mara.png")
    shot = "  - {{id: a, model: kling-v1-6, references: [{}], prompt: \"{{{{ ref('{}') }}}}\"}}\n"
    loaded = project.load(text + shot.format("mara", "mara"))
    assert loaded.storyboard is not None, loaded.problems
    assert loaded.storyboard.shots[0].takes[0].request.prompt == "the woman in yellow"
    (problem,) = [
        p for p in project.load(text + shot.format("site", "site")).problems if p.rule[:3] == "ref"
    ]
    assert (problem.rule, at(problem)) == ("reference.no_marker", "film.yaml:9:68")


# ── the cut ─────────────────────────────────────────────────────────────────────────────────


def test_the_cut(project: Project) -> None:
    """Clips with in and out, dissolves, and a sound below them."""
    cut = project.film(
        "  - {id: a, prompt: p}\n  - {id: b, prompt: p}\n"
        "cut:\n  clips: [a, {shot: b, in: 0.5, out: 4, transition: {dissolve: 0.25}}]\n"
        "  audio: {audio: hum, gain_db: -12, fade_out: 1.5}\n"
    ).cut
    assert cut is not None
    first, second = cut.clips
    assert (first.shot, first.start, first.end, first.dissolve) == ("a", None, None, Decimal(0))
    assert second == Clip(second.shot, Decimal("0.5"), Decimal(4), Decimal("0.25"), second.at)
    assert cut.audio == Soundtrack(
        LocalFile("refs/hum.wav"), Decimal(-12), Decimal(0), Decimal("1.5")
    )


# ── fallbacks ───────────────────────────────────────────────────────────────────────────────


def test_a_fallback_is_resolved_for_its_own_model(project: Project) -> None:
    """Another vendor gets its own markers; a fallback that could not be sent is found now."""
    text = HEAD.replace("refs/mara.png", "https://e.com/mara.png") + (
        "  - id: a\n    model: doubao-seedance-2-0-260128\n    references: [mara]\n"
        "    prompt: \"{{ ref('mara') }} sits\"\n"
        "    on_failure: [{again: true}, {model: kling-v3-omni}, {seconds: 6}]\n"
    )
    loaded = project.load(text)
    assert loaded.storyboard is not None, loaded.problems
    assert loaded.storyboard.shots[0].on_failure == (
        {"again": True},
        {"model": "kling-v3-omni", "prompt": "<<<image_1>>> sits"},
        {"seconds": 6},
    )
    problems = project.load(text.replace("{seconds: 6}", "{seconds: 99}")).problems
    assert [at(p) for p in problems if p.severity is Severity.ERROR] == ["film.yaml:13:67"]


# ── problems ────────────────────────────────────────────────────────────────────────────────

SEEDANCE = "doubao-seedance-2-0-260128"
SHOT = "  - {id: a, prompt: x}\n"
I2V = "  - {id: a, prompt: x, model: wan2.6-i2v, first_frame: "
OMNI = "  - {id: a, prompt: x, model: kling-v3-omni, references: "
BLOCK = "  - id: a\n    prompt: "
WRONG = [
    ("  - {id: a, prompt: 'x {{ grad }}'}", "template.undefined", 9, 27),
    ("  - {id: a, promt: x, prompt: x}", "storyboard.unknown_key", 9, 13),
    ("  - {id: a b, prompt: x}", "storyboard.value", 9, 10),
    ("  - {id: a, prompt: 7}", "storyboard.type", 9, 21),
    ("  - {id: a, prompt: }", "storyboard.type", 9, 21),
    ("  - {id: a, prompt: ' '}", "shot.prompt_missing", 9, 21),
    ("  - {id: a, prompt: x, prompt_file: p}", "shot.two_prompts", 9, 21),
    ("  - {id: a, prompt_file: gone.txt}", "source.missing", 9, 26),
    ("  - {id: a, prompt_file: ../p.txt}", "source.outside", 9, 26),
    ("  - {id: a, prompt: x, model: wan2.6-t2w}", "model.unknown", 9, 31),
    ("  - {id: a, prompt: x, seconds: 7.5}", "wan.seconds", 9, 33),
    ("  - {id: a, prompt: x, takes: 2, keep: 3}", "shot.keep", 9, 40),
    ("  - {id: a, prompt: x, takes: 2, variants: {T2: {seconds: 5}}}", "shot.variant_name", 9, 45),
    ("  - {id: a, prompt: x, after: [b]}", "shot.unknown", 9, 32),
    ("  - {id: a, prompt: x, after: [a]}", "shot.cycle", 9, 31),
    (SHOT + "  - {id: A, prompt: x}", "shot.duplicate_id", 10, 10),
    (SHOT + "  - {id: a, prompt: x}", "shot.duplicate_id", 10, 10),
    (I2V + "nobody}", "source.missing", 9, 56),
    (I2V + "hum}", "shot.first_frame_kind", 9, 56),
    (I2V + "{shot: b, frame: last}}", "shot.unknown", 9, 63),
    (I2V + "{image: refs/hum.wav}}", "source.kind", 9, 56),
    (OMNI + "[refs]}", "source.not_a_file", 9, 59),
    (OMNI + "['https://e.com/x']}", "source.kind", 9, 59),
    ("  - {id: a, prompt: \"{{ ref('mara') }}\"}", "reference.unknown", 9, 29),
    (SHOT + "cut: {clips: [b]}", "cut.unknown_shot", 10, 15),
    (SHOT + "cut: {clips: [{shot: a, in: 3, out: 2}]}", "cut.empty", 10, 37),
    (SHOT + "cut: {clips: [{shot: a, transition: {dissolve: 1}}]}", "cut.dissolve", 10, 37),
    (SHOT + "cut: {clips: [a], audio: {audio: mara}}", "source.kind", 10, 34),
    (SHOT + "cut: {clips: [a], audio: {audio: no.wav}}", "source.missing", 10, 34),
    ("  - {id: a, prompt: x, for_each: t.txt}", "source.missing", 9, 34),
    ("  - {id: a, prompt: x, for_each: refs/mara.png}", "table.kind", 9, 34),
    (SHOT + "include: [gone.yaml]", "source.missing", 10, 11),
    (SHOT + "include: [film.yaml]", "include.cycle", 10, 11),
    ("  - {id: a, prompt: |\n      one\n        {{ vars.nope }}\n    }", "yaml.syntax", 9, 21),
    (BLOCK + "|\n      one\n        {{ vars.nope }}\n", "template.undefined", 12, 17),
    (BLOCK + ">-\n      one {{ grade }}\n\n      {% if %}", "template.syntax", 13, 7),
    (SHOT.replace("x}", "'{{ take }}', vars: {take: 1}}"), "vars.reserved", 9, 42),
    ("  - id: a\n    prompt: 'it''s {{ nope|upper }}'", "template.undefined", 10, 23),
]  # fmt: skip


@pytest.mark.parametrize(("shots", "rule", "line", "column"), WRONG)
def test_what_is_wrong_is_said_where_it_is(
    project: Project, shots: str, rule: str, line: int, column: int
) -> None:
    """One mistake, one problem: with its rule, its line and column, and a way to mend it."""
    project.write("../p.txt", "outside")
    problems = project.wrong(shots + "\n")
    assert [(p.rule, at(p)) for p in problems] == [(rule, f"film.yaml:{line}:{column}")]
    assert problems[0].hint
    assert problems[0].at.path.startswith("/") or rule == "yaml.syntax"


def test_all_problems_come_in_one_go_and_in_file_order(project: Project) -> None:
    """Nobody mends one mistake only to be told of the next."""
    lines = [
        shots.removeprefix("  - {id: a").rstrip() for shots, *_ in WRONG[:12] if "id: a," in shots
    ]
    text = "".join(f"  - {{id: s{n}{line}\n" for n, line in enumerate(lines))
    problems = project.wrong(text)
    assert sorted({p.at.line for p in problems}) == list(range(9, 9 + len(lines)))
    assert [p.at.line for p in problems] == sorted(p.at.line for p in problems)


def test_a_wrong_default_is_told_once(project: Project) -> None:
    """A thousand shots that inherit a mistake are one mistake."""
    shots = "".join(f"  - {{id: s{n}, prompt: x}}\n" for n in range(1000))
    loaded = project.load(HEAD.replace("seconds: 5", "seconds: 7.5") + shots)
    assert [(p.rule, at(p), p.at.path) for p in loaded.problems] == [
        ("wan.seconds", "film.yaml:7:40", "/defaults/seconds")
    ]


def test_a_wrong_reference_is_told_in_the_library(project: Project) -> None:
    """A file that many shots name and nobody has is one mistake, where it is written."""
    head = HEAD.replace("refs/mara.png", "refs/gone.png").replace(
        "  hum", "  last: {shot: a}\n  hum"
    )
    shots = "".join(
        f"  - {{id: s{n}, model: {SEEDANCE}, prompt: x, references: [mara]}}\n" for n in (1, 2)
    )
    (problem,) = project.load(head + shots).problems
    assert (problem.rule, at(problem)) == ("source.missing", "film.yaml:4:17")
    assert problem.at.path == "/references/mara/image"


def test_circles_are_named_with_their_path(project: Project) -> None:
    """Shots that wait for each other are told in the order they do."""
    (problem,) = project.wrong(
        "  - {id: a, prompt: x, after: [c]}\n  - {id: b, prompt: x, after: [a]}\n"
        "  - {id: c, model: wan2.6-i2v, prompt: x, first_frame: {shot: b, frame: last}}\n"
    )
    assert "a → c → b → a" in problem.message


def test_mistakes_in_prompt_files_stand_in_them(project: Project) -> None:
    """A problem of a prompt file has its line and column there."""
    project.write("p.txt", "fine\n  {{ nope }}\n")
    project.write("prompts/look.txt", "{{ grade }}\n{{ nope }}\n")
    problems = project.wrong(
        "  - {id: a, prompt_file: p.txt}\n  - {id: b, prompt: \"{% include 'look.txt' %}\"}\n"
    )
    assert [at(p) for p in problems] == ["p.txt:2:6", "look.txt:2:4"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A storyboard that is missing, a folder, or without end is a problem, not a crash."""
    for name in ("film.yaml", "."):
        loaded = load(tmp_path / name, tmp_path, catalogue())
        assert [p.rule for p in loaded.problems] == ["storyboard.unreadable"]
    loaded = load(Path("/dev/zero"), Path("/dev"), catalogue())
    assert [p.rule for p in loaded.problems] == ["storyboard.too_large"]


def test_prompts_do_not_lead_out_of_the_project(project: Project) -> None:
    """A `prompts/` that is a link to somewhere else is not read."""
    outside = project.root.parent / "outside"
    outside.mkdir()
    (outside / "look.txt").write_text("secret")
    (project.root / "prompts").symlink_to(outside)
    (problem,) = project.wrong("  - {id: a, prompt: \"{% include 'look.txt' %}\"}\n")
    assert problem.rule == "template.include"


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "7\n", "[]\n", "text\n", "~\n", "storyboard: 2\n"]
)
def test_a_file_that_is_no_storyboard(project: Project, text: str) -> None:
    """Whatever else a file holds, it says that it is no storyboard."""
    loaded = project.load(text)
    assert loaded.storyboard is None
    assert loaded.problems
    assert all(p.at.line >= 1 for p in loaded.problems)


# ── tables ──────────────────────────────────────────────────────────────────────────────────

TABLES = {
    "t.csv": 'city,mood\nOslo,blue\n"New York","red, loud"\n',
    "t.json": '[{"city": "Oslo", "mood": "blue"},\n {"city": "New York", "mood": "red, loud"}]',
    "t.yaml": "- {city: Oslo, mood: blue}\n- city: New York\n  mood: red, loud\n",
}
ROWS = (
    "  - id: \"sp-{{ row.city|lower|replace(' ', '-') }}\"\n    for_each: FILE\n"
    "    prompt: '{{ row.city }} is {{ row.mood }}'\n    variants: {tall: {aspect_ratio: '9:16'}}\n"
)


@pytest.mark.parametrize("name", TABLES)
def test_one_shot_a_row(project: Project, name: str) -> None:
    """A table makes a shot of each row, with the row in its templates; variants as well."""
    project.write(name, TABLES[name])
    shots = project.film(ROWS.replace("FILE", name)).shots
    assert [(shot.id, shot.takes[0].request.prompt) for shot in shots] == [
        ("sp-oslo", "Oslo is blue"),
        ("sp-oslo.tall", "Oslo is blue"),
        ("sp-new-york", "New York is red, loud"),
        ("sp-new-york.tall", "New York is red, loud"),
    ]
    assert shots[2].takes[0].vars == {"row.city": "New York", "row.mood": "red, loud"}
    assert Path(shots[2].origins["row.mood"].file).name == name
    assert shots[2].origins["row.mood"].line == {"t.csv": 3, "t.json": 2, "t.yaml": 3}[name]


def test_emoji_in_json_tables(project: Project) -> None:
    """JSON writes an emoji as two escapes; it is one character."""
    project.write("t.json", '[{"city": "Oslo", "mood": "\\ud83d\\ude00"}]')
    assert (
        project.film(ROWS.replace("FILE", "t.json")).shots[0].takes[0].request.prompt
        == "Oslo is 😀"
    )


def test_odd_line_breaks_and_empty_tables(project: Project) -> None:
    """Only line feeds end a row; a table without rows is worth a warning."""
    project.write("t.csv", 'city,mood\r\n\r\nOslo,"a\u2028b\n c"\r\nBergen,d')
    shots = project.film(ROWS.replace("FILE", "t.csv")).shots
    assert [shot.takes[0].request.prompt for shot in shots[::2]] == [
        "Oslo is a\u2028b\n c",
        "Bergen is d",
    ]
    project.write("t.csv", "city,mood\n")
    loaded = project.load(HEAD + ROWS.replace("FILE", "t.csv"))
    assert [(p.rule, p.severity) for p in loaded.problems] == [("table.empty", Severity.WARNING)]


def test_rows_that_make_the_same_shot(project: Project) -> None:
    """A collision names both rows and the file."""
    project.write("t.csv", "city,mood\nOslo,a\nBergen,b\noslo,c\n")
    first = project.wrong(ROWS.replace("FILE", "t.csv"))[0]
    assert first.rule == "shot.duplicate_id"
    assert "row 1" in first.message
    assert "t.csv:2" in first.message
    assert "row 3" in first.message
    assert "t.csv:4" in first.message


@pytest.mark.parametrize(
    ("name", "table", "rule", "place"),
    [
        ("t.csv", "city,mood\nOslo\n", "table.csv", "t.csv:2:1"),
        ("t.csv", "city,city\nOslo,x\n", "table.csv", "t.csv:1:1"),
        ("t.csv", "city;mood\n", "table.csv", "t.csv:1:1"),
        ("t.csv", 'city,mood\nOslo,"x\n', "table.csv", "t.csv:2:1"),
        ("t.csv", "city,mood\nOslo,\x1b[0m\n", "table.csv", "t.csv:2:6"),
        ("t.csv", "city,mood\n?,x\n", "shot.id", "film.yaml:9:9"),
        ("t.csv", "town,mood\nOslo,x\n", "template.undefined", "film.yaml:9:20"),
        ("t.json", '{"city": 1}', "table.shape", "t.json:1:1"),
        ("t.json", "[1]", "table.shape", "t.json:1:2"),
        ("t.json", "", "table.shape", "t.json:1:1"),
        ("t.json", "[{]", "yaml.syntax", "t.json:1:3"),
        ("t.yaml", "- city: .inf\n", "yaml.number", "t.yaml:1:9"),
    ],
)
def test_what_is_wrong_with_a_table(
    project: Project, name: str, table: str, rule: str, place: str
) -> None:
    """Tables have positions, too; what a row does to a template names the row."""
    project.write(name, table)
    problem = project.wrong(ROWS.replace("FILE", name))[0]
    assert (problem.rule, at(problem)) == (rule, place)
    if place.startswith("film"):
        assert "row 1, " in problem.message
        assert "t.csv:2" in problem.message


# ── includes ────────────────────────────────────────────────────────────────────────────────


def test_a_film_of_sequences(project: Project) -> None:
    """Included storyboards bring their shots, whole in themselves; the film may name them all."""
    project.write("one/refs/x.png", "x")
    project.write("one/prompts/look.txt", "soft")
    project.write(
        "one/seq.yaml",
        "storyboard: 1\nvars: {grade: red}\ntitle: no\n"
        "defaults: {model: wan2.6-i2v, resolution: 720p}\n"
        "shots:\n"
        "  - {id: one, first_frame: refs/x.png, prompt: \"{{ grade }} {% include 'look.txt' %}\"}\n"
        "",
    )
    film = project.film(
        "  - {id: two, prompt: '{{ grade }}', after: [one]}\ninclude: [one/seq.yaml]\n"
        "cut: {clips: [two, one]}\n"
    )
    assert [(shot.id, shot.takes[0].request.prompt) for shot in film.shots] == [
        ("one", "red soft"),
        ("two", "teal"),
    ]
    assert film.shots[0].takes[0].request.media[0].origin == LocalFile("one/refs/x.png")
    assert film.title == ""
    assert film.shots[0].origins["id"].file == str(project.root / "one/seq.yaml")


def test_mistakes_in_included_storyboards_stand_there(project: Project) -> None:
    """Positions, collisions and circles reach across files."""
    project.write(
        "b.yaml", "storyboard: 1\nshots:\n  - {id: A, model: wan2.6-t2v, prompt: '{{ x }}'}\n"
    )
    problems = project.wrong(SHOT + "include: [b.yaml, ./b.yaml]\n")
    assert [(p.rule, at(p)) for p in problems] == [
        ("shot.duplicate_id", "film.yaml:9:10"),
        ("include.twice", "film.yaml:10:19"),
        ("template.undefined", "b.yaml:3:44"),
    ]
    project.write("b.yaml", "storyboard: 1\ninclude: [film.yaml]\n")
    (problem,) = project.wrong(SHOT + "include: [b.yaml]\n")
    assert (problem.rule, at(problem)) == ("include.cycle", "b.yaml:2:11")
    assert "film.yaml → b.yaml → film.yaml" in problem.message


# ── whole films ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_storyboards_have_no_errors(path: Path) -> None:
    """Every example runs as it is."""
    loaded = load(path, PIPELINES.parent, catalogue())
    assert [p for p in loaded.problems if p.severity is Severity.ERROR] == []
    assert loaded.storyboard is not None
    assert list(loaded.files) == [str(path)]


def test_a_moved_project_is_the_same_film(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Requests hold no absolute path."""
    text = HEAD + "  - {id: a, model: wan2.6-i2v, first_frame: mara, prompt: x}\n"
    here = project.load(text).storyboard
    there = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.copytree(project.root, there)
    moved = load(there / "film.yaml", there, catalogue()).storyboard
    assert here is not None
    assert moved is not None

    def asked(storyboard: Storyboard) -> list[tuple[str, list[tuple[str, object]]]]:
        strip: Callable[[Medium], tuple[str, object]] = lambda m: (m.role, m.origin)  # noqa: E731
        return [
            (s.takes[0].request.prompt, [strip(m) for m in s.takes[0].request.media])
            for s in storyboard.shots
        ]

    assert asked(here) == asked(moved)
    assert str(project.root) not in repr(asked(here))


def test_what_was_read_is_told_with_its_digest(project: Project) -> None:
    """A cache can know when a film must be read again: storyboards, tables, prompts."""
    project.write("t.csv", TABLES["t.csv"])
    project.write("p.txt", "x")
    project.write("prompts/look.txt", "y")
    project.write("b.yaml", "storyboard: 1\nshots: []\n")
    text = (
        HEAD
        + ROWS.replace("FILE", "t.csv")
        + (
            "  - {id: a, prompt_file: p.txt}\n  - {id: b, prompt: \"{% include 'look.txt' %}\"}\n"
            "include: [b.yaml]\n"
        )
    )
    loaded = project.load(text)
    before = loaded.inputs
    shown = [str(Path(name).relative_to(project.root)) for name in (*loaded.files, *before)]
    assert shown == ["b.yaml", "film.yaml", "t.csv", "prompts/look.txt", "p.txt"]
    project.write("prompts/look.txt", "z")
    after = project.load(text).inputs
    assert [Path(name).name for name in before if before[name] != after[name]] == ["look.txt"]


# ── whatever else a file may say ────────────────────────────────────────────────────────────

TEXTS = [
    "sh010", "a", "a.v", "mara", "refs/mara.png", "https://e.com/x.png", "../x", "", " ", "{{ x }}",
    "{{ ref('mara') }}", "{{ row.city }}", "16:9", "720p", "t.csv", "film.yaml", "first", "p.txt",
    "wan2.6-t2v", "kling-v3-omni", SEEDANCE, "http://[", "\u202e", "{% include 'x' %}", "con",
]  # fmt: skip
KEYS = [
    "id", "model", "prompt", "prompt_file", "negative_prompt", "vars", "seconds", "size",
    "resolution", "aspect_ratio", "audio", "watermark", "seed", "first_frame", "last_frame",
    "base_video", "references", "options", "extra_body", "takes", "keep", "variants",
    "after", "enabled", "notes", "pin", "on_failure", "for_each", "image", "video", "shot",
    "frame", "as", "clips", "in", "out", "transition", "dissolve", "gain_db", "again",
    "mara", "v", "x", "include", "cut", "title", "budget", "gateway",
]  # fmt: skip
anything = st.recursive(
    st.sampled_from(TEXTS) | st.none() | st.booleans() | st.integers(-2, 9) | st.floats(-1, 9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
entries = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "A", "{{ row.city }}"])},
    optional=dict.fromkeys(KEYS[1:28], anything),
)
likely = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b"]), "prompt": st.sampled_from(TEXTS)},
    optional={
        "first_frame": st.sampled_from([*TEXTS, {"shot": "a", "frame": "last"}]),
        "references": st.lists(st.sampled_from(TEXTS), max_size=3),
        "variants": st.just({"v": {"seconds": 5}}),
        "takes": st.integers(1, 3),
        "keep": st.integers(1, 3),
        "for_each": st.just("t.csv"),
        "after": st.lists(st.sampled_from(["a", "b", "a.v"]), max_size=2),
        "on_failure": st.lists(
            st.fixed_dictionaries({"model": st.sampled_from(TEXTS)}), max_size=2
        ),
    },
)
films = st.fixed_dictionaries(
    {"storyboard": st.just(1), "shots": st.lists(likely | entries, max_size=4) | anything},
    optional={
        "vars": anything,
        "references": st.dictionaries(st.sampled_from(["mara", "x"]), anything, max_size=2),
        "defaults": st.just({"model": "wan2.6-t2v", "seconds": 5}) | anything,
        "include": st.just(["film.yaml"]) | anything,
        "cut": st.fixed_dictionaries({"clips": st.lists(st.sampled_from(["a", "b"]))}) | anything,
        "budget": anything,
    },
)


@given(films)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_storyboard_is_a_crash(project: Project, film: object) -> None:
    """Whatever a file says, the answer is a film or problems with places; never an exception."""
    project.write("t.csv", "city\nOslo\n")
    project.write("p.txt", "{{ x }}")
    loaded = project.load(json.dumps(film))
    errors = [p for p in loaded.problems if p.severity is Severity.ERROR]
    assert (loaded.storyboard is None) == bool(errors)
    for problem in loaded.problems:
        assert problem.at.file
        assert problem.at.line >= 1
        assert problem.message


def test_a_default_that_does_not_suit_a_shot_names_the_shot(tmp_path: Path) -> None:
    """The place is in `defaults`, so only the message can say which shot it is about."""
    (tmp_path / "film.yaml").write_text(
        "storyboard: 1\n"
        "defaults: {seconds: 5, resolution: 720p}\n"
        "shots:\n"
        "  - {id: a, model: wan2.6-t2v, prompt: A pier.}\n"
        "  - {id: b, model: veo-3.1-generate-preview, prompt: A pier.}\n"
    )
    problems = load(tmp_path / "film.yaml", tmp_path, open_catalogue()).problems
    assert [(p.at.line, p.message.endswith("(shot b)")) for p in problems] == [(2, True)]


def test_a_reference_nobody_named_has_a_hint(tmp_path: Path) -> None:
    """`ref()` of an unknown name says the two places where it must stand."""
    (tmp_path / "film.yaml").write_text(
        "storyboard: 1\nshots:\n"
        "  - {id: a, model: wan2.6-t2v, seconds: 5, prompt: \"{{ ref('mara') }}.\"}\n"
    )
    problems = load(tmp_path / "film.yaml", tmp_path, open_catalogue()).problems
    assert [p.hint for p in problems] == [
        "name it in the `references:` of the film and of the shot"
    ]
