"""`reelmake accept FILE SHOT…`: the present bytes are good for the present storyboard."""

import asyncio
import os
from pathlib import Path

from runner import accept as acceptance
from runner.errors import ExitCode
from runner.journal import facts
from runner.model import ShotId
from runner.progress import Out
from runner.project import Film, open_project
from runner.project.finish import write_down
from runner.project.wiring import journal_for, locked


def main(
    out: Out, *, file: Path, shots: tuple[str, ...], gateway: str | None, out_dir: Path | None
) -> ExitCode:
    """Record old and new fingerprint; nothing is rendered."""
    film = open_project(file, os.environ).film(file, gateway=gateway, out_dir=out_dir)
    with locked(film.project):
        wanted = tuple(map(ShotId, shots))
        found = acceptance.accept(film.storyboard, film.gather(), wanted)
        asyncio.run(record(film, found))
        write_down(film, [each.result for each in found])
    for each in found:
        out.say(f"{each.result.shot} take {each.result.take}: accepted ({each.reason})", "good")
    if not found:
        out.say("up to date already")
    return ExitCode.DONE


async def record(film: Film, found: tuple[acceptance.Acceptance, ...]) -> None:
    """Into the journal, where the take was rendered here; a clone has only the manifest."""
    journal = journal_for(film)
    try:
        results = journal.history(film.realm).results
        for each in found:
            known = results.get(each.old)
            if known is not None and known.sha256 == each.result.sha256:
                new = each.result
                await journal.append(facts.vouched(known, new.fingerprint, new.asked))
    finally:
        journal.close()
