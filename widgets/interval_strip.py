"""A share with its interval on an axis around one half: does the whole interval lie to the right of a coin? Pure."""

from __future__ import annotations

from collections.abc import Iterable

from widgets.line import Piece

HALF, LEAST_SPAN, MOST_SPAN = 0.5, 0.02, 0.5
Interval = tuple[float, float]


def span_of(intervals: Iterable[Interval]) -> float:
    """How far the axis reaches to both sides of one half, so that all of `intervals` lie on it."""
    widest = max((max(abs(low - HALF), abs(high - HALF)) for low, high in intervals), default=0.0)
    return min(MOST_SPAN, max(LEAST_SPAN, widest))


def place(share: float, span: float, width: int) -> int:
    """The cell of a share."""
    return max(0, min(width - 1, round((share - HALF + span) / (2 * span) * (width - 1))))


def strip(share: float, interval: Interval, span: float, width: int, tone: str) -> list[Piece]:
    """``╌╌├──●──┤╌╌``: the interval, the share in it, and one half as a dotted line behind."""
    cells: list[Piece] = [(" ", "faint")] * width
    low, high = (place(end, span, width) for end in interval)
    for at in range(low, high + 1):
        cells[at] = ("─", tone)
    cells[low], cells[high] = ("├", tone), ("┤", tone)
    middle = place(HALF, span, width)
    cells[middle] = ("┼" if low < middle < high else "┊" if not low <= middle <= high else cells[middle][0], "dim")
    cells[place(share, span, width)] = ("●", f"{tone} bold" if tone != "dim" else "dim")
    return joined(cells)


def axis(span: float, width: int) -> list[Piece]:
    """The ends of the axis and its middle, as percentages."""
    left, right, middle = f"{HALF - span:.0%}", f"{HALF + span:.0%}", "50%"
    text = [" "] * width
    for at, label in ((0, left), (width - len(right), right), (place(HALF, span, width) - 1, middle)):
        text[at : at + len(label)] = label
    return [("".join(text)[:width], "dim")]


def joined(cells: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one tone as one piece."""
    out: list[Piece] = []
    for glyph, tone in cells:
        if out and out[-1][1] == tone:
            out[-1] = (out[-1][0] + glyph, tone)
        else:
            out.append((glyph, tone))
    return out
