"""One start of the program; nothing to do; one thing changed: against build tools."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

from bench import films, peers
from bench.timing import Command, Samples, in_turns

CLICK = Command([sys.executable, "-c", "import click"])


def start(times: int) -> Samples:
    """The bare interpreter, `import click`, and the program's two quickest words."""
    return in_turns(
        {
            "python": Command([sys.executable, "-c", "pass"]).run,
            "import click": CLICK.run,
            "--version": Command([films.REELMAKE, "--version"]).run,
            "--help": Command([films.REELMAKE, "--help"]).run,
        },
        times,
    )


def nothing_to_do(size: int, times: int) -> Samples:
    """No-op builds of the same graph. Peers that are too slow at this size are left out."""
    things = {"import click": CLICK.run}
    for peer in peers.ALL:
        if size <= peer.largest:
            again = peers.build(peer, peers.graph(peer, size))
            again.run()
            again.run()  # some tools learn only now that nothing is to be done
            things[peer.name] = again.run
    folder = films.rendered(size)
    for command in ("run", "plan"):
        ours = films.reelmake(folder, command)
        ours.run()
        things[f"reelmake {command}"] = ours.run
    return in_turns(things, times)


def one_change(size: int, times: int) -> Samples:
    """`plan` with nothing to do, and after the prompt of one shot in the middle was changed: of a
    film in one file, and of the same in many."""
    folder = films.rendered(size)
    part = films.divided(folder, size)[films.FILES // 2]
    one, many = (films.reelmake(folder, "plan", film) for film in ("film.yaml", "parts.yaml"))
    things = {
        **changes(one, folder / "film.yaml", size // 2),
        **changes(many, part, size // 2, f", {films.FILES} files"),
    }
    return in_turns(things, times)


def changes(
    plan: Command, file: Path, number: int, where: str = ""
) -> dict[str, Callable[[], float]]:
    """The plan of a film as it is, and with another prompt in a file of it."""
    text, rounds = file.read_text(), itertools.count()
    shot = films.shot(number)  # no chained one

    def unchanged() -> float:
        file.write_text(text)
        plan.run()
        return plan.run()

    def changed() -> float:
        other = shot.replace("a slow dolly", f"a slow dolly, take {next(rounds)},")
        file.write_text(text.replace(shot, other))
        try:
            return plan.run()
        finally:
            file.write_text(text)

    return {f"plan, nothing to do{where}": unchanged, f"plan, one prompt{where}": changed}
