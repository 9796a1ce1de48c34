"""What is known of a take, rendered or not: the rows of a table, the media of a timeline."""

from collections.abc import Mapping

from msgspec import Struct

from runner.model import JSON, Money, Probe, Result, ShotId, Step
from runner.state import State


class TakeFacts(Struct, frozen=True):
    """One take. Where it has not been rendered yet, `result` and `probe` are None."""

    shot: ShotId
    number: int
    kept: bool
    model: str  # what was sent, where it was rendered; else what is asked
    vendor: str
    prompt: str
    seconds: float  # of the file, or as planned
    url: str  # file:///…, where its video lies or will lie
    path: str  # the same, POSIX, relative to the project's root
    step: Step
    state: State
    result: Result | None = None
    probe: Probe | None = None
    in_place: bool = False  # whether those bytes are what lies there
    usurped: bool = False  # whether other bytes lie there: nobody may be sent to them
    guessed: bool = False  # whether only its model will know how long it becomes
    cost: Money | None = None  # billed, else estimated; of a take to come, its estimate
    cost_basis: str = ""

    @property
    def label(self) -> str:
        """What a line for people calls it."""
        return self.shot if self.kept else f"{self.shot} t{self.number}"

    @property
    def shown(self) -> bool:
        """Whether its own bytes lie, or will lie again, where its URL leads."""
        return self.result is not None and not self.usurped

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rsplit("/", 1)[-1]


def described(take: TakeFacts) -> dict[str, JSON]:
    """A take in JSON, in the manifest's words; of one that was rendered, what was really sent."""
    told: dict[str, JSON] = {
        "shot": take.shot,
        "take": take.number,
        "kept": take.kept,
        "state": take.state.word,
        "model": take.model,
        "vendor": take.vendor,
        "prompt": take.prompt,
    }
    if take.cost:
        amount = f"{take.cost.amount:f}"
        told["cost"] = {"amount": amount, "currency": take.cost.currency, "basis": take.cost_basis}
    return told | (provenance(take.result) if take.result else {"reason": take.step.reason})


def provenance(result: Result) -> dict[str, JSON]:
    """Where the bytes came from: enough to find the take again in manifest, store and bill."""
    sent: Mapping[str, JSON] = result.accepted or result.asked
    told: dict[str, JSON] = {
        "fingerprint": result.fingerprint,
        "sha256": result.sha256,
        "request": sent,
        "job": {
            "id": result.job,
            "gateway": result.gateway,
            "submitted_at": result.submitted_at,
            "completed_at": result.completed_at,
        },
    }
    if result.findings:
        told["findings"] = [{"rule": f.rule, "message": f.message} for f in result.findings]
    return told
