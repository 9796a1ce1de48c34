"""Draws slates: an animatic frame with the prompt, the references and a running timecode.

Everything to be read stands around the picture and nothing on it, so that a shot that starts from
the last frame of another continues its picture and not its writing.
"""

import hashlib
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from runner.localgateway import encode, lettering
from runner.localgateway.ask import Ask, Medium, UnreadableImage
from runner.localgateway.layout import Box, Layout, layout
from runner.localgateway.scenery import RGB, mix, scenery, tint

PAPER: RGB = (16, 17, 20)
INK: RGB = (238, 236, 230)
QUIET: RGB = (150, 150, 152)
_MARK = 0b101100111000110101001110  # which of the 24 squares are lit
_CHORDS = (
    (110, 165, 220, 330), (98, 147, 196, 294), (130, 195, 260, 390), (87, 131, 174, 262),
    (117, 175, 233, 349), (104, 156, 208, 311), (123, 185, 247, 370), (92, 139, 185, 277),
)  # fmt: skip


def render(
    path: Path,
    ask: Ask,
    shot: str,
    *,
    plain: bool = False,
    black: bool = False,
    seconds: float | None = None,
    size: tuple[int, int] | None = None,
    audio: bool | None = None,
) -> None:
    """Write the film of an ask; the keywords make it differ from what was asked.

    Raises UnreadableImage.
    """
    if size:
        ask = replace(ask, width=size[0], height=size[1])
    ask = replace(
        ask,
        seconds=ask.seconds if seconds is None else seconds,
        audio=ask.audio if audio is None else audio,
    )
    chord = _CHORDS[_number(ask.prompt) % len(_CHORDS)] if ask.audio else None
    if plain or black:
        shade = (0, 0, 0) if black else tint(0.6, 0.2, 0.3)
        still = Image.new("RGB", (ask.width, ask.height), shade)
        few = 2 if plain and ask.seconds == int(ask.seconds) else encode.FPS
        frames = max(1, round(ask.seconds * few))
        encode.film(path, [(0, still)], frames, None, chord, ask.seconds, fps=few)
        return
    slate = Slate(ask, shot)
    frames = max(1, round(ask.seconds * encode.FPS))
    encode.film(path, slate.stills(frames), frames, slate.clock, chord, ask.seconds)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


class Slate:
    """One slate: its still picture(s), and the clock that is written on each frame."""

    def __init__(self, ask: Ask, shot: str) -> None:
        self.ask = ask
        self.shot = shot
        self.thumbs = [m for m in ask.media if not (m.role == "first_frame" and m.data)]
        self.place = layout(ask.width, ask.height, thumbs=len(self.thumbs))
        self.accent = tint((_number(ask.prompt) % 360) / 360, 0.62, 0.72)

    def stills(self, frames: int) -> list[tuple[int, Image.Image]]:
        """The slate, and where an end frame is given a dissolve into it over the last second."""
        base = self._sheet()
        picture = self._picture(self.ask.medium("first_frame"))
        spot = self.place.picture[:2]
        base.paste(picture, spot)
        end = self.ask.medium("last_frame")
        if end is None or not end.data:
            return [(0, base)]
        target = self._picture(end)
        steps = min(encode.FPS, frames - 1)
        stills = [(0, base)]
        for step in range(1, steps + 1):
            still = base.copy()
            still.paste(Image.blend(picture, target, step / steps), spot)
            stills.append((frames - 1 - steps + step, still))
        return stills

    # ── the picture ─────────────────────────────────────────────────────────────────────

    def _picture(self, medium: Medium | None) -> Image.Image:
        left, top, right, bottom = self.place.picture
        size = right - left, bottom - top
        if medium is None or not medium.data:
            return scenery(*size, _number(self.ask.prompt))
        image = without_writing(decode(medium.data))
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)

    # ── what is written around it ───────────────────────────────────────────────────────

    def _sheet(self) -> Image.Image:
        sheet = Image.new("RGB", (self.ask.width, self.ask.height), PAPER)
        draw = ImageDraw.Draw(sheet)
        self._header(draw)
        self._prompt(draw)
        self._thumbnails(sheet, draw)
        self._footer(draw)
        return sheet

    def _header(self, draw: ImageDraw.ImageDraw) -> None:
        place, unit = self.place, self.place.unit
        size = max(9, round(unit * 4.6))
        small = max(8, round(unit * 3.1))
        middle = place.header[3] / 2
        title = self.shot or "shot"
        name, _, rest = title.partition(" ")
        x = float(place.margin)
        bar = round(unit * 1.1)
        draw.rectangle((x, middle - size * 0.5, x + bar, middle + size * 0.5), fill=self.accent)
        x += bar + unit * 2
        room = (place.width - 2 * place.margin) * 0.55
        name = lettering.shorten(name, size, room)
        lettering.write(draw, (x, middle - size * 0.62), name, size, INK, bold=True)
        x += lettering.width(name, size) + unit * 2
        lettering.write(draw, (x, middle - small * 0.6), rest, small, QUIET)
        used = x + lettering.width(rest, small) + unit * 4
        right = place.width - place.margin
        model = lettering.shorten(self.ask.model, small, max(unit * 8, right - used))
        lettering.write(draw, (right, middle - small * 0.6), model, small, QUIET, right=True)

    def _prompt(self, draw: ImageDraw.ImageDraw) -> None:
        unit = self.place.unit
        left, top, right, bottom = self.place.prompt
        sizes = range(max(12, round(unit * 5.4)), max(9, round(unit * 2.4)) - 1, -1)
        size, lines = lettering.fit(self.ask.prompt, sizes, right - left, bottom - top)
        for number, line in enumerate(lines):
            lettering.write(draw, (left, top + number * size * 1.32), line, size, INK)

    def _footer(self, draw: ImageDraw.ImageDraw) -> None:
        ask, place, unit = self.ask, self.place, self.place.unit
        size = max(8, round(unit * 2.9))
        sound = "sound" if ask.audio else "silent"
        if ask.medium("first_frame"):
            sound += "  ·  from a first frame"
        facts = f"{ask.seconds:g} s  ·  {ask.width} × {ask.height}  ·  {sound}"  # noqa: RUF001
        room = place.width - 2 * place.margin - clock_width(unit) - size
        facts = lettering.shorten(facts, size, room)
        y = place.footer[1] + unit * 2.6
        lettering.write(draw, (place.width - place.margin, y), facts, size, QUIET, right=True)
        for number, box in enumerate(place.marks()):
            lit = _MARK >> (23 - number) & 1
            draw.rectangle(_inner(box), fill=(104, 105, 110) if lit else (46, 47, 51))

    # ── references ──────────────────────────────────────────────────────────────────────

    def _thumbnails(self, sheet: Image.Image, draw: ImageDraw.ImageDraw) -> None:
        counts: dict[str, int] = {}
        for medium, box in zip(self.thumbs, _grid(self.place, len(self.thumbs)), strict=True):
            if medium.role == "reference":
                counts[medium.kind] = counts.get(medium.kind, 0) + 1
                label = f"{medium.kind.title()} {counts[medium.kind]}"
            else:
                label = medium.role.replace("_", " ").capitalize()
            self._thumbnail(sheet, draw, medium, label, box)

    def _thumbnail(
        self, sheet: Image.Image, draw: ImageDraw.ImageDraw, medium: Medium, label: str, box: Box
    ) -> None:
        unit = self.place.unit
        size = max(7, round(min(unit * 2.5, (box[3] - box[1]) * 0.16)))
        left, top, right, bottom = box
        bottom -= round(size * 1.5)
        if medium.kind == "image" and medium.data:
            image = without_writing(decode(medium.data))
            image = ImageOps.contain(image, (right - left, bottom - top), Image.Resampling.LANCZOS)
            sheet.paste(image, (left, bottom - image.height))
        else:
            self._placeholder(draw, medium, (left, top, right, bottom), size)
        text = lettering.shorten(label, size, right - left)
        lettering.write(draw, (left, bottom + size * 0.25), text, size, QUIET)

    def _placeholder(self, draw: ImageDraw.ImageDraw, medium: Medium, box: Box, size: int) -> None:
        """A box with a sign for what cannot be shown: a URL is never opened here."""
        left, top, right, bottom = box
        draw.rectangle(_inner(box), fill=(34, 36, 41), outline=(58, 60, 66))
        r = min(right - left, bottom - top) * 0.17
        x, y = (left + right) / 2, top + (bottom - top) * 0.4
        _sign(draw, medium.kind, x, y, r, mix(self.accent, PAPER, 0.25))
        name = unquote(urlsplit(medium.url).path.rsplit("/", 1)[-1]) or medium.kind
        text = lettering.shorten(name, size, right - left - size)
        x -= lettering.width(text, size) / 2
        lettering.write(draw, (x, bottom - size * 1.7), text, size, QUIET)

    # ── every frame ─────────────────────────────────────────────────────────────────────

    def clock(self, number: int, luma: Image.Image) -> None:
        """Timecode and a line that runs, written on the brightness plane of one frame."""
        place, unit = self.place, self.place.unit
        draw = ImageDraw.Draw(luma)
        size = clock_size(unit)
        left, top = place.margin, round(place.footer[1] + unit * 2.3)
        paper = 16 + round(16.6 * 219 / 255)  # PAPER's brightness in video range
        wide = clock_width(unit)
        draw.rectangle((left, top, left + wide, top + round(size * 1.2)), fill=paper)
        lettering.digits(draw, (left, top), timecode(number), size, 215)
        end = place.width * (number + 1) / max(1, round(self.ask.seconds * encode.FPS))
        line = place.picture[3]
        draw.rectangle((0, line, place.width, line + max(1, round(unit * 0.5))), fill=44)
        draw.rectangle((0, line, round(end), line + max(1, round(unit * 0.5))), fill=200)


def clock_size(unit: float) -> int:
    return max(9, round(unit * 3.4))


def clock_width(unit: float) -> int:
    """What the timecode wipes in every frame: nothing else may stand there."""
    return clock_size(unit) * 6


def timecode(number: int) -> str:
    """Hours, minutes, seconds and frames, as an editor counts them."""
    seconds, frame = divmod(number, encode.FPS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"


def _inner(box: Box) -> Box:
    return box[0], box[1], box[2] - 1, box[3] - 1


def _grid(place: Layout, count: int) -> list[Box]:
    """Boxes for so many thumbnails, as large as they get."""
    if not count:
        return []
    left, top, right, bottom = place.thumbs
    gap = round(place.unit * 2)
    wide, high = right - left, bottom - top

    def cell(columns: int) -> tuple[float, float]:
        rows = -(-count // columns)
        w = (wide - gap * (columns - 1)) / columns
        h = (high - gap * (rows - 1)) / rows
        return min(w, h * 1.6), min(h, w / 0.9)

    columns = max(range(1, count + 1), key=lambda n: cell(n)[0] * cell(n)[1])
    w, h = cell(columns)
    boxes = []
    for number in range(count):
        row, column = divmod(number, columns)
        x, y = left + column * (w + gap), top + row * (h + gap)
        boxes.append((round(x), round(y), round(x + w), round(y + h)))
    return boxes


def _sign(draw: ImageDraw.ImageDraw, kind: str, x: float, y: float, r: float, colour: RGB) -> None:
    if kind == "video":
        draw.polygon([(x - r * 0.7, y - r), (x - r * 0.7, y + r), (x + r, y)], fill=colour)
    elif kind == "audio":
        for n, high in enumerate((0.4, 0.9, 0.6, 1.0, 0.5)):
            cx = x + (n - 2) * r * 0.5
            draw.rectangle((cx - r * 0.12, y - r * high, cx + r * 0.12, y + r * high), fill=colour)
    else:
        draw.polygon([(x - r * 1.2, y + r), (x - r * 0.3, y - r * 0.7), (x + r * 0.5, y + r)],
                     fill=colour)  # fmt: skip
        draw.polygon([(x, y + r), (x + r * 0.6, y - r * 0.1), (x + r * 1.2, y + r)], fill=colour)


# ── images that come in ─────────────────────────────────────────────────────────────────────


def decode(data: bytes) -> Image.Image:
    """An image out of a body, upright, in RGB. Raises UnreadableImage."""
    try:
        with Image.open(BytesIO(data)) as image:
            image.draft("RGB", (2048, 2048))
            return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise UnreadableImage(f"The image cannot be decoded: {error}") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"The image is too large: {error}") from None


def without_writing(image: Image.Image) -> Image.Image:
    """The picture alone, where the image is a frame of one of our own slates."""
    place = layout(*image.size)
    grey = image.convert("L")
    seen = 0
    for left, top, right, bottom in place.marks():
        at = min(image.width - 1, (left + right) // 2), min(image.height - 1, (top + bottom) // 2)
        value = grey.getpixel(at)
        assert isinstance(value, int)
        seen = seen << 1 | (value > 76)
    return image.crop(place.picture) if seen == _MARK else image
