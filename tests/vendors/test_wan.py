"""Wan: a size table per version, and the vendor's own body from 2.7 on."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import wan

Facts = Callable[[str], ModelFacts]
FIRST = Medium("first_frame", "image", LocalFile("a.png"))
LAST = Medium("last_frame", "image", LocalFile("b.png"))


def ask(model: str = "wan2.6-t2v", **fields: object) -> Request:
    return Request(ModelId(model), "A stream.", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [("720p", "1:1", "960x960"), ("1080p", "4:3", "1632x1248"), ("720p", "3:4", "832x1088")],
)
def test_resolution_and_ratio_are_a_row_of_the_table(
    resolution: str, ratio: str, size: str, facts: Facts
) -> None:
    """720p square is 960x960 here, not 720x720."""
    body = wan.shape(ask(resolution=resolution, aspect_ratio=ratio), facts("wan2.6-t2v"))
    assert body["size"] == size


def test_native_parameters_stand_at_the_top(facts: Facts) -> None:
    """negative_prompt, seed, watermark and the vendor's own options beside the model."""
    request = ask(negative_prompt="rain", seed=0, watermark=False, options={"prompt_extend": False})
    body = wan.shape(request, facts("wan2.6-t2v"))
    assert body == {
        "model": "wan2.6-t2v",
        "prompt": "A stream.",
        "negative_prompt": "rain",
        "watermark": False,
        "seed": 0,
        "prompt_extend": False,
    }


def test_wan22_says_its_size_when_the_catalogue_knows_a_default(facts: Facts) -> None:
    """The gateway would fill in 1280x720, which wan2.2 does not make."""
    known = replace(facts("wan2.2-t2v-plus"), default_size="1920x1080")
    assert wan.shape(ask("wan2.2-t2v-plus"), known)["size"] == "1920x1080"
    assert "size" not in wan.shape(ask(), facts("wan2.6-t2v"))


def test_last_frame_needs_the_native_body(facts: Facts) -> None:
    """Before 2.7 there is no place for an end frame; in the native body there is."""
    with pytest.raises(BadInput, match="last_frame"):
        wan.shape(ask("wan2.6-i2v", media=(FIRST, LAST)), facts("wan2.6-i2v"))
    body = wan.shape(ask("wan2.7-i2v", media=(FIRST, LAST), seed=3), facts("wan2.7-i2v"))
    assert [item["type"] for item in body["input"]["media"]] == ["first_frame", "last_frame"]
    assert body["parameters"] == {"seed": 3}
    assert "prompt" not in body


def test_native_body_takes_whole_seconds_and_no_pixels(facts: Facts) -> None:
    """duration is an integer there, and size has no name."""
    with pytest.raises(BadInput, match=r"7\.5"):
        wan.shape(ask("wan2.7-i2v", seconds=7.5), facts("wan2.7-i2v"))
    with pytest.raises(BadInput, match="size '1280x720'"):
        wan.shape(ask("wan2.7-i2v", size="1280x720"), facts("wan2.7-i2v"))


def test_expected_file(facts: Facts) -> None:
    """With a first frame the image decides the picture; sound comes from 2.5 on."""
    text = wan.expected(ask(resolution="1080p"), facts("wan2.6-t2v"))
    assert (text.width, text.height, text.seconds, text.audio) == (1920, 1080, 5.0, True)
    image = wan.expected(ask("wan2.6-i2v", size="1280x720", media=(FIRST,)), facts("wan2.6-i2v"))
    assert (image.width, image.height) == (None, None)
    assert wan.expected(ask("wan2.2-t2v-plus"), facts("wan2.2-t2v-plus")).audio is False
    silent = wan.expected(ask(options={"audio": False}), facts("wan2.6-t2v"))
    assert silent.audio is False
