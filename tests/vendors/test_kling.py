"""Kling: four capabilities behind one name, native parameters through extra_body."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import kling

Facts = Callable[[str], ModelFacts]


def ask(model: str = "kling-v3", **fields: object) -> Request:
    return Request(ModelId(model), "A crow.", **fields)  # type: ignore[arg-type]


def test_local_frames_are_raw_base64(facts: Facts) -> None:
    """Kling takes image bytes without the data: prefix, unlike everybody else."""
    media = (
        Medium("first_frame", "image", LocalFile("a.png")),
        Medium("last_frame", "image", LocalFile("b.png")),
    )
    body = kling.shape(ask(media=media), facts("kling-v3"))
    assert (body["image"].form, body["image_tail"].form) == ("base64", "base64")


@pytest.mark.parametrize(
    ("model", "resolution", "mode"),
    [
        ("kling-v3", "720p", "std"),
        ("kling-v3", "1080p", "pro"),
        ("kling-v3", "4k", "4k"),
        ("kling-v1", "720p", "std"),
    ],
)
def test_resolution_is_the_mode(model: str, resolution: str, mode: str, facts: Facts) -> None:
    """720p is std, 1080p is pro, inside extra_body."""
    body = kling.shape(ask(model, resolution=resolution), facts(model))
    assert body["extra_body"] == {"mode": mode}


def test_models_without_modes_send_none(facts: Facts) -> None:
    """The masters make one resolution; another one is refused with what they make."""
    known = facts("kling-v2-1-master")
    assert "extra_body" not in kling.shape(ask("kling-v2-1-master", resolution="1080p"), known)
    with pytest.raises(BadInput, match="does not make 4k") as raised:
        kling.shape(ask("kling-v2-1-master", resolution="4k"), known)
    assert raised.value.do == "it makes 1080p"


def test_what_the_gateway_names_and_what_it_passes_on(facts: Facts) -> None:
    """cfg_scale stands at the top; every other native parameter goes through extra_body."""
    request = ask(
        negative_prompt="rain",
        watermark=True,
        audio=True,
        options={"cfg_scale": 0.7, "camera_control": {"type": "simple"}},
    )
    assert kling.shape(request, facts("kling-v3")) == {
        "model": "kling-v3",
        "prompt": "A crow.",
        "sound": "on",
        "cfg_scale": 0.7,
        "extra_body": {
            "negative_prompt": "rain",
            "watermark_info": {"enabled": True},
            "camera_control": {"type": "simple"},
        },
    }


def test_lists_take_urls_only(facts: Facts) -> None:
    """image_list and video_list are arrays of URLs."""
    media = (
        Medium("reference", "image", LocalFile("a.png")),
        Medium("reference", "video", LocalFile("b.mp4")),
    )
    body = kling.shape(ask("kling-v3-omni", media=media), facts("kling-v3-omni"))
    assert body["image_list"][0].form == "url"
    assert body["video_list"][0]["video_url"].form == "url"
    assert body["video_list"][0]["refer_type"] == "feature"


def test_audio_references_are_refused(facts: Facts) -> None:
    """Kling has sound of its own, and no ears."""
    media = (Medium("reference", "audio", LocalFile("c.wav")),)
    with pytest.raises(BadInput, match="audio reference"):
        kling.shape(ask("kling-v3-omni", media=media), facts("kling-v3-omni"))


def test_only_omni_prompts_point_at_references(facts: Facts) -> None:
    """<<<image_1>>> means something to omni models; to the others it is noise."""
    assert kling.marker("image", 2, facts("kling-v3-omni")) == "<<<image_2>>>"
    assert kling.marker("video", 1, facts("kling-video-o1")) == "<<<video_1>>>"
    assert kling.marker("audio", 1, facts("kling-v3-omni")) is None
    assert kling.marker("image", 1, facts("kling-v1-6")) is None


@pytest.mark.parametrize(
    ("fields", "width", "height"),
    [
        ({"resolution": "720p"}, 1280, 720),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, 1080, 1920),
        ({"options": {"mode": "pro"}}, 1920, 1080),
        ({"resolution": "1080p", "aspect_ratio": "1:1"}, None, None),
        ({}, None, None),
    ],
)
def test_expected_size_follows_the_mode(
    fields: dict[str, Any], width: int | None, height: int | None, facts: Facts
) -> None:
    """std is 720p, pro 1080p; the square sizes are not published."""
    known = kling.expected(ask(**fields), facts("kling-v3"))
    assert (known.width, known.height) == (width, height)


def test_old_pro_is_720p(facts: Facts) -> None:
    """kling-v1 makes 720p in either mode."""
    known = kling.expected(
        ask("kling-v1", options={"mode": "pro"}, aspect_ratio="16:9"), facts("kling-v1")
    )
    assert (known.width, known.height) == (1280, 720)


def test_an_edited_video_keeps_its_length(facts: Facts) -> None:
    """With a base video, duration, picture and sound come from the input."""
    media = (Medium("base_video", "video", LocalFile("b.mp4")),)
    known = kling.expected(ask("kling-v3-omni", media=media), facts("kling-v3-omni"))
    assert (known.width, known.seconds, known.audio) == (None, None, None)


def test_sound_is_off_unless_asked(facts: Facts) -> None:
    """The default is off, as a string on the wire."""
    assert kling.expected(ask(), facts("kling-v3")).audio is False
    assert kling.expected(ask(audio=True), facts("kling-v3")).audio is True
    assert kling.shape(ask(audio=False), facts("kling-v3"))["sound"] == "off"
