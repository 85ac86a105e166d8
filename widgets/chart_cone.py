"""The forecast as a cone to the right of the newest candle. Pure."""

from __future__ import annotations

import math

from engine.model.forecast import Outlook
from widgets import format as fmt
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale
from widgets.line import Piece

LEAST_COLUMNS, MOST_COLUMNS = 5, 7


def prices(outlook: Outlook, part: float) -> tuple[float, float, float]:
    """Low, middle and high of the forecast when `part` of its horizon has passed, quote currency.

    The middle moves evenly in log price, the interval widens with the square root of time.
    """
    said, root = outlook.forecast, math.sqrt(part)
    middle = said.value * part
    low, high = middle - (said.value - said.low) * root, middle + (said.high - said.value) * root
    return outlook.close * math.exp(low), outlook.close * math.exp(middle), outlook.close * math.exp(high)


def reach(outlook: Outlook, timeframe_ms: int, pitch: int) -> int:
    """Columns of the cone on candles of `timeframe_ms` a `pitch` apart, as far as the margin goes."""
    return max(LEAST_COLUMNS, min(MOST_COLUMNS, round(outlook.forecast.horizon_ms / timeframe_ms * pitch)))


def draw_cone(canvas: Canvas, outlook: Outlook, scale: PriceScale, begin: int, columns: int) -> None:
    """Both edges and the middle, from the column `begin` on; a model that is not trusted draws in grey."""
    tone = "accent" if outlook.forecast.trusted else "dim"
    edges: tuple[list[tuple[int, int]], ...] = ([], [], [])
    for step in range(columns + 1):
        for edge, price in zip(edges, prices(outlook, step / columns), strict=True):
            edge.append((2 * (begin + step), scale.dot(price)))
    for edge in edges:
        canvas.curve(edge, tone)


def move_words(value: float) -> str:
    """``+0.12 %`` of a log return; a small one keeps two digits that say something: ``-0.0034 %``."""
    share = math.expm1(value)
    decimals = next((places for places, least in ((2, 0.001), (3, 0.0001)) if abs(share) >= least), 4)
    return fmt.percent(share, decimals=decimals if share else 2)


def legend(outlook: Outlook) -> list[Piece]:
    """``forecast +0.12 % untrusted``."""
    said = outlook.forecast
    arrow = "▲" if said.side > 0 else "▼" if said.side < 0 else "▬"
    tone = ("long" if said.side > 0 else "short" if said.side < 0 else "dim") if said.trusted else "dim"
    pieces: list[Piece] = [("forecast ", "dim"), (f"{arrow} {move_words(said.value)}", tone)]
    return pieces if said.trusted else [*pieces, (" untrusted", "warn")]
