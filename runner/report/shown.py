"""What a page is made of."""

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from runner.journal import Ledger
from runner.manifest import Manifest
from runner.model import Digest, History, Plan, ShotId, Step, Storyboard


class Shown(Struct, frozen=True, dict=True):
    """All a page is made of. `manifest` is as things stand, `ledger` of this storyboard only."""

    storyboard: Storyboard
    plan: Plan
    manifest: Manifest
    history: History
    ledger: Ledger
    outputs: Mapping[str, Digest | None]  # what lies beside the page, the cut included
    cut: str  # its file
    posters: Mapping[Digest, bytes]  # JPEG

    @property
    def preview(self) -> bool:
        return self.plan.gateway == "local"

    @cached_property
    def steps(self) -> dict[tuple[ShotId, int], Step]:
        return {(step.shot, step.take): step for step in self.plan.steps}
