"""One small picture of a video, to stand where it will play."""

import io
from fractions import Fraction
from pathlib import Path

from runner.errors import Outside
from runner.media.canvas import to_rgb
from runner.media.reading import decoded, opened, picture, seconds_of, seek, start_of

QUALITY = 74


def poster(path: Path, side: int = 512) -> bytes:
    """JPEG bytes of a key frame near the middle, for shots tend to begin in the dark.

    At most `side` pixels wide and high. The same file gives the same bytes.
    Raises `Outside` where nothing of it can be decoded.
    """
    with opened(path) as container:
        stream = picture(container, path)
        seek(container, stream, start_of(stream) + Fraction(seconds_of(container, stream)) / 2)
        found = next(decoded(container, stream), None)
        if found is None:
            raise Outside(f"{path}: not one frame of it can be decoded")
        image = to_rgb()(found).to_image()
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
