"""`reelmake.yaml` at work: everything wrong with it at once, and warnings as wanted."""

import json
from pathlib import Path

import pytest

from runner.model import Severity
from runner.project import open_project

FILM = """\
storyboard: 1
shots:
  - {id: a, model: wan2.6-i2v, prompt: p, first_frame: "http://10.0.0.1/a.png"}
  - {id: b, model: wan2.6-t2v, prompt: p, enabled: false}
  - {id: "r-{{ row.n }}", for_each: t.csv, model: wan2.6-t2v, prompt: p}
cut: {clips: [a, b]}
"""
BY_CODE = ("source.private_url", "cut.disabled", "table.empty")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / ".reelmake").mkdir()
    (tmp_path / "t.csv").write_text("n\n")
    (tmp_path / "film.yaml").write_text(FILM)
    return tmp_path / "film.yaml"


def found(film: Path, settings: dict[str, object]) -> dict[str, Severity]:
    (film.parent / "reelmake.yaml").write_text(json.dumps(settings))
    return {p.rule: p.severity for p in open_project(film, {}).load(film).problems}


@pytest.mark.parametrize("word", ["warning", "error", "off"])
def test_a_warning_of_the_storyboard_itself_is_as_hard_as_wanted(film: Path, word: str) -> None:
    """Not only vendors' rules: every warning can be made an error, or silent."""
    wanted = {} if word == "off" else dict.fromkeys(BY_CODE, Severity(word))
    assert found(film, {"rules": dict.fromkeys(BY_CODE, word)}) == wanted


def test_everything_wrong_with_the_settings_is_said_at_once(film: Path) -> None:
    """Rules, models and prices, in the order of the file; a price of nothing known is one."""
    (film.parent / "reelmake.yaml").write_text(
        "prices: {wan2.6-t2w: '1', veo-3.1: {unit: second, amount: '1'}, rates: {CNY: '0.2'}}\n"
        "models: {q: {vendor: klng}}\n"
        "rules: {source.missing: 'off', sora.secnds: error}\n"
    )
    problems = open_project(film, {}).wrong_settings()
    assert [(p.at.line, p.rule) for p in problems] == [
        (2, "settings.unknown_vendor"),
        (3, "settings.unknown_rule"),
        (3, "settings.unknown_rule"),
    ]
    (film.parent / "reelmake.yaml").write_text("prices: {wan2.6-t2w: '1', veo-3.1: {unit: mile}}\n")
    assert {p.rule for p in open_project(film, {}).wrong_settings()} == {"prices.value"}
    (film.parent / "reelmake.yaml").write_text("prices: {wan2.6-t2w: '1', veo-3.1: '2'}\n")
    (problem,) = open_project(film, {}).wrong_settings()
    assert (problem.rule, problem.at.line, problem.at.column) == ("prices.unknown", 1, 22)
    assert "wan2.6-t2v" in problem.hint
