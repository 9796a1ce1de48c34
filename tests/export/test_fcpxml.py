"""FCPXML: the content models of version 1.9 as far as we use them, exact times, every reference."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from cut_facts import HOSTILE, clip, cuts, film, in_fcpxml, placed, seconds, take
from hypothesis import given, settings

from runner.export import Timeline, fcpxml, laid_out

CHILDREN = {  # in this order; `*`: any number of them, in any order
    "fcpxml": ("resources", "library"),
    "resources": ("asset*", "effect*", "format*"),
    "library": ("event*",),
    "event": ("project*",),
    "project": ("sequence",),
    "sequence": ("spine",),
    "spine": ("asset-clip*", "gap*", "transition*"),
    "asset": ("media-rep",),
    "asset-clip": ("note", "conform-rate", "adjust-volume", "asset-clip*"),
    "gap": ("asset-clip*",),
    "transition": ("filter-video", "filter-audio"),
    "adjust-volume": ("param*",),
    "param": ("fadeIn", "fadeOut"),
}
REQUIRED = {
    "fcpxml": {"version"},
    "asset": {"id"},
    "format": {"id"},
    "effect": {"id", "uid"},
    "media-rep": {"src"},
    "sequence": {"format"},
    "asset-clip": {"ref"},
    "gap": {"duration"},
    "transition": {"duration"},
    "filter-video": {"ref"},
    "filter-audio": {"ref"},
    "param": {"name"},
    "fadeIn": {"duration"},
    "fadeOut": {"duration"},
}
TIMES = ("offset", "start", "duration", "frameDuration", "tcStart")


def wrong(root: Element) -> Iterator[str]:
    """Everything that the format's own rules would refuse."""
    known = [each.attrib["id"] for each in root.iterfind("resources/*")]
    if len(known) != len(set(known)):
        yield "an id stands for two things"
    for each in root.iter():
        order = [name.rstrip("*") for name in CHILDREN.get(each.tag, ())]
        many = {name[:-1] for name in CHILDREN.get(each.tag, ()) if name.endswith("*")}
        tags = [child.tag for child in each]
        if not set(tags) <= set(order):
            yield f"{each.tag} may not hold {set(tags) - set(order)}"
        elif not (set(tags) <= many) and tags != sorted(tags, key=order.index):
            yield f"{each.tag} holds {tags}, out of order"
        if any(tags.count(tag) > 1 for tag in set(tags) - many):
            yield f"{each.tag} holds one of {tags} twice"
        if missing := REQUIRED.get(each.tag, set()) - set(each.attrib):
            yield f"{each.tag} lacks {missing}"
        for key in ("ref", "format"):
            if each.get(key, known[0]) not in known:
                yield f"{each.tag} refers to {each.get(key)}"
        for key in TIMES:
            if key in each.attrib:
                seconds(each.attrib[key])


@given(cuts())
@settings(max_examples=25)
def test_it_keeps_the_rules_and_the_frames(timeline: Timeline) -> None:
    """Clips edge to edge on whole frames; each transition inside the two clips it joins."""
    text = fcpxml.write(timeline)
    root = ElementTree.fromstring(text)
    assert list(wrong(root)) == []
    assert list(in_fcpxml(text, timeline.rate)) == placed(timeline)
    sequence = next(root.iter("sequence"))
    assert seconds(sequence.attrib["duration"]) * timeline.rate == timeline.frames
    found = [
        (seconds(each.attrib["offset"]) * timeline.rate, seconds(each.attrib["duration"]))
        for each in root.iter("transition")
    ]
    assert found == [
        (Fraction(c.at), c.overlap / timeline.rate) for c in timeline.clips if c.overlap
    ]
    spine = list(next(root.iter("spine")))
    assert not [1 for a, b in pairwise(spine) if a.tag == b.tag == "transition"]


@given(cuts())
@settings(max_examples=50)
def test_every_clip_lies_within_its_asset(timeline: Timeline) -> None:
    """With what a transition takes from beyond its edges, to the fraction of a second."""
    root = ElementTree.fromstring(fcpxml.write(timeline))
    lasts = {each.get("id"): seconds(each.attrib["duration"]) for each in root.iter("asset")}
    spine = list(next(root.iter("spine")))
    for index, each in enumerate(spine):
        if each.tag == "asset-clip":
            offset, start, length = (
                seconds(each.attrib[key]) for key in ("offset", "start", "duration")
            )
            first, last = offset, offset + length
            for other in spine[max(0, index - 1) : index + 2]:
                if other.tag == "transition":
                    begins = seconds(other.attrib["offset"])
                    first = min(first, begins)
                    last = max(last, begins + seconds(other.attrib["duration"]))
            assert start - (offset - first) >= 0
            assert start + last - offset <= lasts[each.attrib["ref"]]


def test_the_rules_can_be_broken() -> None:
    """The check above is no mirror: a wrong order, a dangling reference, a bad time are found."""
    root = ElementTree.fromstring(fcpxml.write(film()))
    clip = next(root.iter("asset-clip"))
    clip.append(Element("note"))
    clip.set("ref", "r99")
    assert [line.split(" ")[0] for line in wrong(root)] == ["asset-clip"] * 3
    clip.set("offset", "1.5")
    with pytest.raises(AssertionError):
        list(wrong(root))


def test_music_hangs_below_the_first_clip() -> None:
    """With its level and fades, as long as the cut lets it play."""
    root = ElementTree.fromstring(fcpxml.write(film()))
    spine = next(root.iter("spine"))
    (music,) = spine[0].findall("asset-clip")
    assert (music.get("lane"), music.get("offset")) == ("-1", spine[0].get("start"))
    assert seconds(music.attrib["duration"]) == Fraction(301, 24)
    assert [each.attrib for each in music.iter("adjust-volume")] == [{"amount": "-12dB"}]
    assert [each.attrib for each in music.iter("fadeOut")] == [{"duration": "3/2s"}]
    assert list(fcpxml.remarks(film())) == []


def test_each_file_is_named_once_whatever_it_is_cut_into() -> None:
    """Twice in the cut, one asset; a take of another rate says so."""
    first, other = take("a"), take("b", fps=30.0)
    known = {first.shot: (first,), other.shot: (other,)}
    root = ElementTree.fromstring(
        fcpxml.write(laid_out("t", [clip("a"), clip("b"), clip("a")], known))
    )
    assert [each.get("src") for each in root.iter("media-rep")] == [first.url, other.url]
    assert [each.attrib for each in root.iter("conform-rate")] == [
        {"scaleEnabled": "0", "srcFrameRate": "30"}
    ]


def test_text_from_outside_stays_text() -> None:
    """Titles and prompts are no markup, and hold nothing that XML may not."""
    facts = take("a", prompt=HOSTILE)
    text = fcpxml.write(laid_out(HOSTILE, [clip("a")], {facts.shot: (facts,)}))
    root = ElementTree.fromstring(text)
    assert list(wrong(root)) == []
    said = '=1+1 </note><x y="z"> & \'q\' \\u202etxt\\x1b[2J "Fähre" 100%'
    assert next(root.iter("note")).text == said
    assert next(root.iter("project")).get("name") == said
