"""CMX3600, the list every editing program reads: reels of eight letters, and timecode.

The film begins at one hour, as editors expect. Of sound it knows where it plays and nothing else:
no level, no fade. Timecode counts whole frames, without drop frames.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from runner.export.timeline import Placed, Timeline, odd_rate
from runner.media.timing import rate_of

HOUR = 3600
REEL = 8  # letters
BLACK = "BL"
SOUND = "AA"  # both channels of the clips' own
KEPT_FOR_OTHERS = frozenset((BLACK, "AX", "BLACK", "BARS"))
MOST_EVENTS = 999
MUSIC = "music."  # no shot can be called so


class Line(Struct, frozen=True):
    """Frames `start` to `start + frames` of a reel, at frame `at` of the film."""

    reel: str
    channel: str
    start: int
    at: int
    frames: int
    dissolve: int = 0


class Event(Struct, frozen=True):
    """What is counted as one: a line, or, of a dissolve, where it comes from and where it goes."""

    lines: tuple[Line, ...]
    comments: tuple[str, ...]


def write(timeline: Timeline) -> str:
    """The whole `.edl` file."""
    nominal = round(timeline.rate)
    lines = [f"TITLE: {in_ascii(timeline.title)}", "FCM: NON-DROP FRAME", ""]
    for number, event in enumerate(events(timeline), start=1):
        lines += (shown(number, line, nominal) for line in event.lines)
        lines += (f"* {comment}" for comment in event.comments)
        if number == 1:  # nothing else tells the rate; programs know comments only below events
            lines.append(f"* REELMAKE: {a_second(timeline.rate).upper()}")
    return "\n".join(lines) + "\n"


def events(timeline: Timeline) -> Iterator[Event]:
    """Picture, and sound where any clip has one, in the order of the film; then the music."""
    reels = reel_names((*(clip.take.shot for clip in timeline.clips), MUSIC))
    channels = ("V", SOUND) if timeline.heard else ("V",)
    for before, clip, after in zip(
        (None, *timeline.clips), timeline.clips, (*timeline.clips[1:], None), strict=False
    ):
        frames = clip.frames - (after.overlap if after else 0)
        for channel in channels:
            yield event(before, clip, frames, reels, channel)
    if track := timeline.music:
        channel = "A3" if timeline.heard else SOUND
        comments = (f"FROM CLIP NAME: {in_ascii(track.name)}", f"FROM CLIP: {track.url}")
        yield Event((Line(reels[MUSIC], channel, 0, 0, track.frames),), comments)


def event(
    before: Placed | None, clip: Placed, frames: int, reels: Mapping[str, str], channel: str
) -> Event:
    """A clip until the next one begins to dissolve in; what it dissolves from goes on below it."""
    plays = Line(reel(clip, reels, channel), channel, clip.start, clip.at, frames, clip.overlap)
    source = reel(before, reels, channel) if before else BLACK
    silent = channel == SOUND and source == plays.reel == BLACK
    if before is None or not clip.overlap or silent:
        whole = replace(plays, dissolve=0)
        return Event((whole,), tuple(comments("FROM", clip, plays.reel)))
    left = Line(source, channel, before.start + clip.at - before.at, clip.at, 0)
    told = [f"FROM CLIP NAME: {in_ascii(before.take.name)}"] if source != BLACK else []
    return Event((left, plays), (*told, *comments("TO", clip, plays.reel)))


def reel(clip: Placed, reels: Mapping[str, str], channel: str) -> str:
    """Black where there is no picture yet, and silence where there is no sound."""
    there = clip.heard if channel == SOUND else not clip.missing
    return reels[clip.take.shot] if there else BLACK


def comments(direction: str, clip: Placed, reel: str) -> Iterator[str]:
    """By its file's name a program finds a clip; by its URL a person does, and OpenTimelineIO,
    which has a word of its own for where a dissolve goes to."""
    if clip.missing:
        yield f"REELMAKE: {clip.take.shot} IS {clip.why_missing.upper()}"
    if reel != BLACK:
        yield f"{direction} CLIP NAME: {in_ascii(clip.take.name)}"
        yield f"{direction} CLIP: {clip.take.url}"
        if direction == "TO":
            yield f"OTIO REFERENCE TO: {clip.take.url}"


def shown(number: int, line: Line, nominal: int) -> str:
    edit = f"D    {line.dissolve:03}" if line.dissolve else "C       "
    start, at = line.start, HOUR * nominal + line.at
    times = (start, start + line.frames, at, at + line.frames)
    codes = " ".join(timecode(each, nominal) for each in times)
    return f"{number:03}  {line.reel:<8} {line.channel:<5} {edit} {codes}"


def timecode(frames: int, nominal: int) -> str:
    seconds, frame = divmod(frames, nominal)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}:{frame:02}"


def reel_names(shots: Iterable[str]) -> dict[str, str]:
    """A name of at most eight letters and digits for each shot, no two alike.

    A short id is its own name; of a long one stays the beginning, and a number.
    """
    letters = {shot: "".join(filter(str.isalnum, shot)).upper() for shot in shots}
    taken, names = set(KEPT_FOR_OTHERS), dict[str, str]()
    for shot, whole in letters.items():
        if len(whole) <= REEL and whole not in taken:
            taken.add(whole)
            names[shot] = whole
    numbers = count(1)
    for shot, whole in letters.items():
        while shot not in names:
            number = f"{next(numbers):03}"
            shorter = f"{whole[: REEL - len(number)]}{number}"
            if shorter not in taken:
                taken.add(shorter)
                names[shot] = shorter
    return names


def in_ascii(text: str) -> str:
    """One line of the only letters an EDL may have."""
    plain = unicodedata.normalize("NFKD", " ".join(text.split()))
    shown = (c if c.isascii() else "?" for c in plain if not unicodedata.combining(c))
    return "".join(c for c in shown if c.isprintable())


def remarks(timeline: Timeline) -> Iterator[str]:
    """Levels, fades, rates, names and long lists: said, since the list cannot."""
    if timeline.level:
        yield f"an EDL has no levels and no fades, set them in the editor: music {timeline.level}"
    if odd := odd_rate(timeline):
        yield odd
    yield from other_rates(timeline)
    yield from other_names(timeline)
    lines = len(list(events(timeline)))
    if lines > MOST_EVENTS:
        yield f"{lines} events: by the book an EDL ends at {MOST_EVENTS}, and some programs do"


def other_rates(timeline: Timeline) -> Iterator[str]:
    """Timecode counts frames of the film, also of a take that has others."""
    probes = (clip.take.probe for clip in timeline.clips if not clip.missing)
    rates = sorted({rate_of(probe.fps) for probe in probes if probe})
    if set(rates) - {timeline.rate}:
        own = ", ".join(f"{float(rate):.6g}" for rate in rates)
        counted = a_second(timeline.rate)
        yield f"all timecode counts {counted}, set the editor to it first: the clips have {own}"


def other_names(timeline: Timeline) -> Iterator[str]:
    """Editors look for a clip by its name."""
    music = [timeline.music.name] if timeline.music else []
    names = (timeline.title, *(clip.take.name for clip in timeline.clips), *music)
    changed = [name for name in dict.fromkeys(names) if not name.isascii()]
    if changed:
        more = f" and {len(changed) - 1} more" * (len(changed) > 1)
        yield f"an EDL has ASCII only: {changed[0]!r} is called {in_ascii(changed[0])!r}{more}"


def a_second(rate: Fraction) -> str:
    return f"{float(rate):.6g} frames a second"
