"""A seeded market: correlated returns with fat tails, clustering volatility and trends.

The return of a symbol in a minute is ``scale x (a x market + b x sector + c x own) + drift``. Each factor is a Student-t
shock times a stochastic volatility whose logarithm is an AR(1) process; drifts come in regimes of 20 to 120 minutes, so
that trend followers have something to follow. A weak pull keeps prices near where they began over months.

Bars depend on the seed and their index alone: not on the clock, nor on how many symbols are served. The sizes at the
best bid and ask wander from step to step and lean a little towards where the price goes next, as in a real book; a
minute's volume falls on its trades in very uneven parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng

from engine.bars import Bars, Floats, Ints
from engine.errors import BadInput
from engine.model.instrument import Instrument
from engine.model.market import MINUTE_MS, Bar
from engine.simulator.catalogue import LISTINGS, Listing
from engine.simulator.market import Step
from engine.simulator.path import pivots

BLOCK = 130
MINUTE_VOLATILITY = 0.00055
MARKET, SECTOR, OWN = 0.74, 0.30, 0.60
VOLATILITY_MEMORY = 0.985
VOLATILITY_SWING = 0.085
FREEDOM = 5.0
DRIFT = 0.16
PULL = 0.00002
LOTS_SHOWN_USD = 400_000.0
SIZE_SWING = 0.6
SIZE_MEMORY = 8
SIZE_LEAN = 0.25
TRADE_SWING = 1.2


class _Factor:
    """A shock a minute with clustering volatility; unit variance on average."""

    def __init__(self, dice: Generator) -> None:
        self._dice = dice
        self._level = 0.0

    def block(self, n: int) -> tuple[Floats, Floats]:
        """Shocks and volatility levels of the next n minutes."""
        steps = self._dice.normal(0.0, VOLATILITY_SWING, n)
        powers = VOLATILITY_MEMORY ** np.arange(1, n + 1)
        levels = powers * (self._level + np.cumsum(steps / powers))
        self._level = float(levels[-1])
        shocks = self._dice.standard_t(FREEDOM, n) * np.sqrt((FREEDOM - 2.0) / FREEDOM)
        return shocks * np.exp(levels - 0.12), levels


class _Drift:
    """A trend that changes every 20 to 120 minutes."""

    def __init__(self, dice: Generator) -> None:
        self._dice = dice
        self._left = 0
        self._now = 0.0

    def block(self, n: int) -> Floats:
        """Drift of the next n minutes, in units of the minute's volatility."""
        out = np.empty(n)
        i = 0
        while i < n:
            if self._left == 0:
                self._left = int(self._dice.integers(20, 121))
                self._now = float(self._dice.normal(0.0, DRIFT))
            span = min(self._left, n - i)
            out[i : i + span] = self._now
            self._left -= span
            i += span
        return out


class _Lane(NamedTuple):
    """One minute of one symbol, slot by slot: prices in ticks, sizes in lots; `ups` says that the buyer took."""

    name: str
    prices: list[int]
    ups: list[bool]
    spread: int
    bid_lots: list[int]
    ask_lots: list[int]
    traded: list[int]
    row: tuple[int, int, int, int, int]


class _Symbol:
    """Makes the bars of one contract, block after block, in whole ticks."""

    def __init__(self, listing: Listing, seed: int, number: int) -> None:
        self.listing = listing
        self._dice = default_rng((seed, 1_000 + number))
        self._factor = _Factor(self._dice)
        self._drift = _Drift(self._dice)
        self._tick = float(listing.instrument.tick_size)
        self._lot = float(listing.instrument.lot_size)
        self._start = listing.price
        self._last = round(listing.price / self._tick)

    def block(self, market: Floats, sector: Floats, levels: Floats, season: Floats) -> tuple[Ints, ...]:
        """Open, high, low, close (ticks) and volume (lots) of the next minutes, int64 each."""
        n, dice = len(market), self._dice
        own, mine = self._factor.block(n)
        scale = MINUTE_VOLATILITY * self.listing.volatility * season
        pull = -PULL * np.log(self._last * self._tick / self._start)
        returns = scale * (MARKET * market + SECTOR * sector + OWN * own + self._drift.block(n)) + pull
        path = self._last * np.exp(np.cumsum(returns))
        close = np.maximum(10, np.rint(path)).astype(np.int64)
        open_ = np.concatenate(([self._last], close[:-1]))
        reach = path * scale * np.exp(0.5 * (levels + mine))
        above, below = np.abs(dice.normal(0.0, 0.7, (2, n))) * reach
        high = np.maximum(open_, close) + np.rint(above).astype(np.int64)
        low = np.maximum(5, np.minimum(open_, close) - np.rint(below).astype(np.int64))
        turnover = 900_000.0 * season * np.exp(0.9 * (levels + mine) + dice.normal(0.0, 0.4, n))
        lots = np.maximum(8, turnover / (path * self._tick * self._lot)).astype(np.int64)
        self._last = int(close[-1])
        return open_, high, low, close, lots


class GeneratedMarket:
    """Implements MarketSource without an end.

    Args:
        seed: of everything.
        symbols: unified symbols, or how many of the catalogue's first; BadInput for unknown ones.
        start: simulated ms UTC of the first step, floored to the minute.
        quotes_per_second: steps a second and symbol.
        history_bars: closed minutes before `start`.
    """

    timeframe_ms = MINUTE_MS
    end = 0

    def __init__(
        self,
        seed: int,
        symbols: int | Sequence[str] = 32,
        *,
        start: int,
        quotes_per_second: float = 2.0,
        history_bars: int = 2_600,
    ) -> None:
        names = _names(symbols)
        self.start = start // MINUTE_MS * MINUTE_MS
        self.instruments: tuple[Instrument, ...] = tuple(LISTINGS[name].instrument for name in names)
        order = {name: number for number, name in enumerate(LISTINGS)}
        self._seed = seed
        self._slots = max(6, round(60 * quotes_per_second))
        self._market = _Factor(default_rng((seed, 0)))
        self._sectors = [_Factor(default_rng((seed, 1 + k))) for k in range(5)]
        self._symbols = {name: _Symbol(LISTINGS[name], seed, order[name]) for name in names}
        self._made = 0
        self._rows: dict[str, list[tuple[Ints, ...]]] = {name: [] for name in names}
        while self._made < history_bars + 1:
            self._more()
        self._index = history_bars
        self._history = {name: self._bars(name, history_bars) for name in names}

    def history(self, symbol: str) -> Bars:
        """Closed minutes before `start`."""
        return self._history[symbol]

    def steps(self) -> Iterator[Step]:
        """Steps for ever."""
        dice = Random(self._seed)
        shaper = default_rng((self._seed, 7))
        sizer = default_rng((self._seed, 8))
        while True:
            yield from self._minute(dice, shaper, sizer)
            self._index += 1

    def _more(self) -> None:
        market, levels = self._market.block(BLOCK)
        sectors = [factor.block(BLOCK)[0] for factor in self._sectors]
        minutes = (self._made + np.arange(BLOCK)) % 1_440
        season = 1.0 + 0.35 * np.sin(2 * np.pi * (minutes - 480) / 1_440)
        for name, symbol in self._symbols.items():
            self._rows[name].append(symbol.block(market, sectors[symbol.listing.sector], levels, season))
        self._made += BLOCK

    def _bars(self, name: str, count: int) -> Bars:
        columns = [np.concatenate(parts)[:count] for parts in zip(*self._rows[name], strict=True)]
        instrument = LISTINGS[name].instrument
        times = self.start + (np.arange(count, dtype=np.int64) - count) * MINUTE_MS
        decimals = instrument.price_decimals
        tick = float(instrument.tick_size)
        open_, high, low, close = (np.round(column * tick, decimals) for column in columns[:4])
        volume = np.round(columns[4] * float(instrument.lot_size), instrument.lot_decimals)
        return Bars(times, open_, high, low, close, volume)

    def _row(self, name: str) -> tuple[int, int, int, int, int]:
        while self._index >= self._made:
            self._more()
        block, i = divmod(self._index, BLOCK)
        o, h, low, c, lots = (int(column[i]) for column in self._rows[name][block])
        return o, h, low, c, lots

    def _minute(self, dice: Random, shaper: Generator, sizer: Generator) -> Iterator[Step]:
        index = self._index - (len(next(iter(self._history.values()))))
        begin = self.start + index * MINUTE_MS
        slots = self._slots
        lanes = [self._lane(name, slots, dice, shaper, sizer) for name in self._symbols]
        width = MINUTE_MS / slots
        for k in range(slots):
            at = begin + int(k * width)
            for name, prices, ups, spread, bid_lots, ask_lots, traded, _ in lanes:
                trade, up = prices[k], ups[k]
                bid = trade - spread if up else trade
                size = traded[k]
                yield Step(at, name, bid, bid + spread, bid_lots[k], ask_lots[k], trade if size else 0, size, not up)
        for lane in lanes:
            bid = lane.prices[-1] - lane.spread if lane.ups[-1] else lane.prices[-1]
            bar = self._bar(lane.name, begin, lane.row)
            sizes = lane.bid_lots[-1], lane.ask_lots[-1]
            yield Step(begin + MINUTE_MS, lane.name, bid, bid + lane.spread, *sizes, closed=bar)

    def _lane(self, name: str, slots: int, dice: Random, shaper: Generator, sizer: Generator) -> _Lane:
        row = self._row(name)
        o, h, low, c, volume = row
        corners = pivots(o, h, low, c, dice)
        first = dice.randrange(1, max(2, slots // 2))
        second = dice.randrange(first + 1, slots - 1) if first + 1 < slots - 1 else slots - 2
        places = (0, first, second, slots - 1)
        line = np.interp(np.arange(slots), places, corners)
        wander = np.cumsum(shaper.normal(0.0, max(0.4, (h - low) * 0.05), slots))
        wander -= np.interp(np.arange(slots), places, wander[list(places)])
        ticks = np.clip(np.rint(line + wander), low, h).astype(np.int64)
        ticks[list(places)] = corners
        ups = np.concatenate(([True], np.diff(ticks) >= 0)) if slots > 1 else np.ones(1, dtype=bool)
        trades = sorted({*places, *range(0, slots, 2)})
        traded = [0] * slots
        for place, size in zip(trades, _portions(volume, len(trades), sizer), strict=True):
            traded[place] = size
        listing = LISTINGS[name]
        notional = c * float(listing.instrument.tick_size) * float(listing.instrument.lot_size)
        bid_lots, ask_lots = _sizes(max(10, int(LOTS_SHOWN_USD / notional)), ticks, sizer)
        return _Lane(name, ticks.tolist(), ups.tolist(), listing.spread, bid_lots, ask_lots, traded, row)

    def _bar(self, name: str, begin: int, row: tuple[int, int, int, int, int]) -> Bar:
        instrument = LISTINGS[name].instrument
        o, h, low, c = (float(instrument.price(ticks)) for ticks in row[:4])
        return Bar(begin, o, h, low, c, float(instrument.quantity(row[4])))


def _sizes(usual: int, ticks: Ints, sizer: Generator) -> tuple[list[int], list[int]]:
    """Lots at the best bid and ask of each slot; more at the bid before the price rises, more at the ask before it falls."""
    slots = len(ticks)
    shocks = sizer.normal(0.0, SIZE_SWING, (2, slots + SIZE_MEMORY - 1))
    kernel = np.full(SIZE_MEMORY, SIZE_MEMORY**-0.5)
    lean = SIZE_LEAN * np.sign(np.diff(ticks, append=ticks[-1]))
    bids, asks = (
        np.maximum(1, np.rint(usual * np.exp(np.convolve(row, kernel, "valid") + side * lean))).astype(np.int64)
        for row, side in zip(shocks, (1, -1), strict=True)
    )
    return bids.tolist(), asks.tolist()


def _portions(volume: int, trades: int, sizer: Generator) -> list[int]:
    """`volume` lots over so many trades, log-normal sizes, at least one lot each."""
    rest = max(0, volume - trades)
    weights = sizer.lognormal(0.0, TRADE_SWING, trades)
    lots = np.floor(rest * weights / weights.sum()).astype(np.int64)
    lots[int(weights.argmax())] += rest - int(lots.sum())
    return (lots + 1).tolist()  # type: ignore[no-any-return]


def _names(symbols: int | Sequence[str]) -> list[str]:
    if isinstance(symbols, int):
        if not 1 <= symbols <= len(LISTINGS):
            raise BadInput("symbols", symbols, f"use 1 to {len(LISTINGS)}")
        return list(LISTINGS)[:symbols]
    for name in symbols:
        if name not in LISTINGS:
            raise BadInput("symbol", name, f"the simulated exchange lists {', '.join(list(LISTINGS)[:5])} ...")
    return list(symbols)
