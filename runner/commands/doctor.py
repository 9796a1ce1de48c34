"""`reelmake doctor`: is everything in order that a run will need? Costs nothing."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from runner.disk import free_bytes, network_filesystem
from runner.errors import ExitCode, ReelmakeError
from runner.gateway.filing import State
from runner.journal import open_reader
from runner.model import Digest, JobId, Severity, Standing
from runner.progress import Out, count
from runner.project import Project, choose, project_here
from runner.project.wiring import ROOM, ask_about

NOBODY = JobId("reelmake-doctor")  # a job that no gateway has
NOTHING = Digest("0" * 64)  # a blob that no store has
YEAR_2025 = 1_735_689_600


class Finding(Struct, frozen=True):
    what: str
    text: str
    severity: Severity | None = None  # None: in order


def main(out: Out, *, gateway: str | None) -> ExitCode:
    """One line a check; exit 1 if something would stop a run."""
    project = project_here(Path.cwd(), os.environ)
    findings = [*of_disk(project), *of_state(project), *of_store(project)]
    findings += of_gateway(project, gateway)
    styles = {None: "good", Severity.WARNING: "warn", Severity.ERROR: "bad"}
    for finding in findings:
        mark = "ok" if finding.severity is None else str(finding.severity)
        out.say(f"{mark:8} {finding.what}: {finding.text}", styles[finding.severity])
    wrong = any(finding.severity is Severity.ERROR for finding in findings)
    return ExitCode.FAILED if wrong else ExitCode.DONE


def of_disk(project: Project) -> Iterator[Finding]:
    yield Finding("project", str(project.root))
    free = free_bytes(project.root)
    short = Severity.ERROR if free < ROOM else None
    yield Finding("disk", f"{free / 1e9:.1f} GB free", short)
    kind = network_filesystem(project.root)
    if kind:
        yield Finding("file system", f"{kind}: locks may not hold", Severity.ERROR)
    writable = os.access(project.state if project.state.exists() else project.root, os.W_OK)
    if not writable:
        yield Finding("state", f"{project.state} cannot be written", Severity.ERROR)
    wrong = time.time() < YEAR_2025
    yield Finding("clock", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), wrong_if(wrong))


def wrong_if(wrong: bool) -> Severity | None:
    return Severity.ERROR if wrong else None


def of_state(project: Project) -> Iterator[Finding]:
    with open_reader(project.state) as journal:
        attempts = journal.attempts("paid")
        ledger = journal.ledger("paid")
    doubts = sum(a.standing in (Standing.OPEN, Standing.AMBIGUOUS) for a in attempts)
    yield Finding("journal", f"{len(attempts)} paid attempts, {ledger.spent} spent")
    if doubts:
        text = f"{doubts} wait for a decision, {ledger.at_risk} at risk: reelmake status FILE"
        yield Finding("doubts", text, Severity.WARNING)


def of_store(project: Project) -> Iterator[Finding]:
    blobs = list(project.store)
    damaged = [digest for digest in blobs if not project.store.verify(digest)]
    intact = "all intact" if not damaged else f"{len(damaged)} damaged"
    yield Finding("store", f"{count(len(blobs), 'blob')}, {intact}", wrong_if(bool(damaged)))
    for digest in damaged:
        yield Finding("store", f"{digest} is damaged", Severity.ERROR)
    if project.store.shared:
        yield from of_shared(project, blobs)


def of_shared(project: Project, blobs: Sequence[Digest]) -> Iterator[Finding]:
    """Whether the team's store answers; an absent blob is asked for where there is none here."""
    try:
        there = sum(map(project.store.has_shared, blobs or [NOTHING]))
    except ReelmakeError as error:
        yield Finding("shared store", error.what, Severity.ERROR)
    else:
        yield Finding("shared store", f"answers, and has {there} of the {len(blobs)} blobs here")


def of_gateway(project: Project, flag: str | None) -> Iterator[Finding]:
    """Asks for a job that does not exist: proves address, key and speech without a cent."""
    try:
        endpoint = choose(flag, None, project.settings.data, project.environ)
    except ReelmakeError as error:
        yield Finding("gateway", error.what, Severity.ERROR)
        return
    if endpoint.preview:
        yield Finding("gateway", endpoint.note or "the built-in one: free, renders slates")
        return
    report = asyncio.run(ask_about(endpoint, NOBODY))
    state, detail = report.state, report.detail
    name = f"{endpoint.name} at {endpoint.profile.base_url}"
    if state in (State.MISSING, State.GONE, State.FAILED):
        yield Finding("gateway", f"{name} answers, and takes the key")
    elif state is State.DENIED:
        yield Finding("gateway", f"{name} refuses the key: {detail}", Severity.ERROR)
    else:
        yield Finding("gateway", f"{name}: {detail or state}", Severity.WARNING)
