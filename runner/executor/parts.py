"""What the executor is given: every effect it has goes through one of these."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from runner.errors import Outside
from runner.gateway.download import Fetched
from runner.gateway.filing import Report
from runner.gateway.limits import Limiter
from runner.gateway.listing import Listing
from runner.gateway.profile import Profile
from runner.gateway.receipt import Receipt
from runner.journal import Caps
from runner.journal.writing import Journal
from runner.model import Digest, Frame, JobId, ModelFacts, ModelId, Probe
from runner.ports import Clock, Progress
from runner.vendors import Vendor


class Client(Protocol):
    """The calls. None of them raises for what the far side does, none repeats a POST."""

    async def submit(self, body: bytes, key: str | None, label: str = "") -> Receipt: ...

    async def look(self, job: JobId) -> Report: ...

    async def fetch(self, job: JobId, dest: Path) -> Fetched: ...

    async def list_jobs(self, since: float) -> Listing: ...


class Keeping(Protocol):
    """The store, as far as it is needed here."""

    def path(self, digest: Digest) -> Path: ...

    def take_in_all(self, files: Sequence[tuple[Path, Digest]]) -> Sequence[Outside | None]: ...


class Media(Struct, frozen=True):
    """Looks into video files; each call is slow and made in a thread."""

    check: Callable[[Path], str | None]  # None: structurally complete
    probe: Callable[[Path], Probe]
    frame: Callable[[Path, Frame], bytes]  # PNG


class Parts(Struct, frozen=True):
    client: Client
    profile: Profile
    journal: Journal
    store: Keeping
    media: Media
    facts: Callable[[ModelId], ModelFacts | None]
    vendor: Callable[[str], Vendor]
    limiter: Callable[[str], Limiter]  # by vendor
    clock: Clock
    progress: Progress
    root: Path  # the project's root: local media are relative to it
    scratch: Path  # downloads under way; on the store's file system
    preflight: Callable[[], None]  # raises Outside where the disk has no room for a result
    publish: Callable[[bytes], str] | None = None  # a URL for bytes that go by URL only
    poll_seconds: float | None = None  # a fixed interval instead of the learned one
    random: Callable[[], float] = random.random  # in [0, 1)


class Options(Struct, frozen=True):
    run: str  # names this run in the journal
    jobs: int = 1000  # takes in flight at once; the vendors' own limits hold besides
    submits: int | None = None  # POSTs in flight at once; None: what the profile says
    keep_going: bool = True
    unpriced: bool = False  # also send what nobody knows the price of
    caps: Caps = field(default_factory=Caps)
    tool: str = ""
