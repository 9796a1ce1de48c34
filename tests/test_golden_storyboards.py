"""Fingerprints of whole storyboards, pinned for ever, however they are spelled."""

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from runner.disk import hash_file
from runner.fingerprint import asked, digest
from runner.load import load
from runner.model import LocalFile, Medium, ShotOutput
from runner.schema import Catalogue, open_catalogue
from runner.source import read_yaml

GOLDEN = Path(__file__).parent / "golden" / "fingerprints"
BOARDS = dict(
    part.split("\n", 1) for part in (GOLDEN / "storyboards.txt").read_text().split("=== ")[1:]
)
PINNED = (GOLDEN / "storyboards.digests.txt").read_text()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return open_catalogue()


def furnish(root: Path) -> Path:
    """A project with the two pictures that the storyboards speak of."""
    (root / "refs").mkdir(parents=True)
    for name, colour in (("pier", "teal"), ("mara", "red")):
        picture = Image.new("RGB", (1280, 720), colour)
        picture.save(root / "refs" / f"{name}.bmp")  # bytes that no encoder's version changes
        (root / "refs" / f"{name}.bmp").rename(root / "refs" / f"{name}.png")
    return root


def fingerprints(name: str, text: str, root: Path, catalogue: Catalogue) -> Iterator[str]:
    file = root / "film.yaml"
    file.write_bytes(text.encode())
    loaded = load(file, root, catalogue)
    assert loaded.storyboard, (name, loaded.problems)

    def identify(medium: Medium) -> str:
        match medium.origin:
            case LocalFile(path):
                return hash_file(root / path)
            case ShotOutput(shot):
                return hashlib.sha256(shot.encode()).hexdigest()
        raise AssertionError

    for shot in loaded.storyboard.shots:
        for take in shot.takes:
            document = asked(take, identify)
            assert document
            yield f"{name} {shot.id} {take.number} {digest(document)}\n"


def upside_down(value: Any) -> Any:
    """The same data with every mapping's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: upside_down(value[key]) for key in reversed(value)}
    return [upside_down(item) for item in value] if isinstance(value, list) else value


def as_json(text: str) -> str:
    """Another spelling of the same: no comments, flow style, double quotes, keys reversed."""
    data, problems = read_yaml(text, "film.yaml")
    assert not problems
    return json.dumps(upside_down(data), ensure_ascii=False)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as written": lambda text: text,
    "as JSON, upside down": as_json,
    "with another line end": lambda text: text.replace("\n", "\r\n"),
    "with a byte order mark": lambda text: "\ufeff" + text,
    "with comments": lambda text: f"# a film\n\n{text}\n# end\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_storyboard_keeps_its_fingerprints(
    spelling: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    """Comments, order, quotes, line ends and the project's place cost nothing, ever."""
    root = furnish(tmp_path / spelling)
    respell = SPELLINGS[spelling]
    found = [
        line
        for name, text in BOARDS.items()
        for line in fingerprints(name, respell(text), root, catalogue)
    ]
    assert sorted(found) == sorted(PINNED.splitlines(keepends=True))


def test_storyboards_share_fingerprints_only_where_they_ask_the_same() -> None:
    """What a vendor would be sent differently is never mistaken for the same."""
    lines = sorted((line.split() for line in PINNED.splitlines()), key=lambda row: row[3])
    groups = [sorted({row[0] for row in rows}) for _, rows in groupby(lines, lambda r: r[3])]
    assert len(BOARDS) >= 50
    assert sorted(names for names in groups if len(names) > 1) == [
        ["chain", "chain-seconds", "two-shots"],
        ["defaults", "notes", "pinned", "prompt-folded", "takes-3", "wan-plain"],
        ["template-plain", "template-top", "template-vars"],
        ["twins", "variants"],
        ["wan-5.0s", "wan-5s"],
    ]
