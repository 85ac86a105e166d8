"""What a screen shows of models, as ``trefoil forecast list --json`` tells it. Light: it loads neither numpy nor a net."""

from __future__ import annotations

import msgspec


class ScoresView(msgspec.Struct, frozen=True, kw_only=True):
    """A forecaster's scores: errors in price units and in log returns, direction and profit as shares or None."""

    mae: float
    rmse: float
    mae_return: float
    rmse_return: float
    direction: float | None = None
    direction_interval: tuple[float, float] | None = None
    profit: float | None = None


class LiveView(msgspec.Struct, frozen=True, kw_only=True):
    """Live forecasts that came due; see `engine.forecast.shelf.Live`."""

    scored: int = 0
    moved: int = 0
    hits: int = 0
    inside: int = 0
    error: float = 0.0


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model on the shelf, as ``trefoil forecast list --json`` tells it; `created`, `begin`, `end` are ms UTC.

    `error_mean` is the validation's mean absolute error in volatilities, `error_limit` where the live one distrusts it.
    """

    model: str
    symbol: str
    timeframe: str
    preset: str
    features: str
    created: int
    source: str
    begin: int
    end: int
    note: str
    promoted: bool
    trusted: bool
    reason: str
    live: LiveView
    scores: ScoresView
    baselines: dict[str, ScoresView]
    samples: int
    level: float
    coverage: float
    curve: tuple[tuple[int, float, float], ...]
    error_mean: float = 0.0
    error_limit: float = 0.0
    horizon: int = 1


class TrainingView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a training is; see `headless.training.protocol.Progress`."""

    epoch: int
    epochs: int
    part: float
    loss: float
    validation: float | None = None
    best: float | None = None
    left_s: float = 0.0
