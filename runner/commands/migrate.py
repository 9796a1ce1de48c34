"""`reelmake migrate FILE --to MODEL [SHOT…]`: other model, same comments and layout."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from runner.commands.editing import rewrite
from runner.commands.moving import MovingShot, moving, say_left
from runner.edit import Parts, set_field, set_in
from runner.errors import BadInput, ExitCode
from runner.port import Port
from runner.progress import Out


def main(out: Out, *, file: Path, shots: tuple[str, ...], to: str) -> ExitCode:
    """Rewrite `model:` of the shots named, or wherever a retired model is written.

    What the new model cannot do is said, by `port`, and left for the storyboard's author.
    """
    chosen = [shot for shot in moving(file, shots) if shots or shot.retired]
    if not chosen:
        raise BadInput("no shot has a retired model", do="name the shots to move")
    ported = [(shot, shot.ported(to)) for shot in chosen]
    if shots:
        rewrite(file, partial(named, shots=shots, to=to, file=file))
    else:
        for path, places in written(chosen).items():
            rewrite(Path(path), partial(everywhere, places=places, to=to, file=path))
    for shot, port in ported:
        out.say(f"{shot.id}: {shot.request.model} -> {to}", "good")
        say_losses(out, port)
        if port.edits.keys() - {"model"}:
            rest = f"reelmake port {file} {shot.id} --to {to} --write"
            out.say(f"  only the model was written; the rest: {rest}", "dim")
    return ExitCode.DONE


def named(text: str, *, shots: Iterable[str], to: str, file: Path) -> str:
    for shot in shots:
        text = set_field(text, shot, "model", to, str(file))
    return text


def everywhere(text: str, *, places: Iterable[Parts], to: str, file: str) -> str:
    for place in places:
        text = set_in(text, place, "model", to, file)
    return text


def written(shots: Iterable[MovingShot]) -> dict[str, set[Parts]]:
    """The mappings that say the shots' models, by file: of shots, of variants, or `defaults`."""
    found: dict[str, set[Parts]] = {}
    for shot in shots:
        _, path = shot.draft.find(("model",))
        found.setdefault(shot.draft.loc(("model",)).file, set()).add(path[:-1])
    return found


def say_losses(out: Out, port: Port) -> None:
    for line in port.lines:
        if line.verdict in ("lost", "changes"):
            out.say(f"  {line.field}: {line.text}", "warn")
    say_left(out, port, indent="  ")
