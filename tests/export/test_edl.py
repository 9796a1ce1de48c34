"""CMX3600, read back by OpenTimelineIO's adapter."""

from typing import Any

import pytest
from cut_facts import HOSTILE, clip, cuts, film, take
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runner.export import Timeline, edl, laid_out
from runner.export.edl import KEPT_FOR_OTHERS, reel_names, timecode

opentimelineio = pytest.importorskip("opentimelineio")  # has no wheel for every Python


def read(text: str, timeline: Timeline) -> Any:
    rate = round(timeline.rate)  # timecode counts whole frames
    return opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=rate)


@given(cuts().filter(lambda timeline: timeline.rate == round(timeline.rate)))
@settings(max_examples=25)
def test_it_is_read_back_to_the_frame(timeline: Timeline) -> None:
    """The adapter lets a dissolve begin at the cut: so every clip begins where it first shows."""
    track = read(edl.write(timeline), timeline).video_tracks()[0]
    clips = [each for each in track if isinstance(each, opentimelineio.schema.Clip)]
    assert len(clips) == len(timeline.clips)
    for each, ours in zip(clips, timeline.clips, strict=True):
        place = track.range_of_child(each)
        assert place.start_time.value == ours.at
        assert each.source_range.start_time.value == ours.start
        if not ours.missing:
            assert each.media_reference.target_url == ours.take.url
    assert track.duration().value == timeline.frames
    lasts = [t.out_offset.value for t in track if isinstance(t, opentimelineio.schema.Transition)]
    assert lasts == [each.overlap for each in timeline.clips if each.overlap]


def test_the_whole_list() -> None:
    """A person can read it: what comes, from where, and what is not there yet."""
    lines = edl.write(film()).splitlines()
    assert lines[:3] == ["TITLE: Night ferry", "FCM: NON-DROP FRAME", ""]
    assert lines[6] == "* REELMAKE: 24 FRAMES A SECOND"
    assert [line for line in lines if line[:1].isdigit()] == [
        "001  SH010    V     C        00:00:00:00 00:00:02:23 01:00:00:00 01:00:02:23",
        "002  SH010    AA    C        00:00:00:00 00:00:02:23 01:00:00:00 01:00:02:23",
        "003  SH010    V     C        00:00:02:23 00:00:02:23 01:00:02:23 01:00:02:23",
        "003  SH020    V     D    013 00:00:00:12 00:00:05:12 01:00:02:23 01:00:07:23",
        "004  SH010    AA    C        00:00:02:23 00:00:02:23 01:00:02:23 01:00:02:23",
        "004  BL       AA    D    013 00:00:00:12 00:00:05:12 01:00:02:23 01:00:07:23",
        "005  SH020    V     C        00:00:05:12 00:00:05:12 01:00:07:23 01:00:07:23",
        "005  BL       V     D    012 00:00:00:00 00:00:05:00 01:00:07:23 01:00:12:23",
        "006  BL       AA    C        00:00:00:00 00:00:05:00 01:00:07:23 01:00:12:23",
        "007  MUSIC    A3    C        00:00:00:00 00:00:12:13 01:00:00:00 01:00:12:13",
    ]
    assert "* TO CLIP NAME: sh020.mp4" in lines
    assert "* REELMAKE: sh030 IS NOT RENDERED YET" in lines
    sh020 = "file:///films/a%20film/renders/film/sh020.mp4"
    assert (f"* TO CLIP: {sh020}" in lines, f"* FROM CLIP: {sh020}" in lines) == (True, False)
    silence = lines[next(n for n, line in enumerate(lines) if line.startswith("006  BL")) :]
    assert not [line for line in silence[:3] if "CLIP NAME" in line]


ids = st.text("aBb01_-.", min_size=1, max_size=12).map(lambda tail: f"s{tail}")


@given(st.lists(ids, max_size=60, unique_by=str.lower))
def test_no_two_shots_share_a_reel(shots: list[str]) -> None:
    """At most eight letters and digits, whatever the ids have in common; none that means black."""
    names = reel_names(shots)
    assert sorted(names) == sorted(shots)
    assert len(set(names.values())) == len(shots)
    for name in names.values():
        assert 1 <= len(name) <= 8
        assert name.isalnum()
        assert name not in KEPT_FOR_OTHERS


def test_a_short_id_is_its_own_reel() -> None:
    assert reel_names(["sh010", "sh010.b", "bl", "sequence-01", "sequence-02"]) == {
        "sh010": "SH010", "sh010.b": "SH010B", "bl": "BL001", "sequence-01": "SEQUE002",
        "sequence-02": "SEQUE003",
    }  # fmt: skip


def test_reels_of_a_long_film_take_no_time() -> None:
    """Ten thousand names with one beginning are each looked at once or twice."""
    assert len(set(reel_names([f"sequence-{n}" for n in range(10_000)]).values())) == 10_000


def test_what_it_cannot_say_is_said_beside_it() -> None:
    """Levels and fades, a rate that nobody edits at, and more events than the book allows."""
    assert list(edl.remarks(film())) == [
        "an EDL has no levels and no fades, set them in the editor: music -12 dB, fade out 1.5 s"
    ]
    facts = take("a", fps=7.0, audio=False)
    long = laid_out("t", [clip("a")] * 1000, {facts.shot: (facts,)})
    assert [line.split(":")[0] for line in edl.remarks(long)] == [
        "the cut runs at 7 frames a second, as its first clip does", "1000 events",
    ]  # fmt: skip


def test_its_timecode_is_explained_where_the_clips_count_otherwise() -> None:
    """Set to another rate, an editor would find every cut in another place."""
    slow, other, silent = take("a", fps=16.0), take("b", fps=30.0), take("c", made=False)
    takes = {facts.shot: (facts,) for facts in (slow, other, silent)}
    timeline = laid_out("t", [clip("a"), clip("b"), clip("c")], takes)
    assert list(edl.remarks(timeline)) == [
        "all timecode counts 48 frames a second, set the editor to it first: the clips have 16, 30"
    ]
    ntsc = take("a", fps=23.976023976023978)
    timeline = laid_out("t", [clip("a")], {ntsc.shot: (ntsc,)})
    assert list(edl.remarks(timeline)) == []
    assert "* REELMAKE: 23.976 FRAMES A SECOND\n" in edl.write(timeline)


def test_a_name_that_had_to_be_changed_is_said() -> None:
    """The editor would look for a file in vain."""
    facts = take("a", path="renders/film/Größe.mp4")
    timeline = laid_out("Fähre", [clip("a")], {facts.shot: (facts,)})
    assert list(edl.remarks(timeline)) == [
        "an EDL has ASCII only: 'Fähre' is called 'Fahre' and 1 more"
    ]


def test_text_from_outside_stays_in_its_line() -> None:
    """A title with a line break or letters that an EDL has not got breaks nothing."""
    lines = edl.write(film(HOSTILE)).splitlines()
    assert lines[0].startswith("TITLE: =1+1 </note>")
    assert lines[0].isascii()
    assert "Fahre" in lines[0]
    assert len(lines) == len(edl.write(film()).splitlines())
    named = replace(take("a"), path="renders/Fähre 1/Größe.mp4")
    text = edl.write(laid_out("t", [clip("a")], {named.shot: (named,)}))
    assert "* FROM CLIP NAME: Groe.mp4" in text or "* FROM CLIP NAME: Gro?e.mp4" in text


def test_timecode_counts_without_drop_frames() -> None:
    assert timecode(24 * 3600 + 25, 24) == "01:00:01:01"
