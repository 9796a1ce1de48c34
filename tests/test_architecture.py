"""The rows of ARCHITECTURE.md, held."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "runner"

LAYERS = [  # read top-down; a module imports only from rows below its own
    ["cli"],
    ["commands"],
    ["project", "report", "export", "diagram"],
    ["executor", "manifest", "progress", "accept", "savedplan"],
    ["planner", "load", "edit", "port", "journal", "store", "gateway"],
    ["why"],
    [
        "graph", "fingerprint", "source", "template", "schema", "prices", "vendors", "media",
        "disk", "uptodate", "state",
    ],
    ["ports"],
    ["errors"],
    ["model"],
]  # fmt: skip
BESIDE = {
    "localgateway": {"media", "localgateway"}
}  # what it may import; who may import it: project
OWNERS: dict[str, set[str]] = {
    "click": {"cli"},
    "httpx": {"gateway"},
    "h11": {"gateway", "localgateway"},
    "yaml": {"source"},
    "jinja2": {"template"},
    "jsonschema": {"schema"},
    "jsonschema_rs": {"schema"},
    "sqlite3": {"journal"},
    "fsspec": {"store"},
    "rich": {"progress"},
    "fcntl": {"disk"},
    "av": {"media", "localgateway"},
    "PIL": {"media", "localgateway"},
    "opentimelineio": set(),  # reads in tests what is written here
}
RANK = {name: row for row, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            base = node.module.split(".")
            if base == ["runner"]:
                yield from (["runner", alias.name] for alias in node.names)
            else:
                yield base


def wrong_imports(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*.py")):
        me = path.relative_to(root).parts[0].removesuffix(".py")
        if me.startswith("__"):
            continue
        for parts in imports(path):
            where = f"{path.relative_to(root)} may not import {'.'.join(parts[:2])}"
            if parts[0] == "runner" and len(parts) > 1 and not parts[1].startswith("__"):
                if not allowed(me, parts[1]):
                    yield where
            elif parts[0] in OWNERS and me not in OWNERS[parts[0]]:
                yield where


def allowed(me: str, other: str) -> bool:
    if me in BESIDE:
        return other in BESIDE[me]
    if other in BESIDE:
        return RANK[me] <= RANK["project"]
    return other == me or RANK[other] > RANK[me]


def test_arrows_point_down_and_libraries_have_owners() -> None:
    """No module imports from its own row or above, and each library has one home."""
    assert list(wrong_imports(ROOT)) == []


def test_every_module_has_a_row() -> None:
    """A new module is placed on purpose."""
    modules = {
        path.relative_to(ROOT).parts[0].removesuffix(".py")
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).parts[0].startswith("__")
    }
    assert modules <= set(RANK) | set(BESIDE)


def test_the_check_can_fail(tmp_path: Path) -> None:
    """Upward, sideways and foreign imports are each named."""
    (tmp_path / "planner.py").write_text("from runner.executor import run")
    (tmp_path / "journal.py").write_text("from runner import store")
    (tmp_path / "executor.py").write_text("def f():\n    import httpx")
    (tmp_path / "load.py").write_text("from runner import graph, model")
    assert list(wrong_imports(tmp_path)) == [
        "executor.py may not import httpx",
        "journal.py may not import runner.store",
        "planner.py may not import runner.executor",
    ]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_say_what_they_are_for(path: Path) -> None:
    """Every module opens with a docstring; a reader guesses the file from the question."""
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree)
