"""What all adapters hold: nothing dropped, nothing invented, the user's last word."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import vendors
from runner.errors import BadInput
from runner.model import Body, Medium, ModelFacts, ModelId, Request, Url
from runner.vendors import VENDORS, Vendor, base

Facts = Callable[[str], ModelFacts]
IMAGE = Url("https://media.example/a.png")
VIDEO = Url("https://media.example/a.mp4")
ANYTHING: dict[str, dict[str, Any]] = {
    "negative_prompt": {"negative_prompt": "rain"},
    "seconds": {"seconds": 5},
    "size": {"size": "1280x720"},
    "resolution": {"resolution": "720p"},
    "aspect_ratio": {"aspect_ratio": "16:9"},
    "audio": {"audio": True},
    "watermark": {"watermark": False},
    "seed": {"seed": 7},
    "first_frame": {"media": (Medium("first_frame", "image", IMAGE),)},
    "last_frame": {"media": (Medium("last_frame", "image", IMAGE),)},
    "base_video": {"media": (Medium("base_video", "video", VIDEO),)},
    "references": {"media": (Medium("reference", "image", IMAGE),)},
    "options": {"options": {"anything": 1}},
}
MODELS = (
    "sora-2",
    "veo-3.1-generate-preview",
    "wan2.6-i2v",
    "jimeng-3.0-pro",
    "doubao-seedance-2-0-260128",
    "kling-v3-omni",
)


def ask(model: str, **fields: Any) -> Request:
    return Request(ModelId(model), "A ferry.", **fields)


def shaped(vendor: Vendor, request: Request, known: ModelFacts) -> Body | str:
    try:
        return vendor.shape(request, known)
    except BadInput as refused:
        return refused.what


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("field", sorted(ANYTHING))
def test_a_field_reaches_the_body_or_is_refused(model: str, field: str, facts: Facts) -> None:
    """What a vendor has no place for is an error that names it, never a silent loss."""
    known, request = facts(model), ask(model, **ANYTHING[field])
    vendor = VENDORS[known.vendor]
    if field == "audio" and known.audio != "switch":
        return  # sound it makes, or lacks, whatever is sent
    answer = shaped(vendor, request, known)
    if isinstance(answer, str):
        value = next(iter(ANYTHING[field].values()))
        assert field in answer or str(value) in answer
    else:
        assert field in vendor.FIELDS
        assert answer != vendor.shape(ask(model), known)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_not_asked_is_not_sent(model: str, facts: Facts) -> None:
    """An absent field leaves the vendor's own default in place."""
    known = facts(model)
    body = VENDORS[known.vendor].shape(ask(model), known)
    assert body == {"model": model, "prompt": "A ferry."}


@pytest.mark.parametrize("model", MODELS)
def test_extra_body_is_the_last_word(model: str, facts: Facts) -> None:
    """The user's own extra_body is sent as it is and wins over what the adapter puts there."""
    known = facts(model)
    request = ask(model, extra_body={"mode": "mine", "deep": {"a": 1}})
    body = VENDORS[known.vendor].shape(request, known)
    assert body["extra_body"]["mode"] == "mine"
    assert body["extra_body"]["deep"] == {"a": 1}


def test_every_adapter_file_is_in_the_table() -> None:
    """A vendor is listed by hand, under the name its module gives itself."""
    folder = Path(str(vendors.__file__)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base", "installed"}
    assert files == set(VENDORS)
    for name, vendor in VENDORS.items():
        assert name == vendor.NAME
        assert importlib.util.find_spec(f"runner.vendors.{name}")
        assert vendor.FIELDS <= base.NEUTRAL


def test_overlay_merges_mappings_and_replaces_the_rest() -> None:
    """Mappings merge, lists replace: the cascade's rule holds inside extra_body too."""
    under = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    over = {"a": {"y": [3]}, "c": None}
    assert base.overlay(under, over) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": None}
    assert under == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


trees = st.recursive(
    st.none() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(mappings, mappings)
def test_overlay_keeps_every_word_of_the_upper(under: Body, over: Body) -> None:
    """Laying the same thing over twice changes nothing more."""
    once = base.overlay(under, over)
    assert base.overlay(once, over) == once
    assert set(once) == set(under) | set(over)


def test_options_that_contradict_the_shot_are_refused() -> None:
    """Two different answers to one question are an error, not a choice made for the user."""
    request = ask("wan2.6-t2v", seed=2, options={"seed": 1})
    with pytest.raises(BadInput, match=r"options\.seed is 1.*2"):
        base.join(request, {"seed": 2}, request.options)
    assert base.join(request, {"seed": 1}, request.options) == {"seed": 1}


def test_size_that_is_not_made_names_those_that_are(facts: Facts) -> None:
    """The message holds what was asked, the hint what would be legal."""
    request = ask("wan2.6-t2v", resolution="480p")
    with pytest.raises(BadInput, match="480p") as raised:
        base.size(request, facts("wan2.6-t2v"))
    assert "720p 16:9" in raised.value.do


def test_half_a_frame_takes_the_other_half_from_the_default(facts: Facts) -> None:
    """Only a ratio, or only a resolution: the model's default gives the other."""
    sora, wan = facts("sora-2"), facts("wan2.6-t2v")
    assert base.size(ask("sora-2", resolution="720p"), sora) == "720x1280"
    assert base.size(ask("sora-2", resolution="1024p"), sora) == "1024x1792"  # upright too
    assert base.size(ask("sora-2", aspect_ratio="7:4"), sora) == "1792x1024"  # the only one
    assert base.size(ask("wan2.6-t2v", aspect_ratio="1:1"), wan) == "960x960"
    assert base.size(ask("wan2.6-t2v", resolution="1080p"), wan) == "1920x1080"


@pytest.mark.parametrize(("seconds", "text"), [(8, "8"), (8.0, "8"), (7.5, "7.5"), (10, "10")])
def test_seconds_are_text_without_a_needless_fraction(seconds: float, text: str) -> None:
    """8 and 8.0 are the same wish, and "8.0" is no number of seconds any vendor knows."""
    assert base.opening(ask("sora-2", seconds=seconds))["seconds"] == text


@given(st.text(alphabet="0123456789x*:p", max_size=9))
def test_pixels_never_fails(size: str) -> None:
    """A size may be pixels, a token or a ratio; only pixels are numbers."""
    width, height = base.pixels(size)
    assert (width is None) == (height is None)
