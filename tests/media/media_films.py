"""Small real films for the media tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

Colour = tuple[int, int, int]


def grey(level: int) -> Colour:
    return (level, level, level)


def make_film(
    path: Path,
    frames: Sequence[Colour],
    *,
    size: tuple[int, int] = (160, 96),
    fps: int = 8,
    sound: float = 0,  # seconds of a tone
    rate: int = 44_100,
    options: dict[str, str] | None = None,
    matrix: str | None = None,
    tag: int | None = None,
) -> Path:
    """An H.264 MP4 with one flat colour a frame, and a tone if asked for."""
    with av.open(str(path), "w", format="mp4", options=options or {}) as out:
        video = out.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "1", "threads": "1"}
        if tag is not None:
            video.codec_context.colorspace = tag
        audio = out.add_stream("aac", rate=rate, layout="mono") if sound else None
        for number, colour in enumerate(frames):
            picture = Image.new("RGB", size, colour)
            frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            frame = frame.reformat(format="yuv420p", dst_colorspace=matrix)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            for block in tone(sound, rate):
                out.mux(audio.encode(block))
            out.mux(audio.encode(None))
    return path


def tone(seconds: float, rate: int) -> list[av.AudioFrame]:
    """A square wave of 441 Hz at a quarter of full scale, in blocks of a codec frame."""
    half, blocks = rate // 882, []
    for start in range(0, int(seconds * rate), 1024):
        samples = b"".join(
            (8000 if (start + i) // half % 2 else -8000).to_bytes(2, "little", signed=True)
            for i in range(min(1024, int(seconds * rate) - start))
        )
        block = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        block.planes[0].update(samples.ljust(block.planes[0].buffer_size, b"\0"))
        block.sample_rate, block.pts, block.time_base = rate, start, Fraction(1, rate)
        blocks.append(block)
    return blocks
