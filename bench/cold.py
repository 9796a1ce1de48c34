"""Reading and checking a whole storyboard, against libyaml's scan of the same text; and growth."""

import cProfile
import io
import math
import os
import pstats
import subprocess
import sys
import time
from pathlib import Path

import yaml

from bench import films
from bench.timing import Samples, in_turns, timed
from runner.project import open_project

HERE = Path(__file__).parent.parent


def validate(size: int, times: int, *, in_full: bool = False) -> Samples:
    """In this process, imports done: the scan alone, and everything `validate` does."""
    file = films.written(size) / "film.yaml"
    if in_full:
        file.write_text(films.told_in_full(size))
    text = file.read_bytes()

    def scan() -> None:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass

    def check() -> None:
        assert not open_project(file, os.environ).load(file).problems

    check()
    return in_turns({"libyaml events": timed(scan), "validate": timed(check)}, times)


def profile(size: int, lines: int = 15) -> str:
    """Where the time of one `validate` goes, the module's own time first."""
    file = films.written(size) / "film.yaml"
    open_project(file, os.environ).load(file)
    profiler = cProfile.Profile()
    profiler.runcall(lambda: open_project(file, os.environ).load(file))
    said = io.StringIO()
    stats = pstats.Stats(profiler, stream=said)
    stats.strip_dirs().sort_stats("tottime").print_stats(lines)
    table = said.getvalue().splitlines()
    start = next(i for i, line in enumerate(table) if line.lstrip().startswith("ncalls"))
    return "\n".join(line.rstrip() for line in table[start:] if line.strip())


def growth(sizes: tuple[int, ...] = (1_000, 10_000, 100_000)) -> dict[str, list[list[float]]]:
    """Seconds, then MB, of a whole `plan` of films nothing of which exists: [size, value]."""
    seconds, megabytes = [], []
    for size in sizes:
        folder = films.written(size, "paper")
        took, peak = plan_on_paper(folder)
        seconds.append([size, took])
        megabytes.append([size, peak])
    return {"seconds": seconds, "MB": megabytes}


def plan_on_paper(folder: Path) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one `plan` in a process of its own."""
    measure = (
        "from bench.memory import peak; from runner import cli\n"
        "assert cli.main(['plan', 'film.yaml', '--gateway', 'local']) == 0\n"
        "print(peak())"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", measure], cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True,
    )  # fmt: skip
    return time.perf_counter() - began, float(done.stdout.split()[-1])


def exponent(points: list[list[float]]) -> float:
    """b in y = a·xᵇ between the last two sizes: 1 is linear."""
    (x, y), (x2, y2) = points[-2:]
    return math.log(y2 / y) / math.log(x2 / x)
