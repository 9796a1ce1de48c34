"""`docs/guarantees.md` names tests; here it is held to them."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "guarantees.md"


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_invariant_has_its_line_and_its_tests() -> None:
    """All 56 are there, once, and every test that is named exists."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| I-")]
    assert [line[2:6] for line in lines] == [f"I-{n:02}" for n in range(1, 57)]
    for line in lines:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", line)
        assert named, line
        for file, test in named:
            assert test in names_in(ROOT / "tests" / file), f"{line[:6]} {file}::{test}"


def test_no_shell_is_ever_used() -> None:
    """No module starts a shell; the one child process has fixed arguments and a time limit."""
    found = []
    for path in sorted((ROOT / "runner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node.func)
            if call.startswith(("subprocess.", "os.system", "os.popen", "os.exec", "os.spawn")):
                found.append((str(path.relative_to(ROOT)), ast.unparse(node)))
    assert [place for place, _ in found] == ["runner/disk/mounts.py"]
    assert "['/sbin/mount']" in found[0][1]
    assert "timeout=" in found[0][1]
    assert "shell" not in found[0][1]
