"""Local media, real ones, against the limits of the vendor they are meant for."""

import wave
from pathlib import Path

import av
import pytest
from PIL import Image

from runner.model import Problem, Severity
from runner.project import open_project

PUBLISH = "publish: {to: 's3://bucket/refs', url: 'https://media.example.com'}\n"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A project; what is checked is written by each test."""
    (tmp_path / ".reelmake").mkdir()
    (tmp_path / "refs").mkdir()
    return tmp_path / "film.yaml"


def picture(path: Path, size: tuple[int, int], mode: str = "RGB") -> None:
    Image.new(mode, size).save(path)


def sound(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 1, 8000, 0, "NONE", ""))
        out.writeframes(b"\x80" * int(8000 * seconds))


def video(path: Path, size: tuple[int, int], frames: int, fps: int = 24) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for _ in range(frames):
            out.mux(stream.encode(av.VideoFrame(*size, "yuv420p")))
        out.mux(stream.encode(None))


def problems(film: Path, *lines: str, settings: str = "") -> dict[str, Problem]:
    shot = "".join(f"    {line}\n" for line in lines)
    film.write_text(f"storyboard: 1\nshots:\n  - id: it\n    prompt: A pier.\n{shot}")
    (film.parent / "reelmake.yaml").write_text(settings)
    return {p.rule: p for p in open_project(film, {}).load(film).problems}


def test_measured_and_allowed_are_said_where_the_file_is_named(film: Path) -> None:
    """Too small for Kling: the message has its pixels, the hint the least it takes."""
    picture(film.parent / "refs" / "a.png", (200, 400))
    problem = problems(film, "model: kling-v3", "first_frame: refs/a.png")["kling.image_sides"]
    assert problem.message == "refs/a.png is 200x400"
    assert problem.hint == "at least 300 pixels a side"
    assert (problem.at.line, problem.severity) == (6, Severity.WARNING)
    assert problem.source == "vendor doc 2026-06"


def test_a_good_picture_is_left_alone(film: Path) -> None:
    """Nothing is said about a picture that any vendor takes."""
    picture(film.parent / "refs" / "a.png", (1280, 720))
    for model in ("kling-v3", "wan2.6-i2v", "jimeng-3.0-pro", "doubao-seedance-2-0-260128"):
        assert problems(film, f"model: {model}", "first_frame: refs/a.png") == {}


@pytest.mark.parametrize(
    ("model", "size", "mode", "rule"),
    [
        ("wan2.6-i2v", (1280, 720), "RGBA", "wan.image_alpha"),
        ("wan2.6-i2v", (3840, 2160), "RGB", "wan.image_sides_disputed"),
        ("wan2.6-i2v", (200, 200), "RGB", "wan.image_sides"),
        ("jimeng-3.0-pro", (1600, 400), "RGB", "jimeng.image_ratio"),
        ("doubao-seedance-2-0-260128", (1600, 600), "RGB", "seedance.image_ratio"),
        ("sora-2", (1280, 720), "RGB", "sora.image_fills_frame"),
    ],
)
def test_each_vendor_has_its_own_limits(
    film: Path, model: str, size: tuple[int, int], mode: str, rule: str
) -> None:
    """Transparency, sides, ratio, and the size of the take, as each vendor wants them."""
    picture(film.parent / "refs" / "a.png", size, mode)
    found = problems(film, f"model: {model}", "first_frame: refs/a.png")
    assert rule in found
    assert f"{size[0]}x{size[1]}" in found[rule].message or "transparency" in found[rule].message


def test_content_decides_not_the_name(film: Path) -> None:
    """A WebP called .png is a WebP; a film called .png is no picture at all."""
    Image.new("RGB", (1280, 720)).save(film.parent / "refs" / "a.png", format="WEBP")
    found = problems(film, "model: kling-v3", "first_frame: refs/a.png")
    assert found["kling.image_type"].message == "refs/a.png is image/webp"
    video(film.parent / "refs" / "a.png", (320, 180), 2)
    found = problems(film, "model: kling-v3", "first_frame: refs/a.png")
    assert found["media.kind"].severity is Severity.ERROR
    assert "video/mp4, not the image" in found["media.kind"].message


def test_what_cannot_be_read_is_an_error(film: Path) -> None:
    """A text file in the place of a picture stops before anything is sent."""
    (film.parent / "refs" / "a.png").write_text("not a picture")
    found = problems(film, "model: kling-v3", "first_frame: refs/a.png")
    assert found["media.content"].severity is Severity.ERROR


def test_sounds_and_videos_are_measured(film: Path) -> None:
    """Length each and together, sides, and frames a second."""
    refs = film.parent / "refs"
    picture(refs / "a.png", (640, 640))
    for name, seconds in (("long.wav", 16.0), ("nine.wav", 9.0), ("eight.wav", 8.0)):
        sound(refs / name, seconds)
    video(refs / "slow.mp4", (640, 480), 30, fps=12)
    model = "model: doubao-seedance-2-0-260128"
    found = problems(film, model, "references: [refs/a.png, refs/long.wav]", settings=PUBLISH)
    assert found["seedance.audio_seconds"].message == "refs/long.wav lasts 16 s"
    both = "references: [refs/a.png, refs/nine.wav, refs/eight.wav]"
    found = problems(film, model, both, settings=PUBLISH)
    assert found["seedance.audios_together"].message == "the sounds last 17 s together"
    found = problems(film, "model: kling-v3-omni", "base_video: refs/slow.mp4", settings=PUBLISH)
    assert {"kling.video_sides", "kling.video_fps", "kling.video_seconds"} <= set(found)
    assert found["kling.video_sides"].message == "refs/slow.mp4 is 640x480"


def test_media_are_looked_into_beside_other_faults(film: Path) -> None:
    """All problems at once, in file order: of media, of rules, in shots that have both."""
    picture(film.parent / "refs" / "small.png", (200, 400))
    (film.parent / "refs" / "text.png").write_text("not a picture")
    film.write_text(
        "storyboard: 1\n"
        "include: [zebra.yaml]\n"
        "shots:\n"
        "  - {id: a, model: kling-v3, seconds: 99, first_frame: refs/small.png, prompt: p}\n"
        "  - {id: b, model: kling-v3, first_frame: refs/text.png, prompt: p}\n"
        "  - {id: c, model: kling-v3, seconds: 99, prompt: p, sead: 1}\n"
    )
    (film.parent / "zebra.yaml").write_text(
        "storyboard: 1\nshots:\n  - {id: z, model: kling-v3, seconds: 99, prompt: p}\n"
    )
    found = open_project(film, {}).load(film).problems
    assert [(Path(p.at.file).stem, p.at.line, p.rule) for p in found] == [
        ("film", 4, "kling.seconds"),
        ("film", 4, "kling.image_sides"),
        ("film", 5, "media.content"),
        ("film", 6, "kling.seconds"),
        ("film", 6, "storyboard.unknown_key"),
        ("zebra", 3, "kling.seconds"),
    ]
    assert found[2].message == "refs/text.png: text, not an image, a video or a sound"


def test_every_take_and_every_fallback_is_looked_into(film: Path) -> None:
    """A picture that only the second take or a step of `on_failure` uses is measured, too."""
    picture(film.parent / "refs" / "1.png", (1280, 720))
    picture(film.parent / "refs" / "2.png", (200, 400))
    lines = ("model: kling-v3", "takes: 2", 'first_frame: "refs/{{ take }}.png"')
    assert problems(film, *lines)["kling.image_sides"].message == "refs/2.png is 200x400"
    step = "on_failure: [{model: jimeng-3.0-pro}]"
    found = problems(film, "model: sora-2-pro", "first_frame: refs/2.png", step)
    assert "jimeng.image_sides" in found


def test_what_media_break_together_stands_at_them(film: Path) -> None:
    """A sum over references is told where the first of them is named, not at the shot."""
    picture(film.parent / "refs" / "a.png", (640, 640))
    sound(film.parent / "refs" / "nine.wav", 9.0)
    sound(film.parent / "refs" / "eight.wav", 8.0)
    both = "references: [refs/a.png, refs/nine.wav, refs/eight.wav]"
    found = problems(film, "model: doubao-seedance-2-0-260128", both, settings=PUBLISH)
    assert found["seedance.audios_together"].at.line == 6
