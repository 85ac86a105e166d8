"""The live record of a model: one more forecast that has come due."""

from __future__ import annotations

from engine.model.forecast import Forecast, Live


def scored(live: Live, forecast: Forecast, actual: float, half_width: float) -> Live:
    """The record with one more forecast.

    Args:
        live: so far.
        forecast: that has come due.
        actual: log return that came.
        half_width: of the model's interval, in volatilities; gives the volatility the forecast was made with.
    """
    half = forecast.high - forecast.value
    error = abs(actual - forecast.value)
    return Live(
        scored=live.scored + 1,
        moved=live.moved + (actual != 0.0),
        hits=live.hits + (actual != 0.0 and (actual > 0.0) - (actual < 0.0) == forecast.side),
        inside=live.inside + (error <= half),
        error=live.error + (error * half_width / half if half > 0.0 else 0.0),
    )
