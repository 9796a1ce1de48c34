"""The picture of a shot that brings none: a quiet landscape whose colours come from its prompt.

It stands for nothing but "this shot and no other"; the same prompt gives the same place.
"""

import colorsys
import math
import random

from PIL import Image, ImageDraw, ImageFilter

RGB = tuple[int, int, int]


def tint(hue: float, light: float, strength: float) -> RGB:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, light, strength)
    return round(red * 255), round(green * 255), round(blue * 255)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )


# Sky above, sky at the horizon, the light, and the nearest ground.
_PALETTES: tuple[tuple[RGB, RGB, RGB, RGB], ...] = (
    ((24, 44, 66), (226, 150, 98), (255, 222, 170), (12, 17, 26)),  # ferry dusk
    ((36, 74, 92), (214, 216, 196), (255, 250, 232), (16, 30, 36)),  # cold morning
    ((48, 34, 72), (222, 112, 116), (255, 206, 176), (20, 12, 30)),  # rose evening
    ((14, 22, 48), (70, 104, 148), (232, 240, 255), (6, 9, 20)),  # moonlight
    ((70, 112, 142), (236, 214, 170), (255, 246, 214), (34, 40, 40)),  # salt flats
    ((30, 52, 48), (182, 190, 130), (250, 244, 200), (10, 20, 18)),  # forest haze
    ((88, 42, 40), (240, 166, 84), (255, 232, 168), (30, 12, 14)),  # desert
    ((52, 58, 68), (176, 178, 178), (242, 242, 238), (20, 22, 26)),  # overcast
    ((20, 60, 78), (120, 196, 190), (240, 255, 246), (8, 24, 32)),  # lagoon
    ((66, 50, 96), (196, 164, 206), (255, 238, 246), (24, 18, 40)),  # lavender
    ((92, 76, 58), (232, 200, 148), (255, 244, 214), (34, 26, 20)),  # sepia
    ((18, 34, 40), (96, 138, 120), (214, 240, 216), (6, 14, 16)),  # northern
)


def scenery(width: int, height: int, seed: int) -> Image.Image:
    """A landscape of this size. Painted small and enlarged: soft, and cheap."""
    dice = random.Random(seed)  # noqa: S311 - for looks
    scale = min(1, 960 / max(width, height))
    w, h = max(8, round(width * scale)), max(8, round(height * scale))
    high, low, light, ground = dice.choice(_PALETTES)
    image = _sky(w, h, high, low)
    horizon = h * dice.uniform(0.56, 0.68)
    at = w * dice.uniform(0.16, 0.84), horizon * dice.uniform(0.42, 0.82)
    _sun(image, at, light, dice)
    layers = dice.choice((3, 4, 5))
    far = mix(low, high, 0.42)
    for layer in range(layers):
        depth = layer / (layers - 1)
        base = horizon + (h - horizon) * (depth * 0.72 + 0.02)
        _ridge(image, base, h * (0.10 - 0.05 * depth), mix(far, ground, depth**0.75), dice)
    image = image.filter(ImageFilter.GaussianBlur(0.9))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _sky(w: int, h: int, high: RGB, low: RGB) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((w, h), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", (w, h), low), Image.new("RGB", (w, h), high), ramp)


def _sun(image: Image.Image, at: tuple[float, float], colour: RGB, dice: random.Random) -> None:
    radius = min(image.size) * dice.uniform(0.07, 0.13)
    glow = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(glow)
    for reach, strength in ((3.2, 34), (2.0, 60), (1.0, 225)):
        r = radius * reach
        draw.ellipse((at[0] - r, at[1] - r, at[0] + r, at[1] + r), fill=strength)
        if reach > 1:
            glow = glow.filter(ImageFilter.GaussianBlur(radius * 0.7))
            draw = ImageDraw.Draw(glow)
    image.paste(colour, (0, 0), glow)


def _ridge(image: Image.Image, base: float, swing: float, colour: RGB, dice: random.Random) -> None:
    waves = [(dice.uniform(0.6, 1.6) * 2**n, dice.uniform(0, 7), 0.55**n) for n in range(5)]
    w, h = image.size
    points = [
        (x, base - swing * sum(a * math.sin(f * math.tau * x / w + p) for f, p, a in waves))
        for x in range(0, w + 4, 4)
    ]
    ImageDraw.Draw(image).polygon([(0.0, h), *points, (w, h)], fill=colour)
