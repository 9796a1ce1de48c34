"""The cut: right frames, right sound, right length, the same bytes every time."""

import array
import io
import subprocess
import sys
import wave
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import pytest
from media_films import Colour, grey, make_film
from PIL import Image

from runner.errors import BadInput, Outside
from runner.media.boxes import check_mp4
from runner.media.cut import assemble
from runner.media.frames import frame_png
from runner.media.probe import probe
from runner.model import Clip, Loc, LocalFile, ShotId, Soundtrack

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)
D = Decimal


def clip(start: str | None = None, end: str | None = None, dissolve: str = "0") -> Clip:
    return Clip(
        ShotId("sh010"),
        None if start is None else D(start),
        None if end is None else D(end),
        D(dissolve),
        Loc("film.yaml", 7, 3),
    )


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds each, in three sizes and rates; the green one is silent."""
    folder = tmp_path_factory.mktemp("cut")
    return {
        "red": make_film(folder / "r.mp4", [RED] * 48, size=(320, 180), fps=24, sound=2),
        "green": make_film(folder / "g.mp4", [GREEN] * 60, size=(180, 320), fps=30),
        "blue": make_film(folder / "b.mp4", [BLUE] * 20, size=(160, 120), fps=10, sound=2),
        "stairs": make_film(folder / "s.mp4", [grey(5 * n) for n in range(48)], fps=24),
    }


def at(film: Path, seconds: str, x: int = 160, y: int = 90) -> Colour:
    with Image.open(io.BytesIO(frame_png(film, D(seconds)))) as picture:
        found = picture.getpixel((x, y))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def near(found: Colour, wanted: Sequence[float], by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def loudness(film: Path) -> list[float]:
    """The highest sample of each tenth of a second."""
    peaks: dict[int, float] = {}
    with av.open(str(film)) as file:
        for frame in file.decode(audio=0):
            samples = array.array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            for number, sample in enumerate(samples):
                tenth = int((frame.time or 0) * 10 + number / 4800)
                peaks[tenth] = max(peaks.get(tenth, 0), abs(sample))
    return [peaks[tenth] for tenth in sorted(peaks)]


def tune(path: Path, seconds: float, level: int = 8000) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(22_050)
        swing = [level if n // 25 % 2 else -level for n in range(int(22_050 * seconds))]
        out.writeframes(array.array("h", swing).tobytes())
    return path


def track(gain: str = "0", fade_in: str = "0", fade_out: str = "0") -> Soundtrack:
    return Soundtrack(LocalFile("music.wav"), D(gain), D(fade_in), D(fade_out))


def test_clips_of_any_shape_and_rate_become_one_film(
    films: dict[str, Path], tmp_path: Path
) -> None:
    """Size and rate of the first clip; the others are fitted in, black where they do not reach."""
    out = tmp_path / "cut.mp4"
    assemble([(films["red"], clip()), (films["green"], clip()), (films["blue"], clip())], None, out)
    assert check_mp4(out) is None
    found = probe(out)
    assert (found.width, found.height, found.fps, found.audio) == (320, 180, 24.0, True)
    assert found.seconds == pytest.approx(6, abs=1 / 24)
    assert near(at(out, "1"), RED)
    assert near(at(out, "1.98"), RED)
    assert near(at(out, "2.02"), GREEN)
    assert near(at(out, "3", x=20), (0, 0, 0))
    assert near(at(out, "5"), BLUE)
    assert near(at(out, "5", x=20), (0, 0, 0))


def test_a_given_canvas_and_rate(films: dict[str, Path], tmp_path: Path) -> None:
    """What the user asks for wins over the first clip."""
    out = tmp_path / "cut.mp4"
    assemble([(films["red"], clip())], None, out, size=(640, 640), fps=Fraction(30))
    found = probe(out)
    assert (found.width, found.height, found.fps) == (640, 640, 30.0)
    assert near(at(out, "1", x=320, y=320), RED)
    assert near(at(out, "1", x=320, y=40), (0, 0, 0))


def test_nearly_the_same_shape_gets_no_bars(films: dict[str, Path], tmp_path: Path) -> None:
    """A clip of 320x182 in a film of 320x180 fills it: no hair-thin black lines at its edges."""
    odd = make_film(tmp_path / "odd.mp4", [BLUE] * 24, size=(320, 182), fps=24)
    out = tmp_path / "cut.mp4"
    assemble([(films["red"], clip()), (odd, clip())], None, out)
    for x, y in ((0, 0), (319, 179), (0, 179), (160, 90)):
        assert near(at(out, "2.5", x, y), BLUE)


def test_in_and_out_are_exact_to_the_frame(films: dict[str, Path], tmp_path: Path) -> None:
    """From 0.5 s to 1.5 s are the frames 12 to 35, no other."""
    out = tmp_path / "cut.mp4"
    assemble([(films["stairs"], clip("0.5", "1.5"))], None, out)
    assert probe(out).seconds == 1.0
    for number in range(24):
        seconds = str((number + Decimal("0.5")) / 24)
        assert near(at(out, seconds, x=80, y=48), grey(5 * (number + 12)), by=3)


def test_a_dissolve_goes_from_one_clip_to_the_next(films: dict[str, Path], tmp_path: Path) -> None:
    """The film is shorter by the overlap; in its middle both pictures are equally there."""
    out = tmp_path / "cut.mp4"
    assemble([(films["red"], clip()), (films["blue"], clip(dissolve="1"))], None, out)
    assert probe(out).seconds == pytest.approx(3, abs=1 / 24)
    middle = [(a + b) / 2 for a, b in zip(RED, BLUE, strict=True)]
    assert near(at(out, "0.95"), RED)
    assert near(at(out, "1.5"), middle, by=12)
    assert near(at(out, "2.01"), BLUE, by=12)
    shown = [at(out, f"{1 + n / 8:.3f}")[0] for n in range(9)]
    assert shown == sorted(shown, reverse=True)


def test_dissolves_at_both_ends_of_a_clip(films: dict[str, Path], tmp_path: Path) -> None:
    """Three clips, two dissolves that meet in the middle one."""
    out = tmp_path / "cut.mp4"
    reds = films["red"]
    assemble(
        [(reds, clip()), (films["green"], clip(dissolve="1")), (reds, clip(dissolve="1"))],
        None,
        out,
    )
    assert probe(out).seconds == pytest.approx(4, abs=1 / 24)
    assert near(at(out, "2", x=160), GREEN, by=12)


def test_the_sound_of_the_clips_is_where_their_picture_is(
    films: dict[str, Path], tmp_path: Path
) -> None:
    """Sound, silence under the silent clip, sound again."""
    out = tmp_path / "cut.mp4"
    assemble([(films["red"], clip()), (films["green"], clip()), (films["blue"], clip())], None, out)
    heard = loudness(out)
    assert min(heard[1:19]) > 0.2
    assert max(heard[22:39]) < 0.01
    assert min(heard[41:59]) > 0.2


def test_music_has_its_gain_and_fades(films: dict[str, Path], tmp_path: Path) -> None:
    """-6 dB is half the level; it comes in, and is gone at the end of the film."""
    out = tmp_path / "cut.mp4"
    music = tune(tmp_path / "music.wav", 10)
    assemble(
        [(films["green"], clip()), (films["green"], clip())],
        (music, track("-6.0206", "1", "1")),
        out,
    )
    heard = loudness(out)
    assert 0.1 < heard[20] < 0.2
    assert heard[0] < 0.5 * heard[20]
    assert heard[39] < 0.5 * heard[20]
    assert probe(out).seconds == pytest.approx(4, abs=1 / 24)


def test_short_music_ends_in_silence(films: dict[str, Path], tmp_path: Path) -> None:
    """Music is not looped and the film is not cut to it."""
    out = tmp_path / "cut.mp4"
    assemble([(films["green"], clip())], (tune(tmp_path / "m.wav", 1), track()), out)
    heard = loudness(out)
    assert heard[5] > 0.2
    assert max(heard[12:]) < 0.01
    assert len(heard) >= 20


def test_loud_sums_are_held_back_not_clipped(films: dict[str, Path], tmp_path: Path) -> None:
    """Full-scale music over a loud clip stays within the scale."""
    out = tmp_path / "cut.mp4"
    music = tune(tmp_path / "m.wav", 2, level=32_000)
    assemble([(films["red"], clip())], (music, track("3")), out)
    assert max(loudness(out)[2:18]) < 1.15  # AAC rings above what it was given


def test_silent_clips_without_music_have_no_sound(films: dict[str, Path], tmp_path: Path) -> None:
    """No empty track is made up."""
    assemble([(films["green"], clip())], None, tmp_path / "cut.mp4")
    assert not probe(tmp_path / "cut.mp4").audio


def test_sound_and_picture_stay_together(films: dict[str, Path], tmp_path: Path) -> None:
    """A clip cut in at 1 s brings the sound of its second second, to a hundredth."""
    flash = make_film(tmp_path / "f.mp4", [grey(0)] * 48, fps=24, sound=1.5)
    assemble([(flash, clip("1", "2"))], None, tmp_path / "cut.mp4")
    heard = loudness(tmp_path / "cut.mp4")
    assert min(heard[:5]) > 0.2
    assert max(heard[6:]) < 0.05


def test_the_same_cut_has_the_same_bytes(films: dict[str, Path], tmp_path: Path) -> None:
    """A cut made again is no new cut: nothing in it depends on when or where it was made."""
    music = tune(tmp_path / "m.wav", 3)
    clips = [(films["red"], clip()), (films["blue"], clip("0.2", dissolve="0.5"))]
    assemble(clips, (music, track("-3", fade_out="1")), tmp_path / "one.mp4")
    (tmp_path / "elsewhere").mkdir()
    assemble(clips, (music, track("-3", fade_out="1")), tmp_path / "elsewhere" / "two.mp4")
    one = (tmp_path / "one.mp4").read_bytes()
    assert one == (tmp_path / "elsewhere" / "two.mp4").read_bytes()
    assert b" mbtree=0 " in one  # with it about three cuts in a hundred come out differently


@pytest.mark.parametrize(
    ("clips", "rule"),
    [
        ([clip("1.5", "1")], "cut.trim"),
        ([clip("0", "2.2")], "cut.trim"),
        ([clip("2.5")], "cut.trim"),
        ([clip(dissolve="1")], "cut.dissolve"),
        ([clip(), clip(dissolve="2.5")], "cut.dissolve"),
        ([clip(), clip(dissolve="1.5"), clip(dissolve="1")], "cut.dissolve"),
        ([clip("0", "0.5"), clip(dissolve="1")], "cut.dissolve"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(
    clips: list[Clip], rule: str, films: dict[str, Path], tmp_path: Path
) -> None:
    """A trim beyond the clip or a dissolve without room is an error at its line, and no file."""
    with pytest.raises(BadInput) as caught:
        assemble([(films["red"], one) for one in clips], None, tmp_path / "cut.mp4")
    assert {problem.rule for problem in caught.value.problems} == {rule}
    assert {str(problem.at) for problem in caught.value.problems} == {"film.yaml:7:3"}
    assert not (tmp_path / "cut.mp4").exists()


def test_a_cut_of_nothing(tmp_path: Path) -> None:
    """No clip, no cut."""
    with pytest.raises(BadInput, match="at least one clip"):
        assemble([], None, tmp_path / "cut.mp4")


def test_music_without_sound(films: dict[str, Path], tmp_path: Path) -> None:
    """A silent video named as the soundtrack is an error, not silence."""
    with pytest.raises(BadInput, match="without sound"):
        assemble([(films["red"], clip())], (films["green"], track()), tmp_path / "cut.mp4")


def test_where_nothing_can_be_written(films: dict[str, Path], tmp_path: Path) -> None:
    """A missing folder is said."""
    with pytest.raises(Outside, match="nowhere"):
        assemble([(films["green"], clip())], None, tmp_path / "nowhere" / "cut.mp4")


@pytest.mark.slow
def test_a_long_cut_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Ten times the clips, the same memory."""
    film = make_film(tmp_path / "f.mp4", [grey(n) for n in range(120)], size=(640, 360), sound=15)
    script = """
import resource, sys
from decimal import Decimal
from pathlib import Path
from runner.media.cut import assemble
from runner.model import Clip
count = int(sys.argv[2])
clips = [(Path(sys.argv[1]), Clip("a", dissolve=Decimal(n > 0))) for n in range(count)]
assemble(clips, None, Path(sys.argv[1]).with_name("cut.mp4"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peak = [
        int(subprocess.check_output([sys.executable, "-c", script, str(film), count]))
        for count in ("2", "20")
    ]
    assert peak[1] < 1.2 * peak[0]
    assert (tmp_path / "cut.mp4").stat().st_size
