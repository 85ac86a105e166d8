"""Bringing features and targets to the range a net likes, with numbers taken from the training part only."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.bars import Floats
from engine.forecast.recipe import Recipe

CLIP = 8.0  # standard deviations: one crash must not drown everything
LEAST_PRICE = 1e-12


class Scaler(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``(x - center) / scale`` for each column and for the target.

    Attributes:
        relative: columns are clipped to 8 scales; the target is a log return. Else the target is a price.
        center: of each column.
        scale: of each column, above 0.
        target_center: of the target.
        target_scale: of the target, above 0.
    """

    relative: bool
    center: tuple[float, ...]
    scale: tuple[float, ...]
    target_center: float
    target_scale: float

    def columns(self, columns: Floats) -> Floats:
        """Features as the net takes them; NaN stays NaN."""
        scaled: Floats = (columns - np.array(self.center)) / np.array(self.scale)
        return np.clip(scaled, -CLIP, CLIP) if self.relative else scaled

    def target(self, returns: Floats, close: Floats) -> Floats:
        """Log returns from `close` as the net is to answer."""
        wanted = returns if self.relative else close * np.exp(returns)
        answer: Floats = (wanted - self.target_center) / self.target_scale
        return answer

    def returns(self, answers: Floats, close: Floats) -> Floats:
        """The net's answers as log returns from `close`."""
        wanted = answers * self.target_scale + self.target_center
        return wanted if self.relative else np.log(np.maximum(wanted, LEAST_PRICE) / close)


def fit_scaler(columns: Floats, returns: Floats, close: Floats, recipe: Recipe) -> Scaler:
    """Numbers of the training part: mean and standard deviation for `returns`, minimum and range for `reference`.

    Args:
        columns: training rows without NaN.
        returns: the targets of the training samples, log returns.
        close: the closes of the training rows, quote currency.
        recipe: gives the preset.
    """
    if recipe.relative:
        center, scale, low, span = columns.mean(axis=0), columns.std(axis=0), 0.0, float(returns.std())
    else:
        center, scale = columns.min(axis=0), np.ptp(columns, axis=0)
        low, span = float(close.min()), float(np.ptp(close))
    safe = np.where(scale > 0.0, scale, 1.0)
    return Scaler(recipe.relative, tuple(center.tolist()), tuple(safe.tolist()), low, span or 1.0)
