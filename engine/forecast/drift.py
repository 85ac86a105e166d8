"""Live forecasts scored when they come due, and when a model has drifted too far from its validation to be trusted."""

from __future__ import annotations

import math

from engine.forecast.model_file import Header
from engine.forecast.scores import wilson
from engine.forecast.shelf import Live
from engine.model.forecast import Forecast

LEAST = 50
LEAST_MOVES = 100
# The error is looked at after every bar: four standard errors, for three would be passed by chance sooner or later.
STANDARD_ERRORS = 4.0
WORSE = 1.1


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


def drift(header: Header, live: Live) -> str:
    """Why live results no longer fit the validation, in one sentence; empty while they do.

    Either the mean absolute error in volatilities is above that of the validation by more than a tenth and four standard
    errors, or the direction is right less often than a coin by the whole 95 % interval. Overlapping horizons count as
    that many fewer forecasts.
    """
    independent = live.scored / header.recipe.horizon
    if independent < LEAST:
        return ""
    mean = live.error / live.scored
    limit = header.error_mean + STANDARD_ERRORS * header.error_deviation / math.sqrt(independent)
    if mean > max(limit, header.error_mean * WORSE):
        return (
            f"drift: live error {mean:.2f} volatilities against {header.error_mean:.2f} in validation "
            f"({live.scored} forecasts)"
        )
    moved = live.moved / header.recipe.horizon
    if moved >= LEAST_MOVES and wilson(live.hits / header.recipe.horizon, moved)[1] < 0.5:
        return f"drift: live direction right in only {live.hits / live.moved:.0%} of {live.moved} moves"
    return ""
