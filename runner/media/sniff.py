"""What a local reference is, by its content: kind, pixels, seconds, transparency.

Headers only: no picture is decoded, so a bomb of 50,000 by 50,000 pixels costs nothing. A file
named .png that is an SVG, a PDF or a page of HTML is refused before it leaves this machine.
"""

import contextlib
import importlib
import logging
import struct
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from runner.errors import BadInput, Outside
from runner.media.boxes import check_mp4
from runner.media.magic import describe, guess
from runner.media.probe import probe
from runner.media.reading import opened, picture
from runner.model import MediaInfo

MAX_PIXELS = 200_000_000
MAX_IMAGE_BYTES = 256 << 20
MAX_HEIF_META = 4 << 20
READERS = {  # one reader each, taken by name: Pillow's own search would load all of its formats
    "image/jpeg": ("JpegImagePlugin", "JpegImageFile"),
    "image/png": ("PngImagePlugin", "PngImageFile"),
    "image/webp": ("WebPImagePlugin", "WebPImageFile"),
    "image/gif": ("GifImagePlugin", "GifImageFile"),
    "image/bmp": ("BmpImagePlugin", "BmpImageFile"),
    "image/tiff": ("TiffImagePlugin", "TiffImageFile"),
}
DEMUXERS = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/mp4": "mp4",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aiff": "aiff",
}
READER_FAULTS = (
    SyntaxError, OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError,
    EOFError, RuntimeError, struct.error,
)  # fmt: skip
LEGAL = "use JPEG, PNG, WebP, MP4, MOV, WAV or MP3"


def sniff(path: Path) -> MediaInfo:
    """Kind, type and measures of an image, a video or a piece of audio (about a millisecond).

    Raises `BadInput` where the content is none of these or is damaged, `Outside` where the file
    cannot be read.
    """
    head, size = _opening(path, 512)
    mime = guess(head)
    if mime in READERS:
        return _image(path, mime, size)
    if mime in ("image/heic", "image/avif"):
        return _heif(path, mime, size)
    if mime in ("video/mp4", "video/quicktime"):
        return _video(path, mime, size)
    if mime in DEMUXERS:
        return _audio(path, mime, size)
    raise BadInput(f"{path}: {describe(head)}, not an image, a video or a sound", do=LEGAL)


def _opening(path: Path, limit: int) -> tuple[bytes, int]:
    """The first bytes of a file, and how many it has."""
    try:
        with path.open("rb") as file:
            return file.read(limit), path.stat().st_size
    except OSError as error:
        raise Outside(f"{path}: {error.strerror or error}") from error


def _image(path: Path, mime: str, size: int) -> MediaInfo:
    if size > MAX_IMAGE_BYTES:
        raise BadInput(f"{path}: an image of {size / 1e6:.0f} MB")
    module, name = READERS[mime]
    reader = getattr(importlib.import_module(f"PIL.{module}"), name)
    with _damage(path, mime, size), path.open("rb") as file, reader(file) as image:
        width, height = image.size
        alpha = image.has_transparency_data
    _check_pixels(path, width, height)
    return MediaInfo("image", mime, size, width=width, height=height, alpha=alpha)


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise BadInput(f"{path}: claims {width}x{height} pixels", do="scale it down")


@contextlib.contextmanager
def _damage(path: Path, mime: str, size: int) -> Iterator[None]:
    """Whatever a reader stumbles over in `size` bytes of a hostile file is one clean error."""
    from PIL.Image import DecompressionBombError

    voice = logging.getLogger("PIL")
    if not voice.handlers:
        voice.addHandler(logging.NullHandler())  # else it would print by itself
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is not our business
            yield
    except (*READER_FAULTS, DecompressionBombError) as error:
        raise BadInput(f"{path}: damaged, {size} bytes that start like {mime} ({error})") from error


def _heif(path: Path, mime: str, size: int) -> MediaInfo:
    """HEIC and AVIF say their pixels in `ispe` boxes; the largest is the picture, others are its
    tiles and thumbnails (ISO/IEC 23008-12). An `auxC` that speaks of alpha is transparency."""
    meta, _ = _opening(path, MAX_HEIF_META)
    meta = meta[: max(meta.find(b"mdat"), 0) or None]
    sizes = []
    at = meta.find(b"ispe")
    while at >= 0:
        if at + 16 <= len(meta):
            sizes.append(struct.unpack(">II", meta[at + 8 : at + 16]))
        at = meta.find(b"ispe", at + 4)
    if not sizes:
        raise BadInput(f"{path}: damaged, {size} bytes that start like {mime}")
    width, height = max(sizes, key=lambda pair: pair[0] * pair[1])
    _check_pixels(path, width, height)
    alpha = b"auxid:1\0" in meta or b"auxiliary:alpha" in meta
    return MediaInfo("image", mime, size, width=width, height=height, alpha=alpha)


def _video(path: Path, mime: str, size: int) -> MediaInfo:
    try:
        with opened(path) as container:
            if not container.streams.video and container.streams.audio:
                return _audio(path, "audio/mp4", size)
            picture(container, path)
        found = probe(path)
    except Outside as damage:
        raise BadInput(damage.what) from damage
    if mime == "video/mp4" and (why := check_mp4(path)):
        raise BadInput(f"{path}: damaged, {why}")
    return MediaInfo(
        "video",
        mime,
        size,
        width=found.width,
        height=found.height,
        seconds=found.seconds,
        fps=found.fps,
        audio=found.audio,
    )


def _audio(path: Path, mime: str, size: int) -> MediaInfo:
    try:
        with opened(path, DEMUXERS[mime]) as container:
            if not container.streams.audio:
                raise BadInput(f"{path}: no sound in it")
            stream = container.streams.audio[0]
            seconds = _length(container, stream)
    except Outside as damage:
        raise BadInput(f"{path}: damaged, {size} bytes that start like {mime}") from damage
    if seconds <= 0:
        raise BadInput(f"{path}: {size} bytes that start like {mime} and last no time")
    return MediaInfo("audio", mime, size, seconds=round(seconds, 6))


def _length(container: Any, stream: Any) -> float:
    """Seconds, summed over the packets: what an MP3 or AAC header says is often an estimate."""
    total = sum(packet.duration or 0 for packet in container.demux(stream) if packet.size)
    if total and stream.time_base:
        return float(Fraction(total) * stream.time_base)
    return (container.duration or 0) / 1_000_000
