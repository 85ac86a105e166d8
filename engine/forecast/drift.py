"""When a model has drifted too far from its validation to be trusted."""

from __future__ import annotations

import math

from engine.forecast.share import wilson
from engine.model.forecast import ModelInUse

LEAST = 50
LEAST_MOVES = 100
# The error is looked at after every bar: four standard errors, for three would be passed by chance sooner or later.
STANDARD_ERRORS = 4.0
WORSE = 1.1


def drift(model: ModelInUse) -> str:
    """Why live results no longer fit the validation, in one sentence; empty while they do.

    Either the mean absolute error in volatilities is above that of the validation by more than a tenth and four standard
    errors, or the direction is right less often than a coin by the whole 95 % interval. Overlapping horizons count as
    that many fewer forecasts.
    """
    live = model.live
    independent = live.scored / model.horizon
    if independent < LEAST:
        return ""
    mean = live.error / live.scored
    if mean > limit(model):
        return (
            f"drift: live error {mean:.2f} volatilities against {model.error_mean:.2f} in validation "
            f"({live.scored} forecasts)"
        )
    moved = live.moved / model.horizon
    if moved >= LEAST_MOVES and wilson(live.hits / model.horizon, moved)[1] < 0.5:
        return f"drift: live direction right in only {live.hits / live.moved:.0%} of {live.moved} moves"
    return ""


def limit(model: ModelInUse) -> float:
    """The mean live error, in volatilities, above which the forecasts made so far distrust the model."""
    independent = max(LEAST, model.live.scored / model.horizon)
    chance = STANDARD_ERRORS * model.error_deviation / math.sqrt(independent)
    return max(model.error_mean + chance, model.error_mean * WORSE)
