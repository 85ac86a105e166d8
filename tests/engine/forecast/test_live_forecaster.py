"""Forecasts made live are scored when they come due; a model that drifts is demoted by itself."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from engine.bars import Bars
from engine.forecast.drift import drift, scored
from engine.forecast.inference import Model
from engine.forecast.live import LiveForecaster, Serving
from engine.forecast.model_file import SUFFIX, Header
from engine.forecast.shelf import Live, Standing
from engine.forecast.shipped import FOLDER
from engine.model.forecast import Forecast
from tests.engine.forecast.series import walk

MODEL = Model.load(min(FOLDER.glob(f"*{SUFFIX}")))
HEADER = MODEL.header
SYMBOL = HEADER.symbol
MINUTE = 60_000
N = 300


def minutes(n: int, size: float = 1.0) -> Bars:
    """A walk whose moves after bar `N` are `size` times as large."""
    bars = walk(n)
    moves = np.diff(np.log(bars.close), prepend=np.log(bars.close[0]))
    moves[N:] *= size
    close = np.exp(math.log(100.0) + np.cumsum(moves))
    return Bars(bars.open_time[0] + np.arange(n) * MINUTE, close, close * 1.0001, close * 0.9999, close, bars.volume)


def serve(standing: Standing | None = None) -> tuple[LiveForecaster, list[str]]:
    told: list[str] = []
    return LiveForecaster({SYMBOL: Serving(MODEL, standing or Standing(promoted=True))}, told.append), told


def play(made: LiveForecaster, bars: Bars, first: int = N) -> list[Forecast | None]:
    return [made.forecast(SYMBOL, bars[: i + 1]) for i in range(first, len(bars))]


def test_each_forecast_is_scored_one_horizon_later() -> None:
    made, _ = serve()
    bars = minutes(N + 40)
    said = play(made, bars)
    (standing,) = made.changes().values()
    live = standing.live
    assert live.scored == 39
    returns = np.diff(np.log(bars.close))[N:]
    hits = sum(one.side == np.sign(r) for one, r in zip(said[:-1], returns, strict=True) if one is not None)
    inside = sum(one.low <= r <= one.high for one, r in zip(said[:-1], returns, strict=True) if one is not None)
    assert (live.hits, live.inside, live.moved) == (hits, inside, 39)
    assert made.changes() == {}


def test_other_symbols_and_few_bars_have_no_forecast() -> None:
    made, _ = serve()
    assert made.forecast("DOGE/USDT:USDT", minutes(N)) is None
    assert made.forecast(SYMBOL, minutes(N)[:30]) is None
    assert made.forecast(SYMBOL, Bars.empty()) is None
    assert made.symbols == (SYMBOL,)


def test_a_market_gone_wild_demotes_the_model_and_says_so_once() -> None:
    made, told = serve()
    bars = minutes(N + 400)
    close = bars.close.copy()
    close[N:] *= np.exp(np.cumsum(np.where(np.arange(400) % 20 == 19, 0.5, 0.0)))  # a crash up every 20 bars
    wild = Bars(bars.open_time, close, close, close, close, bars.volume)
    header = msgspec.structs.replace(HEADER, error_mean=0.2, error_deviation=0.1)
    made = LiveForecaster({SYMBOL: Serving(_with(header), Standing())}, told.append)
    said = play(made, wild)
    last = said[-1]
    assert last is not None
    assert not last.trusted
    assert last.reason.startswith("drift: live error ")
    assert len(told) == 1
    assert "is no longer trusted: drift: live error" in told[0]
    assert not made.trusted


def _with(header: Header) -> Model:
    model = Model.load(min(FOLDER.glob(f"*{SUFFIX}")))
    model.header = header
    return model


def test_a_demoted_model_goes_on_forecasting_untrusted() -> None:
    made, told = serve(Standing(promoted=True, demoted="demoted by a person"))
    (said,) = play(made, minutes(N + 1))
    assert said is not None
    assert (said.trusted, said.reason) == (False, "demoted by a person")
    assert told == []
    assert not made.trusted


def test_a_forecast_whose_bars_are_missing_is_not_scored() -> None:
    made, _ = serve()
    bars = minutes(N + 80)
    made.forecast(SYMBOL, bars[: N + 1])
    keep = np.r_[0 : N + 1, N + 3 : N + 80]
    holed = Bars(*(getattr(bars, name)[keep] for name in ("open_time", "open", "high", "low", "close", "volume")))
    made.forecast(SYMBOL, holed[: N + 2])
    assert made.changes() == {}


HEAD = msgspec.structs.replace(HEADER, error_mean=0.8, error_deviation=0.6)


@pytest.mark.parametrize(
    ("live", "why"),
    [
        (Live(), ""),
        (Live(scored=49, error=49 * 5.0), ""),
        (Live(scored=100, error=100 * 1.0), ""),
        (Live(scored=100, error=100 * 1.1), "live error 1.10 volatilities against 0.80"),
        (Live(scored=100_000, error=100_000 * 0.85), ""),
        (Live(scored=200, error=200 * 0.8, moved=200, hits=80), "right in only 40% of 200 moves"),
        (Live(scored=200, error=200 * 0.8, moved=200, hits=95), ""),
        (Live(scored=90, error=90 * 0.8, moved=90, hits=20), ""),
    ],
)
def test_when_a_model_drifts(live: Live, why: str) -> None:
    found = drift(HEAD, live)
    assert (why in found) if why else found == ""


def test_a_horizon_of_ten_bars_needs_ten_times_the_forecasts() -> None:
    recipe = msgspec.structs.replace(HEAD.recipe, horizon=10)
    long = msgspec.structs.replace(HEAD, recipe=recipe)
    assert drift(long, Live(scored=499, error=499 * 5.0)) == ""
    assert drift(long, Live(scored=500, error=500 * 5.0)) != ""


def test_errors_count_in_volatilities_of_their_time() -> None:
    said = Forecast(0, MINUTE, 0.01, -0.01, 0.03, 0.9, "x", trusted=True)
    live = scored(Live(), said, -0.02, 2.0)  # half of 0.02 is 2 volatilities of 0.01
    assert (live.scored, live.moved, live.hits, live.inside) == (1, 1, 0, 0)
    assert live.error == pytest.approx(3.0)
