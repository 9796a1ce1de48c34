"""A storyboard's text changed in place: whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from runner.disk import write_atomic
from runner.errors import Outside


def rewrite(file: Path, change: Callable[[str], str]) -> bool:
    """Replace a file's text by what `change` makes of it; whether that was something else."""
    try:
        text = file.read_bytes().decode("utf-8")
        mode = file.stat().st_mode & 0o777
    except OSError as error:
        raise Outside(f"{file} cannot be read: {error.strerror}") from error
    changed = change(text)
    if changed != text:
        write_atomic(file, changed.encode("utf-8"), mode=mode)
    return changed != text
