"""FCPXML 1.9: Final Cut Pro 10.4.9 and later, DaVinci Resolve, and converters for the others.

Times are exact fractions of a second. In a dissolve the two clips lie edge to edge; the transition
over that edge takes from each what it has beyond it.
"""

from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.export.takes import TakeFacts
from runner.export.timeline import Music, Placed, Timeline, media_frames, odd_rate
from runner.model import ShotId
from runner.progress import printable

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
DISSOLVE, CROSSFADE = "dissolve", "crossfade"
EFFECTS = {  # as Final Cut Pro names its own
    DISSOLVE: ("Cross Dissolve", "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"),
    CROSSFADE: ("Audio Crossfade", "FFAudioTransition"),
}
CONFORMED = {  # source rates that may be named
    **{Fraction(rate): f"{rate}" for rate in (24, 25, 30, 48, 50, 60)},
    **{Fraction(rate * 1000, 1001): f"{rate / 1.001:.2f}" for rate in (24, 30, 60)},
}
SAMPLES = 48_000  # a second


def write(timeline: Timeline) -> str:
    """The whole `.fcpxml` file."""
    root = Element("fcpxml", version="1.9")
    refs = Resources(SubElement(root, "resources"), timeline)
    event = SubElement(SubElement(root, "library"), "event", name=text(timeline.title))
    project = SubElement(event, "project", name=text(timeline.title))
    sequence = SubElement(
        project, "sequence", format=refs.sequence, tcStart="0s", tcFormat="NDF", audioRate="48k",
        audioLayout="stereo", duration=at(timeline.frames, timeline.rate),
    )  # fmt: skip
    spine = SubElement(sequence, "spine")
    for clip in timeline.clips:
        if clip.overlap:
            spine.append(transition(clip, timeline, refs))
        spine.append(placed(clip, timeline, refs))
    if timeline.music:
        spine[0].append(connected(timeline.music, spine[0].get("start", "0s"), timeline, refs))
    indent(root)
    return HEAD + tostring(root, encoding="unicode") + "\n"


def remarks(timeline: Timeline) -> Iterator[str]:
    """Only certain rates can be edited."""
    if odd := odd_rate(timeline):
        yield odd


class Resources:
    """What the timeline refers to, each once: formats, effects, files."""

    def __init__(self, parent: Element, timeline: Timeline) -> None:
        self._parent = parent
        self._formats: dict[tuple[Fraction, int, int], str] = {}
        self._takes: dict[ShotId, str] = {}
        self.sequence = self._format(timeline.rate, *timeline.size)
        self.effects = dict(self._effects()) if any(c.overlap for c in timeline.clips) else {}
        self.music = self._sound(timeline.music) if timeline.music else ""

    def take(self, take: TakeFacts) -> str:
        if take.shot not in self._takes:
            self._takes[take.shot] = self._asset(take)
        return self._takes[take.shot]

    def _next(self, tag: str, **attributes: str) -> Element:
        return SubElement(self._parent, tag, {"id": f"r{len(self._parent) + 1}"} | attributes)

    def _format(self, rate: Fraction, width: int, height: int) -> str:
        wanted = rate, width, height
        if wanted not in self._formats:
            made = self._next(
                "format", frameDuration=time(1 / rate), width=str(width), height=str(height)
            )
            self._formats[wanted] = made.attrib["id"]
        return self._formats[wanted]

    def _effects(self) -> Iterator[tuple[str, str]]:
        for kind, (name, uid) in EFFECTS.items():
            yield kind, self._next("effect", name=name, uid=uid).attrib["id"]

    def _asset(self, take: TakeFacts) -> str:
        assert take.probe
        frames, rate = media_frames(take)
        form = self._format(rate, take.probe.width, take.probe.height)
        made = self._next(
            "asset", name=take.shot, start="0s", duration=at(frames, rate), hasVideo="1",
            format=form, videoSources="1",
        )  # fmt: skip
        if take.probe.audio:
            made.attrib |= {"hasAudio": "1", "audioSources": "1"}
        SubElement(made, "media-rep", kind="original-media", src=take.url)
        return made.attrib["id"]

    def _sound(self, track: Music) -> str:
        made = self._next(
            "asset", name=text(track.name), start="0s", hasAudio="1", audioSources="1",
            duration=time(Fraction(int(track.seconds * SAMPLES), SAMPLES)),
        )  # fmt: skip
        SubElement(made, "media-rep", kind="original-media", src=track.url)
        return made.attrib["id"]


def placed(clip: Placed, timeline: Timeline, refs: Resources) -> Element:
    """A clip between the frames at which the picture changes; what is missing leaves a gap."""
    rate = timeline.rate
    place = {"offset": at(clip.begins, rate), "duration": at(clip.ends - clip.begins, rate)}
    if clip.missing:
        return Element("gap", place, name=f"{clip.take.shot} ({clip.why_missing})", start="0s")
    made = Element(
        "asset-clip", place, ref=refs.take(clip.take), name=clip.take.shot,
        start=at(clip.source, rate), tcFormat="NDF", audioRole="dialogue",
    )  # fmt: skip
    SubElement(made, "note").text = text(clip.take.prompt)
    _, own = media_frames(clip.take)
    if own != rate and own in CONFORMED:
        SubElement(made, "conform-rate", scaleEnabled="0", srcFrameRate=CONFORMED[own])
    return made


def transition(clip: Placed, timeline: Timeline, refs: Resources) -> Element:
    place = {"offset": at(clip.at, timeline.rate), "duration": at(clip.overlap, timeline.rate)}
    made = Element("transition", place, name=EFFECTS[DISSOLVE][0])
    SubElement(made, "filter-video", ref=refs.effects[DISSOLVE], name=EFFECTS[DISSOLVE][0])
    SubElement(made, "filter-audio", ref=refs.effects[CROSSFADE], name=EFFECTS[CROSSFADE][0])
    return made


def connected(track: Music, start: str, timeline: Timeline, refs: Resources) -> Element:
    """The music, hung below the first clip. Its offset counts in that clip's own time."""
    rate = timeline.rate
    made = Element(
        "asset-clip", ref=refs.music, name=text(track.name), lane="-1", offset=start, start="0s",
        duration=at(track.frames, rate), audioRole="music",
    )  # fmt: skip
    if track.gain_db or track.fade_in or track.fade_out:
        volume = SubElement(made, "adjust-volume", amount=f"{track.gain_db:g}dB")
        fades = {"fadeIn": track.fade_in, "fadeOut": track.fade_out}
        level = SubElement(volume, "param", name="amount") if any(fades.values()) else volume
        for name, frames in fades.items():
            if frames:
                SubElement(level, name, duration=at(frames, rate))
    return made


def at(frames: int, rate: Fraction) -> str:
    return time(frames / rate)


def time(seconds: Fraction) -> str:
    """An exact time: `5s`, `1001/24000s`."""
    return f"{seconds}s"


def text(words: str) -> str:
    """One line that XML can hold."""
    return " ".join(printable(words).split())
