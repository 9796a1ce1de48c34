"""OpenTimelineIO. Every take of a shot is a media reference of its clip; the kept one is active."""

import json
from collections.abc import Iterator
from fractions import Fraction

from runner.export.takes import TakeFacts, described
from runner.export.timeline import Music, Placed, Timeline, media_frames
from runner.model import JSON

Node = dict[str, JSON]


def write(timeline: Timeline) -> str:
    """The whole `.otio` file."""
    return json.dumps(document(timeline), indent=2) + "\n"


def remarks(timeline: Timeline) -> Iterator[str]:
    """The one thing that has no standard name."""
    if timeline.level:
        told = f"an effect that only names them: {timeline.level}"
        yield f"OpenTimelineIO has no word for levels and fades, the music has {told}"


def document(timeline: Timeline) -> Node:
    rate = timeline.rate
    tracks = [track("Picture", "Video", list(picture(timeline)))]
    if timeline.heard:
        tracks.append(track("Sound of the clips", "Audio", list(sound(timeline))))
    if timeline.music:
        tracks.append(track("Music", "Audio", [music(timeline.music, rate)]))
    stack = named("Stack.1", "tracks", children=tracks, source_range=None)
    about = {"reelmake": dict(timeline.about)}
    return named("Timeline.1", timeline.title, metadata=about, tracks=stack, global_start_time=None)


def track(name: str, kind: str, children: list[Node]) -> Node:
    return named("Track.1", name, kind=kind, children=children, source_range=None)


def picture(timeline: Timeline) -> Iterator[Node]:
    """Clips, and a transition before each one that dissolves in."""
    for clip in timeline.clips:
        yield from dissolve(clip, timeline.rate)
        yield named(
            "Clip.2",
            clip.take.shot,
            source_range=within(clip, timeline.rate),
            media_references={key(take): reference(take) for take in clip.takes},
            active_media_reference_key=key(clip.take),
        )


def sound(timeline: Timeline) -> Iterator[Node]:
    """The clips' own sound in step with their picture; a gap where there is none, and no
    dissolve from one gap to the next."""
    before = None
    for clip in timeline.clips:
        if clip.heard or (before and before.heard):
            yield from dissolve(clip, timeline.rate)
        before = clip
        place = within(clip, timeline.rate)
        if clip.heard:
            used = {"take": reference(clip.take, told=False)}
            yield named(
                "Clip.2",
                clip.take.shot,
                source_range=place,
                media_references=used,
                active_media_reference_key="take",
            )
        else:
            yield named("Gap.1", "", source_range=place | {"start_time": time(0, timeline.rate)})


def dissolve(clip: Placed, rate: Fraction) -> Iterator[Node]:
    if clip.overlap:
        before = clip.begins - clip.at
        yield named(
            "Transition.1",
            "Dissolve",
            transition_type="SMPTE_Dissolve",
            in_offset=time(before, rate),
            out_offset=time(clip.overlap - before, rate),
        )


def music(track: Music, rate: Fraction) -> Node:
    """The sound under the film. There is no standard effect for a level: ours says it in words."""
    level = {
        "gain_db": track.gain_db,
        "fade_in_frames": track.fade_in,
        "fade_out_frames": track.fade_out,
    }
    effect = named("Effect.1", "Level", effect_name="Level", metadata={"reelmake": level})
    all_of_it = span(0, int(track.seconds * rate), rate)
    media = named(
        "ExternalReference.1", track.name, target_url=track.url, available_range=all_of_it
    )
    return named(
        "Clip.2",
        track.name,
        source_range=span(0, track.frames, rate),
        effects=[effect] if track.level else [],
        media_references={"sound": media},
        active_media_reference_key="sound",
    )


def key(take: TakeFacts) -> str:
    return f"take {take.number}"


def reference(take: TakeFacts, *, told: bool = True) -> Node:
    """A take's file; of one that is not rendered yet, what is planned. Where another file lies
    under its name, it is missing: to be sent to that one would be worse."""
    about = {"metadata": {"reelmake": described(take)}} if told else {}
    frames, rate = media_frames(take)
    whole = {"available_range": None if take.guessed else span(0, frames, rate)}
    if not take.shown:
        return named("MissingReference.1", take.name, **whole, **about)
    return named("ExternalReference.1", take.name, target_url=take.url, **whole, **about)


def within(clip: Placed, rate: Fraction) -> Node:
    return span(clip.source, clip.ends - clip.begins, rate)


def span(start: int, frames: int, rate: Fraction) -> Node:
    ends = {"start_time": time(start, rate), "duration": time(frames, rate)}
    return {"OTIO_SCHEMA": "TimeRange.1", **ends}


def time(frames: int, rate: Fraction) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def named(schema: str, name: str, **fields: JSON) -> Node:
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": name, **fields}
