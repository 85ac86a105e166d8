"""The market asks the forecaster at each decision close, and its answer is in the event."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars, aggregate
from engine.forecast.inference import Model
from engine.forecast.live import LiveForecaster
from engine.forecast.model_file import SUFFIX
from engine.forecast.shipped import FOLDER
from engine.market import Market
from engine.model.event import BarClosed, Event
from engine.model.market import MINUTE_MS
from engine.ports import Reading
from tests.engine.forecast.series import walk

MODEL = Model.load(min(FOLDER.glob(f"*{SUFFIX}")))
SYMBOL = MODEL.header.symbol
OTHER = "DOGE/USDT:USDT"
WARM, LIVE = 200, 30


class Noon:
    def now(self) -> int:
        return 77


class Flat:
    def read(self, symbol: str, bars: Bars) -> Reading:
        return Reading((0,) * 6, (1.0,) * 7, (2.0,) * 7)


def minutes() -> Bars:
    bars = walk(WARM + LIVE)
    times = 1_750_000_500_000 // MINUTE_MS * MINUTE_MS + np.arange(len(bars)) * MINUTE_MS
    return Bars(times, bars.open, bars.high, bars.low, bars.close, bars.volume)


def play(symbol: str) -> list[BarClosed]:
    events: list[Event] = []
    made = LiveForecaster()
    made.serve(SYMBOL, MODEL)
    market = Market([SYMBOL, OTHER], MINUTE_MS, MINUTE_MS, Flat(), Noon(), events.append, made)
    bars = minutes()
    market.load(symbol, bars[:WARM], aggregate(bars[:WARM], MINUTE_MS))
    for bar in bars[WARM:]:
        market.bar(symbol, bar, closed=True)
    return [event for event in events if isinstance(event, BarClosed)]


def test_each_closed_bar_brings_the_forecast_of_its_own_close() -> None:
    events, bars = play(SYMBOL), minutes()
    assert len(events) == LIVE
    for i, event in enumerate(events):
        assert event.forecast is not None
        assert event.forecast.bar_time == event.bar.open_time
        assert event.forecast == MODEL.forecast(bars[: WARM + i + 1])


def test_a_symbol_without_a_model_brings_none() -> None:
    assert [event.forecast for event in play(OTHER)] == [None] * LIVE
