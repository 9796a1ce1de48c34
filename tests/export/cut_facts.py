"""Takes and timelines as plain values, and what each format says of one, in frames."""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

from hypothesis import strategies as st
from msgspec.structs import replace

from runner.export import Music, TakeFacts, Timeline, laid_out
from runner.model import (
    Action,
    AttemptId,
    Clip,
    Digest,
    JobId,
    Money,
    Probe,
    Result,
    ShotId,
    Step,
)
from runner.state import TO_RENDER, UP_TO_DATE

HOSTILE = '=1+1 </note><x y="z"> & \'q\' \u202etxt\x1b[2J\n"Fähre" 100%'
RATES = (8.0, 12.0, 15.0, 16.0, 23.976023976023978, 24.0, 25.0, 29.97002997002997, 30.0, 60.0)
Event = tuple[str, int, int, int]  # shot or "", frames into its take, its first frame, its last


def take(
    shot: str, number: int = 1, *, kept: bool = True, seconds: float = 4.0, fps: float = 24.0,
    audio: bool = True, made: bool = True, **more: Any,
) -> TakeFacts:  # fmt: skip
    """A take whose file lies where it should; `made=False`: one to come."""
    name = f"{shot}.mp4" if kept else f"{shot}.t{number}.mp4"
    request = {"asked": 1, "model": "wan2.6-t2v", "prompt": f"the {shot}", "take": number}
    result = Result(
        AttemptId("at"), ShotId(shot), number, Digest("f" * 64), request, "aihubmix",
        JobId("job-1"), "2026-11-23T08:00:00Z", "2026-11-23T08:02:00Z", Digest("a" * 64), 1000,
        Probe(1280, 720, seconds, fps, audio),
    )  # fmt: skip
    facts = TakeFacts(
        shot=ShotId(shot),
        number=number,
        kept=kept,
        model="wan2.6-t2v",
        vendor="wan",
        prompt=f"the {shot}",
        seconds=seconds,
        url=f"file:///films/a%20film/renders/film/{name}",
        path=f"renders/film/{name}",
        step=Step(ShotId(shot), number, Action.REUSE if made else Action.RENDER, "new"),
        state=UP_TO_DATE if made else TO_RENDER,
        result=result if made else None,
        probe=result.probe if made else None,
        in_place=made,
        cost=Money(Decimal("0.50")),
        cost_basis="5 s x 0.10",
    )
    return replace(facts, **more)


def clip(shot: str, start: str = "", end: str = "", dissolve: str = "0") -> Clip:
    first, last = (Decimal(text) if text else None for text in (start, end))
    return Clip(ShotId(shot), first, last, Decimal(dissolve))


def film(title: str = "Night ferry") -> Timeline:
    """Three shots: two takes, a dissolve of an odd number of frames, one to come, and music."""
    takes = {
        ShotId("sh010"): (take("sh010", 1), take("sh010", 2, kept=False)),
        ShotId("sh020"): (take("sh020", audio=False, seconds=8.0),),
        ShotId("sh030"): (take("sh030", made=False, seconds=5.0),),
    }
    clips = [
        clip("sh010", end="3.5"),
        clip("sh020", "0.5", "6.0", "0.54"),
        clip("sh030", dissolve="0.5"),
    ]
    music = Music(
        "ferry hum.wav", "file:///films/ferry%20hum.wav", Fraction(20), 301, -12.0, 0, 36,
        "-12 dB, fade out 1.5 s",
    )  # fmt: skip
    about = {"storyboard": "film.yaml"}
    return replace(laid_out(title, clips, takes), music=music, about=about)


@st.composite
def cuts(draw: st.DrawFn) -> Timeline:
    """Any cut that fits: trims between frames, dissolves with room, rates of all kinds."""
    fps = draw(st.sampled_from(RATES))
    number = draw(st.integers(1, 6))
    takes, clips = {}, list[Clip]()
    for index in range(number):
        frames = draw(st.integers(12, 120))
        rate = draw(st.sampled_from(RATES)) if index else fps
        facts = take(
            f"s{index}", seconds=round(frames / rate, 6), fps=rate, audio=draw(st.booleans()),
            made=draw(st.booleans()) or not index,
        )  # fmt: skip
        takes[facts.shot] = (facts,)
        length = Decimal(str(facts.seconds))
        start = draw(st.decimals(0, length * Decimal("0.3"), places=3))
        end = draw(
            st.none() | st.decimals(length * Decimal("0.8"), length + Decimal("0.01"), places=3)
        )
        room = min(length, Decimal(str(takes[ShotId(f"s{max(0, index - 1)}")][0].seconds)))
        overlap = draw(st.decimals(0, room / 5, places=3)) if index else Decimal(0)
        clips.append(Clip(facts.shot, start, end, overlap))
    return laid_out("any", clips, takes)


def placed(timeline: Timeline) -> list[Event]:
    """The picture in clips that lie edge to edge."""
    return [
        ("" if each.missing else each.take.shot, 0 if each.missing else each.source, each.begins,
         each.ends)
        for each in timeline.clips
    ]  # fmt: skip


def seconds(text: str) -> Fraction:
    """A time of FCPXML."""
    found = re.fullmatch(r"(\d+)(?:/(\d+))?s", text)
    assert found, text
    return Fraction(int(found[1]), int(found[2] or 1))


def in_fcpxml(text: str, rate: Fraction) -> Iterator[Event]:
    """The spine's clips and gaps."""
    for each in ElementTree.fromstring(text).iterfind(".//project/sequence/spine/*"):
        if each.tag != "transition":
            begins, lasts, start = (
                seconds(each.attrib[key]) * rate for key in ("offset", "duration", "start")
            )
            assert {begins.denominator, lasts.denominator, start.denominator} == {1}
            shot = "" if each.tag == "gap" else each.attrib["name"]
            yield shot, int(start), int(begins), int(begins + lasts)
