"""Tiny curves and bars of block glyphs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

EIGHTHS = "▁▂▃▄▅▆▇█"
LEFT_EIGHTHS = " ▏▎▍▌▋▊▉█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest values as `width` eighth-height blocks, lowest to highest; a flat line sits in the middle.

    More values than cells are averaged in groups; fewer are padded at the left.
    """
    if width <= 0 or not values:
        return " " * max(0, width)
    count = len(values)
    if count > width:
        edges = [index * count // width for index in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    low, high = min(values), max(values)
    span = high - low
    if span <= 0.0:
        return (EIGHTHS[3] * len(values)).rjust(width)
    return "".join(EIGHTHS[min(7, int((value - low) / span * 8))] for value in values).rjust(width)


def bar(fraction: float, width: int) -> str:
    """A horizontal bar of eighths, `fraction` of `width` cells, padded to `width`."""
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (LEFT_EIGHTHS[rest] if rest else "")
    return text.ljust(width)


def column(fraction: float, height: int) -> list[str]:
    """A vertical bar of eighths, `fraction` of `height` cells, as `height` glyphs from top to bottom."""
    eighths = round(max(0.0, min(1.0, fraction)) * height * 8)
    glyphs = []
    for row in range(height):
        part = max(0, min(8, eighths - (height - 1 - row) * 8))
        glyphs.append(EIGHTHS[part - 1] if part else " ")
    return glyphs
