"""Where a price lies on rows of cells, and which prices and times are worth a label. Pure geometry."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.model.market import MINUTE_MS

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TIME_STEPS = (
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
    14 * DAY_MS,
    28 * DAY_MS,
    91 * DAY_MS,
    364 * DAY_MS,
)
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_EDGE = 0.02


class PriceScale(NamedTuple):
    """Prices from `high` at the top to `low` at the bottom of `rows` rows, each of two halves and four dots."""

    low: float
    high: float
    rows: int

    def part(self, price: float, parts: int) -> int:
        """Index from the top, of `parts` parts a row, in which `price` lies; prices outside land on the edge."""
        span = self.high - self.low
        last = self.rows * parts - 1
        if span <= 0.0:
            return last // 2
        return max(0, min(last, int((self.high - price) / span * self.rows * parts)))

    def row(self, price: float) -> int:
        """The row of `price`, 0 at the top."""
        return self.part(price, 2) // 2

    def half(self, price: float) -> int:
        """The half row of `price`, 0 at the top."""
        return self.part(price, 2)

    def dot(self, price: float) -> int:
        """The quarter row of `price`, 0 at the top."""
        return self.part(price, 4)

    def inside(self, price: float) -> bool:
        """The price lies between the edges."""
        return self.low <= price <= self.high

    def price_at(self, row: int) -> float:
        """The price in the middle of a row."""
        return self.high - (self.high - self.low) * (row + 0.5) / self.rows if self.rows else self.high


def scale_for(low: float, high: float, rows: int, levels: list[float]) -> PriceScale:
    """A scale over `low` .. `high` with a thin edge, widened by each of `levels` that does not squeeze it too much.

    A level is taken in while the whole span stays within twice the span of the candles.
    """
    base = high - low or abs(high) * 0.001 or 1.0
    bottom, top = low, high
    for level in sorted(levels, key=lambda at: max(low - at, at - high)):
        if max(top, level) - min(bottom, level) <= 2.0 * base:
            bottom, top = min(bottom, level), max(top, level)
    edge = (top - bottom or base) * _EDGE
    return PriceScale(bottom - edge, top + edge, rows)


def nice_step(span: float, most: int, least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 x 10^k that cuts `span` into at most `most` parts, and not below `least`."""
    raw = max(span / max(1, most), least, 1e-12)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in _NICE if factor * power >= raw * (1.0 - 1e-9))


def nice_ticks(low: float, high: float, most: int, least: float) -> list[float]:
    """Round prices between `low` and `high`, at most `most` + 1 of them, lowest first."""
    step = nice_step(high - low, most, least)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def time_step(ms_per_column: float, gap: int) -> int:
    """The smallest round time, ms, that is at least `gap` columns wide."""
    return next((step for step in TIME_STEPS if step >= ms_per_column * gap), TIME_STEPS[-1])
