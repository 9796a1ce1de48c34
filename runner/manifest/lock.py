"""What a manifest says, how a plan becomes one, and how one becomes history again."""

from collections import ChainMap
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from runner.fingerprint import identity_of
from runner.model import (
    JSON,
    Digest,
    History,
    Plan,
    Result,
    Shot,
    ShotId,
    Step,
    Storyboard,
    Take,
)

TakeId = tuple[ShotId, int]


class Entry(Struct, frozen=True):
    """One take that exists: what was asked, what came back, where it lies."""

    shot: ShotId
    take: int
    kept: bool
    vendor: str
    result: Result
    inputs: tuple[Mapping[str, JSON], ...]
    outputs: tuple[str, ...]  # POSIX, relative to the manifest's folder


class CutFile(Struct, frozen=True):
    path: str  # POSIX, relative to the manifest's folder
    sha256: Digest


class Manifest(Struct, frozen=True):
    storyboard: str  # POSIX, relative to the project root
    sha256: Digest  # of the storyboard, when a render last changed anything here
    gateway: str
    entries: tuple[Entry, ...]  # in the order of the storyboard, then by take
    cut: CutFile | None = None

    def kept(self) -> dict[ShotId, Entry]:
        """The kept take of every shot that has one."""
        return {entry.shot: entry for entry in self.entries if entry.kept}


def build(
    storyboard: Storyboard, plan: Plan, history: History, cut: CutFile | None = None
) -> Manifest:
    """The manifest of a storyboard as things stand.

    `plan` is a plan of the whole storyboard made from `history` after the run. A take that is not
    up to date keeps the entry of what was rendered for it last, if anything was.
    """
    steps = {(step.shot, step.take): step for step in plan.steps}
    entries = tuple(
        entry
        for shot in storyboard.shots
        for take in shot.takes
        if (entry := _entry(shot, take, steps.get((shot.id, take.number)), history))
    )
    return Manifest(storyboard.path, storyboard.sha256, plan.gateway, entries, cut)


def recall(history: History, manifest: Manifest, held: Container[Digest]) -> History:
    """The journal's history with what a manifest pins.

    The manifest wins: it is the lock, and may say what a colleague rendered. Only where its bytes
    are not in `held` and the journal's are, the journal's stand in.
    """
    return pinned_by(
        history,
        {entry.result.fingerprint: entry.result for entry in manifest.entries},
        {(entry.shot, entry.take): entry.result for entry in manifest.entries},
        held,
    )


def pinned_by(
    history: History,
    pinned: Mapping[Digest, Result],
    latest: Mapping[TakeId, Result],
    held: Container[Digest],
) -> History:
    """The same for entries by fingerprint and by take."""
    return History(
        results=Pinned(pinned, history.results, held),
        running=history.running,
        doubtful=history.doubtful,
        latest=ChainMap(
            cast("dict[TakeId, Result]", latest), cast("dict[TakeId, Result]", history.latest)
        ),
    )


def renewed(history: History, made: Iterable[Result]) -> History:
    """The history with what a run has just made: that wins over everything, a lock included."""
    results = list(made)
    return History(
        results=ChainMap(
            {result.fingerprint: result for result in results},
            cast("dict[Digest, Result]", history.results),
        ),
        running=history.running,
        doubtful=history.doubtful,
        latest=ChainMap(
            {(result.shot, result.take): result for result in results},
            cast("dict[TakeId, Result]", history.latest),
        ),
    )


class Pinned(Mapping[Digest, Result]):
    """Results by fingerprint, of manifest and journal; each is looked at only when wanted."""

    def __init__(
        self,
        pinned: Mapping[Digest, Result],
        journal: Mapping[Digest, Result],
        held: Container[Digest],
    ) -> None:
        self._pinned, self._journal, self._held = pinned, journal, held

    def __getitem__(self, fingerprint: Digest) -> Result:
        pinned = self._pinned.get(fingerprint)
        if pinned is None:
            return self._journal[fingerprint]
        known = self._journal.get(fingerprint)
        if known is None:
            return pinned
        if known.sha256 == pinned.sha256:
            return known
        if pinned.sha256 not in self._held and known.sha256 in self._held:
            return known
        # The journal must recognise what the plan was made from as its own last word.
        return replace(pinned, attempt=known.attempt)

    def __iter__(self) -> Iterator[Digest]:
        return iter(dict.fromkeys((*self._pinned, *self._journal)))

    def __len__(self) -> int:
        return len(dict.fromkeys(self))


def _entry(shot: Shot, take: Take, step: Step | None, history: History) -> Entry | None:
    result = (step and step.result) or history.latest.get((shot.id, take.number))
    if result is None:
        return None
    return Entry(
        shot=shot.id,
        take=take.number,
        kept=take.number == shot.keep,
        vendor=result.vendor or shot.vendor,
        result=result,
        inputs=result.inputs or _bare_inputs(result),
        outputs=shot.outputs(take.number),
    )


def _bare_inputs(result: Result) -> tuple[Mapping[str, JSON], ...]:
    """Of a take from an older journal: what was asked is known, not which file it was."""
    media = result.asked.get("media", ())
    return tuple(
        {
            "role": medium["role"],
            **({"frame": medium["frame"]} if "frame" in medium else {}),
            **identity_of(medium),
        }
        for medium in media
    )
