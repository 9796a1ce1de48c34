"""Strings in, one command, an exit code out."""

import importlib
import inspect
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import click
import pytest

from runner.cli import Usd, cli

COMMANDS = sorted(cli.commands)


def reelmake(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *words], capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_click_and_the_command_agree(name: str) -> None:
    """Every option of the command line is a keyword of the command's `main`, and no more."""
    main = importlib.import_module(f"runner.commands.{name.replace('-', '_')}").main
    expected = {parameter.name for parameter in cli.commands[name].params}
    keywords = list(inspect.signature(main).parameters)[1:]
    assert set(keywords) - {"environ"} == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    """--help has a sentence for each command."""
    assert cli.commands[name].help


def test_version_and_help_import_no_stage_of_the_program() -> None:
    """Asking for the version costs click and nothing else."""
    code = (
        "import sys\nfrom runner.cli import main\nassert main(['--version']) == 0\n"
        "print(*sorted(m for m in sys.modules if m.startswith('runner')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "runner runner.cli"


@pytest.mark.parametrize(
    "words",
    [("nonsense",), ("run",), ("run", "x.yaml", "--jobs", "0"), ("run", "x.yaml", "--max-cost=x")],
)
def test_usage_errors_leave_with_2(words: tuple[str, ...]) -> None:
    """A wrong command line is bad input, not a failure of ours."""
    done = reelmake(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("word", ["--version", "models"])
def test_output_that_cannot_be_written_is_told(word: str, unbuffered: str) -> None:
    """A full disk below stdout: a sentence and exit 1, whenever it comes to light."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runner", word],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("word", ["--version", "models"])
def test_nobody_reads_any_more(word: str) -> None:
    """`reelmake models | head` ends without a word."""
    out, into = os.pipe()
    os.close(out)
    done = subprocess.run(
        [sys.executable, "-m", "runner", word],
        stdout=into, stderr=subprocess.PIPE, text=True, timeout=30,
    )  # fmt: skip
    os.close(into)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_missing_file_is_bad_input() -> None:
    """Exit 2 and one line that names the file."""
    done = reelmake("run", "no-such-film.yaml")
    assert done.returncode == 2
    assert "no-such-film.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["NaN", "-1", "inf", "ten", "1e999999999999"])
def test_amounts_are_finite_and_not_negative(text: str) -> None:
    """Money on the command line is a plain decimal."""
    with pytest.raises(click.BadParameter):
        Usd().convert(text, None, None)


def test_amounts_keep_every_digit() -> None:
    """0.10 is exactly a dime."""
    assert Usd().convert("$0.10", None, None) == Decimal("0.10")
