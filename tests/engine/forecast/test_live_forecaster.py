"""The engine's forecaster: models come and go while it works, and a distrusted one goes on."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars
from engine.forecast.inference import Model
from engine.forecast.live import LiveForecaster
from engine.forecast.model_file import SUFFIX
from engine.forecast.shipped import FOLDER
from tests.engine.forecast.series import walk

MODEL = Model.load(min(FOLDER.glob(f"*{SUFFIX}")))
SYMBOL = MODEL.header.symbol
MINUTE = 60_000
N = 300


def minutes(n: int = N) -> Bars:
    bars = walk(n)
    times = bars.open_time[0] + np.arange(n) * MINUTE
    return Bars(times, bars.open, bars.high, bars.low, bars.close, bars.volume)


def serve(distrusted: str = "") -> LiveForecaster:
    made = LiveForecaster()
    made.serve(SYMBOL, MODEL, distrusted)
    return made


def test_it_says_what_the_model_says() -> None:
    assert serve().forecast(SYMBOL, minutes()) == MODEL.forecast(minutes())


def test_other_symbols_and_few_bars_have_no_forecast() -> None:
    made = serve()
    assert made.forecast("DOGE/USDT:USDT", minutes()) is None
    assert made.forecast(SYMBOL, minutes()[:30]) is None
    assert made.forecast(SYMBOL, Bars.empty()) is None
    assert made.symbols == (SYMBOL,)


def test_a_distrusted_model_goes_on_forecasting_untrusted() -> None:
    said = serve("demoted by a person").forecast(SYMBOL, minutes())
    assert said is not None
    assert (said.trusted, said.reason) == (False, "demoted by a person")


def test_distrust_reaches_the_model_it_is_meant_for_and_no_other() -> None:
    made = serve()
    made.distrust(SYMBOL, "another", "drift")
    made.distrust("DOGE/USDT:USDT", MODEL.header.id, "drift")
    assert made.forecast(SYMBOL, minutes()) == MODEL.forecast(minutes())
    made.distrust(SYMBOL, MODEL.header.id, "drift: far off")
    said = made.forecast(SYMBOL, minutes())
    assert said is not None
    assert (said.trusted, said.reason) == (False, "drift: far off")


def test_a_model_that_is_taken_away_says_no_more() -> None:
    made = serve()
    made.serve(SYMBOL, None)
    assert made.symbols == ()
    assert made.forecast(SYMBOL, minutes()) is None
