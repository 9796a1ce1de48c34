"""Every request the gateway's page and the vendors print, rebuilt from neutral fields."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.gateway.body import encode
from runner.gateway.profile import Profile
from runner.load import load
from runner.model import Kind, Medium, ModelFacts, ModelId, Request, Role, Severity, Url
from runner.schema import Catalogue
from runner.vendors import VENDORS

GOLDEN = Path(__file__).parents[1] / "golden" / "wire"
MEDIA = "https://media.example/"
TEA = "https://ark-project.tos-cn-beijing.volces.com/"
NAMED_LIKE_THE_PAGE = Profile(name="as printed", base_url="https://gateway.example")


def at(role: Role, kind: Kind, url: str) -> Medium:
    return Medium(role, kind, Url(url))


def printed(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((GOLDEN / f"{name}.json").read_text())
    return found


def prompt_of(name: str) -> str:
    body = printed(name)
    prompt = body["prompt"] if "prompt" in body else body["input"]["prompt"]  # type: ignore[index]
    return str(prompt)


def ask(name: str, **fields: object) -> Request:
    model = ModelId(str(printed(name)["model"]))
    return Request(model=model, prompt=prompt_of(name), **fields)  # type: ignore[arg-type]


REQUESTS: dict[str, dict[str, Any]] = {
    "sora_text": {"seconds": 8, "size": "1280x720"},
    "sora_image": {
        "seconds": 4,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "media": (at("first_frame", "image", MEDIA + "frame.jpg"),),
    },
    "veo_text": {"seconds": 8, "resolution": "720p"},
    "veo_image": {
        "seconds": 8,
        "resolution": "720p",
        "aspect_ratio": "9:16",
        "media": (at("first_frame", "image", MEDIA + "first.jpg"),),
    },
    "wan_text": {"seconds": 5, "resolution": "1080p", "aspect_ratio": "16:9"},
    "wan_image": {
        "seconds": 5,
        "size": "1280x720",
        "media": (at("first_frame", "image", MEDIA + "img.jpg"),),
    },
    "wan_image_native": {
        "seconds": 5,
        "resolution": "720p",
        "watermark": False,
        "options": {"prompt_extend": True},
        "media": (
            at("first_frame", "image", MEDIA + "a.png"),
            at("last_frame", "image", MEDIA + "b.png"),
        ),
    },
    "jimeng_text": {"seconds": 5, "aspect_ratio": "16:9"},
    "jimeng_image": {
        "seconds": 5,
        "aspect_ratio": "16:9",
        "media": (at("first_frame", "image", MEDIA + "first.png"),),
    },
    "seedance_references": {
        "seconds": 11,
        "aspect_ratio": "16:9",
        "watermark": False,
        "media": (
            at("reference", "image", TEA + "doc_image/r2v_tea_pic1.jpg"),
            at("reference", "image", TEA + "doc_image/r2v_tea_pic2.jpg"),
            at("reference", "video", TEA + "doc_video/r2v_tea_video1.mp4"),
            at("reference", "audio", TEA + "doc_audio/r2v_tea_audio1.mp3"),
        ),
    },
    "seedance_media": {
        "seconds": 11,
        "aspect_ratio": "16:9",
        "watermark": False,
        "media": (
            at("reference", "image", MEDIA + "a.png"),
            at("reference", "video", MEDIA + "b.mp4"),
            at("reference", "audio", MEDIA + "c.mp3"),
        ),
    },
    "seedance_frames": {
        "seconds": 5,
        "resolution": "720p",
        "aspect_ratio": "adaptive",
        "audio": False,
        "media": (
            at("first_frame", "image", MEDIA + "a.png"),
            at("last_frame", "image", MEDIA + "b.png"),
        ),
    },
    "kling_text": {"seconds": 5, "resolution": "1080p", "aspect_ratio": "16:9"},
    "kling_image": {
        "seconds": 5,
        "options": {"mode": "pro"},
        "media": (
            at("first_frame", "image", MEDIA + "a.png"),
            at("last_frame", "image", MEDIA + "b.png"),
        ),
    },
    "kling_images": {
        "seconds": 5,
        "aspect_ratio": "16:9",
        "media": (
            at("reference", "image", MEDIA + "1.png"),
            at("reference", "image", MEDIA + "2.png"),
        ),
    },
    "kling_omni_feature": {
        "seconds": 5,
        "aspect_ratio": "16:9",
        "audio": False,
        "media": (at("reference", "video", MEDIA + "ref.mp4"),),
    },
    "kling_omni_base": {
        "resolution": "720p",
        "media": (
            at("reference", "image", MEDIA + "coat.png"),
            at("base_video", "video", MEDIA + "walk.mp4"),
        ),
    },
}


def exactly(value: object) -> object:
    """A value that equals another only if every type does: 8, 8.0, True and "8" are four things."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exactly(item) for item in value]
    return type(value).__name__, value


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_printed_request_is_reached(name: str, facts: Callable[[str], ModelFacts]) -> None:
    """Neutral fields reach the wire as the page prints it: same keys, same JSON types."""
    request = ask(name, **REQUESTS[name])
    known = facts(request.model)
    body = VENDORS[known.vendor].shape(request, known)
    sent = json.loads(encode(body, NAMED_LIKE_THE_PAGE, lambda _: b""))
    assert exactly(sent) == exactly(printed(name))


def test_every_golden_file_has_its_request() -> None:
    """A printed request that nobody rebuilds proves nothing."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(REQUESTS)
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(REQUESTS)


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_printed_request_is_reached_from_a_storyboard(name: str, catalogue: Catalogue) -> None:
    """The same in YAML, as a user writes it: no error, and exactly the printed body."""
    loaded = load(GOLDEN / f"{name}.yaml", GOLDEN, catalogue)
    assert [p for p in loaded.problems if p.severity is Severity.ERROR] == []
    assert loaded.storyboard is not None
    request = loaded.storyboard.shots[0].takes[0].request
    known = catalogue.models[request.model]
    body = VENDORS[known.vendor].shape(request, known)
    sent = json.loads(encode(body, NAMED_LIKE_THE_PAGE, lambda _: b""))
    assert exactly(sent) == exactly(printed(name))
