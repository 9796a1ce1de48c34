"""Jimeng: ratios, and 1088 where one would think 1080."""

from collections.abc import Callable

import pytest

from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import jimeng

Facts = Callable[[str], ModelFacts]
MODEL = "jimeng-3.0-pro"


def ask(**fields: object) -> Request:
    return Request(ModelId(MODEL), "A forest.", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wish", "sent", "width", "height"),
    [
        ({"aspect_ratio": "16:9"}, "16:9", 1920, 1088),
        ({"aspect_ratio": "9:16"}, "9:16", 1088, 1920),
        ({"aspect_ratio": "21:9", "resolution": "1080p"}, "21:9", 2176, 928),
        ({"size": "1920x1080"}, "1920x1080", 1920, 1088),
        ({"size": "1440x1440"}, "1440x1440", 1440, 1440),
    ],
)
def test_ratio_is_sent_and_the_real_size_expected(
    wish: dict[str, str], sent: str, width: int, height: int, facts: Facts
) -> None:
    """A checker that compares the file with the words of the request would be wrong by 8 lines."""
    request, known = ask(**wish), facts(MODEL)
    assert jimeng.shape(request, known)["size"] == sent
    expected = jimeng.expected(request, known)
    assert (expected.width, expected.height, expected.audio) == (width, height, False)


def test_with_a_first_frame_the_image_decides(facts: Facts) -> None:
    """The ratio follows the image, so the size is not known beforehand."""
    request = ask(aspect_ratio="16:9", media=(Medium("first_frame", "image", LocalFile("a.png")),))
    assert jimeng.expected(request, facts(MODEL)).width is None
    assert jimeng.shape(request, facts(MODEL))["input_reference"].form == "data_url"
