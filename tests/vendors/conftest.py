"""The catalogue's facts, for adapters that are handed them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.model import FrameSize, ModelFacts, ModelId

SCHEMAS = Path(__file__).parents[2] / "schemas" / "vendors"


def _read() -> dict[str, ModelFacts]:
    found = {}
    for path in SCHEMAS.glob("*.schema.json"):
        data = json.loads(path.read_text())
        for name, known in data["x-models"].items():
            found[name] = _facts(name, data, known)
    return found


def _facts(name: str, data: dict[str, Any], known: dict[str, Any]) -> ModelFacts:
    sizes = [FrameSize(**row) for key in known["sizes"] for row in data["x-sizes"][key]]
    return ModelFacts(
        id=ModelId(name),
        vendor=data["x-vendor"],
        capabilities=frozenset(known["capabilities"]),
        seconds=tuple(known["seconds"]),
        default_seconds=known["default_seconds"],
        sizes=tuple(sizes),
        default_size=known.get("default_size"),
        default_resolution=known.get("default_resolution"),
        default_aspect_ratio=known.get("default_aspect_ratio"),
        audio=known["audio"],
        family=known["family"],
    )


@pytest.fixture(scope="session")
def facts() -> Callable[[str], ModelFacts]:
    return _read().__getitem__
