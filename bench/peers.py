"""Peers, each in an environment of its own under `bench/.peers/`, and equal graphs for them.

Target i is a copy of input i; every fifth also hangs on the one before. Versions are whatever the
ordinary registry gives today; GNU make is the machine's own.
"""

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.timing import Command

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
WORK = HERE / "work"
FROM_REGISTRY = ("ninja", "doit", "snakemake", "dvc")


@dataclass(frozen=True)
class Peer:
    name: str
    version: tuple[str, ...]
    build: tuple[str, ...]
    write: Callable[[Path, int], None]
    largest: int = 10_000  # above this a full build takes longer than anybody waits


def prepare() -> None:
    """Makes the environments that are not there yet."""
    for name in FROM_REGISTRY:
        tool = PEERS / name / "bin" / name
        if not tool.exists():
            print(f"preparing {name}", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", PEERS / name], check=True)
            pip = [PEERS / name / "bin/python", "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", name], check=True)


def chained(i: int) -> bool:
    return i % 5 == 4


def graph(peer: Peer, size: int) -> Path:
    """A folder with the peer's own description of the graph, inputs made, nothing built."""
    folder = WORK / f"{peer.name}-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    for i in range(size):
        (folder / "in" / f"{i}.txt").write_text(f"input {i}\n" * 20)
    peer.write(folder, size)
    return folder


def build(peer: Peer, folder: Path) -> Command:
    quiet = {"DVC_NO_ANALYTICS": "1", "HOME": str(WORK / "home")}
    (WORK / "home").mkdir(parents=True, exist_ok=True)
    return Command(peer.build, folder, quiet)


def write_make(folder: Path, size: int) -> None:
    rules = "".join(
        f"out/{i}.txt: in/{i}.txt{f' out/{i - 1}.txt' if chained(i) else ''}\n\t@cp $< $@\n"
        for i in range(size)
    )
    targets = " ".join(f"out/{i}.txt" for i in range(size))
    (folder / "Makefile").write_text(f"all: {targets}\n.PHONY: all\n{rules}")


def write_ninja(folder: Path, size: int) -> None:
    rules = "".join(
        f"build out/{i}.txt: cp in/{i}.txt{f' | out/{i - 1}.txt' if chained(i) else ''}\n"
        for i in range(size)
    )
    (folder / "build.ninja").write_text(f"rule cp\n  command = cp $in $out\n{rules}")


def write_doit(folder: Path, size: int) -> None:
    text = f"""\
    DOIT_CONFIG = {{"verbosity": 0}}


    def task_cp():
        for i in range({size}):
            before = [f"out/{{i - 1}}.txt"] if i % 5 == 4 else []
            yield {{
                "name": str(i),
                "file_dep": [f"in/{{i}}.txt", *before],
                "targets": [f"out/{{i}}.txt"],
                "actions": [["cp", f"in/{{i}}.txt", f"out/{{i}}.txt"]],
            }}
    """
    (folder / "dodo.py").write_text(textwrap.dedent(text))


def write_snakemake(folder: Path, size: int) -> None:
    text = f"""\
    rule all:
        input: expand("out/{{i}}.txt", i=range({size}))

    def needs(wildcards):
        i = int(wildcards.i)
        return [f"in/{{i}}.txt"] + ([f"out/{{i - 1}}.txt"] if i % 5 == 4 else [])

    rule cp:
        input: needs
        output: "out/{{i}}.txt"
        shell: "cp {{input[0]}} {{output}}"
    """
    (folder / "Snakefile").write_text(textwrap.dedent(text))


def write_dvc(folder: Path, size: int) -> None:
    stages = "".join(
        f"  s{i}:\n    cmd: cp in/{i}.txt out/{i}.txt\n    outs: [out/{i}.txt]\n"
        f"    deps: [in/{i}.txt{f', out/{i - 1}.txt' if chained(i) else ''}]\n"
        for i in range(size)
    )
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    subprocess.run(
        [PEERS / "dvc/bin/dvc", "init", "--no-scm", "-q"], cwd=folder, check=True,
        capture_output=True,
    )  # fmt: skip


def tool(name: str) -> str:
    return str(PEERS / name / "bin" / name)


ALL = (
    Peer("ninja", (tool("ninja"), "--version"), (tool("ninja"), "-j2"), write_ninja),
    Peer("make", ("make", "--version"), ("make", "-r", "-j2"), write_make),
    Peer("doit", (tool("doit"), "--version"), (tool("doit"),), write_doit),
    Peer(
        "snakemake",
        (tool("snakemake"), "--version"),
        (tool("snakemake"), "--cores", "2", "-q", "all"),
        write_snakemake,
        largest=1000,
    ),
    Peer("dvc", (tool("dvc"), "--version"), (tool("dvc"), "repro", "-q"), write_dvc, largest=100),
)


def version(peer: Peer) -> str:
    done = subprocess.run(peer.version, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "?"
