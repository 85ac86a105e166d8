"""How a model is made: everything that, with the bars, decides what it becomes."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from engine.errors import BadInput

MOST_UNITS = 512


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choices of a training.

    Attributes:
        preset: ``returns`` predicts the next log return; ``reference`` the min-max scaled price.
        features: ``ohlcv`` (5 columns) or ``full`` (14 columns).
        window: bars the net looks at.
        horizon: bars ahead.
        epochs: at most so many passes.
        batch: samples a step.
        patience: epochs without a better validation loss before it stops.
        seed: of weights, dropout and order.
        rate: learning rate of Adam.
        units: of the three LSTM layers.
        dense: units of the ReLU layer before the output.
        dropout: share of values dropped after each LSTM while training.
        level: share of outcomes the interval is to hold.
    """

    preset: Literal["returns", "reference"] = "returns"
    features: Literal["ohlcv", "full"] = "ohlcv"
    window: int = 60
    horizon: int = 1
    epochs: int = 20
    batch: int = 32
    patience: int = 4
    seed: int = 1
    rate: float = 0.001
    units: tuple[int, ...] = (100, 100, 50)
    dense: int = 25
    dropout: float = 0.2
    level: float = 0.9

    @property
    def relative(self) -> bool:
        """Features are relative to the close, not prices."""
        return self.preset == "returns"

    @property
    def embargo(self) -> int:
        """Samples left out between two parts, so that no bar of one part's windows or outcomes is in the other."""
        return self.window + self.horizon

    def checked(self) -> Recipe:
        """Itself; raises BadInput naming what is out of range."""
        whole = {
            "window": (self.window, 2, 1000),
            "horizon": (self.horizon, 1, 500),
            "epochs": (self.epochs, 1, 10_000),
            "batch": (self.batch, 1, 65_536),
            "patience": (self.patience, 1, 10_000),
            "seed": (self.seed, 0, 2**31 - 1),
            "dense": (self.dense, 1, MOST_UNITS),
        }
        for name, (value, least, most) in whole.items():
            if not least <= value <= most:
                raise BadInput(name, value, f"use {least} to {most:,}")
        parts = {"rate": (self.rate, 0.0, 1.0), "level": (self.level, 0.0, 1.0), "dropout": (self.dropout, -1e-9, 0.95)}
        for name, (part, above, below) in parts.items():
            if not (math.isfinite(part) and above < part < below):
                raise BadInput(name, part, f"use a number between {max(0.0, above):g} and {below:g}")
        if not self.units or any(not 1 <= units <= MOST_UNITS for units in self.units):
            raise BadInput("units", self.units, f"use 1 to {MOST_UNITS} a layer")
        return self
