"""A recorded market: candle files played bar by bar, each bar with a path of its own inside."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
from msgspec.structs import replace

from engine.bars import Bars
from engine.candle_file import CandleFile, read_candles
from engine.errors import BadInput
from engine.model.instrument import Instrument
from engine.simulator.catalogue import LISTINGS, instrument
from engine.simulator.market import Step
from engine.simulator.path import shares, walk

SHOWN_USD = 400_000.0
MAX_DECIMALS = 8


class ReplayMarket:
    """Implements MarketSource over candle files of one timeframe.

    Args:
        files: paths, each with the unified symbol to play it as (None: as its name says).
        seed: of the paths inside the bars.
        steps_per_bar: trades made inside each bar, at least 4.
        warm: bars of each file served as history instead of being played.

    Raises:
        BadInput: a file is not as it should be, or the files do not go together.
    """

    def __init__(
        self, files: Sequence[tuple[Path, str | None]], *, seed: int = 1, steps_per_bar: int = 4, warm: int = 0
    ) -> None:
        read = [(read_candles(path), symbol) for path, symbol in files]
        self._tracks = [
            _Track(file, symbol, seed + k, max(4, steps_per_bar), warm) for k, (file, symbol) in enumerate(read)
        ]
        frames = {file.timeframe_ms for file, _ in read}
        if len(frames) != 1:
            raise BadInput("replay files", ", ".join(str(path) for path, _ in files), "all must have one timeframe")
        symbols = [track.instrument.symbol for track in self._tracks]
        if len(set(symbols)) != len(symbols):
            raise BadInput(
                "replay files", ", ".join(symbols), "each symbol may be played once; name others with --symbol"
            )
        self.timeframe_ms = frames.pop()
        self.instruments: tuple[Instrument, ...] = tuple(track.instrument for track in self._tracks)
        self.start = min(int(track.played.open_time[0]) for track in self._tracks)
        self.end = max(int(track.played.open_time[-1]) for track in self._tracks) + self.timeframe_ms

    def history(self, symbol: str) -> Bars:
        """The warm bars of a symbol."""
        return next(track.warm for track in self._tracks if track.instrument.symbol == symbol)

    def steps(self) -> Iterator[Step]:
        """All tracks merged by time."""
        if len(self._tracks) == 1:
            return self._tracks[0].steps(self.timeframe_ms)
        return heapq.merge(*(track.steps(self.timeframe_ms) for track in self._tracks), key=lambda step: step.at)


class _Track:
    """One file as one symbol."""

    def __init__(self, file: CandleFile, symbol: str | None, seed: int, steps: int, warm: int) -> None:
        name = symbol or file.symbol
        if name is None:
            raise BadInput("symbol", file.path.name, "its name does not say; give --symbol, e.g. BTC/USDT:USDT")
        if warm >= len(file.bars):
            raise BadInput("warm bars", warm, f"{file.path.name} has only {len(file.bars)} bars")
        self.instrument = _instrument(name, file.bars)
        self.warm, self.played = file.bars[:warm], file.bars[warm:]
        self._steps = steps
        self._dice = Random(seed)
        listing = LISTINGS.get(name)
        self._spread = listing.spread if listing else 1

    def steps(self, timeframe_ms: int) -> Iterator[Step]:
        """The file's bars as trades on a path through each, and their closes."""
        tick, lot = float(self.instrument.tick_size), float(self.instrument.lot_size)
        prices = [np.rint(c / tick).astype(np.int64).tolist() for c in self._ohlc()]
        lots = np.rint(self.played.volume / lot).astype(np.int64).tolist()
        name, spread, count = self.instrument.symbol, self._spread, self._steps
        width = timeframe_ms // count
        for bar, o, h, low, c, volume in zip(self.played, *prices, lots, strict=True):
            shown = max(10, int(SHOWN_USD / (bar.close * lot)))
            begin = bar.open_time
            bid = o - spread
            if volume > 0:
                last = o
                for k, (trade, size) in enumerate(
                    zip(walk(o, h, low, c, count, self._dice), shares(volume, count), strict=True)
                ):
                    up = trade >= last
                    bid = trade - spread if up else trade
                    last = trade
                    yield Step(begin + k * width, name, bid, bid + spread, shown, shown, trade, size, not up)
            yield Step(begin + timeframe_ms, name, bid, bid + spread, shown, shown, closed=bar)

    def _ohlc(self) -> tuple[np.ndarray, ...]:
        return self.played.open, self.played.high, self.played.low, self.played.close


def _instrument(symbol: str, bars: Bars) -> Instrument:
    listing = LISTINGS.get(symbol)
    prices = np.concatenate((bars.open, bars.high, bars.low, bars.close))
    if listing is not None and _on_grid(prices, listing.instrument.tick_size):
        return listing.instrument
    lot = listing.instrument.lot_size if listing is not None else Decimal("0.001")
    for decimals in range(MAX_DECIMALS + 1):
        tick = Decimal(1).scaleb(-decimals)
        if _on_grid(prices, tick):
            lot = max(lot, Decimal("0.00000001") / tick)
            if listing is not None:
                return replace(listing.instrument, tick_size=tick, lot_size=lot, unit=int(tick * lot * 10**8))
            return instrument(symbol, tick, lot, float(bars.close[0]))
    raise BadInput(f"{symbol} prices", float(prices[0]), f"they have more than {MAX_DECIMALS} decimals")


def _on_grid(prices: np.ndarray, tick: Decimal) -> bool:
    scaled = prices / float(tick)
    return bool(np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled) * 1e-6)))
