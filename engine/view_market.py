"""Pictures of the market: quotes, the order book, trades, the watchlist. Prices are ticks, quantities lots, times ms UTC."""

from __future__ import annotations

import msgspec


class QuoteView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Newest quote, ticks; `at` is received time ms UTC."""

    symbol: str
    bid: int
    ask: int
    last: int
    mark: int
    at: int


class Quotes(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Quotes that changed since the last update, conflated: one a symbol."""

    rows: tuple[QuoteView, ...]


class DepthView(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order book of a symbol on screen: (ticks, lots) from the best price outwards; `at` is received ms UTC."""

    symbol: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    at: int


class TradeView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One trade of the market: `side` is the taker's (+1 bought, -1 sold), `at` the venue's time, ms UTC."""

    at: int
    ticks: int
    lots: int
    side: int


class TapeView(msgspec.Struct, frozen=True, tag=True):
    """New trades of a symbol on screen, oldest first."""

    symbol: str
    trades: tuple[TradeView, ...]


class WatchView(msgspec.Struct, frozen=True, tag=True):
    """A row of the watchlist.

    `change` is the fraction over 24 h (since the oldest bar where there is less), `volume` base currency over 24 h,
    `spark` the newest closes, quote currency, oldest first.
    """

    symbol: str
    change: float
    volume: float
    spark: tuple[float, ...]


class FundingView(msgspec.Struct, frozen=True, tag=True):
    """What longs pay shorts at the next funding time: a fraction of the notional, and when, ms UTC by the venue's clock."""

    symbol: str
    rate: float
    at: int
