"""Takes laid out as the cut has them. Everything is counted in frames of the cut.

Where two clips dissolve, both play: the later one begins `overlap` frames before the earlier one
has ended. Editors know one frame at which the picture changes, and a transition around it. That
frame lies in the middle of the overlap here.

Models render at rates that no editor can edit at: 16 frames a second, 12 in a slate. Then the
timeline counts in a multiple of it, 48 for 16, and is as exact: every frame is three.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor

from msgspec import Struct

from runner.errors import BadInput
from runner.export.takes import TakeFacts
from runner.media.timing import Span, lasting, rate_of, spans
from runner.model import JSON, Clip, ShotId, Soundtrack

USUAL_RATE = Fraction(24)  # of a film of which nothing is rendered yet
USUAL_SIZE = (1280, 720)
HALF = Fraction(1, 2)
EDITORS_KNOW = frozenset(
    (
        *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60)),
        *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60)),
    )
)


class Placed(Struct, frozen=True):
    """One clip in its place. Frames count from the start of the cut, or of the take."""

    takes: tuple[TakeFacts, ...]  # every take of the shot
    take: TakeFacts  # the kept one, which plays
    at: int  # where the clip begins, its dissolve included
    frames: int  # how long it plays, both dissolves included
    overlap: int  # its dissolve with the clip before
    start: int  # frames into the take
    begins: int  # the frame at which the picture changes to it
    ends: int  # the frame at which the picture changes away

    @property
    def missing(self) -> bool:
        """Whether there is nothing to show: the clip only keeps its place."""
        return not self.take.shown

    @property
    def why_missing(self) -> str:
        return "not in place" if self.take.result else "not rendered yet"

    @property
    def heard(self) -> bool:
        return not self.missing and self.take.probe is not None and self.take.probe.audio

    @property
    def source(self) -> int:
        """Frames into the take at `begins`."""
        return self.start + self.begins - self.at


class Music(Struct, frozen=True):
    """The sound under the film. It begins with it; counts are in frames of the cut."""

    name: str
    url: str
    seconds: Fraction  # of the file
    frames: int
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0
    level: str = ""  # gain and fades in the storyboard's own figures


class Timeline(Struct, frozen=True):
    """The cut for an editor."""

    title: str
    rate: Fraction  # frames a second
    size: tuple[int, int]
    clips: tuple[Placed, ...]
    music: Music | None = None
    about: Mapping[str, JSON] = {}  # where it comes from

    @property
    def frames(self) -> int:
        return self.clips[-1].ends

    @property
    def heard(self) -> bool:
        """Whether any clip has a sound of its own."""
        return any(clip.heard for clip in self.clips)

    @property
    def level(self) -> str:
        """What is done to the music's sound, in words; empty where it plays as it is."""
        return self.music.level if self.music else ""


def in_words(track: Soundtrack) -> str:
    """What is done to a sound, as it is asked for: frames of the cut would only come near."""
    parts = [f"{track.gain_db:g} dB"] if track.gain_db else []
    fades = ("fade in", track.fade_in), ("fade out", track.fade_out)
    return ", ".join([*parts, *(f"{way} {seconds:g} s" for way, seconds in fades if seconds)])


def laid_out(
    title: str, clips: Sequence[Clip], takes: Mapping[ShotId, Sequence[TakeFacts]]
) -> Timeline:
    """The clips as the cut plays them; one that is not rendered keeps the place it will need.

    Raises BadInput where there is no clip, and for trims and dissolves that do not fit.
    """
    if not clips:
        raise BadInput("there is no clip to export", do="enable a shot, or name one under `cut:`")
    kept = {shot: next(take for take in known if take.kept) for shot, known in takes.items()}
    rate, size = canvas([kept[clip.shot] for clip in clips])
    counted = spans([(length(kept[clip.shot], clip), clip) for clip in clips], rate)
    editing = editing_rate(rate)
    times = int(editing / rate)
    places, at = [], 0
    for span in counted:
        at -= span.overlap * times
        places.append(at)
        at += span.frames * times
    middles = [
        place + span.overlap * times // 2 for place, span in zip(places, counted, strict=True)
    ]
    changes = pairwise((*middles, at))
    placed = (
        Placed(
            takes=tuple(takes[clip.shot]),
            take=kept[clip.shot],
            at=place,
            frames=span.frames * times,
            overlap=span.overlap * times,
            start=start_of(span, length(kept[clip.shot], clip), rate) * times,
            begins=begins,
            ends=ends,
        )
        for clip, span, place, (begins, ends) in zip(clips, counted, places, changes, strict=True)
    )
    return Timeline(title, editing, size, tuple(placed))


def start_of(span: Span, whole: Fraction, rate: Fraction) -> int:
    """The frame at which a clip begins, one earlier where it would else reach beyond its take."""
    return max(0, min(floor(span.start * rate + HALF), floor(whole * rate) - span.frames))


def editing_rate(rate: Fraction) -> Fraction:
    """The lowest rate that editors know in which every frame of the cut begins on a frame; the
    cut's own, where there is none."""
    fitting = (known for known in EDITORS_KNOW if (known / rate).denominator == 1)
    return min(fitting, default=rate)


def canvas(shown: Sequence[TakeFacts]) -> tuple[Fraction, tuple[int, int]]:
    """Rate and pixels of the first clip that is rendered, as the cut has them."""
    first = next((take.probe for take in shown if take.probe), None)
    if first is None:
        return USUAL_RATE, USUAL_SIZE
    width, height = first.width + first.width % 2, first.height + first.height % 2
    return rate_of(first.fps), (width, height)


def length(take: TakeFacts, clip: Clip) -> Fraction:
    """How long a take is. One to come, whose model chooses, is as long as its clip needs."""
    frames, rate = media_frames(take)
    needed = Fraction((clip.end or (clip.start or 0) + 1) if take.guessed else 0)
    return max(frames / rate, needed)


def media_frames(take: TakeFacts) -> tuple[int, Fraction]:
    """All of a take: how many frames, and how many a second, in its own rate."""
    rate = rate_of(take.probe.fps) if take.probe else USUAL_RATE
    return round(lasting(take.seconds, float(rate)) * rate), rate


def odd_rate(timeline: Timeline) -> str:
    """A sentence, where few programs can edit at the cut's rate."""
    if timeline.rate in EDITORS_KNOW:
        return ""
    return (
        f"the cut runs at {float(timeline.rate):g} frames a second, as its first clip does: "
        "few editors can edit at that rate"
    )
