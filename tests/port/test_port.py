"""A shot moves to another model: what carries, changes, is gained or lost, and the edits for it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import BadInput
from runner.model import LocalFile, Medium, ModelId, Request, ShotId, ShotOutput, Url
from runner.port import Port, port
from runner.port.fields import fields_of
from runner.schema import Catalogue, open_catalogue
from runner.vendors import find

SEEDANCE = "doubao-seedance-2-0-260128"
VEO = "veo-3.1-generate-preview"
FIRST = Medium("first_frame", "image", Url("https://media.example/a.png"))
LAST = Medium("last_frame", "image", LocalFile("refs/b.png"))
IMAGE = Medium("reference", "image", Url("https://media.example/c.png"))
VIDEO = Medium("reference", "video", Url("https://media.example/d.mp4"))
AUDIO = Medium("reference", "audio", Url("https://media.example/e.mp3"))
CHAINED = Medium("first_frame", "image", ShotOutput(ShotId("sh010"), "last"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return open_catalogue()


def move(
    catalogue: Catalogue, model: str, to: str, prompt: str = "A ferry.", **fields: Any
) -> Port:
    request = Request(ModelId(model), prompt, **fields)
    written = {"prompt": prompt, "references": [f"r{n}" for n in range(len(request.references))]}
    return port(request, to, catalogue, written, find)


def said(ported: Port) -> dict[tuple[str, str], str]:
    return {(line.verdict, line.field): line.text for line in ported.lines}


def test_the_example_of_the_report(catalogue: Catalogue) -> None:
    """wan2.6 to Seedance: 5 s ok, last_frame gained, negative_prompt lost."""
    moved = move(catalogue, "wan2.6-t2v", SEEDANCE, seconds=5, negative_prompt="rain")
    lines = said(moved)
    assert lines["carries", "seconds"] == "5 s"
    assert "a last frame" in lines["gained", "last_frame"]
    assert lines["lost", "negative_prompt"].startswith("rain (")
    assert moved.edits == {"model": SEEDANCE, "negative_prompt": None}
    assert moved.left == ()


def test_an_illegal_value_becomes_the_nearest_legal_one(catalogue: Catalogue) -> None:
    """7 s, 480p and 21:9 become what the model makes, and the line says both."""
    moved = move(catalogue, SEEDANCE, VEO, seconds=7, resolution="480p", aspect_ratio="21:9")
    lines = said(moved)
    assert lines["changes", "seconds"] == "7 s becomes 8 s"
    assert lines["changes", "resolution"] == "480p becomes 720p"
    assert lines["changes", "aspect_ratio"] == "21:9 becomes 16:9"
    assert (moved.request.seconds, moved.request.resolution) == (8, "720p")


def test_a_rule_over_two_fields_changes_the_cheaper_one(catalogue: Catalogue) -> None:
    """Veo wants 8 s beside an image: the seconds give way, not the image."""
    moved = move(catalogue, "wan2.6-i2v", VEO, seconds=6, media=(CHAINED,))
    assert said(moved)["carries", "first_frame"] == "shot sh010, frame last"
    assert moved.edits == {"model": VEO, "seconds": 8}


def test_pixels_are_said_in_the_new_models_words(catalogue: Catalogue) -> None:
    """A size that means nothing there becomes resolution and ratio."""
    moved = move(catalogue, "jimeng-3.0-pro", SEEDANCE, size="1248x1664")
    assert said(moved)["changes", "size"] == "1248x1664 becomes 1080p 3:4"
    assert moved.edits["size"] is None
    assert moved.edits["resolution"] == "1080p"
    same = move(catalogue, "sora-2", "wan2.6-t2v", size="1280x720")
    assert said(same)["carries", "size"] == "1280x720"


def test_markers_are_rewritten_where_they_are_written(catalogue: Catalogue) -> None:
    """Image 1 becomes <<<image_1>>>, Image 10 does not, and ref() follows by itself."""
    request = Request(
        ModelId(SEEDANCE), "Image 1 like Video 1, not Image 10.", media=(IMAGE, VIDEO)
    )
    written = {"prompt": "{{ ref('a') }} like Video 1, not Image 10.", "references": ["a", "b"]}
    moved = port(request, "kling-v3-omni", catalogue, written, find)
    assert moved.edits["prompt"] == "{{ ref('a') }} like <<<video_1>>>, not Image 10."
    assert moved.request.prompt == "<<<image_1>>> like <<<video_1>>>, not Image 10."
    assert said(moved)["carries", "prompt"] == "ref() writes <<<image_1>>>"


def test_a_marker_nobody_reads_is_said_to_be_lost(catalogue: Catalogue) -> None:
    """A model without markers would take <<<image_1>>> for a word."""
    moved = move(catalogue, "kling-v3-omni", "kling-v1-6", "<<<image_1>>> turns.", media=(IMAGE,))
    assert "<<<image_1>>>" in said(moved)["lost", "prompt"]
    assert "prompt" not in moved.edits


def test_a_prompt_file_is_not_edited_but_named(catalogue: Catalogue) -> None:
    """Other shots may read the same file, so a person changes it."""
    request = Request(ModelId(SEEDANCE), "Image 1 turns.", media=(IMAGE,))
    written = {"prompt_file": "prompts/turn.txt", "references": ["a"]}
    moved = port(request, "kling-v3-omni", catalogue, written, find)
    assert "prompts/turn.txt" in said(moved)["changes", "prompt_file"]
    assert moved.edits.keys() == {"model"}


def test_references_go_one_by_one(catalogue: Catalogue) -> None:
    """What the model cannot take is left out, the rest stays, as the file wrote it."""
    moved = move(catalogue, SEEDANCE, "kling-v3-omni", seconds=5, media=(IMAGE, AUDIO, VIDEO))
    assert moved.edits["references"] == ["r0", "r2"]
    assert ("lost", "references.1") in said(moved)
    assert [medium.kind for medium in moved.request.references] == ["image", "video"]


def test_a_reference_that_cannot_be_sent_takes_no_other_with_it(catalogue: Catalogue) -> None:
    """Omni takes pictures by URL only: the local one goes, and markers of the others move up."""
    local = Medium("reference", "image", LocalFile("refs/b.png"))
    prompt = "Image 1 and Image 2 move like Video 1 to Audio 1."
    moved = move(catalogue, SEEDANCE, "kling-v3-omni", prompt, media=(local, IMAGE, VIDEO, AUDIO))
    assert moved.edits["references"] == ["r1", "r2"]
    assert moved.edits["prompt"] == "Image 1 and <<<image_1>>> move like <<<video_1>>> to Audio 1."
    assert said(moved)["lost", "prompt"].startswith("Audio 1 points at nothing there")
    assert moved.left == ()


def test_more_references_than_fit_lose_the_last(catalogue: Catalogue) -> None:
    """Four images are the most; the first four stay."""
    moved = move(catalogue, SEEDANCE, "kling-v1-6", seconds=5, media=(IMAGE,) * 6)
    assert moved.edits["references"] == ["r0", "r1", "r2", "r3"]
    assert len(moved.request.references) == 4


def test_native_options_stay_with_their_vendor(catalogue: Catalogue) -> None:
    """Another vendor's words are lost by name; so is what nobody checks."""
    moved = move(
        catalogue,
        "kling-v3",
        "wan2.6-t2v",
        options={"cfg_scale": 0.4},
        extra_body={"callback_url": "https://cb.example"},
    )
    assert {("lost", "options.cfg_scale"), ("lost", "extra_body.callback_url")} <= set(said(moved))
    assert moved.edits["options"] is None
    sibling = move(catalogue, "kling-v3", "kling-v1-6", options={"cfg_scale": 0.4})
    assert said(sibling)["carries", "options.cfg_scale"] == "0.4"


def test_what_nobody_asked_for_is_said_when_it_changes(catalogue: Catalogue) -> None:
    """Other defaults make another clip: longer, larger, silent."""
    lines = said(move(catalogue, "sora-2", "wan2.2-t2v-plus"))
    assert lines["changes", "seconds"] == "not set: 4 s becomes 5 s"
    assert lines["changes", "audio"] == "not set: with sound becomes silent"
    lines = said(move(catalogue, "jimeng-3.0-pro", "wan2.6-t2v"))
    assert lines["changes", "resolution"] == "not set: 1080p 16:9 becomes 720p 16:9"


def test_what_cannot_be_mended_is_left_and_named(catalogue: Catalogue) -> None:
    """A model that needs an image cannot be reached from text alone."""
    moved = move(catalogue, "wan2.6-t2v", "wan2.6-i2v", seconds=5)
    assert [complaint.path for complaint in moved.left] == [("model",)]


def test_an_unknown_model_is_named(catalogue: Catalogue) -> None:
    """With the one that was probably meant."""
    with pytest.raises(BadInput, match=r"wan2\.6-t2w") as raised:
        move(catalogue, "sora-2", "wan2.6-t2w")
    assert "wan2.6-t2v" in raised.value.do


CATALOGUE = open_catalogue()
models = st.sampled_from(sorted(CATALOGUE.models))
references = st.lists(st.sampled_from([IMAGE, VIDEO, AUDIO]), max_size=5)
requests = st.builds(
    Request,
    model=models,
    prompt=st.sampled_from(["A ferry.", "Image 1 and <<<image_1>>>, then Video 2."]),
    negative_prompt=st.none() | st.just("rain"),
    seconds=st.none() | st.integers(-1, 20),
    size=st.none() | st.sampled_from(["1280x720", "1920x1088", "16:9", "9x9"]),
    resolution=st.none() | st.sampled_from(["480p", "720p", "1080p", "4k"]),
    aspect_ratio=st.none() | st.sampled_from(["16:9", "9:16", "1:1", "21:9", "adaptive"]),
    audio=st.none() | st.booleans(),
    watermark=st.none() | st.booleans(),
    seed=st.none() | st.integers(-1, 9),
    media=st.builds(
        lambda frames, refs: (*frames, *refs),
        st.sampled_from([(), (FIRST,), (FIRST, LAST), (LAST,), (CHAINED,)]),
        references,
    ),
    options=st.sampled_from([{}, {"mode": "pro"}, {"prompt_extend": True, "camera_fixed": False}]),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(requests, models)
def test_any_shot_moves_to_any_model(request: Request, to: str) -> None:
    """The edits give exactly the ported shot; what rules then allow, the adapter can send."""
    written = {
        "prompt": request.prompt,
        "references": [f"r{n}" for n in range(len(request.references))],
    }
    moved = port(request, to, CATALOGUE, written, find)
    edited = {**fields_of(request), **moved.edits}
    kept = edited.pop("references", None)
    after = fields_of(moved.request)
    assert len(kept or ()) == len(after.pop("references", ()))
    assert {name: value for name, value in edited.items() if value is not None} == after
    if not moved.left:
        facts = CATALOGUE.models[ModelId(to)]
        assert find(facts.vendor).shape(moved.request, facts)
