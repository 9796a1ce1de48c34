"""Vendors from other packages: the entry-point group `reelmake.vendors`.

    [project.entry-points."reelmake.vendors"]
    acme = "reelmake_acme"

The name on the left is the vendor's; the object on the right is a module (or anything) with
`NAME`, `FIELDS`, `shape`, `marker`, `expected` as `Vendor` describes them, and `SCHEMA`, the path
of its schema file. A package's code runs only when its vendor is asked for.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.vendors import base

GROUP = "reelmake.vendors"
FUNCTIONS = ("shape", "marker", "expected")


def names(taken: Collection[str]) -> Mapping[str, EntryPoint]:
    """Vendors that installed packages offer; nothing is imported.

    Raises `BadInput` where two packages, or a package and a vendor in `taken`, share a name.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in taken:
            raise _clash(point, "is built in")
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise _clash(point, f"is offered by {_package(other)} too")
    return found


def load(point: EntryPoint) -> Any:
    """The vendor behind an entry point. Raises `BadInput` when it cannot be used as one."""
    try:
        vendor = point.load()
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"vendor {point.name} from {_package(point)} cannot be loaded: {error}",
            do="mend or uninstall the package",
        ) from error
    if lacks := list(_lacks(vendor, point.name)):
        raise BadInput(
            f"vendor {point.name} from {_package(point)} cannot be used: {'; '.join(lacks)}",
            do="mend or uninstall the package",
        )
    return vendor


def schema_of(vendor: Any) -> Path:
    return Path(vendor.SCHEMA)


def made_of(point: EntryPoint) -> Iterator[Path]:
    """A vendor's schema, and its module with all that lies in the same package."""
    yield schema_of(load(point))
    module = sys.modules[point.module]
    if file := getattr(module, "__file__", None):  # a namespace has none
        yield Path(file)
    package = sys.modules.get(module.__package__ or "")
    for folder in map(Path, getattr(package, "__path__", ())):
        yield folder
        yield from (path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def _lacks(vendor: Any, name: str) -> list[str]:
    wrong = [f"no function {f}" for f in FUNCTIONS if not callable(getattr(vendor, f, None))]
    if getattr(vendor, "NAME", None) != name:
        wrong.append(f"NAME is {getattr(vendor, 'NAME', None)!r}, not {name!r}")
    fields = getattr(vendor, "FIELDS", None)
    if not isinstance(fields, frozenset):
        wrong.append("FIELDS is not a frozenset")
    elif strange := fields - base.NEUTRAL:
        wrong.append(f"FIELDS names {', '.join(sorted(strange))}, which no shot has")
    schema = getattr(vendor, "SCHEMA", None)
    if not isinstance(schema, str | Path) or not Path(schema).is_file():
        wrong.append(f"SCHEMA is {schema!r}, which is no file")
    return wrong


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _clash(point: EntryPoint, why: str) -> BadInput:
    return BadInput(
        f"vendor {point.name} of {_package(point)} {why}",
        do="uninstall one of the packages, or ask its author for another name",
    )
