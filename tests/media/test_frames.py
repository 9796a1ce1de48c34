"""One frame of a film, the same bytes every time."""

import io
from decimal import Decimal
from pathlib import Path

import av
import pytest
from media_films import Colour, grey, make_film
from PIL import Image

from runner.errors import Outside
from runner.media.frames import frame_png
from runner.model import Frame


def colour(png: bytes) -> Colour:
    with Image.open(io.BytesIO(png)) as picture:
        found = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def level(png: bytes) -> int:
    return round(sum(colour(png)) / 30)


@pytest.fixture(scope="module")
def stairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, eight frames a second, frame n is grey 10 n."""
    path = tmp_path_factory.mktemp("frames") / "stairs.mp4"
    return make_film(path, [grey(10 * n) for n in range(24)], fps=8, sound=1)


@pytest.mark.parametrize(
    ("frame", "number"),
    [
        ("first", 0),
        ("last", 23),
        (Decimal(0), 0),
        (Decimal("0.124"), 0),
        (Decimal("0.125"), 1),
        (Decimal(1), 8),
        (Decimal("1.9"), 15),
        (Decimal("2.999"), 23),
    ],
)
def test_the_frame_that_is_on_screen(stairs: Path, frame: Frame, number: int) -> None:
    """First, last and any second give the picture a player shows there."""
    assert level(frame_png(stairs, frame)) == number


@pytest.mark.parametrize("frame", ["first", "last", Decimal("1.5")])
def test_the_same_bytes_every_time(stairs: Path, frame: Frame) -> None:
    """A chained shot is not rendered again because a picture was made again."""
    assert frame_png(stairs, frame) == frame_png(stairs, frame)


@pytest.mark.parametrize("seconds", ["3", "3.01", "100000000", "-0.1"])
def test_past_the_end_is_an_error_with_both_figures(stairs: Path, seconds: str) -> None:
    """No frame is made up; the message says how long the film is."""
    with pytest.raises(Outside, match="it is 3 s long"):
        frame_png(stairs, Decimal(seconds))


def test_last_of_one_frame(tmp_path: Path) -> None:
    """The shortest film has a first and a last frame, the same one."""
    path = make_film(tmp_path / "x.mp4", [grey(50)])
    assert frame_png(path, "first") == frame_png(path, "last")


def test_last_of_a_long_film_with_reordered_frames(tmp_path: Path) -> None:
    """Frames stored in another order than shown: last means shown last."""
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        video.options = {"bf": "4", "g": "250", "crf": "1", "threads": "1"}
        for n in range(240):
            picture = Image.new("RGB", (64, 64), grey(n))
            frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    assert abs(colour(frame_png(path, "last"))[0] - 239) <= 1
    assert abs(colour(frame_png(path, Decimal(5)))[0] - 120) <= 1


def test_a_damaged_tail_gives_the_last_frame_that_is_left(tmp_path: Path) -> None:
    """Last is the last decodable frame, not an error."""
    path = make_film(tmp_path / "x.mp4", [grey(10 * n) for n in range(24)])
    with av.open(str(path)) as film:
        *_, last = (packet for packet in film.demux(video=0) if packet.size)
        assert last.pos is not None
        start, size = last.pos, last.size
    data = bytearray(path.read_bytes())
    data[start : start + size] = b"\xff" * size
    path.write_bytes(data)
    assert level(frame_png(path, "last")) in (22, 23)


@pytest.mark.parametrize(
    ("size", "matrix", "tag"),
    [
        ((1280, 720), "itu709", None),
        ((640, 360), "itu601", None),
        ((1280, 720), "itu601", 6),
        ((640, 360), "itu709", 1),
    ],
    ids=["hd", "sd", "hd that says 601", "sd that says 709"],
)
def test_colours_survive(
    size: tuple[int, int], matrix: str, tag: int | None, tmp_path: Path
) -> None:
    """A red coat is as red in the next shot: the file's own word counts, and where it has none,
    HD is read as BT.709 and anything smaller as BT.601."""
    path = make_film(tmp_path / "x.mp4", [(200, 30, 30)] * 4, size=size, matrix=matrix, tag=tag)
    found = colour(frame_png(path, "last"))
    assert all(abs(a - b) <= 3 for a, b in zip(found, (200, 30, 30), strict=True))


def test_no_film_no_frame(tmp_path: Path) -> None:
    """What cannot be decoded is said with its path."""
    (tmp_path / "x.mp4").write_bytes(b"<html>")
    with pytest.raises(Outside, match=r"x\.mp4"):
        frame_png(tmp_path / "x.mp4", "last")
