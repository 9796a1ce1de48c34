"""`python -m runner.localgateway`: the gateway alone; prints its URL when it is ready."""

import argparse
import sys
from pathlib import Path

from runner.localgateway.chaos import listing
from runner.localgateway.server import serve
from runner.localgateway.settings import Settings


def span(text: str) -> tuple[float, float]:
    """`2` or `2-8`: seconds, or a range of them."""
    low, dash, high = text.partition("-")
    return float(low), float(high if dash else low)


def read(arguments: list[str]) -> Settings:
    """The settings in a command line."""
    parser = argparse.ArgumentParser(prog="python -m runner.localgateway", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free port")
    add("--key", help="the only key that is accepted; without it, any")
    add("--render-seconds", type=span, default=(2.0, 2.0), metavar="S[-S]")
    add("--slates", choices=("drawn", "plain"), default="drawn")
    add("--content-bytes", type=int, default=0, help="films have at least so many bytes")
    add("--ledger", type=Path, metavar="FILE", help="append accepted jobs as JSON lines")
    add("--chaos", type=Path, metavar="FILE", help="misbehave by this script; list: names all")
    add("--contract", choices=("quarantine", "listed", "keyed"), default="quarantine")
    add("--accept-delay", type=float, default=0.0)
    add("--list-lag", type=float, default=0.0)
    add("--key-retention", type=float, default=86_400.0)
    add("--retention", type=float, default=86_400.0)
    add("--seed", type=int)
    add("--keep", type=Path, metavar="DIR", help="jobs survive a restart there")
    add("--strangers", action="store_true", help="let models of unknown vendors in")
    return Settings(**vars(parser.parse_args(arguments)))


def main() -> None:
    """Serve until interrupted."""

    def say(url: str) -> None:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()

    settings = read(sys.argv[1:])
    if settings.chaos == Path("list"):
        sys.stdout.write(listing() + "\n")
        return
    serve(settings, say)


if __name__ == "__main__":
    main()
