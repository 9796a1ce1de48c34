"""What a reference is, by content; what it may not be."""

import base64
import contextlib
import io
import struct
import subprocess
import sys
import wave
import zlib
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from media_films import grey, make_film, tone
from PIL import Image

from runner.errors import BadInput, Outside
from runner.media.sniff import sniff
from runner.model import MediaInfo


def image(kind: str, mode: str = "RGB", size: tuple[int, int] = (640, 360)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def saved(data: bytes, folder: Path, name: str = "x") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def sound(codec: str, container: str, seconds: float = 2, rate: int = 44_100) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        for block in tone(seconds, rate):
            file.mux(stream.encode(block))
        file.mux(stream.encode(None))
    return out.getvalue()


HEIC = base64.b64decode(  # a real one: 300x200 with an alpha plane, its pixels cut off
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAkZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAACagABAAAAAAAAAEEAAgAAAAACqwABAAAAAAAAADkAAAA4aWluZgAAAAAA"
    "AgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAAACAABodmMxAAAAAA5waXRtAAAAAAABAAABhWlwcnAAAAFf"
    "aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAPPAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAPLoCQGEAAQAr"
    "QgEBA3AAAAMAkAAAAwAAAwA8oAmIDJ35bqSSmubgIaDAgAAADIAAAAMAhGIAAQAHRAHBcrBiQAAAABNjb2xybmNseAAB"
    "AA0ABoAAAAAUaXNwZQAAAAAAAAEsAAAAyAAAABBwaXhpAAAAAAMICAgAAABzaHZjQwEECAAAAJ/4AAAAADzwAPz8+PgA"
    "AA8DYAABABdAAQwB//8ECAAAAwCf+AAAAwAAPLoCQGEAAQAnQgEBBAgAAAMAn/gAAAMAADzAJiAycvlupJKa5sCAAAAM"
    "gAAAAwCEYgABAAdEAcFysGJAAAAADnBpeGkAAAAAAQgAAAAnYXV4QwAAAAB1cm46bXBlZzpoZXZjOjIwMTU6YXV4aWQ6"
    "MQAAAAAeaXBtYQAAAAAAAAACAAEEgQIDBAACBIUDBocAAAAaaXJlZgAAAAAAAAAOYXV4bAACAAEAAQAAAIJtZGF0"
)


@pytest.mark.parametrize(
    ("kind", "mode", "mime", "alpha"),
    [
        ("JPEG", "RGB", "image/jpeg", False),
        ("PNG", "RGB", "image/png", False),
        ("PNG", "RGBA", "image/png", True),
        ("PNG", "LA", "image/png", True),
        ("PNG", "P", "image/png", False),
        ("WEBP", "RGB", "image/webp", False),
        ("WEBP", "RGBA", "image/webp", True),
        ("GIF", "P", "image/gif", False),
        ("BMP", "RGB", "image/bmp", False),
        ("TIFF", "RGB", "image/tiff", False),
        ("AVIF", "RGB", "image/avif", False),
    ],
)
def test_images(kind: str, mode: str, mime: str, alpha: bool, tmp_path: Path) -> None:
    """Type, pixels and transparency are what the bytes say, whatever the name says."""
    data = image(kind, mode)
    path = saved(data, tmp_path, "named.pdf")
    assert sniff(path) == MediaInfo("image", mime, len(data), 640, 360, alpha=alpha)


def test_a_phone_picture(tmp_path: Path) -> None:
    """HEIC gives its pixels and its alpha plane without a decoder."""
    found = sniff(saved(HEIC, tmp_path))
    assert found == MediaInfo("image", "image/heic", len(HEIC), 300, 200, alpha=True)


@pytest.mark.parametrize("brand", ["isom", "qt  "])
def test_video(brand: str, tmp_path: Path) -> None:
    """Pixels, seconds, rate and sound of a reference video."""
    path = make_film(tmp_path / "x", [grey(0)] * 16, fps=8, sound=2, options={"brand": brand})
    found = sniff(path)
    assert found == MediaInfo(
        "video",
        "video/mp4" if brand == "isom" else "video/quicktime",
        path.stat().st_size,
        width=160,
        height=96,
        seconds=2.0,
        fps=8.0,
        audio=True,
    )


@pytest.mark.parametrize(
    ("codec", "container", "mime"),
    [
        ("pcm_s16le", "wav", "audio/wav"),
        ("mp3", "mp3", "audio/mpeg"),
        ("aac", "mp4", "audio/mp4"),
        ("aac", "adts", "audio/aac"),
        ("flac", "flac", "audio/flac"),
        ("libopus", "ogg", "audio/ogg"),
    ],
)
def test_sound(codec: str, container: str, mime: str, tmp_path: Path) -> None:
    """A sound's length is counted, not estimated from its bit rate."""
    rate = 48_000 if codec == "libopus" else 44_100
    data = sound(codec, container, rate=rate)
    found = sniff(saved(data, tmp_path, "named.jpg"))
    assert (found.kind, found.mime, found.bytes) == ("audio", mime, len(data))
    assert found.seconds == pytest.approx(2, abs=0.1)


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b""
    for name, content in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(9))), (b"IEND", b"")):
        body = name + content
        chunks += struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg onload="x()"/>', "an SVG drawing"),
        (b"<!-- hm -->\n<svg/>", "an SVG drawing"),
        (b"\xef\xbb\xbf<!DOCTYPE HTML><title>404</title>", "an HTML page"),
        (b'{"error": "expired"}', "JSON text"),
        (b"AIHUBMIX_API_KEY=sk-1\n", "text"),
        (b"PK\x03\x04\x14", "a ZIP archive"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\x1a\x45\xdf\xa3\x01", "WebM"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"\x7fELF\2\1\1", "a program"),
        (bytes(600), "something unknown"),
        (bomb(50_000, 50_000), "50000x50000 pixels"),
        (bomb(0, 50), "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "damaged"),
        (b"II*\0\x08\0\0\0", "damaged"),
        (b"\0\0\0\x18ftypheic", "damaged"),
        (b"\0\0\0\x18ftypisom" + bytes(12), "x"),
        (b"RIFF\0\0\0\0WAVE", "damaged"),
        (b"ID3\x04\0\0\0\0\0\0", "damaged"),
    ],
)
def test_what_is_refused(data: bytes, says: str, tmp_path: Path) -> None:
    """A file of another kind, a bomb or a ruin never leaves this machine as a reference."""
    with pytest.raises(BadInput) as caught:
        sniff(saved(data, tmp_path, "x.png"))
    assert says in caught.value.what
    assert "x.png" in caught.value.what


def test_a_film_cut_short_is_refused(tmp_path: Path) -> None:
    """Half a reference video is said before it is uploaded."""
    options = {"movflags": "+faststart"}
    path = make_film(tmp_path / "x.mp4", [grey(n) for n in range(40)], options=options)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match="cut short"):
        sniff(path)


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read(what: str, tmp_path: Path) -> None:
    """That is the disk's error, not the content's."""
    if what == "folder":
        (tmp_path / "x.png").mkdir()
    with pytest.raises(Outside, match=r"x\.png"):
        sniff(tmp_path / "x.png")


SEEDS = {
    "jpeg": image("JPEG"),
    "png": image("PNG", "RGBA"),
    "webp": image("WEBP"),
    "gif": image("GIF", "P"),
    "bmp": image("BMP"),
    "tiff": image("TIFF", size=(64, 64)),
    "heic": HEIC,
    "wav": sound("pcm_s16le", "wav", 0.1),
    "mp3": sound("mp3", "mp3", 0.1),
    "m4a": sound("aac", "mp4", 0.1),
    "flac": sound("flac", "flac", 0.1),
    "aac": sound("aac", "adts", 0.1),
}


@pytest.mark.parametrize("seed", SEEDS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.integers(min_value=1, max_value=1 << 20),
    hits=st.lists(st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=6)), max_size=4),
)
def test_no_damage_is_more_than_an_error(
    seed: str, cut: int, hits: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    """Any file, however mangled, is either described or refused in one sentence."""
    data = bytearray(SEEDS[seed][:cut])
    for at, patch in hits:
        data[at : at + len(patch)] = patch
    with contextlib.suppress(BadInput):
        assert sniff(saved(bytes(data), tmp_path)).bytes == len(data)


def test_a_damaged_picture_prints_nothing(tmp_path: Path) -> None:
    """What a library has to say about a ruin stays out of the user's terminal."""
    wide, high, bits, samples = (256, 64), (257, 64), (258, 8), (277, 0x4000)
    fields = (wide, high, bits, (259, 1), (262, 2), (273, 8), samples, (278, 64), (279, 10))
    tags = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in fields)
    path = saved(b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + tags + bytes(4), tmp_path)
    script = """
import sys
from pathlib import Path
from runner.errors import BadInput
from runner.media.sniff import sniff
try:
    sniff(Path(sys.argv[1]))
except BadInput as refused:
    print(refused.what)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    assert "samples per pixel" in done.stdout
    assert done.stderr == ""


def test_wave_module_agrees(tmp_path: Path) -> None:
    """A WAV written by somebody else's code has the length it was written with."""
    with wave.open(str(tmp_path / "x"), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(bytes(4 * 24_000))
    assert sniff(tmp_path / "x").seconds == 0.5
