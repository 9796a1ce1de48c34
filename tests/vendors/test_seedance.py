"""Seedance: integers, tokens and roles inside extra_body."""

from collections.abc import Callable

import pytest

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelFacts, ModelId, Request
from runner.vendors import seedance

Facts = Callable[[str], ModelFacts]
MODEL = "doubao-seedance-2-0-260128"


def ask(**fields: object) -> Request:
    return Request(ModelId(MODEL), "Tea.", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "duration"), [(5, 5), (5.0, 5), (-1, -1)])
def test_duration_is_an_integer(seconds: float, duration: int, facts: Facts) -> None:
    """`seconds` becomes an integer `duration` inside extra_body; -1 lets the model choose."""
    body = seedance.shape(ask(seconds=seconds), facts(MODEL))
    assert body["extra_body"] == {"duration": duration}
    assert type(body["extra_body"]["duration"]) is int
    assert "seconds" not in body


def test_fractions_and_pixels_have_no_place(facts: Facts) -> None:
    """Half seconds and WxH are refused, not rounded."""
    with pytest.raises(BadInput, match=r"4\.5"):
        seedance.shape(ask(seconds=4.5), facts(MODEL))
    with pytest.raises(BadInput, match="1280x720"):
        seedance.shape(ask(size="1280x720"), facts(MODEL))


def test_local_images_travel_inside_and_video_by_url_only(facts: Facts) -> None:
    """Images may be data URLs; video and audio places take nothing but URLs."""
    media = (
        Medium("reference", "image", LocalFile("a.png")),
        Medium("reference", "video", LocalFile("b.mp4")),
        Medium("reference", "audio", LocalFile("c.wav")),
    )
    content = seedance.shape(ask(media=media), facts(MODEL))["extra_body"]["content"]
    assert [item["role"] for item in content] == [
        "reference_image",
        "reference_video",
        "reference_audio",
    ]
    assert [item[item["type"]]["url"].form for item in content] == ["data_url", "url", "url"]


def test_native_options_go_beside_the_content(facts: Facts) -> None:
    """The vendor's own parameters belong into extra_body."""
    body = seedance.shape(ask(seed=4, options={"camera_fixed": True}), facts(MODEL))
    assert body["extra_body"] == {"seed": 4, "camera_fixed": True}


def test_no_switch_is_sent_to_a_silent_model(facts: Facts) -> None:
    """1.0 makes no sound and knows no generate_audio; asking for silence costs it nothing."""
    silent = seedance.shape(ask(audio=False), facts("doubao-seedance-1-0-pro-250528"))
    assert "extra_body" not in silent
    assert seedance.shape(ask(audio=False), facts(MODEL))["extra_body"] == {"generate_audio": False}


def test_markers_count_by_kind() -> None:
    """The prompt says Image 1, Video 1, Audio 2."""
    facts = ModelFacts(ModelId(MODEL), "seedance")
    assert seedance.marker("image", 1, facts) == "Image 1"
    assert seedance.marker("audio", 2, facts) == "Audio 2"


def test_expected_file(facts: Facts) -> None:
    """The vendor's own pixels for a ratio; adaptive and -1 say nothing; sound is on."""
    known = seedance.expected(ask(aspect_ratio="21:9", seconds=11), facts(MODEL))
    assert (known.width, known.height, known.seconds, known.audio) == (1470, 630, 11.0, True)
    free = seedance.expected(ask(aspect_ratio="adaptive", seconds=-1, audio=False), facts(MODEL))
    assert (free.width, free.seconds, free.audio) == (None, None, False)
    old = seedance.expected(ask(), facts("doubao-seedance-1-0-pro-250528"))
    assert (old.seconds, old.audio) == (5.0, False)
    frames = seedance.expected(ask(options={"frames": 241}), facts(MODEL))
    assert frames.seconds == pytest.approx(10.04, abs=0.01)
    draft = ask(resolution="720p", aspect_ratio="16:9", options={"draft": True})
    assert seedance.expected(draft, facts(MODEL)).width is None
