"""Rules and adapters agree: what the rules let through is sent, what is not sent is named."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from runner.gateway.body import encode
from runner.gateway.profile import Profile
from runner.localgateway.checks import check
from runner.model import Body, LocalFile, Medium, ModelFacts, ModelId, Request, Severity, Url
from runner.port.fields import fields_of
from runner.schema import Complaint, check_shot, open_catalogue
from runner.vendors import VENDORS, base

CATALOGUE = open_catalogue()
FIRST = Medium("first_frame", "image", LocalFile("a.png"))
LAST = Medium("last_frame", "image", LocalFile("b.png"))
EDITED = Medium("base_video", "video", Url("https://media.example/c.mp4"))
IMAGE = Medium("reference", "image", Url("https://media.example/d.png"))
VIDEO = Medium("reference", "video", Url("https://media.example/e.mp4"))
SOUND = Medium("reference", "audio", Url("https://media.example/f.mp3"))


def plain(facts: ModelFacts) -> Request:
    """The least that can be asked of a model."""
    media = () if "t2v" in facts.capabilities else (FIRST,)
    framing = {} if facts.default_size or facts.default_resolution else {"resolution": "1080p"}
    ratio = {"aspect_ratio": "16:9"} if framing and facts.sizes else {}
    wish: dict[str, Any] = (framing | ratio) if facts.sizes else {}
    return Request(facts.id, "A ferry.", media=media, **wish)


def wishes(facts: ModelFacts) -> Iterator[dict[str, Any]]:
    """One more thing to ask for: every field with every value the facts name."""
    yield {"negative_prompt": "rain"}
    yield {"seed": 7}
    for flag in (True, False):
        yield {"audio": flag}
        yield {"watermark": flag}
    for seconds in (*facts.seconds, 1, 99):
        yield {"seconds": seconds}
    for row in facts.sizes:
        yield {"resolution": row.resolution, "aspect_ratio": row.aspect_ratio}
        yield {"resolution": row.resolution, "aspect_ratio": None}
        yield {"resolution": None, "aspect_ratio": row.aspect_ratio}
        yield {"size": row.native or f"{row.width}x{row.height}"}
    first = () if "t2v" in facts.capabilities else (FIRST,)
    for media in ((FIRST,), (FIRST, LAST), (EDITED,), (IMAGE,), (VIDEO,), (IMAGE, SOUND)):
        if media != first:
            yield {"media": media}


def complaints(request: Request) -> list[Complaint]:
    return check_shot(CATALOGUE, fields_of(request))


def shaped(request: Request, facts: ModelFacts) -> Body:
    return VENDORS[facts.vendor].shape(request, facts)


def goes_without_saying(wish: dict[str, Any], facts: ModelFacts) -> bool:
    """Sound where it is always made, silence where it never is, the only resolution there is."""
    if "audio" in wish:
        return facts.audio != "switch" and wish["audio"] is (facts.audio != "never")
    made = {row.resolution for row in facts.sizes}
    return wish.get("aspect_ratio") is None and {wish.get("resolution")} == made


def is_new(request: Request, least: Request, facts: ModelFacts) -> bool:
    """Other words for a frame that was asked for already are no new wish."""
    same_frame = base.frame(request, facts) == base.frame(least, facts) is not None
    reframed = any(getattr(request, name) != getattr(least, name) for name in base.FRAMING)
    return request != least and not (same_frame and reframed)


@pytest.mark.parametrize("model", sorted(CATALOGUE.models))
def test_what_the_rules_let_through_is_sent(model: str) -> None:
    """A shot without an error has a body; a wish without a complaint is in it."""
    facts = CATALOGUE.models[ModelId(model)]
    least = plain(facts)
    known = {complaint.rule for complaint in complaints(least)}
    assert not [c for c in complaints(least) if c.severity is Severity.ERROR]
    for wish in wishes(facts):
        request = replace(least, **wish)
        found = complaints(request)
        if any(complaint.severity is Severity.ERROR for complaint in found):
            continue
        body = shaped(request, facts)
        if {complaint.rule for complaint in found} <= known and is_new(request, least, facts):
            assert body != shaped(least, facts) or goes_without_saying(wish, facts), wish


PROFILE = Profile(name="local", base_url="http://127.0.0.1:8787")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def own_wishes(facts: ModelFacts) -> Iterator[dict[str, Any]]:
    """Every value of the vendor's own parameters, as far as its schema lists them."""
    options = CATALOGUE.vendors[facts.vendor].schema["properties"].get("options", {})
    for name, about in options.get("properties", {}).items():
        for value in about.get("enum", (True, False) if about.get("type") == "boolean" else ()):
            yield {"options": {name: value}}
    yield {"options": {"audio_url": "https://media.example/g.mp3"}}
    yield {"options": {"frames": 121}}


@pytest.mark.parametrize("model", sorted(CATALOGUE.models))
def test_the_built_in_gateway_refuses_nothing_that_no_rule_speaks_of(model: str) -> None:
    """Its checks are its own: where only one of the two objects, one is wrong about the page."""
    facts = CATALOGUE.models[ModelId(model)]
    least = plain(facts)
    usual = {"model.retired", *(c.rule for c in complaints(least))}
    for wish in ({}, *wishes(facts), *own_wishes(facts)):
        request = replace(least, **wish)
        unknown = "seconds" in wish and not facts.seconds  # anybody may guess
        if not unknown and {c.rule for c in complaints(request)} <= usual:
            check(json.loads(encode(shaped(request, facts), PROFILE, lambda _: PNG)))
