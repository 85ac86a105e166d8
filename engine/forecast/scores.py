"""How good forecasts were: errors, direction with its interval, calibration, and what following them would have paid."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.forecast.share import wilson

DEFAULT_FEE = 0.0005


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One forecaster over test samples.

    Attributes:
        mae: mean absolute error of the price, quote currency.
        rmse: root mean squared error of the price, quote currency.
        mae_return: mean absolute error of the log return.
        rmse_return: root mean squared error of the log return.
        direction: share of moves whose direction was right; None where it never says one.
        direction_interval: 95 % interval of it (Wilson), or None.
        profit: sum of the returns of holding the forecast's side, after fees, as a share of a constant stake; None likewise.
    """

    mae: float
    rmse: float
    mae_return: float
    rmse_return: float
    direction: float | None = None
    direction_interval: tuple[float, float] | None = None
    profit: float | None = None


def hits(forecast: Floats, actual: Floats) -> NDArray[np.bool_]:
    """Where the direction was right, of the samples that moved; a forecast of no move is wrong."""
    moved = actual != 0.0
    right: NDArray[np.bool_] = np.sign(forecast[moved]) == np.sign(actual[moved])
    return right


def score(forecast: Floats, actual: Floats, close: Floats, *, horizon: int = 1, fee: float = DEFAULT_FEE) -> Scores:
    """Scores of log returns forecast from `close`.

    Args:
        forecast: log returns.
        actual: what came, log returns.
        close: price they start from, quote currency.
        horizon: bars ahead: overlapping outcomes count as that many fewer independent ones.
        fee: of one side of a trade, fraction.
    """
    error = forecast - actual
    price = close * (np.exp(forecast) - np.exp(actual))
    right = hits(forecast, actual)
    says = bool(np.any(forecast != 0.0)) and len(right) > 0
    share = float(right.mean()) if says else None
    independent = len(right) / horizon
    return Scores(
        mae=float(np.abs(price).mean()),
        rmse=float(np.sqrt(np.mean(price**2))),
        mae_return=float(np.abs(error).mean()),
        rmse_return=float(np.sqrt(np.mean(error**2))),
        direction=share,
        direction_interval=wilson(share * independent, independent) if share is not None else None,
        profit=profit(np.sign(forecast), actual, horizon=horizon, fee=fee) if says else None,
    )


def profit(side: Floats, actual: Floats, *, horizon: int = 1, fee: float = DEFAULT_FEE) -> float:
    """Sum of returns of holding `side` of each sample for `horizon` bars, less `fee` for every change of the position.

    The stake is constant; each sample moves 1/horizon of it, so that the position is the mean of the newest sides.
    """
    gross = float(np.sum(side * np.expm1(actual))) / horizon
    position = np.convolve(side, np.full(horizon, 1.0 / horizon))
    turnover = float(np.abs(np.diff(position, prepend=0.0, append=0.0)).sum())
    return gross - fee * turnover


def conformal(errors: Floats, level: float) -> float:
    """Half width, in scaled errors, that held `level` of the validation outcomes.

    Split conformal prediction with errors scaled by the volatility known beforehand (Lei, G'Sell, Rinaldo, Tibshirani &
    Wasserman 2018, section 5.2): the ceil((n + 1) level)-th smallest absolute scaled error.
    """
    ordered = np.sort(np.abs(errors))
    rank = min(len(ordered), math.ceil((len(ordered) + 1) * level))
    return float(ordered[rank - 1])


def coverage(forecast: Floats, actual: Floats, half: Floats) -> float:
    """Share of the outcomes within `half` of the forecast."""
    return float(np.mean(np.abs(actual - forecast) <= half))
