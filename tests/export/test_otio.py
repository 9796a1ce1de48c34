"""OpenTimelineIO, read back by OpenTimelineIO."""

import json
from fractions import Fraction
from typing import Any

import pytest
from cut_facts import HOSTILE, cuts, film, placed
from hypothesis import given, settings

from runner.export import Timeline, otio
from runner.media.timing import rate_of

opentimelineio = pytest.importorskip("opentimelineio")  # has no wheel for every Python


def read(text: str) -> Any:
    return opentimelineio.adapters.read_from_string(text, "otio_json")


def frames(time: Any, timeline: Timeline) -> int:
    assert time.rate == float(timeline.rate)
    assert time.value == int(time.value)
    return int(time.value)


@given(cuts())
@settings(max_examples=25)
def test_it_is_read_back_to_the_frame(timeline: Timeline) -> None:
    """Where each clip begins, what it shows of its take, and how long everything is."""
    track = read(otio.write(timeline)).video_tracks()[0]
    found, offsets = [], []
    for each in track:
        if isinstance(each, opentimelineio.schema.Transition):
            offsets.append(frames(each.in_offset + each.out_offset, timeline))
            continue
        place, source = track.range_of_child(each), each.source_range
        there = not each.media_reference.is_missing_reference
        begins = frames(place.start_time, timeline)
        found.append((
            each.name if there else "",
            frames(source.start_time, timeline) if there else 0,
            begins,
            begins + frames(place.duration, timeline),
        ))  # fmt: skip
    assert found == placed(timeline)
    assert offsets == [each.overlap for each in timeline.clips if each.overlap]
    assert frames(track.duration(), timeline) == timeline.frames


@given(cuts())
@settings(max_examples=50)
def test_every_clip_lies_within_its_media(timeline: Timeline) -> None:
    """On picture and sound, what a dissolve takes from beyond its edges included."""
    for track in read(otio.write(timeline)).tracks:
        for each in track.find_clips():
            place = track.trimmed_range_of_child(each)
            for other in filter(None, track.neighbors_of(each)):
                if isinstance(other, opentimelineio.schema.Transition):
                    place = place.extended_by(track.range_of_child(other))
            shift = each.source_range.start_time - track.range_of_child(each).start_time
            first, last = place.start_time + shift, place.end_time_exclusive() + shift
            held = each.available_range()
            assert first >= held.start_time
            assert exact(last) <= exact(held.duration)


def exact(time: Any) -> Fraction:
    return Fraction(int(time.value)) / rate_of(time.rate)


@given(cuts())
@settings(max_examples=20)
def test_dissolves_find_their_material(timeline: Timeline) -> None:
    """Expanded by the library, each one takes exactly the overlap from either clip."""
    for track in read(otio.write(timeline)).tracks:
        opentimelineio.algorithms.track_with_expanded_transitions(track)


def test_every_take_is_there_and_the_kept_one_plays() -> None:
    """With what was sent, where it came from, and what it is."""
    clip = read(otio.write(film())).video_tracks()[0][0]
    assert list(clip.media_references()) == ["take 1", "take 2"]
    assert clip.active_media_reference_key == "take 1"
    assert clip.media_reference.target_url.endswith("/a%20film/renders/film/sh010.mp4")
    assert clip.available_range().duration == opentimelineio.opentime.RationalTime(96, 24)
    told = clip.media_reference.metadata["reelmake"]
    assert (told["shot"], told["take"], told["kept"]) == ("sh010", 1, True)
    assert (told["sha256"], told["fingerprint"]) == ("a" * 64, "f" * 64)
    assert told["request"]["prompt"] == "the sh010"
    assert told["job"]["id"] == "job-1"
    assert told["cost"] == {"amount": "0.50", "currency": "USD", "basis": "5 s x 0.10"}


def test_a_shot_to_come_is_a_missing_reference() -> None:
    """It says what is planned."""
    clip = read(otio.write(film())).video_tracks()[0][-1]
    assert clip.media_reference.is_missing_reference
    assert clip.media_reference.metadata["reelmake"]["state"] == "to render"


def test_sound_runs_beside_the_picture_and_music_under_both() -> None:
    """A gap where a clip is silent or missing; level and fades in words, and that is said."""
    timeline = film()
    picture, sound, music = read(otio.write(timeline)).tracks
    assert sound.duration() == picture.duration()
    kinds = [type(each).__name__ for each in sound]
    assert kinds == ["Clip", "Transition", "Gap", "Gap"]
    assert frames(music.duration(), timeline) == 301
    (effect,) = music[0].effects
    assert effect.metadata["reelmake"]["gain_db"] == -12
    assert list(otio.remarks(timeline)) == [
        "OpenTimelineIO has no word for levels and fades, the music has an effect that only "
        "names them: -12 dB, fade out 1.5 s"
    ]


def test_the_library_writes_it_as_we_do() -> None:
    """No field that it does not know, none that it would have to guess."""
    ours = json.loads(otio.write(film(HOSTILE)))
    theirs = json.loads(read(json.dumps(ours)).to_json_string())
    assert holds(theirs, ours)


def holds(theirs: Any, ours: Any) -> bool:
    """Whether everything we said stands there; the library adds its defaults."""
    if isinstance(ours, dict):
        return all(holds(theirs.get(key), value) for key, value in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(holds, theirs, ours))
    return bool(theirs == ours)
