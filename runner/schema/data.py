"""Finds the data that ships with Reelmake: beside the package in a checkout, or inside it."""

import json
from pathlib import Path

from runner.model import JSON

PACKAGE = Path(__file__).resolve().parent.parent
HOMES = (PACKAGE / "schemas", PACKAGE.parent / "schemas")


def data_file(name: str) -> Path:
    """The path of a shipped file, by its POSIX path under `schemas/`.

    Raises `FileNotFoundError` for a name that nothing is shipped under.
    """
    for home in HOMES:
        if (home / name).is_file():
            return home / name
    raise FileNotFoundError(f"schemas/{name} is not part of this installation")


def data_files(pattern: str) -> list[Path]:
    """All shipped files that match a glob under `schemas/`, by name."""
    home = next((home for home in HOMES if home.is_dir()), PACKAGE)
    return sorted(home.glob(pattern))


def read_json(path: Path) -> JSON:
    return json.loads(path.read_text(encoding="utf-8"))
