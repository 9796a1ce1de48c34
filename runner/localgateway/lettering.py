"""Text on a picture in whatever script it is written, with the fonts this machine has.

Pillow's own face first (it is always there), then faces found by name for what it lacks. A
character no face has is shown as a box with its code, never dropped: a client should see that a
font is missing and not that a prompt is.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from PIL import ImageDraw, ImageFont

_FACES = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf",
    "unifont.otf", "unifont.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc", "Arial Unicode.ttf", "msyh.ttc", "malgun.ttf", "YuGothM.ttc",
    "segoeui.ttf", "arial.ttf",
)  # fmt: skip
_NOWHERE = "\U0010fffd"  # a private character no face draws
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
# What may not begin a line: closing marks stay with the ideograph before them.
_CLOSING = (
    r"[\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1a\uff1b\uff09"
    r"\u300d\u300f\u3011\u201d\u2019]*"
)
_WORDS = re.compile(rf"{_WIDE.pattern}{_CLOSING}|[^\s]+?(?={_WIDE.pattern})|[^\s]+|\s+")

Font = ImageFont.FreeTypeFont


@lru_cache(maxsize=256)
def _face(number: int, size: int) -> Font | None:
    """Face 0 is Pillow's own; the others are looked up by name in the system's folders."""
    try:
        if number == 0:
            own = ImageFont.load_default(size)
            return own if isinstance(own, ImageFont.FreeTypeFont) else None
        return ImageFont.truetype(_FACES[number - 1], size)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _face_for(char: str) -> int | None:
    """Number of the first face that has the character; None: no face has."""
    for number in range(len(_FACES) + 1):
        font = _face(number, 24)
        if font is not None and bytes(font.getmask(char)) != bytes(font.getmask(_NOWHERE)):
            return number
    return None


def _runs(text: str) -> Iterator[tuple[int | None, str]]:
    """Stretches of text that share a face."""
    start, current = 0, None
    for at, char in enumerate(text):
        number = 0 if char == " " else _face_for(char)
        if at == start:
            current = number
        elif number != current and (char != " " or current is None):
            yield current, text[start:at]
            start, current = at, number
    if start < len(text):
        yield current, text[start:]


@lru_cache(maxsize=8192)
def width(text: str, size: int) -> float:
    """Pixels a piece of text takes on one line."""
    total = 0.0
    for number, run in _runs(text):
        font = None if number is None else _face(number, size)
        total += len(run) * size * 0.8 if font is None else font.getlength(run)
    return total


def clean(text: str) -> str:
    """Control and bidi characters made harmless; line breaks become spaces."""
    return "".join(
        " " if char in "\r\n\t" else char
        for char in text
        if char in "\r\n\t" or (char.isprintable() and char not in "\u200b\u200e\u200f\ufeff")
    )


def wrap(text: str, size: int, space: float) -> list[str]:
    """Lines that fit into `space` pixels. Breaks at blanks and between ideographs."""
    lines: list[str] = []
    line, used = "", 0.0
    for word in _WORDS.findall(clean(text)):
        wide = width(word, size)
        if used + wide <= space or word.isspace():
            line, used = line + word, used + wide
            continue
        if line.strip():
            lines.append(line.rstrip())
        line, used = word, wide
        while used > space and len(line) > 1:
            fits = _longest(line, size, space)
            lines.append(line[:fits])
            line = line[fits:]
            used = width(line, size)
    return [*lines, line.rstrip()] if line.strip() else lines


def _longest(text: str, size: int, space: float) -> int:
    count = 1
    while count < len(text) and width(text[: count + 1], size) <= space:
        count += 1
    return count


def shorten(text: str, size: int, space: float) -> str:
    """One line that fits, with an ellipsis where it was cut."""
    text = clean(text)
    if width(text, size) <= space:
        return text
    while text and width(text + "…", size) > space:
        text = text[:-1]
    return text.rstrip() + "…"


def _cut_off(line: str, size: int, space: float) -> str:
    """The line with an ellipsis at its end, in place of its last words if it must be."""
    while line and width(line + " …", size) > space:
        line = line.rpartition(" ")[0] if " " in line else line[:-1]
    return line + " …"


def digits(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: int
) -> None:
    """Figures in cells of equal width, so that a running clock stands still."""
    cell = max(width(figure, size) for figure in "0123456789")
    x, y = at
    for char in text:
        wide = cell if char.isdigit() else cell * 0.5
        write(draw, (x + (wide - width(char, size)) / 2, y), char, size, fill)
        x += wide


def fit(
    text: str, sizes: range, space: float, height: float, leading: float = 1.32
) -> tuple[int, list[str]]:
    """The largest size at which all of the text fits, else the smallest with the end cut off."""
    text = text[:4000]  # more could not be read in any size
    size, lines = sizes[0], [""]
    for size in sizes:
        area = space * height / leading
        if len(text) * 0.35 * size * size > area and size != sizes[-1]:
            continue  # even narrow letters would not fit: no need to measure
        lines = wrap(text, size, space)
        if len(lines) * size * leading <= height:
            return size, lines
    room = max(1, int(height / (size * leading)))
    return size, [*lines[: room - 1], _cut_off(lines[room - 1], size, space)]


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: object,
    *, bold: bool = False, right: bool = False,
) -> None:  # fmt: skip
    """Write one line; `at` is its left (or right) end on the line's top."""
    x, y = at
    if right:
        x -= width(text, size)
    base = y + size * 0.95
    for number, run in _runs(text):
        font = None if number is None else _face(number, size)
        if font is None:
            for char in run:
                _missing(draw, (x, y), char, size, fill)
                x += size * 0.8
            continue
        stroke = size * 0.022 if bold else 0
        draw.text((x, base), run, fill=fill, font=font, anchor="ls", stroke_width=stroke)  # type: ignore[arg-type]
        x += font.getlength(run)


def _missing(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], char: str, size: int, fill: object
) -> None:
    x, y = at
    box = (x + size * 0.06, y + size * 0.12, x + size * 0.74, y + size * 1.0)
    draw.rounded_rectangle(box, radius=size * 0.08, outline=fill, width=max(1, size // 22))  # type: ignore[arg-type]
    code = f"{ord(char):04X}"[-4:]
    font = _face(0, max(6, int(size * 0.34)))
    for row, pair in enumerate((code[:2], code[2:])):
        middle = (x + size * 0.4, y + size * (0.36 + 0.4 * row))
        draw.text(middle, pair, fill=fill, font=font, anchor="mm")  # type: ignore[arg-type]
