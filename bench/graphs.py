"""One start of the program; nothing to do; one thing changed: against build tools."""

import itertools
import sys

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
    """`plan` with nothing to do, and after the prompt of one shot in the middle was changed."""
    folder = films.rendered(size)
    film = folder / "film.yaml"
    text, number = film.read_text(), itertools.count()
    middle = films.shot(size // 2)  # no chained one

    def change() -> None:
        other = middle.replace("a slow dolly", f"a slow dolly, take {next(number)},")
        film.write_text(text.replace(middle, other))

    plan = films.reelmake(folder, "plan")
    changed = Command(plan.words, folder, plan.environ, before=change)

    def unchanged() -> float:
        film.write_text(text)
        plan.run()
        return plan.run()

    try:
        return in_turns({"plan, nothing to do": unchanged, "plan, one prompt": changed.run}, times)
    finally:
        film.write_text(text)
