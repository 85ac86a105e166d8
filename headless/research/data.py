"""Bars by name: a candle file, or VENUE:SYMBOL from stored history."""

from __future__ import annotations

import threading
from pathlib import Path

from engine.backtest.inputs import Market, from_file, resampled, timeframe_name, timeframe_of
from engine.backtest.view import SeriesView
from engine.candle_file import gaps_of
from engine.errors import BadInput
from engine.history.series import Series
from storage.candles import ParquetCandles

KEPT = 4
"""Markets held in memory: a year of one-minute bars is 25 MB."""


class Markets:
    """Reads bars and keeps the last few, so that trying rules on the same bars reads them once.

    Args:
        candles: root of the stored history.
    """

    def __init__(self, candles: Path) -> None:
        self._candles = candles
        self._kept: dict[tuple[str, str, bool, int], Market] = {}
        self._lock = threading.Lock()

    def stored(self) -> tuple[tuple[SeriesView, ...], tuple[str, ...]]:
        """Every stored series, and sentences about files that were set aside."""
        notes: list[str] = []
        rows = ParquetCandles(self._candles, notes.append).stored()
        return tuple(
            SeriesView(
                data=f"{row.venue}:{row.symbol}",
                symbol=row.symbol,
                timeframe=timeframe_name(row.timeframe_ms),
                begin=row.first,
                end=row.last + row.timeframe_ms,
                bars=row.bars,
                missing=row.missing,
            )
            for row in rows
        ), tuple(notes)

    def load(self, data: str, timeframe: str, *, repair: bool = False) -> Market:
        """Bars of a file or of stored history in `timeframe` (empty: their own); raises BadInput."""
        if not data:
            raise BadInput("data", "", "name a candle file, or VENUE:SYMBOL from stored history")
        series = None if Path(data).exists() else _named(data)
        key = (data, timeframe, repair, _stamp(data))
        with self._lock:
            return self._loaded(key, series)

    def _loaded(self, key: tuple[str, str, bool, int], series: Series | None) -> Market:
        data, timeframe, repair, _ = key
        market = self._kept.pop(key, None) if series is None else None
        if market is None:
            frame = timeframe or None
            market = (
                from_file(Path(data).expanduser(), frame, repair=repair)
                if series is None
                else self._stored(series, data, frame)
            )
        self._kept[key] = market
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return market

    def _stored(self, series: Series, data: str, timeframe: str | None) -> Market:
        notes: list[str] = []
        store = ParquetCandles(self._candles, notes.append)
        kept = sorted(
            one.timeframe_ms for one in store.stored() if (one.venue, one.symbol) == (series.venue, series.symbol)
        )
        if not kept:
            raise BadInput("data", data, "nothing is stored; see trefoil data list and trefoil data download")
        wanted = timeframe_of(timeframe) if timeframe is not None else kept[0]
        fitting = [own for own in kept if wanted % own == 0]
        if not fitting:
            raise BadInput("timeframe", timeframe, f"stored are {', '.join(map(timeframe_name, kept))}")
        bars = store.read(series.venue, series.symbol, fitting[-1])
        return resampled(bars, fitting[-1], timeframe, series.symbol, data, tuple(notes))


def described(market: Market, data: str) -> SeriesView:
    """Loaded bars for a person."""
    times = market.bars.open_time
    return SeriesView(
        data=data,
        symbol=market.symbol,
        timeframe=timeframe_name(market.timeframe_ms),
        begin=int(times[0]),
        end=int(times[-1]) + market.timeframe_ms,
        bars=len(times),
        missing=sum(gap.missing for gap in gaps_of(times, market.timeframe_ms)),
    )


def _named(data: str) -> Series | None:
    """The series a text names; None where it can only be a path."""
    venue, colon, symbol = data.partition(":")
    if not colon or "/" not in symbol or "/" in venue or "." in venue:
        return None
    return Series(venue, symbol, 0)


def _stamp(data: str) -> int:
    file = Path(data).expanduser()
    return file.stat().st_mtime_ns if file.is_file() else 0
