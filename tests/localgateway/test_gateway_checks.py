"""The gateway's body checks: what its page prints passes, what it forbids is refused by name."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.localgateway.ask import Refusal
from runner.localgateway.checks import check
from runner.localgateway.models import MODELS, cost

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
URL = "https://media.example/a.png"
GOLDEN = Path(__file__).parents[1] / "golden" / "wire"


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "prompt": "rain on a tin roof", **fields}


def seedance(*items: Any, **fields: Any) -> dict[str, Any]:
    extra = ({"content": list(items)} if items else {}) | fields
    return body("doubao-seedance-2-0-260128", extra_body=extra)


def image(role: str = "reference_image", url: str = URL) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, "role": role}


def audio() -> dict[str, Any]:
    url = "https://media.example/a.mp3"
    return {"type": "audio_url", "audio_url": {"url": url}, "role": "reference_audio"}


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda f: f.stem)
def test_every_printed_request_is_accepted(file: Path) -> None:
    """The requests the gateway and the vendors print pass checks written apart from the client."""
    ask, model = check(json.loads(file.read_text()))
    assert ask.width * ask.height > 0
    assert model.known


OK: list[tuple[dict[str, Any], tuple[float, int, int, bool]]] = [
    (body("sora-2"), (4, 720, 1280, True)),
    (body("veo-3.1-generate-preview"), (8, 1280, 720, True)),
    (body("veo-3.1-generate-preview", size="4k", generate_audio=False), (8, 3840, 2160, False)),
    (body("veo-2.0-generate-001", seconds="5"), (5, 1280, 720, False)),
    (body("veo-3.1-generate-preview", size="720p", aspect_ratio="9:16"), (8, 1280, 720, True)),
    (body("wan2.6-t2v", seconds="15", size="1920*1080"), (15, 1920, 1080, True)),
    (body("wan2.5-t2v-preview", duration=10, size="832x480"), (10, 832, 480, True)),
    (body("wan2.2-t2v-plus", size="832x480"), (5, 832, 480, False)),
    (body("jimeng-3.0-pro", size="16:9"), (5, 1920, 1088, False)),
    (body("jimeng-3.0-pro", size="1080x1920", seconds="10"), (10, 1088, 1920, False)),
    (seedance(duration=-1), (5, 1280, 720, True)),
    (seedance(ratio="9:16", resolution="480p", generate_audio=False), (5, 496, 864, False)),
    (body("doubao-seedance-2-0-260128", seconds="6", ratio="1:1"), (6, 960, 960, True)),
    (body("kling-v2-6", extra_body={"mode": "pro", "camera_control": {}}), (5, 1920, 1080, False)),
    (body("kling-v3-omni", sound="on", aspect_ratio="1:1"), (5, 1440, 1440, True)),
    (
        body("kling-v3-omni", image=PNG, image_list=[URL], aspect_ratio="1:1"),
        (5, 1440, 1440, False),
    ),
    (body("kling-v9-future", seconds="7"), (7, 1920, 1080, False)),
]


@pytest.mark.parametrize(("asked", "made"), OK, ids=lambda v: str(v)[:60])
def test_what_is_asked_decides_length_size_and_sound(
    asked: dict[str, Any], made: tuple[float, int, int, bool]
) -> None:
    """Defaults, tokens, ratios and modes become the pixels each vendor really gives."""
    ask, _ = check(asked)
    assert (ask.seconds, ask.width, ask.height, ask.audio) == made


NO: list[tuple[dict[str, Any], str]] = [
    (body("sora-2", seconds=8), "seconds"),
    (body("sora-2", seconds="5"), "seconds"),
    (body("sora-2", duration="8"), "duration"),
    (body("sora-2", aspect_ratio="16:9"), "aspect_ratio"),
    (body("sora-2", size="720p"), "size"),
    (body("sora-2", input_reference=PNG), "input_reference"),
    (body("sora-2", input_reference={"file_id": "x"}), "input_reference"),
    (body("veo-3.1-generate-preview", seconds="6", input_reference=URL), "seconds"),
    (body("veo-3.0-generate-preview", input_reference=URL), "input_reference"),
    (body("veo-2.0-generate-001", size="4k"), "size"),
    (body("veo-3.1-generate-preview", size="1024x1024"), "size"),
    (body("wan2.6-t2v", size="832x480"), "size"),
    (body("wan2.6-t2v", size="720x720"), "size"),
    (body("wan2.6-t2v", input_reference=URL), "input_reference"),
    (body("wan2.6-i2v"), "input_reference"),
    (body("wan2.5-t2v-preview", seconds="7"), "seconds"),
    (body("wan2.2-t2v-plus", size="832x480", audio=True), "audio"),
    (body("wan2.2-t2v-plus"), "size"),
    (body("wan2.6-t2v", seconds="5", duration=5), "duration"),
    (body("jimeng-3.0-pro", size="1280x720"), "size"),
    (body("jimeng-3.0-pro", seconds="6"), "seconds"),
    (seedance(duration="5"), "duration"),
    (seedance(duration=16), "duration"),
    (seedance(duration=5.0), "duration"),
    (seedance(ratio="9:21"), "ratio"),
    (seedance(resolution="1280x720"), "resolution"),
    (seedance(seed=7), "seed"),
    (seedance(generate_audio="false"), "generate_audio"),
    (seedance(audio()), "content"),
    (seedance(image("first_frame"), image()), "content"),
    (seedance(image("last_frame")), "content"),
    (seedance(image("first_frame"), image("first_frame")), "content"),
    (seedance(*[image() for _ in range(10)]), "content"),
    (seedance(image("style")), "content[0].role"),
    (seedance(image(url="ftp://x/a.png")), "content[0].image_url.url"),
    (seedance({"type": "image", "image": URL}), "content[0].type"),
    (seedance(image() | {"weight": 1}), "content[0]"),
    (body("doubao-seedance-1-0-pro-250528", content=[image()]), "content"),
    (body("kling-v2-6", cfg_scale=0.5), "cfg_scale"),
    (body("kling-v1", cfg_scale=1.5), "cfg_scale"),
    (body("kling-v1-6", sound="on"), "sound"),
    (body("kling-v3-omni", sound=True), "sound"),
    (body("kling-v2-6", image=f"data:image/png;base64,{PNG}"), "image"),
    (body("kling-v2-6", image="not base64!"), "image"),
    (body("kling-v2-6", image_tail=PNG), "image_tail"),
    (body("kling-v1-6", image_list=[URL] * 5), "image_list"),
    (body("kling-v1-6", image_list=[URL], image=PNG), "image_list"),
    (body("kling-v1-6", image_list=[{"image": URL}]), "image_list[0]"),
    (body("kling-v2-6", video_list=[{"video_url": URL}]), "video_list"),
    (body("kling-v3-omni", video_list=[{"video_url": URL, "refer_type": "x"}]),
     "video_list[0].refer_type"),
    (body("kling-v3-omni", video_list=[{"video_url": URL}], sound="on"), "sound"),
    (body("kling-v2-6", aspect_ratio="4:3"), "aspect_ratio"),
    (body("kling-v2-6", camera_control={}), "camera_control"),
    (body("kling-v2-6", aspect_ratio="16:9", extra_body={"aspect_ratio": "1:1"}),
     "extra_body.aspect_ratio"),
    (body("sora-2") | {"prompt": " "}, "prompt"),
    (body("sora-2") | {"prompt": "x" * 32_001}, "prompt"),
    ({"model": "wan2.7-i2v", "input": {"prompt": "x"}, "parameters": {}}, "input.media"),
    ({"model": "wan2.7-i2v", "input": {"prompt": "x", "media": [{"type": "style", "url": URL}]}},
     "input.media[0].type"),
    ({"prompt": "x"}, "model"),
    ({"model": "sora-2"}, "prompt"),
    (body("someone-elses-1"), "model"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "param"), NO, ids=lambda v: str(v)[:70])
def test_what_the_page_forbids_is_refused_by_name(asked: dict[str, Any], param: str) -> None:
    """Wrong type, value, combination or unknown field: an explicit error naming the field."""
    with pytest.raises(Refusal) as refused:
        check(asked)
    assert refused.value.param == param
    assert 400 <= refused.value.status < 500


def test_every_way_to_give_an_image(tmp_path: Path) -> None:
    """URL, data URL, {image_url}, {mime_type, data}: the page documents all of them."""
    data_url = f"data:image/png;base64,{PNG}"
    forms: list[Any] = [
        data_url, {"image_url": data_url}, {"mime_type": "image/png", "data": PNG},
    ]  # fmt: skip
    for form in forms:
        ask, _ = check(body("wan2.6-i2v", input_reference=form))
        assert ask.media[0].data.startswith(b"\x89PNG")
    ask, _ = check(body("wan2.6-i2v", input_reference=URL))
    assert ask.media[0].url == URL


def test_a_stranger_is_let_in_only_on_request() -> None:
    """A model of a vendor the table has never heard of is a 404, or checked for the basics."""
    asked = body("acme-1", size="640x360", seconds="3", whatever=1)
    with pytest.raises(Refusal) as refused:
        check(asked)
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")
    ask, _ = check(asked, strangers=True)
    assert (ask.width, ask.height, ask.seconds) == (640, 360, 3)


def test_in_a_form_everything_is_text() -> None:
    """multipart carries text: numbers and switches are read from it, types are not relaxed."""
    form = body("doubao-seedance-2-0-260128", duration="6", watermark="false", ratio="1:1")
    ask, _ = check(form, form=True)
    assert (ask.seconds, ask.width) == (6, 960)
    with pytest.raises(Refusal):
        check(form)


def test_prices_are_of_the_right_order() -> None:
    """The ledger's own price list agrees with the vendors' printed examples."""
    sora, veo = MODELS["sora-2"], MODELS["veo-3.1-generate-preview"]
    assert str(cost(sora, (1280, 720), 8, sound=True)) == "0.8000"
    assert str(cost(veo, (3840, 2160), 8, sound=True)) == "4.8000"
    seedance = MODELS["doubao-seedance-2-0-260128"]
    # The vendor's own example: 5 s at 720p are 108,000 tokens, at 7.00 USD a million.
    assert str(cost(seedance, (1280, 720), 5, sound=True)) == "0.7560"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
FIELDS = (
    "seconds", "duration", "size", "input_reference", "extra_body", "content", "ratio", "image",
    "image_tail", "image_list", "video_list", "sound", "cfg_scale", "aspect_ratio", "input",
)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(
    st.sampled_from(sorted(MODELS)),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4),
)
def test_any_body_gets_a_yes_or_a_clear_no(model: str, fields: dict[str, Any]) -> None:
    """No JSON value in any field is more than a 4xx with a message."""
    refused: Refusal | None = None
    try:
        ask, _ = check(body(model, **fields))
    except Refusal as refusal:
        refused = refusal
    else:
        assert ask.seconds > 0
        assert not (ask.width % 2)
        assert not (ask.height % 2)
    assert refused is None or (400 <= refused.status < 500 and refused.message)
