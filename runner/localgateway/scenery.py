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


def scenery(width: int, height: int, seed: int) -> Image.Image:
    """A landscape of this size. Painted small and enlarged: soft, and cheap."""
    dice = random.Random(seed)  # noqa: S311 - for looks
    scale = 560 / max(width, height)
    w, h = max(8, round(width * scale)), max(8, round(height * scale))
    hue = dice.random()
    high, low = tint(hue, 0.22, 0.38), tint(hue + dice.choice((0.06, -0.07, 0.45)), 0.66, 0.5)
    image = _sky(w, h, high, low)
    horizon = h * dice.uniform(0.55, 0.68)
    _sun(image, (w * dice.uniform(0.18, 0.82), horizon * dice.uniform(0.45, 0.8)), low, dice)
    layers = dice.choice((3, 4, 5))
    for layer in range(layers):
        depth = (layer + 1) / layers
        base = horizon + (h - horizon) * (depth * 0.8 - 0.18)
        colour = mix(mix(low, high, 0.25), tint(hue, 0.07, 0.3), depth**0.8)
        _ridge(image, base, h * (0.11 - 0.05 * depth), colour, dice)
    image = image.filter(ImageFilter.GaussianBlur(0.6))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _sky(w: int, h: int, high: RGB, low: RGB) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((w, h), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", (w, h), low), Image.new("RGB", (w, h), high), ramp)


def _sun(image: Image.Image, at: tuple[float, float], colour: RGB, dice: random.Random) -> None:
    radius = image.height * dice.uniform(0.07, 0.14)
    glow = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(glow)
    for reach, strength in ((3.2, 34), (2.0, 60), (1.0, 225)):
        r = radius * reach
        draw.ellipse((at[0] - r, at[1] - r, at[0] + r, at[1] + r), fill=strength)
        if reach > 1:
            glow = glow.filter(ImageFilter.GaussianBlur(radius * 0.7))
            draw = ImageDraw.Draw(glow)
    image.paste(mix(colour, (255, 250, 238), 0.72), (0, 0), glow)


def _ridge(image: Image.Image, base: float, swing: float, colour: RGB, dice: random.Random) -> None:
    waves = [(dice.uniform(0.6, 1.6) * 2**n, dice.uniform(0, 7), 0.55**n) for n in range(5)]
    w, h = image.size
    points = [
        (x, base - swing * sum(a * math.sin(f * math.tau * x / w + p) for f, p, a in waves))
        for x in range(0, w + 4, 4)
    ]
    ImageDraw.Draw(image).polygon([(0.0, h), *points, (w, h)], fill=colour)
