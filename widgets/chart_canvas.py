"""A grid of cells that candles, lines and labels are drawn on, and the lines it turns into. Pure."""

from __future__ import annotations

import itertools

from widgets.line import Line, Piece
from widgets.tones import TONES

_BACKED = frozenset(name for name, rules in TONES.items() if "background" in rules)
_BRAILLE = 0x2800
# Bits of the dots of a braille cell: [column][row].
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Canvas:
    """`width` x `height` cells, each a glyph in a tone; blank where nothing was drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._glyphs = [[" "] * width for _ in range(height)]
        self._tones = [["text"] * width for _ in range(height)]
        self._dots: dict[tuple[int, int], tuple[int, str]] = {}

    def put(self, column: int, row: int, glyph: str, tone: str) -> None:
        """Draw one cell over whatever is there; outside the grid nothing happens."""
        if 0 <= column < self.width and 0 <= row < self.height:
            self._glyphs[row][column] = glyph
            self._tones[row][column] = tone

    def put_if_blank(self, column: int, row: int, glyph: str, tone: str) -> None:
        """Draw one cell unless something is there."""
        if 0 <= column < self.width and 0 <= row < self.height and self._glyphs[row][column] == " ":
            self._glyphs[row][column] = glyph
            self._tones[row][column] = tone

    def write(self, column: int, row: int, text: str, tone: str) -> None:
        """Write text from `column` on; what lies outside is cut."""
        for index, glyph in enumerate(text):
            self.put(column + index, row, glyph, tone)

    def glyph(self, column: int, row: int) -> str:
        """What is drawn in a cell."""
        return self._glyphs[row][column]

    def dot(self, x: int, y: int, tone: str) -> None:
        """Set a braille dot; there are two columns and four rows of dots a cell."""
        cell = (x // 2, y // 4)
        bits, _ = self._dots.get(cell, (0, tone))
        self._dots[cell] = (bits | _DOTS[x % 2][y % 4], tone)

    def curve(self, points: list[tuple[int, int]], tone: str) -> None:
        """Join dots by straight lines."""
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                self.dot(x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps, tone)

    def settle_dots(self) -> None:
        """Turn the dots into glyphs wherever a cell is still blank."""
        for (column, row), (bits, tone) in self._dots.items():
            self.put_if_blank(column, row, chr(_BRAILLE + bits), tone)
        self._dots.clear()

    def line(self, row: int) -> Line:
        """A row as pieces of equal tone; blanks join the piece before them."""
        pieces: list[Piece] = []
        start, tone = 0, ""
        glyphs = self._glyphs[row]
        for index, (glyph, own) in enumerate(zip(glyphs, self._tones[row], strict=True)):
            if own == tone or (glyph == " " and own == "text" and tone and tone not in _BACKED):
                continue
            if index > start:
                pieces.append(("".join(glyphs[start:index]), tone or "text"))
            start, tone = index, own
        pieces.append(("".join(glyphs[start:]), tone or "text"))
        return Line(tuple(pieces))
