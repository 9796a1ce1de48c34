"""Storyboards of any size, and projects in which all of it is rendered: by a real run, for real."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import WORK, chained
from bench.timing import Command

REELMAKE = Path(sys.executable).with_name("reelmake")
HEAD = """\
storyboard: 1
vars: {grade: "teal dusk, 35mm grain"}
defaults: {model: wan2.6-t2v, seconds: 5, aspect_ratio: "16:9", resolution: 720p}
shots:
"""
# For what makes many files: beside a hundred thousand others, ext4 takes a millisecond for each.
FRESH = WORK.with_name("fresh")
FILES = 20  # of a film in many files
ENVIRON = {"REELMAKE_API_KEY": "bench-0123456789", "REELMAKE_POLL_SECONDS": "0.5"}


def storyboard(size: int, *, chains: bool = True) -> str:
    """Every fifth shot begins with the last frame of the one before, if it is to have chains."""
    return HEAD + "".join(shot(i, chain=chains and chained(i)) for i in range(size))


def shot(i: int, *, chain: bool = False) -> str:
    begins = f"    model: wan2.6-i2v\n    first_frame: {{shot: sh{i - 1:06d}, frame: last}}\n"
    words = f"Shot {i}, a slow dolly along the pier, wet steel, lamps smear on the water."
    return f"  - id: sh{i:06d}\n{begins if chain else ''}    prompt: {words}\n"


def told_in_full(size: int) -> str:
    """Shots as people write them who leave nothing to defaults: nine lines each."""
    return "storyboard: 1\nshots:\n" + "".join(map(full_shot, range(size)))


def full_shot(i: int) -> str:
    return f"""\
  - id: sh{i:06d}
    model: wan2.6-t2v
    seconds: {5 + i % 2 * 5}
    resolution: 720p
    aspect_ratio: "16:9"
    notes: second unit, day {i % 30}; hold the last two seconds for the titles
    prompt: >-
      Shot {i}. Teal dusk, 35 mm grain. Wide, low and slow: a dolly along the pier towards the
      ferry; wet steel, lamps smear on the water, a woman in a yellow raincoat turns away.
"""


@contextmanager
def gateway(*more: str) -> Iterator[str]:
    """The local gateway in a process of its own; gives its URL."""
    words = [sys.executable, "-m", "runner.localgateway", "--port", "0", "--slates", "plain", *more]
    served = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert served.stdout
    try:
        yield served.stdout.readline().strip()
    finally:
        served.terminate()
        served.wait()


def written(size: int, name: str = "film", *, chains: bool = True, within: Path = WORK) -> Path:
    """A project with an unrendered storyboard of `size` shots."""
    folder = within / f"{name}-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".reelmake").mkdir(parents=True)
    (folder / "film.yaml").write_text(storyboard(size, chains=chains))
    return folder


def rendered(size: int) -> Path:
    """A project with `size` rendered shots; made once and kept for later measures."""
    folder = WORK / f"rendered-{size}"
    if (folder / "whole").exists():
        return folder
    written(size, "rendered")
    with gateway("--render-seconds", "0") as url:
        words = [REELMAKE, "run", "film.yaml", "--gateway", url, "--yes"]
        said = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(words, cwd=folder, env={**os.environ, **ENVIRON}, check=True, **said)
    (folder / "gateway").write_text(url)
    (folder / "whole").touch()
    return folder


def divided(folder: Path, size: int) -> list[Path]:
    """The same film in many files, in the project in which it is rendered: nothing is to be sent,
    only put in place. Gives the files; `parts.yaml` includes them."""
    share = size // FILES
    parts = [folder / f"part{number:02}.yaml" for number in range(FILES)]
    for number, part in enumerate(parts):
        numbers = range(number * share, (number + 1) * share)
        part.write_text(HEAD + "".join(shot(i, chain=chained(i)) for i in numbers))
    names = ", ".join(part.name for part in parts)
    (folder / "parts.yaml").write_text(f"storyboard: 1\ninclude: [{names}]\n")
    reelmake(folder, "run", "parts.yaml").run()
    return parts


def reelmake(folder: Path, command: str, film: str = "film.yaml") -> Command:
    """`run` or `plan` of a rendered project, in the very words that rendered it."""
    url = (folder / "gateway").read_text()
    yes = ["--yes"] if command == "run" else []
    return Command([REELMAKE, command, film, "--gateway", url, *yes], folder, ENVIRON)
