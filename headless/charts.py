"""The charts somebody watches: bars of any timeframe with their overlays, kept up by the live bars."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from engine import indicators
from engine.bars import Bars
from engine.errors import VenueError
from engine.market import Market, merge
from engine.model.market import Bar
from engine.ports import Feed
from engine.view_bars import BarChange, BarsView
from headless.publisher import Publisher

SHOWN = 500
WARM = 250


def overlays(bars: Bars) -> dict[str, list[float | None]]:
    """The lines a chart can draw over its bars; None while warming up."""
    if len(bars) < 2:
        return {}
    upper, middle, lower = indicators.bollinger(bars.close, 20, 2.0)
    lines = {
        "EMA 12": indicators.ema(bars.close, 12),
        "EMA 26": indicators.ema(bars.close, 26),
        "EMA 200": indicators.ema(bars.close, 200),
        "BB upper": upper,
        "BB middle": middle,
        "BB lower": lower,
    }
    return {name: [None if math.isnan(v) else v for v in line.tolist()] for name, line in lines.items()}


class Charts:
    """Implements MarketWatcher for the watched charts.

    Args:
        market: live bars of the base and the decision timeframe.
        feed: history of the other timeframes.
        clock: the market's time, ms UTC.
    """

    def __init__(self, market: Market, feed: Feed, clock: Callable[[], int]) -> None:
        self._market = market
        self._feed = feed
        self._clock = clock
        self._publisher: Publisher | None = None
        self._loaded: dict[tuple[str, int], list[Bar]] = {}
        self._loading: dict[tuple[str, int], asyncio.Task[None]] = {}

    def attach(self, publisher: Publisher) -> None:
        """Where changes go."""
        self._publisher = publisher

    def load(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        """A chart as it is right now; None while its history is being fetched, or for an unknown one."""
        bars = self._bars(symbol, timeframe_ms)
        if bars is None:
            return None
        lines = overlays(Bars.of(bars))
        return BarsView(
            symbol=symbol,
            timeframe_ms=timeframe_ms,
            bars=bars[-SHOWN:],
            overlays={name: line[-SHOWN:] for name, line in lines.items()},
        )

    def _bars(self, symbol: str, timeframe_ms: int) -> list[Bar] | None:
        market = self._market
        if symbol not in market.symbols or timeframe_ms % market.base_ms:
            return None
        if timeframe_ms == market.base_ms:
            bars = list(market.base(symbol)[-SHOWN - WARM :])
            now = market.current.get(symbol)
        elif timeframe_ms == market.timeframe_ms:
            bars = list(market.decision(symbol)[-SHOWN - WARM :])
            now = market.forming(symbol)
        else:
            return self._other(symbol, timeframe_ms)
        return [*bars, now] if now is not None else bars

    def _other(self, symbol: str, timeframe_ms: int) -> list[Bar] | None:
        key = (symbol, timeframe_ms)
        if key in self._loaded:
            return list(self._loaded[key])
        if key not in self._loading:
            self._loading[key] = asyncio.create_task(self._fetch(symbol, timeframe_ms))
        return None

    async def _fetch(self, symbol: str, timeframe_ms: int) -> None:
        key = (symbol, timeframe_ms)
        now = self._clock()
        try:
            bars = await self._feed.history(symbol, timeframe_ms, now - (SHOWN + WARM) * timeframe_ms, now)
        except VenueError:
            del self._loading[key]  # asked again with the next subscription
            return
        loaded = list(bars)
        group = now // timeframe_ms * timeframe_ms
        for bar in self._market.base(symbol):
            if bar.open_time >= group:
                _extend(loaded, bar, timeframe_ms)
        self._loaded[key] = loaded
        del self._loading[key]
        if self._publisher is not None and loaded:
            self._publisher.publish_bar(symbol, timeframe_ms, BarChange(bar=loaded[-1], closed=False))

    def quoted(self, symbol: str, quote: object) -> None:
        """Charts live on bars."""

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """A base bar moved: every chart of the symbol moves."""
        for key in [key for key in self._loaded if key[0] == symbol]:
            bars = self._loaded[key]
            if closed:
                _extend(bars, bar, key[1])
                del bars[: -SHOWN - WARM]
        if self._publisher is None:
            return
        for name, timeframe_ms in self._publisher.watched():
            if name == symbol:
                self._show(symbol, timeframe_ms, bar, closed=closed)

    def _show(self, symbol: str, timeframe_ms: int, bar: Bar, *, closed: bool) -> None:
        assert self._publisher is not None
        market = self._market
        whole = closed and (bar.open_time + market.base_ms) % timeframe_ms == 0
        if timeframe_ms == market.base_ms:
            shown = bar
        elif (symbol, timeframe_ms) in self._loaded:
            bars = self._loaded[symbol, timeframe_ms]
            group = bar.open_time // timeframe_ms * timeframe_ms
            known = bars[-1] if bars and bars[-1].open_time == group else None
            shown = known if closed and known is not None else merge(known, bar, group)
        elif timeframe_ms == market.timeframe_ms:
            newest = market.forming(symbol) if not whole else None
            shown = newest if newest is not None else next(iter(market.decision(symbol)[-1:]), bar)
        else:
            return
        lines: dict[str, float | None] = {}
        if whole:
            bars_now = self._bars(symbol, timeframe_ms) or []
            lines = {name: line[-1] for name, line in overlays(Bars.of(bars_now)).items()}
        self._publisher.publish_bar(symbol, timeframe_ms, BarChange(bar=shown, closed=whole, overlays=lines))


def _extend(bars: list[Bar], bar: Bar, timeframe_ms: int) -> None:
    """Take a closed base bar into the bars of a longer timeframe."""
    group = bar.open_time // timeframe_ms * timeframe_ms
    if bars and bars[-1].open_time == group:
        bars[-1] = merge(bars[-1], bar, group)
    elif not bars or bars[-1].open_time < group:
        bars.append(merge(None, bar, group))
