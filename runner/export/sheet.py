"""CSV as RFC 4180 has it: a row for every take, rendered or not, in the order of the film."""

import csv
import io
from collections.abc import Mapping, Sequence

from runner.export.takes import TakeFacts
from runner.model import ShotId
from runner.progress import printable

COLUMNS = (
    "shot", "take", "kept", "clips", "state", "reason", "model", "vendor", "seconds", "width",
    "height", "fps", "sound", "cost", "currency", "cost_basis", "file", "in_place", "sha256",
    "fingerprint", "gateway", "job", "rendered_at", "needs_review", "prompt",
)  # fmt: skip
FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # and as wide ones


def sheet(takes: Sequence[TakeFacts], clips: Mapping[ShotId, Sequence[int]]) -> str:
    """The whole table. `clips` says where in the cut a shot plays, counted from 1."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for take in takes:
        rows.writerow(cell(value) for value in row(take, clips.get(take.shot, ())))
    return out.getvalue()


def row(take: TakeFacts, clips: Sequence[int]) -> Sequence[str]:
    probe, result = take.probe, take.result
    seen = (probe.width, probe.height, f"{probe.fps:.6g}", yes(probe.audio)) if probe else [""] * 4
    made = (
        (result.sha256, result.fingerprint, result.gateway, result.job or "", result.completed_at)
        if result
        else ("",) * 5
    )
    findings = "; ".join(finding.message for finding in result.findings) if result else ""
    cost = (f"{take.cost.amount:f}", take.cost.currency) if take.cost else ("", "")
    plays = " ".join(map(str, clips)) if take.kept else ""
    reason = "" if take.step.reason == take.state.word else take.step.reason
    asked = (take.state.word, reason, take.model, take.vendor, f"{take.seconds:g}")
    file = (take.path, yes(take.in_place))
    head = (take.shot, take.number, yes(take.kept), plays)
    parts = (*head, *asked, *seen, *cost, take.cost_basis, *file, *made, findings, take.prompt)
    return [str(part) for part in parts]


def yes(so: bool) -> str:
    return "yes" if so else "no"


def cell(value: str) -> str:
    """What a spreadsheet would calculate, or hand to another program, stays text: a leading
    apostrophe tells it so."""
    shown = printable(value)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
