"""Vendors: how each wants to be asked.

A vendor is a module with a name, the neutral fields it has a place for, and three pure functions.
`VENDORS` is written by hand; packages add more under the entry-point group `reelmake.vendors`,
which is looked at only when a vendor is asked for that is not in the table.
"""

from collections.abc import Mapping
from typing import Protocol

from runner.model import Body, Expected, Kind, ModelFacts, Request
from runner.vendors import jimeng, kling, seedance, sora, veo, wan

__all__ = ["GROUP", "VENDORS", "Vendor"]

GROUP = "reelmake.vendors"


class Vendor(Protocol):
    """What a vendor's module offers. Pure: no files, no network, no clock."""

    NAME: str
    FIELDS: frozenset[str]  # neutral fields with a place in the body; `asked()` names them

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
