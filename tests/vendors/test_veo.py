"""Veo: pixels for portrait, one image, sound in the prompt."""

from collections.abc import Callable

import pytest

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import veo

Facts = Callable[[str], ModelFacts]
MODEL = "veo-3.1-generate-preview"


def ask(**fields: object) -> Request:
    return Request(ModelId(MODEL), "A garden.", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"aspect_ratio": "9:16"}, "720x1280"),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, "1080x1920"),
        ({"resolution": "1080p"}, "1920x1080"),
        ({"size": "720p"}, "720p"),
    ],
)
def test_portrait_is_pixels_and_a_token_goes_as_written(
    wish: dict[str, str], size: str, facts: Facts
) -> None:
    """A 9:16 beside the token 720p gave landscape, so portrait never travels as a ratio."""
    body = veo.shape(ask(**wish), facts(MODEL))
    assert body["size"] == size
    assert "aspect_ratio" not in body


def test_one_image_as_a_plain_reference(facts: Facts) -> None:
    """The first frame goes as a URL or a data URL."""
    frame = Medium("first_frame", "image", LocalFile("a.png"))
    body = veo.shape(ask(seconds=8, media=(frame,)), facts(MODEL))
    assert (body["seconds"], body["input_reference"].form) == ("8", "data_url")


def test_silence_is_refused_and_the_switch_stays_open(facts: Facts) -> None:
    """Sound belongs to the prompt; who knows better writes the vendor's own parameter."""
    with pytest.raises(BadInput, match="audio false"):
        veo.shape(ask(audio=False), facts(MODEL))
    assert (
        veo.shape(ask(options={"generate_audio": False}), facts(MODEL))["generate_audio"] is False
    )


def test_expected_sound(facts: Facts) -> None:
    """Veo 2 is silent; of 3.x only an explicit wish is held against the file."""
    assert veo.expected(ask(), facts("veo-2.0-generate-001")).audio is False
    assert veo.expected(ask(), facts(MODEL)).audio is None
    assert veo.expected(ask(audio=True), facts(MODEL)).audio is True
