"""The picture in docs/performance.md: nothing to do, by tool and size of graph, as SVG."""

import math
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

FILE = Path(__file__).parent.parent / "docs" / "performance.svg"
NAMES = ("reelmake run", "ninja", "make", "doit", "snakemake", "dvc")
WIDTH, LEFT, RIGHT, BAR, GAP = 720, 130, 70, 16, 18
LEAST, MOST = 0.001, 20.0  # s, on a logarithmic scale


def draw(found: dict[str, Any]) -> None:
    """Writes the picture, if there is anything to show."""
    if "noop" in found:
        FILE.write_text(picture(found["noop"]["found"]))


def picture(sizes: dict[str, dict[str, list[float]]]) -> str:
    parts, y = [], 64
    for size, samples in sizes.items():
        parts.append(text(16, y, f"{int(size):,} shots", weight="600"))
        y += 14
        for name in NAMES:
            if name in samples:
                parts += bar(name, median(samples[name]), y)
                y += BAR + 4
        y += GAP + 8
    height = y + 4
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif" '
            'font-size="12" role="img" aria-label="Time of a build with nothing to do">',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            text(16, 24, "Nothing to do: how long until the prompt is back", weight="600", size=15),
            text(16, 42, "median wall time, logarithmic; shorter is better", colour="#666"),
            *grid(height),
            *parts,
            "</svg>\n",
        ]
    )


def grid(height: int) -> list[str]:
    lines = []
    for seconds in (0.01, 0.1, 1.0, 10.0):
        x = place(seconds)
        lines.append(f'<line x1="{x}" x2="{x}" y1="54" y2="{height - 8}" stroke="#e4e4e4"/>')
        lines.append(text(x + 3, 58, f"{seconds:g} s", colour="#999", size=10))
    return lines


def bar(name: str, seconds: float, y: int) -> list[str]:
    ours = name.startswith("reelmake")
    end = place(seconds)
    label = f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return [
        text(LEFT - 8, y + 12, name, anchor="end", weight="600" if ours else "400"),
        f'<rect x="{LEFT}" y="{y}" width="{max(1.0, end - LEFT):.1f}" height="{BAR}" rx="2" '
        f'fill="{"#d1495b" if ours else "#9aa5b1"}"/>',
        text(end + 6, y + 12, label, weight="600" if ours else "400"),
    ]


def place(seconds: float) -> float:
    share = math.log(seconds / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + max(0.0, min(1.0, share)) * (WIDTH - LEFT - RIGHT), 1)


def text(
    x: float, y: float, words: str, *, anchor: str = "start", weight: str = "400",
    colour: str = "#222", size: int = 12,
) -> str:  # fmt: skip
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="{colour}">{escape(words)}</text>'
    )
