"""The money side of the journal: what was estimated, billed, failed, and is at risk."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from runner.model import AttemptId, Finding, JobId, ModelId, Money, ShotId, Standing

IN_FLIGHT = (Standing.ACCEPTED, Standing.COMPLETED)
AT_RISK = (Standing.OPEN, Standing.AMBIGUOUS, Standing.EXPIRED, Standing.ABANDONED)


class Entry(Struct, frozen=True):
    """One attempt and its money. `counted` is what it weighs against a cap now."""

    attempt: AttemptId
    shot: ShotId
    take: int
    model: ModelId
    storyboard: str
    run: str
    at: str  # ISO 8601, UTC
    standing: Standing
    job: JobId | None
    estimated: Money | None
    billed: Money | None
    counted: Money
    detail: str = ""
    findings: tuple[Finding, ...] = ()


class Ledger(Struct, frozen=True):
    entries: tuple[Entry, ...] = ()

    @property
    def spent(self) -> Money:
        """Takes that are in the store, as billed or else as estimated."""
        return self._sum(Standing.STORED)

    @property
    def reserved(self) -> Money:
        """Jobs under way."""
        return self._sum(*IN_FLIGHT)

    @property
    def at_risk(self) -> Money:
        """May be or is paid, with nothing to show for it: in doubt, expired, given up."""
        return self._sum(*AT_RISK)

    @property
    def failed(self) -> Money:
        """Failed renders that were, or may have been, billed."""
        return self._sum(Standing.FAILED)

    @property
    def to_review(self) -> Iterator[Entry]:
        """Takes that are not what was asked for, unless a newer one stands in their place."""
        newest = {(e.shot, e.take): e for e in self.entries if e.standing is Standing.STORED}
        return (entry for entry in newest.values() if entry.findings)

    def _sum(self, *standings: Standing) -> Money:
        counted = (entry.counted.amount for entry in self.entries if entry.standing in standings)
        return Money(sum(counted, Decimal(0)))


class Caps(Struct, frozen=True):
    """The most that may be spent, reserved and in doubt together; None: no limit."""

    run: Money | None = None
    storyboard: Money | None = None
    day: Money | None = None  # by UTC day of the submit
