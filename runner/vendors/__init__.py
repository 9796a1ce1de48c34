"""Vendors: how each wants to be asked.

A vendor is a module with a name, the neutral fields it has a place for, and three pure functions.
`VENDORS` is written by hand; packages add more under the entry-point group `reelmake.vendors`,
which is looked at only when a vendor is asked for that is not in the table.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, cast

from runner.errors import BadInput
from runner.model import Body, Expected, Kind, ModelFacts, Request
from runner.vendors import jimeng, kling, seedance, sora, veo, wan

GROUP = b"reelmake.vendors"
__all__ = ["VENDORS", "Vendor", "find", "installed_files", "installed_schemas"]


class Vendor(Protocol):
    """What a vendor's module offers. Pure: no files, no network, no clock."""

    NAME: str
    FIELDS: frozenset[str]  # neutral fields with a place in the body; `base.asked` names them

    def shape(self, request: Request, facts: ModelFacts) -> Body:
        """The body to POST in the canonical dialect. Raises `BadInput` rather than drop a field."""
        ...

    def marker(self, kind: Kind, index: int, facts: ModelFacts) -> str | None:
        """How a prompt points at the index-th reference of a kind, from 1; None: it cannot."""
        ...

    def expected(self, request: Request, facts: ModelFacts) -> Expected:
        """What the file should turn out to be, as far as it is known beforehand."""
        ...


VENDORS: Mapping[str, Vendor] = {
    "sora": sora,
    "veo": veo,
    "wan": wan,
    "jimeng": jimeng,
    "seedance": seedance,
    "kling": kling,
}


def find(name: str) -> Vendor:
    """A vendor of the table, or of an installed package. Raises `BadInput` if there is none."""
    if name in VENDORS:
        return VENDORS[name]
    from runner.vendors import installed  # reads every package's metadata: rare

    points = installed.names(VENDORS)
    if name not in points:
        known = ", ".join((*VENDORS, *points))
        raise BadInput(f"no vendor {name!r} is known", do=f"known vendors: {known}")
    return cast("Vendor", installed.load(points[name]))


def installed_schemas() -> Mapping[str, Path]:
    """The schema files of vendors from other packages, for the catalogue; loads them all."""
    if not _offered():
        return {}
    from runner.vendors import installed

    return {
        name: installed.schema_of(installed.load(point))
        for name, point in installed.names(VENDORS).items()
    }


def installed_files() -> Iterator[Path]:
    """What vendors from other packages are made of: folders, code and data, schemas."""
    if _offered():
        from runner.vendors import installed

        for point in installed.names(VENDORS).values():
            yield from installed.made_of(point)


def _offered() -> bool:
    """Whether any package names vendors; to have all metadata read takes longer than a plan."""
    for folder in map(Path, sys.path):
        if folder.is_file():
            return True  # an archive: let it be opened by who knows how
        for told in folder.glob("*.*-info/entry_points.txt"):
            if GROUP in told.read_bytes():
                return True
    return False
