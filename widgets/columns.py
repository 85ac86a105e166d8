"""Rows of a table whose least important columns give way where it is narrow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from widgets.line import Line, Piece


class Column(NamedTuple):
    """A column: `importance` 0 is never left out, larger numbers go first; `right` aligns to the right."""

    title: str
    width: int
    importance: int = 0
    right: bool = True


def kept(columns: Sequence[Column], width: int) -> list[int]:
    """Indexes of the columns that fit in `width` cells with a blank between two."""
    chosen = list(range(len(columns)))
    while sum(columns[i].width + 1 for i in chosen) - 1 > width:
        worst = max(chosen, key=lambda i: (columns[i].importance, i))
        if columns[worst].importance == 0:
            break
        chosen.remove(worst)
    return chosen


def padded(text: str, column: Column) -> str:
    """`text` in exactly the column's width; what does not fit ends in an ellipsis."""
    if len(text) > column.width:
        return text[: column.width - 1] + "…"
    return text.rjust(column.width) if column.right else text.ljust(column.width)


def header(columns: Sequence[Column], chosen: Sequence[int]) -> Line:
    """The titles."""
    return Line(((" ".join(padded(columns[i].title, columns[i]) for i in chosen), "dim"),))


def row(columns: Sequence[Column], chosen: Sequence[int], cells: Sequence[Piece], under: str = "") -> Line:
    """One row; `cells` stand for all columns."""
    pieces: list[Piece] = []
    for place, i in enumerate(chosen):
        text, tone = cells[i]
        pieces.append((("" if place == 0 else " ") + padded(text, columns[i]), tone))
    return Line(tuple(pieces), under)
