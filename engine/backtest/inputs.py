"""Bars for a backtest: from a checked file, brought to the wanted timeframe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.bars import Bars, aggregate
from engine.candle_file import CandleFile, gaps_of, read_candles
from engine.errors import BadInput
from engine.model.market import TIMEFRAMES

NAMES = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}


@dataclass(frozen=True, slots=True)
class Market:
    """Bars of one symbol and one timeframe, where they come from, and what should be said about them."""

    bars: Bars
    timeframe_ms: int
    symbol: str
    source: str
    notes: tuple[str, ...] = ()


def timeframe_of(text: str) -> int:
    """A timeframe's name as milliseconds; raises BadInput listing the names."""
    if text not in TIMEFRAMES:
        raise BadInput("timeframe", text, f"use one of {', '.join(TIMEFRAMES)}")
    return TIMEFRAMES[text]


def timeframe_name(timeframe_ms: int) -> str:
    """``15m``; milliseconds where the length has no name."""
    return NAMES.get(timeframe_ms, f"{timeframe_ms} ms")


def from_file(path: Path, timeframe: str | None = None, *, repair: bool = False) -> Market:
    """Bars of a candle file in `timeframe` (default: its own); raises BadInput naming row and field."""
    return from_candles(read_candles(path, repair=repair), timeframe)


def from_candles(file: CandleFile, timeframe: str | None) -> Market:
    """Bars of a file that was read."""
    notes = tuple(f"repaired: {done.sentence()}" for done in file.repairs)
    return resampled(file.bars, file.timeframe_ms, timeframe, file.symbol or file.path.stem, file.path.name, notes)


def resampled(
    bars: Bars, own_ms: int, timeframe: str | None, symbol: str, source: str, notes: tuple[str, ...] = ()
) -> Market:
    """Bars brought to `timeframe`, which must be a multiple of their own; gaps are counted and said."""
    wanted = timeframe_of(timeframe) if timeframe is not None else own_ms
    if wanted % own_ms:
        raise BadInput("timeframe", timeframe, f"the bars are {timeframe_name(own_ms)}: use a multiple of it")
    if wanted != own_ms:
        bars = aggregate(bars, wanted)
    gaps = gaps_of(bars.open_time, wanted)
    if gaps:
        lost = sum(gap.missing for gap in gaps)
        notes = (*notes, f"{lost:,} bars are missing in {len(gaps):,} gaps: indicators run across them")
    return Market(bars, wanted, symbol, source, notes)
