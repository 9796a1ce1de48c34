"""Sora: only what OpenAI's own API has words for."""

from collections.abc import Callable

import pytest

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import sora

Facts = Callable[[str], ModelFacts]


def ask(**fields: object) -> Request:
    return Request(ModelId("sora-2-pro"), "A ferry.", **fields)  # type: ignore[arg-type]


def test_neither_duration_nor_ratio_is_sent(facts: Facts) -> None:
    """Sora takes only `seconds`, and answers 400 to `aspect_ratio`."""
    body = sora.shape(ask(seconds=12, resolution="720p", aspect_ratio="16:9"), facts("sora-2-pro"))
    assert body == {
        "model": "sora-2-pro",
        "prompt": "A ferry.",
        "seconds": "12",
        "size": "1280x720",
    }


def test_first_frame_is_an_object(facts: Facts) -> None:
    """A bare string is refused upstream, so the image goes as {"image_url": …}."""
    frame = Medium("first_frame", "image", LocalFile("a.png"))
    body = sora.shape(ask(media=(frame,)), facts("sora-2-pro"))
    assert body["input_reference"]["image_url"].medium is frame
    assert body["input_reference"]["image_url"].form == "data_url"


def test_silence_cannot_be_bought(facts: Facts) -> None:
    """audio: false would be ignored and paid for."""
    with pytest.raises(BadInput, match="audio false"):
        sora.shape(ask(audio=False), facts("sora-2-pro"))


def test_expected_file(facts: Facts) -> None:
    """Size as asked, sound always; a size nobody asked for is not known."""
    known = sora.expected(ask(seconds=8, size="1024x1792"), facts("sora-2-pro"))
    assert (known.width, known.height, known.seconds, known.audio) == (1024, 1792, 8.0, True)
    assert sora.expected(ask(), facts("sora-2-pro")).width is None
