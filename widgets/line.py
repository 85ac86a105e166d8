"""A line of a panel as plain data: pieces of text, each in a tone. Two equal lines paint the same."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

Piece = tuple[str, str]
"""Text and the tone it is written in."""


class Line(NamedTuple):
    """Pieces from left to right; `under` is a tone whose background lies under the whole line, or empty."""

    pieces: tuple[Piece, ...] = ()
    under: str = ""

    @property
    def text(self) -> str:
        """The characters without their tones."""
        return "".join(text for text, _ in self.pieces)


EMPTY = Line()


def say(text: str, tone: str = "dim") -> Line:
    """A line of one piece."""
    return Line(((text, tone),))


def width_of(pieces: tuple[Piece, ...] | list[Piece]) -> int:
    """Cells the pieces take."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in pieces)


def spread(left: list[Piece], right: list[Piece], width: int) -> tuple[Piece, ...]:
    """`left` at the left edge and `right` at the right edge of `width` cells; `right` is dropped where both don't fit."""
    gap = width - width_of(left) - width_of(right)
    if not right or gap < 1:
        return tuple(left)
    return (*left, (" " * gap, "text"), *right)


def fit(cells: list[tuple[int, list[Piece]]], width: int, gap: int = 2) -> list[Piece]:
    """Cells joined from left to right, the least important (largest number) left out until all fit in `width`.

    Args:
        cells: importance (0 is never left out) and pieces, in reading order; empty pieces are ignored.
        width: cells there are.
        gap: blanks between two cells.
    """
    kept = [(importance, pieces, width_of(pieces)) for importance, pieces in cells if pieces]
    while sum(size + gap for _, _, size in kept) - gap > width:
        worst = max(kept, key=lambda cell: cell[0])
        if worst[0] == 0:
            break
        kept.remove(worst)
    joined: list[Piece] = []
    for _, pieces, _ in kept:
        if joined:
            joined.append((" " * gap, "text"))
        joined.extend(pieces)
    return joined


def wrap_words(text: str, width: int) -> list[str]:
    """`text` broken at spaces into rows of at most `width` characters; longer words are cut."""
    rows: list[str] = []
    row = ""
    for word in text.split():
        rest = word
        while len(rest) > width > 0:
            if row:
                rows.append(row)
                row = ""
            rows.append(rest[:width])
            rest = rest[width:]
        if row and len(row) + 1 + len(rest) > width:
            rows.append(row)
            row = rest
        else:
            row = f"{row} {rest}" if row else rest
    if row:
        rows.append(row)
    return rows


def sentences(text: str, width: int, tone: str = "dim") -> list[Line]:
    """`text` wrapped into lines of one tone."""
    return [say(row, tone) for row in wrap_words(text, width)]
