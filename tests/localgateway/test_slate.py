"""Slates: the asked size and length, the picture of a chain, what is written where."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from calling import Start
from msgspec.structs import replace
from PIL import Image, ImageChops, ImageStat

from runner.localgateway import slate
from runner.localgateway.ask import Ask, Medium
from runner.localgateway.layout import layout
from runner.localgateway.slate import render

pytest_plugins = ["gateways"]

PROMPT = "Wide: the ferry leaves the pier at dusk."


def ask(**fields: Any) -> Ask:
    plain = Ask("wan2.6-t2v", "wan", PROMPT, 1.0, 320, 180, False)
    return replace(plain, **fields)


def png(colour: str, size: tuple[int, int] = (64, 36)) -> bytes:
    data = BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as file:
        return [frame.to_image() for frame in file.decode(video=0)]  # type: ignore[no-untyped-call]


def as_png(image: Image.Image) -> bytes:
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of brightness, 0 to 255."""
    both = ImageChops.difference(one.convert("L"), other.convert("L"))
    return float(ImageStat.Stat(both).mean[0])


SHAPES = [
    (832, 480, 5.0, True), (1280, 720, 2.0, True), (720, 1280, 1.0, False),
    (960, 960, 3.0, True), (1470, 630, 1.0, False), (1112, 834, 2.0, True), (992, 432, 4.0, True),
]  # fmt: skip


@pytest.mark.parametrize(("width", "height", "seconds", "audio"), SHAPES)
def test_a_film_is_what_was_asked(
    tmp_path: Path, width: int, height: int, seconds: float, audio: bool
) -> None:
    """H.264 (and AAC where sound is asked) of exactly the asked size and length."""
    path = tmp_path / "a.mp4"
    render(path, ask(width=width, height=height, seconds=seconds, audio=audio), "sh010 take 1")
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        assert (video.width, video.height) == (width, height)
        assert video.codec_context.name == "h264"
        assert video.duration is not None
        assert video.time_base is not None
        assert float(video.duration * video.time_base) == seconds
        assert [s.codec_context.name for s in file.streams.audio] == ["aac"] * audio
        assert file.duration is not None
        assert abs(file.duration / 1e6 - seconds) < 1 / 24


def test_the_head_of_the_file_comes_first(tmp_path: Path) -> None:
    """A player can start before the whole film has come: moov stands before mdat."""
    path = tmp_path / "a.mp4"
    render(path, ask(), "")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_chain_continues_the_picture_and_not_the_writing(tmp_path: Path) -> None:
    """A shot from the last frame of another shows its picture, undisturbed, around its own text."""
    one, two, three = (tmp_path / f"{n}.mp4" for n in range(3))
    render(one, ask(width=640, height=360), "sh010")
    last = frames(one)[-1]
    chained = Medium("first_frame", "image", data=as_png(last))
    render(two, ask(width=640, height=360, prompt="Another prompt.", media=(chained,)), "sh020")
    first = frames(two)[0]
    picture, header = layout(640, 360).picture, layout(640, 360).header
    assert difference(last.crop(picture), first.crop(picture)) < 3
    assert difference(last.crop(header), first.crop(header)) > 0.1
    fresh = ask(width=640, height=360, prompt="Another prompt.")
    render(three, fresh, "sh020")
    assert difference(frames(three)[0].crop(picture), first.crop(picture)) > 8


def test_a_picture_from_elsewhere_is_shown_whole(tmp_path: Path) -> None:
    """Only our own slates lose their writing; any other first frame is taken as it is."""
    path = tmp_path / "a.mp4"
    photo = Medium("first_frame", "image", data=png("red"))
    render(path, ask(media=(photo,)), "")
    left, top, right, bottom = layout(320, 180).picture
    pixel = frames(path)[0].getpixel(((left + right) // 2, (top + bottom) // 2))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200
    assert pixel[1] < 60


def test_an_end_frame_is_where_the_shot_ends(tmp_path: Path) -> None:
    """The last frame shows the asked end frame; the first one does not."""
    path = tmp_path / "a.mp4"
    end = Medium("last_frame", "image", data=png("white"))
    start = Medium("first_frame", "image", data=png("black"))
    render(path, ask(seconds=2.0, media=(start, end)), "")
    place = layout(320, 180).picture
    shown = [ImageStat.Stat(f.crop(place).convert("L")).mean[0] for f in frames(path)]
    assert shown[0] < 20
    assert shown[-1] > 235


def test_references_are_shown(tmp_path: Path) -> None:
    """An image reference is a thumbnail; a URL is a box with its name and is never opened."""
    path = tmp_path / "a.mp4"
    red = Medium("reference", "image", data=png("red"))
    video = Medium("reference", "video", url="http://127.0.0.1:9/walk.mp4?token=x")
    audio = Medium("reference", "audio", url="http://127.0.0.1:9/hum.mp3")
    render(path, ask(width=640, height=360, media=(red, video, audio)), "")
    place = layout(640, 360, thumbs=3).thumbs
    colours = frames(path)[0].crop(place).getcolors(100_000)
    assert colours is not None
    assert sum(n for n, c in colours if isinstance(c, tuple) and c[0] > 200 and c[1] < 60) > 500


def test_the_clock_runs(tmp_path: Path) -> None:
    """Each frame carries its own time; the picture stands still."""
    path = tmp_path / "a.mp4"
    render(path, ask(width=640, height=360, seconds=2.0), "")
    shown = frames(path)
    place = layout(640, 360)
    footers = [frame.crop(place.footer) for frame in shown]
    assert all(difference(a, b) > 0.01 for a, b in zip(footers, footers[2:], strict=False))
    assert difference(shown[0].crop(place.picture), shown[-1].crop(place.picture)) < 2
    assert slate.timecode(12 * 3661 + 7) == "01:01:01:07"


def test_equal_asks_give_equal_slates(tmp_path: Path) -> None:
    """The same prompt is the same place, byte for byte; another prompt is another."""
    for name, prompt in (("a", PROMPT), ("b", PROMPT), ("c", "Something else.")):
        render(tmp_path / name, ask(prompt=prompt, audio=True), "sh010 take 1")
    same, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert same == again
    assert same != other


@pytest.mark.parametrize("prompt", ["x", "word " * 6000, "夜" * 400, "a" * 5000, "🛳️ \u202e \n\t é"])
def test_any_prompt_can_be_drawn(tmp_path: Path, prompt: str) -> None:
    """Empty, endless, wide or odd text never stops a slate and never leaves its panel."""
    path = tmp_path / "a.mp4"
    render(path, ask(prompt=prompt), "sh010 take 1 " * 9)
    place = layout(320, 180)
    image = frames(path)[0]
    margin = image.crop((0, place.prompt[1], place.margin - 4, place.prompt[3])).convert("L")
    assert ImageStat.Stat(margin).extrema[0][1] < 60


def test_an_image_that_cannot_be_decoded_fails_the_job(start: Start) -> None:
    """As at a vendor's: the job is accepted, fails, says why, and is not charged."""
    import base64

    broken = base64.b64encode(png("red")[:60]).decode()
    gateway = start(slates="drawn")
    body = {"model": "kling-v2-6", "prompt": "rain", "seconds": "5", "image": broken}
    job = gateway.accepted(body)
    gateway.advance(5)
    shown = gateway.look(job)
    assert shown["status"] == "failed"
    assert "decoded" in shown["error"]["message"]
    assert gateway.ledger()["charged"] == "0"
