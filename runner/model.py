"""The records that travel between the stages.

    text ─ source ─▶ located data ─ load ─▶ Storyboard + Problems ─ planner ─▶ Plan
         ─ executor ─▶ Outcomes ─ manifest ─▶ files

Frozen, slotted, free of I/O and of any library. Ids have types of their own; what came from a
file remembers where. Amounts of money are `Decimal`; durations are seconds; sizes are pixels.
"""

from collections.abc import Callable, Container, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NewType

from msgspec import Struct, field

JSON = Any  # a JSON value; a recursive type would cost more than it tells

ShotId = NewType("ShotId", str)
ModelId = NewType("ModelId", str)
JobId = NewType("JobId", str)  # opaque: never part of a path, always percent-encoded in a URL
AttemptId = NewType("AttemptId", str)
Digest = NewType("Digest", str)  # SHA-256, 64 lower-case hex digits


# ── where things stand, and what is wrong with them ─────────────────────────────────────────


class Loc(Struct, frozen=True):
    """A place in a file. Lines and columns count from 1; `path` is a JSON pointer."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Problem(Struct, frozen=True):
    """One thing wrong with an input: where, which rule, and how to mend it."""

    rule: str  # "veo.image_needs_8s", "yaml.duplicate_key"
    message: str  # contains the offending value
    at: Loc
    severity: Severity = Severity.ERROR
    hint: str = ""  # what would be legal
    source: str = ""  # who says so, and when: "seed", "vendor doc 2026-09-24"


# ── money ───────────────────────────────────────────────────────────────────────────────────


class Money(Struct, frozen=True):
    amount: Decimal
    currency: str = "USD"

    def __str__(self) -> str:
        text = f"{self.amount:.2f}" if self.amount == round(self.amount, 2) else f"{self.amount:f}"
        return f"${text}" if self.currency == "USD" else f"{text} {self.currency}"


class Estimate(Struct, frozen=True):
    """What a take is expected to cost, and why. `bound` marks an upper bound, not a figure."""

    cost: Money
    basis: str  # "5 s x 0.10 USD/s (vendor list, 2026-08-02)"
    bound: bool = False


# ── what is asked ───────────────────────────────────────────────────────────────────────────

Kind = Literal["image", "video", "audio"]
Role = Literal["first_frame", "last_frame", "base_video", "reference"]
Frame = Literal["first", "last"] | Decimal  # Decimal: seconds from the start


class LocalFile(Struct, frozen=True):
    path: str  # POSIX, relative to the project root, inside it after realpath


class Url(Struct, frozen=True):
    url: str


class ShotOutput(Struct, frozen=True):
    """The kept take of another shot: its video, or one frame of it."""

    shot: ShotId
    frame: Frame | None = None


Origin = LocalFile | Url | ShotOutput


class Medium(Struct, frozen=True):
    """One piece of media a shot is given. References keep their order: markers count by it."""

    role: Role
    kind: Kind
    origin: Origin
    name: str | None = None  # its key in `references:`
    at: Loc = Loc("", 0, 0)
    alias: str | None = None  # its `as:` text


class Request(Struct, frozen=True):
    """What is asked of a model, in the neutral vocabulary: input of fingerprint and adapter.

    None means not asked for, so the vendor's default applies.
    """

    model: ModelId
    prompt: str
    negative_prompt: str | None = None
    seconds: int | float | None = None
    size: str | None = None  # "1280x720", sent as it is
    resolution: str | None = None  # 480p 720p 1080p 4k
    aspect_ratio: str | None = None  # "16:9"
    audio: bool | None = None
    watermark: bool | None = None
    seed: int | None = None
    media: tuple[Medium, ...] = ()
    options: Mapping[str, JSON] = field(default_factory=dict)  # vendor-native, checked
    extra_body: Mapping[str, JSON] = field(default_factory=dict)  # sent as it is, unchecked

    def medium(self, role: Role) -> Medium | None:
        """The medium in a role that takes one (first_frame, last_frame, base_video)."""
        return next((m for m in self.media if m.role == role), None)

    @property
    def references(self) -> tuple[Medium, ...]:
        return tuple(m for m in self.media if m.role == "reference")


class Take(Struct, frozen=True):
    """One rendering of a shot. Numbers count from 1; templates may depend on the number."""

    shot: ShotId
    number: int
    request: Request
    vars: Mapping[str, JSON] = field(default_factory=dict)
    """What its templates looked at and found: "vars.grade", "row.city" -> value."""


DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)  # names Windows opens as devices, whatever extension follows


class Shot(Struct, frozen=True):
    """A resolved shot: cascade applied, templates rendered, sources found."""

    id: ShotId
    vendor: str
    takes: tuple[Take, ...]
    keep: int
    after: tuple[ShotId, ...] = ()
    pin: bool = False
    on_failure: tuple[Mapping[str, JSON], ...] = ()
    origins: Mapping[str, Loc] = field(default_factory=dict)  # field or var -> where it was set

    @property
    def needs(self) -> tuple[ShotId, ...]:
        """Shots that must be settled first: sources, then `after`, each once."""
        sources = [
            m.origin.shot
            for take in self.takes
            for m in take.request.media
            if isinstance(m.origin, ShotOutput)
        ]
        return tuple(dict.fromkeys((*sources, *self.after))) if sources else self.after

    def outputs(self, take: int) -> tuple[str, ...]:
        """Names of a take's video in the output folder: the shot's if it is kept, then by number.

        A stem that Windows keeps for devices gets a `_` in front, which no shot id can have.
        """
        stem = f"_{self.id}" if self.id.split(".")[0].lower() in DEVICES else self.id
        kept = (f"{stem}.mp4",) if take == self.keep else ()
        return (*kept, f"{stem}.t{take}.mp4") if len(self.takes) > 1 else kept


class Clip(Struct, frozen=True):
    """One entry of the cut. Seconds count from the start of the shot's kept take."""

    shot: ShotId
    start: Decimal | None = None  # `in:`
    end: Decimal | None = None  # `out:`
    dissolve: Decimal = Decimal(0)  # seconds of overlap with the clip before
    at: Loc = Loc("", 0, 0)


class Soundtrack(Struct, frozen=True):
    origin: LocalFile | Url
    gain_db: Decimal = Decimal(0)
    fade_in: Decimal = Decimal(0)
    fade_out: Decimal = Decimal(0)


class Cut(Struct, frozen=True):
    clips: tuple[Clip, ...]
    audio: Soundtrack | None = None


class Storyboard(Struct, frozen=True):
    """A whole film. Shots stand in file order; ids are unique ignoring case."""

    path: str  # POSIX, relative to the project root
    sha256: Digest
    shots: tuple[Shot, ...]
    title: str = ""
    gateway: str | None = None
    budget: Money | None = None
    cut: Cut | None = None

    @property
    def stem(self) -> str:
        return self.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


# ── what is known of vendors, models and gateways ───────────────────────────────────────────


class FrameSize(Struct, frozen=True):
    """One size a model renders: how it is asked for, and what really comes back (pixels).

    Width and height are 0 where they are not published, or where an input decides them.
    """

    resolution: str  # "720p"
    aspect_ratio: str  # "16:9"
    native: str  # what goes on the wire: "1280x720", "16:9", "720p", or "" where mode decides
    width: int  # 0: not published, or an input decides
    height: int


class ModelFacts(Struct, frozen=True):
    """What the catalogue knows of one model; data in `schemas/vendors/`, overrides applied."""

    id: ModelId
    vendor: str
    status: Literal["current", "preview", "retired"] = "current"
    retired: str | None = None  # ISO date
    replacement: ModelId | None = None
    # t2v first_frame last_frame base_video reference_image reference_video reference_audio
    # (any of the three: also references) negative_prompt seed watermark, and vendors' own words
    capabilities: frozenset[str] = frozenset()
    seconds: tuple[int, ...] = ()  # legal durations, -1: the model chooses; empty: unknown
    default_seconds: int | None = None
    sizes: tuple[FrameSize, ...] = ()
    default_size: str | None = None  # a FrameSize.native; None where size has two halves, or none
    default_resolution: str | None = None  # where the vendor takes the two apart
    default_aspect_ratio: str | None = None
    audio: Literal["always", "never", "switch", "prompt"] = "never"
    family: str = ""  # "veo-3.1", "kling-omni": what per-family rules and prices match
    notes: str = ""
    source: str = ""  # who names the model, and when: "gateway doc 2026-04-14"


class Attach(Struct, frozen=True):
    """Stands in a request body where a medium's bytes or URL will be written.

    A URL is always written as itself. `form` says how local bytes go: a data URL, raw base64,
    or not at all ("url": this place takes nothing but URLs).
    """

    medium: Medium
    form: Literal["data_url", "base64", "url"] = "data_url"


Body = dict[str, JSON]  # JSON, with Attach values where media go


class Expected(Struct, frozen=True):
    """What the file should turn out to be; None: not known beforehand."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    audio: bool | None = None


# ── what has happened ───────────────────────────────────────────────────────────────────────


class Probe(Struct, frozen=True):
    """What a video file turned out to be."""

    width: int
    height: int
    seconds: float
    fps: float
    audio: bool


class MediaInfo(Struct, frozen=True):
    """What a local reference is by its content, whatever its name says; None: does not apply."""

    kind: Kind
    mime: str  # "image/png", "video/mp4", "video/quicktime", "audio/mpeg"
    bytes: int
    width: int | None = None  # pixels
    height: int | None = None
    seconds: float | None = None
    fps: float | None = None
    alpha: bool = False  # an image with transparency
    audio: bool = False  # a video with sound


class Finding(Struct, frozen=True):
    """A difference between what was asked and what came back; the take needs review."""

    rule: str  # "take.seconds", "take.size", "take.audio"
    message: str
    path: str = ""  # the file it is about, where it is about one


class Result(Struct, frozen=True):
    """A take that was rendered, paid for, and stored."""

    attempt: AttemptId
    shot: ShotId  # the shot it was rendered for; the fingerprint decides who may use it
    take: int
    fingerprint: Digest
    asked: Mapping[str, JSON]  # the fingerprint's document, URLs without their query
    gateway: str
    job: JobId | None
    submitted_at: str  # ISO 8601, UTC
    completed_at: str
    sha256: Digest
    bytes: int
    probe: Probe
    cost: Estimate | None = None
    findings: tuple[Finding, ...] = ()
    vendor: str = ""  # whose model it was; empty: as the shot says
    vars: Mapping[str, JSON] = field(default_factory=dict)  # Take.vars when it was submitted
    inputs: tuple[Mapping[str, JSON], ...] = ()  # the media sent: role, where from, identity
    accepted: Mapping[str, JSON] | None = None
    """Where a person declared it good for `asked`: the document that was really sent."""


class Standing(StrEnum):
    """How far an attempt has come. Only moves down this list, or sideways to an end."""

    OPEN = "open"  # the intent is durable; bytes may have left. After a crash: ambiguous
    NOT_SENT = "not_sent"  # provably nothing left this machine (end)
    REFUSED = "refused"  # the gateway said no: no job, no charge (end)
    AMBIGUOUS = "ambiguous"  # may be paid, id unknown; only evidence or a person moves it on
    ACCEPTED = "accepted"  # the job id is durable
    COMPLETED = "completed"  # the gateway says the video is ready
    STORED = "stored"  # the bytes are in the store, verified (end)
    FAILED = "failed"  # the vendor said no after accepting (end)
    EXPIRED = "expired"  # the result can no longer be had (end, reported once)
    ABANDONED = "abandoned"  # a person gave it up (end)


class Attempt(Struct, frozen=True):
    """One POST with its durable intent, as the journal now sees it."""

    id: AttemptId
    shot: ShotId
    take: int
    fingerprint: Digest
    asked: Mapping[str, JSON]
    gateway: str
    model: ModelId
    vendor: str
    standing: Standing
    submitted_at: str
    estimate: Estimate | None = None
    job: JobId | None = None
    detail: str = ""  # what the gateway said, safe to print
    vars: Mapping[str, JSON] = field(default_factory=dict)  # as in the result to come
    inputs: tuple[Mapping[str, JSON], ...] = ()
    instead_of: Digest | None = None  # the request whose take it stands for, by `on_failure`


class History(Struct, frozen=True):
    """What is known of the past for one realm (paid, or the local gateway's previews).

    Keyed by fingerprint: what was asked decides, not which shot asked. `latest` is by shot and
    take number, for saying what has changed.
    """

    results: Mapping[Digest, Result] = field(default_factory=dict)
    running: Mapping[Digest, Attempt] = field(default_factory=dict)  # ACCEPTED or COMPLETED
    doubtful: Mapping[Digest, Attempt] = field(default_factory=dict)  # OPEN or AMBIGUOUS
    latest: Mapping[tuple[ShotId, int], Result] = field(default_factory=dict)


# ── what will happen ────────────────────────────────────────────────────────────────────────


class Action(StrEnum):
    REUSE = "reuse"  # up to date
    RESTORE = "restore"  # the bytes are in a store, the output is not in place
    RESUME = "resume"  # a job is in flight
    RENDER = "render"  # costs money
    WAIT = "wait"  # hangs on a shot that will render
    BLOCKED = "blocked"  # upstream failed, or a decision is needed


class Step(Struct, frozen=True):
    """One take with what will be done about it, and why."""

    shot: ShotId
    take: int
    action: Action
    reason: str
    fingerprint: Digest | None = None  # None while an input's bytes are not known
    estimate: Estimate | None = None
    depends_on: tuple[ShotId, ...] = ()
    result: Result | None = None  # for REUSE and RESTORE; for a forced RENDER what there is
    asked: Mapping[str, JSON] | None = None
    forced: bool = False  # renders although it is up to date; decide it again with force
    instead_of: "Step | None" = None  # of an `on_failure` step: what its take will stand for


class Plan(Struct, frozen=True):
    storyboard: str
    gateway: str
    steps: tuple[Step, ...]  # in an order in which they could be done one by one


class Facts(Struct, frozen=True):
    """Everything a plan depends on besides the storyboard, gathered beforehand."""

    history: History
    files: Mapping[str, Digest]  # LocalFile.path -> SHA-256 of its bytes
    held: Container[Digest]  # bytes that some store has
    outputs: Mapping[str, Digest | None]  # output path -> what lies there, None: nothing
    estimate: Callable[[Request], Estimate | None]
    sizes: Mapping[str, int] = field(default_factory=dict)  # output path -> bytes, where it differs
    fetchable: Container[JobId] = frozenset()  # finished jobs whose video can still be downloaded


class Status(StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNDECIDED = "undecided"  # quarantined, or over budget: waits for a person
    INTERRUPTED = "interrupted"  # resumable


class Outcome(Struct, frozen=True):
    step: Step
    status: Status
    result: Result | None = None
    detail: str = ""
    output: str | None = None  # POSIX path relative to the output folder
