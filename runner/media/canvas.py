"""Frames made to fit: bit-exact conversion, scaling onto a canvas, blending of two.

Colours are kept by saying to the converter what it would otherwise guess. Where a file does not
say which matrix made its colours, HD means BT.709 (players agree); the converter's own default
is BT.601 for everything, which would turn reds orange along a chain of shots.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

HD_HEIGHT = 720
SAME_SHAPE = 0.02  # difference of two ratios that nobody sees
MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}  # H.273
FULL_RANGE = 2  # AVCOL_RANGE_JPEG
EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
TICK = Fraction(1, 1000)


class Filter:
    """A chain of libav filters that is rebuilt when the frames change their shape."""

    def __init__(self, chain: Callable[[Any], Sequence[tuple[str, str]]]) -> None:
        self._chain = chain
        self._graph: Any = None
        self._shape: tuple[object, ...] = ()

    def __call__(self, frame: Any) -> Any:
        shape = (frame.width, frame.height, frame.format.name, *_colours(frame))
        if shape != self._shape:
            self._graph, self._shape = self._build(frame), shape
        frame.pts, frame.time_base = 0, TICK
        self._graph.push(frame)
        return self._graph.pull()

    def _build(self, frame: Any) -> Any:
        import av

        graph = av.filter.Graph()
        last = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format.name, time_base=TICK
        )
        for name, options in (*self._chain(frame), ("buffersink", "")):
            node = graph.add(name, options)
            last.link_to(node)
            last = node
        graph.configure()
        return graph


def to_rgb() -> Filter:
    """A filter that gives 8-bit RGB frames of the same size."""
    return Filter(
        lambda frame: [("scale", f"flags={EXACT}:{_colours_in(frame)}"), ("format", "rgb24")]
    )


def onto_canvas(width: int, height: int) -> Filter:
    """A filter that fits a frame into width x height.

    Black bars fill what a picture of another shape leaves free. A picture of nearly the same
    shape is cropped instead: 1920x1088 is what some vendors deliver as 1080p, and a film with
    hair-thin bars looks broken.
    """

    def chain(frame: Any) -> list[tuple[str, str]]:
        stretch = (frame.width * height) / (frame.height * width)
        nearly = abs(stretch - 1) <= SAME_SHAPE
        fit = f"{width}:{height}:force_original_aspect_ratio="
        fit += "increase" if nearly else "decrease"
        to = f"out_color_matrix={matrix_for(height)}:out_range=tv"
        return [
            ("scale", f"{fit}:flags={EXACT}:{_colours_in(frame)}:{to}"),
            ("format", "yuv420p"),
            ("crop", f"{width}:{height}") if nearly else ("null", ""),
            ("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2"),
            ("setsar", "1"),
        ]

    return Filter(chain)


def matrix_for(height: int) -> str:
    return "bt709" if height >= HD_HEIGHT else "bt601"


def _colours(frame: Any) -> tuple[int, int]:
    return int(frame.colorspace), int(frame.color_range)


def _colours_in(frame: Any) -> str:
    matrix, depth = _colours(frame)
    known = MATRICES.get(matrix) or matrix_for(frame.height)
    return f"in_color_matrix={known}:in_range={'pc' if depth == FULL_RANGE else 'tv'}"


def blend(one: Any, other: Any, weight: float) -> Any:
    """A new frame between two yuv420p frames of one size: 0 is all `one`, 1 all `other`."""
    import av
    from PIL import Image

    mixed = av.VideoFrame(one.width, one.height, "yuv420p")
    for a, b, out in zip(one.planes, other.planes, mixed.planes, strict=True):
        picture = Image.blend(_picture(a), _picture(b), weight)
        rows = Image.new("L", (out.line_size, out.height))
        rows.paste(picture)
        out.update(rows.tobytes().ljust(out.buffer_size, b"\0")[: out.buffer_size])
    return mixed


def _picture(plane: Any) -> Any:
    """One plane as a grey picture; its rows in memory are longer than the picture is wide."""
    from PIL import Image

    size = (plane.width, plane.height)
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)
