"""Where things stand on a slate: a pure function of its size in pixels."""

from msgspec import Struct

Box = tuple[int, int, int, int]  # left, top, right, bottom


class Layout(Struct, frozen=True):
    """Header, picture, panel (prompt and references) and footer, from top to bottom."""

    width: int
    height: int
    unit: float  # one hundredth of the shorter side
    margin: int  # nothing to be read stands outside it
    header: Box
    picture: Box
    prompt: Box
    thumbs: Box
    footer: Box

    def marks(self) -> list[Box]:
        """Small squares along the lower edge that tell our own slates from other pictures."""
        side = max(2, round(self.unit * 0.8))
        top = self.height - side - max(1, round(self.unit * 0.9))
        step = (self.width - 2 * self.margin) / 24
        return [
            (left := round(self.margin + step * n), top, left + side, top + side) for n in range(24)
        ]


def even(value: float) -> int:
    return round(value / 2) * 2


def layout(width: int, height: int, *, thumbs: int = 0) -> Layout:
    """The layout for a frame with so many thumbnails. The picture never depends on `thumbs`."""
    unit = min(width, height) / 100
    margin = round(max(width, height) * 0.032 + unit)
    top = even(unit * 9)
    foot = even(unit * 9)
    upright = height > width * 1.1
    square = not upright and width < height * 1.25
    share = 0.64 if upright else 0.62 if square else 0.67
    bottom = even(top + (height - top - foot) * share)
    gap = round(unit * 3.2)
    left, right = margin, width - margin
    panel_top, panel_bottom = bottom + gap, height - foot - round(unit)
    prompt = (left, panel_top, right, panel_bottom)
    strip = (right, panel_top, right, panel_bottom)
    if thumbs and upright:
        split = panel_bottom - round((panel_bottom - panel_top) * (0.36 if thumbs < 5 else 0.5))
        prompt, strip = (left, panel_top, right, split - gap), (left, split, right, panel_bottom)
    elif thumbs:
        share = min(0.46, 0.15 * thumbs + 0.03)
        split = right - round((right - left) * share)
        prompt, strip = (left, panel_top, split - gap, panel_bottom), (
            split, panel_top, right, panel_bottom,
        )  # fmt: skip
    return Layout(
        width, height, unit, margin,
        (0, 0, width, top), (0, top, width, bottom), prompt, strip,
        (0, height - foot, width, height),
    )  # fmt: skip
