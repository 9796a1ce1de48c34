"""Runs things in turns and times them, so that a noisy minute is noisy for everybody."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CLOCK = time.perf_counter
Samples = dict[str, list[float]]

# Everybody may keep what it compiled, as where it is installed, whatever is usual on this machine.
OURS = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Command:
    """A process to time. `before` runs untimed, before every start."""

    words: Sequence[str | Path]
    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None

    def run(self) -> float:
        """Wall seconds. Raises RuntimeError, with what it said, when it fails."""
        self.before()
        words = [str(word) for word in self.words]
        began = time.perf_counter()
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**OURS, **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        took = time.perf_counter() - began
        if done.returncode:
            said = (done.stderr or done.stdout)[-600:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}\n{said}")
        return took


def in_turns(things: Mapping[str, Callable[[], float]], times: int) -> Samples:
    """Every thing `times` times, one after the other, round by round."""
    samples: Samples = {name: [] for name in things}
    for _ in range(times):
        for name, thing in things.items():
            samples[name].append(thing())
    return samples


def timed(act: Callable[[], object]) -> Callable[[], float]:
    def measured() -> float:
        began = time.perf_counter()
        act()
        return time.perf_counter() - began

    return measured


def medians(samples: Samples) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in samples.items() if values}
