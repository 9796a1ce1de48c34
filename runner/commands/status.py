"""`reelmake status FILE`: what is in flight, what waits for a decision, what was spent."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import ExitCode
from runner.journal import Entry, Ledger, Realm, open_reader
from runner.journal.ledger import IN_FLIGHT
from runner.model import JSON, Standing
from runner.progress import Out
from runner.project import open_project

DOUBTFUL = (Standing.OPEN, Standing.AMBIGUOUS)


def main(out: Out, *, file: Path, preview: bool, fmt: str, ledger: bool) -> ExitCode:
    """Reads the journal and nothing else; exit 3 while something waits for a decision."""
    project = open_project(file, os.environ)
    realm: Realm = "preview" if preview else "paid"
    path = Path(os.path.relpath(file.resolve(), project.root.resolve())).as_posix()
    with open_reader(project.state) as journal:
        mine = tuple(e for e in journal.ledger(realm).entries if e.storyboard == path)
    if fmt == "json":
        out.result(json.dumps(as_json(path, Ledger(mine), full=ledger), indent=2))
    else:
        say(out, mine, full=ledger, free=preview)
    return ExitCode.NEEDS_DECISION if doubtful(mine) else ExitCode.DONE


def doubtful(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.standing in DOUBTFUL]


def as_json(storyboard: str, ledger: Ledger, *, full: bool) -> dict[str, JSON]:
    running = [e for e in ledger.entries if e.standing in IN_FLIGHT]
    shown: dict[str, JSON] = {
        "storyboard": storyboard,
        "in_flight": [entry_as_json(entry) for entry in running],
        "needs_review": [entry_as_json(entry) for entry in ledger.to_review],
        "undecided": [entry_as_json(entry) for entry in doubtful(ledger.entries)],
        "totals": {
            name: {"amount": str(sum_.amount), "currency": sum_.currency}
            for name, sum_ in (
                ("spent", ledger.spent),
                ("reserved", ledger.reserved),
                ("at_risk", ledger.at_risk),
                ("failed", ledger.failed),
            )
        },
    }
    if full:
        shown["ledger"] = [entry_as_json(entry) for entry in ledger.entries]
    return shown


def entry_as_json(entry: Entry) -> dict[str, JSON]:
    return {
        "attempt": entry.attempt,
        "shot": entry.shot,
        "take": entry.take,
        "model": entry.model,
        "standing": str(entry.standing),
        "job": entry.job,
        "submitted_at": entry.at,
        "estimated": entry.estimated and str(entry.estimated.amount),
        "billed": entry.billed and str(entry.billed.amount),
        "counted": str(entry.counted.amount),
        "currency": entry.counted.currency,
        "detail": entry.detail,
        "findings": [{"rule": f.rule, "message": f.message} for f in entry.findings],
    }


def say(out: Out, entries: Sequence[Entry], *, full: bool, free: bool) -> None:
    ledger = Ledger(tuple(entries))
    for entry in entries:
        waiting = entry.standing in DOUBTFUL
        if full or waiting or entry.standing in IN_FLIGHT:
            out.say(line(entry), "warn" if waiting else "")
    for entry in ledger.to_review:
        found = "; ".join(finding.message for finding in entry.findings)
        out.say(f"{entry.shot} take {entry.take} needs review: {found}", "warn")
    if doubts := doubtful(entries):
        shot = doubts[0].shot
        out.say(
            f"{len(doubts)} may be paid and have no job id. Look into your account, then: "
            f"reelmake adopt {shot} JOB, resubmit {shot} (may pay twice), or abandon {shot}"
        )
    out.say(
        f"spent {ledger.spent}, reserved {ledger.reserved}, at risk {ledger.at_risk}, "
        f"failed but maybe billed {ledger.failed}"
        + (" (on the local gateway: nothing is charged)" if free else "")
    )


def line(entry: Entry) -> str:
    job = f"  job {entry.job}" if entry.job else ""
    detail = f"  {entry.detail}" if entry.detail else ""
    take = f"{entry.at}  {entry.shot} take {entry.take}"
    return f"{take}  {entry.standing}  {money(entry)}{job}{detail}"


def money(entry: Entry) -> str:
    """Both figures where the gateway's differs from ours; a price that came to nothing says so."""
    if entry.billed and entry.estimated and entry.billed != entry.estimated:
        return f"{entry.billed} billed, {entry.estimated} estimated"
    price = entry.billed or entry.estimated
    if price is None:
        return "price unknown"
    return str(price) if entry.counted.amount or not price.amount else f"{price}, not counted"
