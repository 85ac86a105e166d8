"""Candles of half-cell resolution: which bars make a candle, and which glyphs make its column. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.market import Bar
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale
from widgets.spark import column as eighths

# (upper half, lower half) of a cell -> glyph; 0 nothing, 1 wick, 2 body.
THIN = {
    (0, 0): " ",
    (0, 1): "╷",
    (1, 0): "╵",
    (1, 1): "│",
    (0, 2): "╻",
    (2, 0): "╹",
    (2, 2): "┃",
    (1, 2): "╽",
    (2, 1): "╿",
}
HOLLOW = {"┃": "┇", "╻": "╷", "╹": "╵", "█": "▒", "▀": "▒", "▄": "▒"}
"""Bodies of falling candles where there is no colour to tell them by."""
WIDE = {(2, 2): "█", (2, 0): "▀", (0, 2): "▄", (2, 1): "▀", (1, 2): "▄"}


class Zoom(NamedTuple):
    """How many bars make a candle and how many columns a candle has."""

    bars: int
    pitch: int


ZOOMS = (Zoom(16, 1), Zoom(8, 1), Zoom(4, 1), Zoom(2, 1), Zoom(1, 1), Zoom(1, 2), Zoom(1, 4), Zoom(1, 6))
DEFAULT_ZOOM = 5


def merged(bars: Sequence[Bar]) -> Bar:
    """One bar over the time of several that follow each other."""
    if len(bars) == 1:
        return bars[0]
    return Bar(
        bars[0].open_time,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )


def column_cells(bar: Bar, scale: PriceScale) -> list[tuple[int, int, int]]:
    """Rows of a candle with what the upper and lower half of each hold: (row, upper, lower); 1 wick, 2 body."""
    top, bottom = scale.half(bar.high), scale.half(bar.low)
    body_top, body_bottom = scale.half(max(bar.open, bar.close)), scale.half(min(bar.open, bar.close))
    cells = []
    for row in range(top // 2, bottom // 2 + 1):
        kinds = [
            0 if half < top or half > bottom else 2 if body_top <= half <= body_bottom else 1
            for half in (2 * row, 2 * row + 1)
        ]
        cells.append((row, kinds[0], kinds[1]))
    return cells


def draw_candle(canvas: Canvas, bar: Bar, scale: PriceScale, column: int, pitch: int, *, plain: bool = False) -> None:
    """Draw a candle whose leftmost column is `column`; a pitch of 4 or more has a wide body and a gap of one.

    Where body and wick share a cell of a wide candle the body takes it: a block and a line do not fit in one glyph.
    A `plain` terminal has no colour: falling candles are hollow.
    """
    other = HOLLOW if plain and bar.close < bar.open else {}
    tone = "up" if bar.close >= bar.open else "down"
    body = pitch - 1 if pitch >= 4 else 1
    middle = column + body // 2
    for row, upper, lower in column_cells(bar, scale):
        wide = WIDE.get((upper, lower)) if body > 1 else None
        if wide is None:
            glyph = THIN[upper, lower]
            canvas.put(middle, row, other.get(glyph, glyph), tone)
        else:
            canvas.write(column, row, other.get(wide, wide) * body, tone)


def draw_volume(canvas: Canvas, bar: Bar, most: float, top: int, rows: int, column: int, pitch: int) -> None:
    """Draw a candle's volume in `rows` rows from `top` on; `most` fills them."""
    tone = "up-faint" if bar.close >= bar.open else "down-faint"
    body = pitch - 1 if pitch >= 4 else 1
    for row, glyph in enumerate(eighths(bar.volume / most if most > 0 else 0.0, rows)):
        if glyph != " ":
            for at in range(column, column + body):
                canvas.put(at, top + row, glyph, tone)
