"""Storyboards that double as documentation: what each vendor accepts, and what it does not."""

import re
from pathlib import Path

import pytest

from runner.load import Loaded, load
from runner.model import Severity
from runner.schema import open_catalogue

EXAMPLES = Path(__file__).parent / "examples"
CATALOGUE = open_catalogue()
EXPECTED = re.compile(r"  # ([a-z]+[.][a-z0-9_]+)$")


def files(kind: str) -> list[Path]:
    return sorted((EXAMPLES / kind).glob("*/*.yaml"))


def title(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def loaded(path: Path) -> Loaded:
    return load(path, path.parent, CATALOGUE)


@pytest.mark.parametrize("vendor", sorted(CATALOGUE.vendors))
def test_every_vendor_has_both_kinds(vendor: str) -> None:
    """A vendor ships at least one storyboard that is accepted and one that is refused."""
    assert list((EXAMPLES / "accepted" / vendor).glob("*.yaml"))
    assert list((EXAMPLES / "refused" / vendor).glob("*.yaml"))


@pytest.mark.parametrize("path", files("accepted"), ids=title)
def test_accepted_storyboards_have_no_error(path: Path) -> None:
    """No false alarm: at most warnings."""
    assert [str(p) for p in loaded(path).problems if p.severity is Severity.ERROR] == []


@pytest.mark.parametrize("path", files("refused"), ids=title)
def test_refused_storyboards_break_the_rules_their_comments_name(path: Path) -> None:
    """Exactly the errors that stand beside the lines, all in one go and in file order."""
    lines = path.read_text("utf-8").splitlines()
    wanted = [(n, m[1]) for n, line in enumerate(lines, 1) if (m := EXPECTED.search(line))]
    problems = loaded(path).problems
    found = [(p.at.line, p.rule) for p in problems if p.severity is Severity.ERROR]
    assert found == wanted
    assert all(p.hint for p in problems)
