"""What all takes of one run share, and what they learn from each other."""

import asyncio
from collections import ChainMap, defaultdict
from collections.abc import Container, Coroutine, Mapping
from statistics import median
from typing import TypeVar, cast

from msgspec.structs import replace

from runner.executor.parts import Options, Parts
from runner.executor.shelving import Shelving
from runner.gateway.limits import RetryBudget, Turns
from runner.journal import Caps
from runner.model import (
    Action,
    Attempt,
    AttemptId,
    Digest,
    Facts,
    History,
    JobId,
    ModelId,
    Result,
    ShotId,
    Standing,
    Step,
)

T = TypeVar("T")
LOOKS = 500.0  # a second, where the gateway names no bound: what one loop does beside the rest
USUAL = 90.0  # s; renders took 83 to 253 s where somebody measured (ofox, 2026)


class Run:
    """The state of one run. Its facts grow as results land, so that waiting takes see them."""

    def __init__(self, storyboard: str, facts: Facts, parts: Parts, options: Options) -> None:
        # What an earlier run could only save in the reserve is in the journal by now, and may be
        # newer than the facts, which were gathered before it was opened.
        now, before = parts.journal.history(parts.journal.realm), facts.history
        self.storyboard, self.parts, self.options = storyboard, parts, options
        self.results = ChainMap[Digest, Result](
            {}, only_read(now.results), only_read(before.results)
        )
        self.latest = ChainMap[tuple[ShotId, int], Result](
            {}, only_read(now.latest), only_read(before.latest)
        )
        self._planned, self._recorded = before.results, now.results
        self.running = dict(now.running)
        self.doubtful = dict(now.doubtful)
        self.held = set[Digest]()
        history = History(self.results, self.running, self.doubtful, self.latest)
        self.facts = replace(facts, history=history, held=Either(self.held, facts.held))
        self.kept: dict[ShotId, Digest] = {}
        self.failures: dict[AttemptId, str] = {}  # what the vendor said of a failed attempt
        self.times = defaultdict[ModelId, list[float]](list)  # seconds that past renders took
        for model, seconds in parts.journal.render_seconds(parts.journal.realm):
            self.times[model].append(seconds)
        self.closed: str | None = None  # why nothing more may be submitted
        self.warned = 0  # answers so far that hold back whatever has not been sent
        places = options.submits or parts.profile.submits_in_flight
        self.posts = asyncio.Semaphore(places)
        # By vendor: where bodies are written, a few more than can be on their way.
        self.desks = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(2 * places))
        self.looks = Turns(parts.profile.poll.a_second or LOOKS)
        self.shelving = Shelving(parts)
        self.retries = RetryBudget()
        self.capacity_retries = RetryBudget(share=0.1, floor=1)
        self.owners: dict[JobId, AttemptId] = {}  # of jobs that are only on their way to the disk
        self.posting = set[asyncio.Task[object]]()
        self._earlier = {
            attempt.id for attempt in (*self.running.values(), *self.doubtful.values())
        }

    @property
    def paid(self) -> bool:
        return self.parts.journal.realm == "paid"

    @property
    def caps(self) -> Caps:
        return self.options.caps if self.paid else Caps()

    def lasts(self, step: Step) -> float:
        """Seconds a step will probably take, by what its model took before."""
        if step.action in (Action.REUSE, Action.RESTORE):
            return 0.0
        model = step.asked.get("model") if step.asked else None
        past = self.times.get(ModelId(model)) if model else None
        return median(past) if past else USUAL

    def known(self, fingerprint: Digest) -> AttemptId | None:
        """The recorded attempt whose result the plan knew, or had replaced by the manifest's."""
        if fingerprint not in self._planned or fingerprint not in self._recorded:
            return None
        return self._recorded[fingerprint].attempt

    def owner(self, job: JobId) -> AttemptId | None:
        """The attempt that a job belongs to, or is about to."""
        return self.owners.get(job) or self.parts.journal.holder(self.parts.journal.realm, job)

    def is_earlier(self, attempt: Attempt) -> bool:
        """Whether an earlier run submitted it, so that it may long be ready."""
        return attempt.id in self._earlier

    def elsewhere(self, attempt: Attempt) -> str:
        """Where an attempt must be asked about, if that is not the server of this run.

        A gateway's name can come to mean another server: there its jobs, keys and list are others.
        """
        profile = self.parts.profile
        if attempt.gateway != profile.name:
            return f"at {attempt.gateway}: run with --gateway {attempt.gateway}"
        if not self.paid or not self.is_earlier(attempt):
            return ""
        sent_to = self.parts.journal.intent(attempt.id)["origin"]
        if sent_to != profile.base_url:
            return f"at {sent_to}, and {profile.name} is {profile.base_url} now: set it back"
        return ""

    def close(self, why: str) -> None:
        """No more submits; what is under way goes on."""
        self.closed = self.closed or why

    def note(self, attempt: Attempt) -> None:
        """Where an attempt now stands, for takes that are decided later."""
        self.running.pop(attempt.fingerprint, None)
        self.doubtful.pop(attempt.fingerprint, None)
        if attempt.standing in (Standing.ACCEPTED, Standing.COMPLETED):
            self.running[attempt.fingerprint] = attempt
        elif attempt.standing in (Standing.OPEN, Standing.AMBIGUOUS):
            self.doubtful[attempt.fingerprint] = attempt

    def found(self, attempt: Attempt) -> None:
        """An attempt that an earlier run left, as recovery has filed it."""
        self._earlier.add(attempt.id)
        self.note(attempt)

    def landed(self, result: Result) -> None:
        self.running.pop(result.fingerprint, None)
        self.results[result.fingerprint] = result
        self.latest[result.shot, result.take] = result

    async def guarded(self, posting: Coroutine[object, object, T]) -> T:
        """Runs to its end even if the take is cancelled: from first byte to durable verdict."""
        task = asyncio.ensure_future(posting)
        self.posting.add(task)
        task.add_done_callback(self.posting.discard)
        return await asyncio.shield(task)


class Either(Container[Digest]):
    """What is in one or the other."""

    def __init__(self, one: Container[Digest], other: Container[Digest]) -> None:
        self._one, self._other = one, other

    def __contains__(self, digest: object) -> bool:
        return digest in self._one or digest in self._other


def only_read(mapping: Mapping[T, Result]) -> dict[T, Result]:
    """ChainMap never writes to its lower maps; its types cannot say so."""
    return cast("dict[T, Result]", mapping)
