"""A body becomes bytes: in the gateway's dialect, media written as each place wants them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import BadInput
from runner.gateway.body import encode, in_dialect, mime, redact, without_query
from runner.gateway.profile import Bounds, Dialect, Profile
from runner.model import Attach, LocalFile, Medium, ShotId, ShotOutput, Url

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 9
LOCAL = Medium("first_frame", "image", LocalFile("refs/a.png"))
SIGNED = Medium("first_frame", "image", Url("https://cdn.example/a.png?X-Signature=s3cret"))
AIHUBMIX = Profile(name="aihubmix", base_url="https://gateway.example")


def profile(**dialect: Any) -> Profile:
    return Profile(name="other", base_url="https://other.example", dialect=Dialect(**dialect))


def sent(body: dict[str, Any], to: Profile = AIHUBMIX) -> Any:
    return json.loads(encode(body, to, lambda _: PNG))


def test_bytes_are_stable_utf8_in_the_order_built() -> None:
    """The same body is the same bytes; nothing is escaped, sorted or padded."""
    body = {"model": "m", "prompt": "雨 “quiet” 🌧", "a": [1, True, None, "8"]}
    text = '{"model":"m","prompt":"雨 “quiet” 🌧","a":[1,true,null,"8"]}'
    assert encode(body, AIHUBMIX, lambda _: b"") == text.encode()


def test_local_bytes_take_the_form_of_their_place() -> None:
    """A data URL by content, or raw base64 without the prefix."""
    raw = base64.b64encode(PNG).decode()
    body = {"image": Attach(LOCAL, "base64"), "input_reference": Attach(LOCAL)}
    assert sent(body) == {"image": raw, "input_reference": f"data:image/png;base64,{raw}"}


@pytest.mark.parametrize("form", ["data_url", "base64", "url"])
def test_a_url_is_written_as_itself(form: Any) -> None:
    """Whatever form the place takes, a URL goes through untouched, signature and all."""
    assert (
        sent({"image": Attach(SIGNED, form)})["image"]
        == "https://cdn.example/a.png?X-Signature=s3cret"
    )


def test_a_place_for_urls_takes_no_file() -> None:
    """A local file where only a URL goes is an error, unless somebody can publish it."""
    body = {"video_list": [{"video_url": Attach(LOCAL, "url")}]}
    with pytest.raises(BadInput, match="must be a URL"):
        sent(body)
    published = encode(body, AIHUBMIX, lambda _: PNG, publish=lambda _: "https://store.example/x")
    assert json.loads(published)["video_list"] == [{"video_url": "https://store.example/x"}]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"GIF89a", "image/gif"),
        (b"", "application/octet-stream"),
        (b"\xff", "application/octet-stream"),
    ],
)
def test_type_is_read_from_the_content(data: bytes, name: str) -> None:
    """A JPEG called .png is announced as a JPEG."""
    assert mime(data) == name


@given(st.binary(max_size=20))
def test_any_bytes_have_a_type(data: bytes) -> None:
    """Sniffing never fails."""
    assert "/" in mime(data)


def test_dialects() -> None:
    """Numbers for seconds, objects for references, extra_body spread out: as the profile says."""
    body = {"model": "m", "seconds": "8", "input_reference": "u", "extra_body": {"ratio": "1:1"}}
    assert sent(body) == body
    assert sent(body, profile(seconds="number"))["seconds"] == 8
    assert sent(body, profile(input_reference="object"))["input_reference"] == {"image_url": "u"}
    assert sent(body, profile(extra_body="merged")) == {
        "model": "m",
        "seconds": "8",
        "input_reference": "u",
        "ratio": "1:1",
    }


def test_merged_extra_body_wins_and_the_original_stays() -> None:
    """What the user wrote there is the last word in either dialect; encoding changes no input."""
    body = {"seconds": "8", "extra_body": {"seconds": "4"}}
    assert in_dialect(body, Dialect(extra_body="merged")) == {"seconds": "4"}
    assert body == {"seconds": "8", "extra_body": {"seconds": "4"}}


@pytest.mark.parametrize(("text", "number"), [("8", 8), ("7.5", 7.5), ("auto", "auto")])
def test_seconds_as_a_number_keep_their_value(text: str, number: object) -> None:
    """8 stays whole; a word stays a word."""
    value = sent({"seconds": text}, profile(seconds="number"))["seconds"]
    assert (value, type(value)) == (number, type(number))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """NaN, infinity and half characters are errors before a byte leaves."""
    with pytest.raises(BadInput, match="wan: the request cannot be written"):
        sent({"model": "wan", "x": value})


def test_more_bytes_than_the_gateway_takes() -> None:
    """The message holds what was measured and what is allowed."""
    small = Profile(name="small", base_url="https://s.example", bounds=Bounds(body=100))
    with pytest.raises(BadInput, match=r"small takes 100$"):
        sent({"model": "m", "prompt": "x" * 200}, small)


def test_redacted_body_holds_no_bytes_and_no_signature() -> None:
    """What is kept names media by digest, and URLs without what may be a secret."""
    chained = Medium("reference", "video", ShotOutput(ShotId("sh010")))
    body = {
        "prompt": "https://a.example/?x=1",
        "image": Attach(LOCAL, "base64"),
        "list": [Attach(SIGNED), Attach(chained, "url")],
        "extra_body": {
            "mask": "https://me:pw@cdn.example/m.png?token=1#f",
            "inline": "data:image/png;base64," + base64.b64encode(PNG).decode(),
            "raw": base64.b64encode(PNG * 40).decode(),
        },
    }
    shown = redact(body, lambda medium: "d1" if medium is LOCAL else None)
    assert shown["prompt"] == body["prompt"]
    assert shown["image"] == {"sha256": "d1"}
    assert shown["list"] == ["https://cdn.example/a.png", {"sha256": None}]
    assert shown["extra_body"]["mask"] == "https://cdn.example/m.png"
    assert set(shown["extra_body"]["inline"]) == set(shown["extra_body"]["raw"]) == {"sha256"}
    assert "s3cret" not in str(shown)


@given(st.text(max_size=40))
def test_no_query_survives(tail: str) -> None:
    """Whatever the address looks like, nothing after ? or # is kept."""
    kept = without_query("http://" + tail)
    assert "?" not in kept
    assert "#" not in kept


def test_golden_files_are_what_is_printed() -> None:
    """The printed requests survive encoding unchanged: no key is lost or retyped on the way."""
    for path in (Path(__file__).parents[1] / "golden" / "wire").glob("*.json"):
        body = json.loads(path.read_text())
        assert json.dumps(sent(body)) == json.dumps(body)
