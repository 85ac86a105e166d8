"""Bars, quotes and the view of the market that an event carries into the core."""

from __future__ import annotations

import msgspec

MINUTE_MS = 60_000
TIMEFRAMES: dict[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": 1440 * MINUTE_MS,
}


class Bar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One OHLCV candle. `open_time` is ms UTC; prices are quote currency, volume is base currency."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest known top of book of one symbol.

    `bid`, `ask`, `last`, `mark` are ticks (0: not known yet); sizes are lots; times are ms UTC, `venue_time` by the
    venue's clock and `received` by ours. Freshness is judged by `received`.
    """

    bid: int
    ask: int
    bid_lots: int
    ask_lots: int
    last: int
    mark: int
    venue_time: int
    received: int


class MarketView(msgspec.Struct, frozen=True, array_like=True):
    """The quotes an event brings with it: those that changed since the last view the core was given."""

    quotes: tuple[tuple[str, Quote], ...] = ()


EMPTY_VIEW = MarketView()
