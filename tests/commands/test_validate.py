"""`validate`: what scripts read, and all problems of all files at once."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from runner.commands import validate
from runner.errors import ExitCode
from runner.progress import Out

KEYS = ["severity", "file", "line", "column", "path", "rule", "message", "hint", "source"]


def validated(*files: Path, fmt: str = "json", strict: bool = False) -> tuple[str, ExitCode]:
    out = Out(io.StringIO(), io.StringIO(), colour=False)
    code = validate.main(out, files=files, fmt=fmt, strict=strict)
    assert isinstance(out.stdout, io.StringIO)
    return out.stdout.getvalue(), code


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / ".reelmake").mkdir()
    text = (
        "storyboard: 1\nshots: [{id: a, model: sora-2, seconds: 8, prompt: p, options: {x: 1}}]\n"
    )
    (tmp_path / "film.yaml").write_text(text)
    return tmp_path / "film.yaml"


def test_a_missing_file_hides_no_other_problems(film: Path) -> None:
    """JSON comes out whatever is given; every problem has every key, in the order given."""
    text, code = validated(film.with_name("nix.yaml"), film)
    problems: list[dict[str, Any]] = json.loads(text)["problems"]
    assert code is ExitCode.BAD_INPUT
    assert [p["rule"] for p in problems] == [
        "storyboard.unreadable",
        "model.retired",
        "sora.unknown_key",
    ]
    assert all(list(problem) == KEYS for problem in problems)
    assert problems[2]["path"] == "/shots/0/options/x"
    assert problems[2]["hint"] == "no key is known here"


def test_strict_makes_a_warning_fail(film: Path) -> None:
    """A retired model passes with a warning, and fails with --strict."""
    film.write_text("storyboard: 1\nshots: [{id: a, model: sora-2, seconds: 8, prompt: p}]\n")
    assert validated(film)[1] is ExitCode.DONE
    assert validated(film, strict=True)[1] is ExitCode.BAD_INPUT
    (film.parent / "reelmake.yaml").write_text("strict: true\n")
    assert validated(film)[1] is ExitCode.BAD_INPUT  # what no run takes, no check passes


def test_pull_requests_are_annotated(film: Path) -> None:
    """One workflow command a problem, with file, line and column."""
    odd = film.rename(film.with_name("a,b.yaml"))
    first = validated(odd, fmt="github")[0].splitlines()[0]
    place = f"file={film.parent}/a%2Cb.yaml,line=2,col=24"
    assert first.startswith(f"::warning {place},title=model.retired::sora-2: its vendor")
