"""`reelmake migrate FILE --to MODEL [SHOT…]`: other model, same comments and layout."""

from functools import partial
from pathlib import Path

from runner.commands.editing import rewrite
from runner.commands.moving import MovingShot, moving
from runner.edit import set_field
from runner.errors import BadInput, ExitCode
from runner.progress import Out


def main(out: Out, *, file: Path, shots: tuple[str, ...], to: str) -> ExitCode:
    """Rewrite `model:` of the shots named, or of all whose model is retired.

    What the new model cannot do is said, by `port`, and left for the storyboard's author.
    """
    wanted = moving(file, shots)
    chosen = [shot for shot in wanted if shots or shot.retired]
    if not chosen:
        raise BadInput("no shot has a retired model", do="name the shots to move")
    for shot in chosen:
        rewrite(file, partial(moved, shot=shot.id, to=to, name=str(file)))
        out.say(f"{shot.id}: {shot.model} -> {to}", "good")
        say_losses(out, shot, to)
    return ExitCode.DONE


def moved(text: str, *, shot: str, to: str, name: str) -> str:
    return set_field(text, shot, "model", to, name)


def say_losses(out: Out, shot: MovingShot, to: str) -> None:
    for line in shot.ported(to).lines:
        if line.verdict in ("lost", "changes"):
            out.say(f"  {line.field}: {line.text}", "warn")
