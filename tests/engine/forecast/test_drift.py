"""When a model has drifted too far from its validation, and what one more forecast adds to its live record."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.forecast.drift import drift
from engine.forecast.record import scored
from engine.model.forecast import Forecast, Live, ModelInUse

HEAD = ModelInUse(model="c0ffee00", passed=True, error_mean=0.8, error_deviation=0.6)


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
    found = drift(replace(HEAD, live=live))
    assert (why in found) if why else found == ""


def test_a_horizon_of_ten_bars_needs_ten_times_the_forecasts() -> None:
    long = replace(HEAD, horizon=10)
    assert drift(replace(long, live=Live(scored=499, error=499 * 5.0))) == ""
    assert drift(replace(long, live=Live(scored=500, error=500 * 5.0))) != ""


def test_errors_count_in_volatilities_of_their_time() -> None:
    said = Forecast(0, 60_000, 0.01, -0.01, 0.03, 0.9, "x", trusted=True)
    live = scored(Live(), said, -0.02, 2.0)  # half of 0.02 is 2 volatilities of 0.01
    assert (live.scored, live.moved, live.hits, live.inside) == (1, 1, 0, 0)
    assert live.error == pytest.approx(3.0)
