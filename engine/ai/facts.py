"""A brief from bars and what the strategies say of them. Pure: the same bars make the same brief."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine import indicators
from engine.ai.brief import BARS, Brief, ReadingFact
from engine.bars import Bars, Floats
from engine.errors import BadInput
from engine.model.record import Record
from engine.strategies import NAMES

LEAST_BARS = 60
WINDOW = 600  # enough for every indicator below to have forgotten where the window began, to six digits
DAY_MS = 86_400_000


def indicators_of(bars: Bars, timeframe_ms: int) -> dict[str, float]:
    """The indicators at the newest close, those that are warm; prices in quote currency, changes in per cent."""
    part = bars[-WINDOW:]
    close = part.close
    line, signal = indicators.macd(close, 12, 26, 9)
    slow_k, slow_d = indicators.stochastic(part, 14, 3, 3)
    upper, middle, lower = indicators.bollinger(close, 20, 2.0)
    series: dict[str, Floats] = {
        "rsi_14": indicators.rsi(close, 14),
        "ema_20": indicators.ema(close, 20),
        "ema_50": indicators.ema(close, 50),
        "ema_200": indicators.ema(close, 200),
        "atr_14": indicators.atr(part),
        "macd_12_26_9": line,
        "macd_signal": signal,
        "stochastic_k_14": slow_k,
        "stochastic_d": slow_d,
        "bollinger_upper": upper,
        "bollinger_middle": middle,
        "bollinger_lower": lower,
    }
    found = {name: float(values[-1]) for name, values in series.items() if np.isfinite(values[-1])}
    found["supertrend_side"] = float(indicators.supertrend(part, 10, 3.0)[-1])
    day = max(1, DAY_MS // timeframe_ms)
    for name, ago in (("change_24_bars_percent", BARS), ("change_day_percent", day)):
        if len(bars) > ago:
            found[name] = float(bars.close[-1] / bars.close[-1 - ago] - 1.0) * 100.0
    mean = float(part.volume[-BARS:].mean())
    if mean > 0.0:
        found["volume_over_mean"] = float(part.volume[-1]) / mean
    return found


def reading_facts(sides: Sequence[int], records: Sequence[Record]) -> tuple[ReadingFact, ...]:
    """The strategies (the board last) with their shadow records; both in the order of `engine.strategies.NAMES`."""
    return tuple(
        ReadingFact(name, side, record.trades, record.win_rate, record.expectancy * 10_000)
        for name, side, record in zip(NAMES, sides, records, strict=True)
    )


def brief_of(symbol: str, timeframe_ms: int, bars: Bars, **facts: object) -> Brief:
    """A brief on the newest of `bars`; `facts` are further fields of `Brief`. Raises BadInput for too few bars."""
    if len(bars) < LEAST_BARS:
        raise BadInput(f"{symbol} bars", len(bars), f"at least {LEAST_BARS} closed bars are needed for a question")
    known = {"indicators": indicators_of(bars, timeframe_ms), **facts}
    return Brief(symbol=symbol, timeframe_ms=timeframe_ms, bars=tuple(bars[-BARS:]), **known)  # type: ignore[arg-type] # fields of Brief, checked by its tests
