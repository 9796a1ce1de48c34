"""Every rule through a real storyboard: it is found, at the line where the value was written."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.load import Loaded, load
from runner.model import Severity
from runner.schema import check_shot, open_catalogue
from runner.schema.examples import PROMPT, expanded
from runner.schema.rules import Rule
from runner.vendors import find

CATALOGUE = open_catalogue()
RULES = [rule for rule in CATALOGUE.rules() if rule.on == "shot"]
FILES = ("a.png", "b.png", "m.png", "a.mp4", "refs/a.png", "refs/a.mp4", "refs/hum.wav")
OTHER = '  - {id: sh010, model: wan2.6-t2v, prompt: "A pier."}\n'
Fields = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the media that examples name; only their names matter here."""
    root = tmp_path_factory.mktemp("film")
    for name in FILES:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def in_the_shot(fields: Fields) -> str:
    return f"storyboard: 1\nshots:\n{OTHER}  - id: it\n{written(fields, 4)}"


def in_the_defaults(fields: Fields) -> str:
    """Everything from `defaults`; a shot that others take media from must not inherit them."""
    shots = "shots:\n  - id: it\n"
    if "sh010" in json.dumps(fields):
        return in_the_shot(fields)
    return f"storyboard: 1\ndefaults:\n{written(fields, 2)}{shots}"


def in_a_variant(fields: Fields) -> str:
    shot = '  - id: it\n    model: wan2.6-t2v\n    prompt: "A pier."\n    variants:\n      wide:\n'
    return f"storyboard: 1\nshots:\n{OTHER}{shot}{written(fields, 8)}"


PLACES = (in_the_shot, in_the_defaults, in_a_variant)


def written(fields: Fields, indent: int) -> str:
    """A line a field, so that the line tells the field."""
    rows = (f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
    return "".join(" " * indent + row for row in rows)


def examples(rule: Rule, kind: str) -> Iterator[Fields]:
    for example in rule.examples[kind]:
        yield {"prompt": PROMPT, **expanded(example)}


def loaded(folder: Path, text: str) -> Loaded:
    file = folder / "film.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, folder, CATALOGUE)


def line_of(text: str, key: str) -> int:
    """Where a field of the shot in question stands: its last line in the file."""
    lines = text.splitlines()
    return max(n for n, line in enumerate(lines, 1) if line.lstrip().startswith(f"{key}:"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_broken_rule_is_told_where_it_was_written(
    rule: Rule, place: Callable[[Fields], str], folder: Path
) -> None:
    """The problem has the rule's id and the line of the value, wherever in the cascade that is."""
    for fields in examples(rule, "fail"):
        text = place(fields)
        found = [p for p in loaded(folder, text).problems if p.rule == rule.id]
        assert len(found) == 1, text
        [key] = {str(c.path[0]) for c in check_shot(CATALOGUE, fields) if c.rule == rule.id}
        if key == "model" and place is in_the_defaults:
            key = "- id"  # about the whole shot: it stands in the file, its model elsewhere
        assert found[0].at.line == line_of(text, key), text
        assert found[0].at.file.endswith("film.yaml")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_the_nearest_legal_neighbour_passes(
    rule: Rule, place: Callable[[Fields], str], folder: Path
) -> None:
    """What is next to a fault and legal loads, and its adapter can shape it."""
    for fields in examples(rule, "pass"):
        text = place(fields)
        film = loaded(folder, text)
        assert rule.id not in {p.rule for p in film.problems}, text
        assert [p for p in film.problems if p.severity is Severity.ERROR] == [], text
        assert film.storyboard is not None
        for shot in film.storyboard.shots:
            request = shot.takes[0].request
            assert find(shot.vendor).shape(request, CATALOGUE.models[request.model]), text


def test_count_of_storyboards(capsys: pytest.CaptureFixture[str]) -> None:
    """How many storyboards that was is known and printed."""
    failing = sum(len(rule.examples["fail"]) for rule in RULES)
    passing = sum(len(rule.examples["pass"]) for rule in RULES)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(RULES)} rules x {len(PLACES)} places in a file:"
            f" {failing * len(PLACES)} storyboards refused, {passing * len(PLACES)} accepted\n"
        )
    assert failing >= len(RULES) <= passing
