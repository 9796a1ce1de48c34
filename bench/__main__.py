"""Measures, and writes what was found. `make bench` runs all of it: about a quarter of an hour.

    python -m bench [SECTION…] [--quick]

Sections that are not named keep the samples they have in results.json.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable

from bench import chart, cold, graphs, order, peers, results, scale, wire
from bench.timing import CLOCK

SIZES = (100, 1_000, 10_000)


def start(quick: bool) -> object:
    return graphs.start(5 if quick else 21)


def noop(quick: bool) -> object:
    sizes = SIZES[:1] if quick else SIZES
    return {str(size): graphs.nothing_to_do(size, 3 if quick else 5) for size in sizes}


def change(quick: bool) -> object:
    sizes = SIZES[:1] if quick else SIZES
    return {str(size): graphs.one_change(size, 3 if quick else 5) for size in sizes}


def read(quick: bool) -> object:
    size = 1_000 if quick else 10_000
    return {
        "shots": size,
        "samples": cold.validate(size, 3 if quick else 7),
        "in full": cold.validate(size, 3 if quick else 7, in_full=True),
        "profile": cold.profile(size),
    }


def growth(quick: bool) -> object:
    return cold.growth((100, 1_000) if quick else (1_000, 10_000, 100_000))


def on_the_wire(quick: bool) -> object:
    jobs = 100 if quick else 1_000
    return {"jobs": jobs, "samples": wire.measure(jobs, 3 if quick else 5, 100)}


def simulated(quick: bool) -> object:
    return {"order": order.makespans(15 if quick else 1_000), "polls": order.looks()}


def large(quick: bool) -> object:
    takes, seconds = (200, 5.0) if quick else (10_000, 120.0)
    size = 1 << (26 if quick else 30)
    return {"flight": scale.in_flight(takes, seconds), "film": scale.large_film(size)}


SECTIONS: dict[str, Callable[[bool], object]] = {
    "start": start,
    "noop": noop,
    "change": change,
    "read": read,
    "growth": growth,
    "wire": on_the_wire,
    "simulated": simulated,
    "scale": large,
}


def machine() -> dict[str, object]:
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "peers": {peer.name: peers.version(peer) for peer in peers.ALL},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n")[0])
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], metavar="SECTION")
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats, no file")
    asked = parser.parse_args()
    peers.prepare()
    found = results.read() if asked.sections and not asked.quick else {}
    for name in asked.sections or SECTIONS:
        began = CLOCK()
        found[name] = {"machine": machine(), "found": SECTIONS[name](asked.quick)}
        print(f"{name}: {CLOCK() - began:.0f} s", file=sys.stderr, flush=True)
        if not asked.quick:
            results.write(found)
            chart.draw(found)
    print(results.page(found))


if __name__ == "__main__":
    main()
