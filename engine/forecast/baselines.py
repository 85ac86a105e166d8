"""What a forecaster has to beat: guesses that need no net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.forecast.dataset import Windows

PERSISTENCE, DRIFT, LINEAR = "persistence", "drift", "linear"
PENALTIES = (1e-4, 1e-2, 1.0, 100.0)  # times the mean variance of the columns
CHUNK = 2_048


@dataclass(frozen=True, slots=True)
class Baselines:
    """Log returns that each guess gives for the test samples, and the majority direction of the training part."""

    returns: dict[str, Floats]
    majority: int


def baselines(
    train: tuple[Windows, Floats], validation: tuple[Windows, Floats], test: Windows, *, samples: int
) -> Baselines:
    """Persistence (no change), drift (the mean return so far) and ridge regression on the same scaled windows.

    Args:
        train: scaled windows and log returns.
        validation: likewise; chooses the ridge's penalty.
        test: scaled windows.
        samples: how many test samples there are.
    """
    known = np.concatenate((train[1], validation[1]))
    guesses = {
        PERSISTENCE: np.zeros(samples),
        DRIFT: np.full(samples, float(known.mean())),
        LINEAR: _linear(train, validation, test),
    }
    return Baselines(guesses, 1 if np.count_nonzero(known > 0) >= np.count_nonzero(known < 0) else -1)


def _linear(train: tuple[Windows, Floats], validation: tuple[Windows, Floats], test: Windows) -> Floats:
    """Ridge regression by its normal equations (Hoerl & Kennard 1970), the intercept unpenalised."""
    gram, moment, mean, level = _moments(*train)
    best = np.inf
    chosen: Floats = np.zeros(len(mean))
    unit = float(np.trace(gram)) / len(mean) or 1.0
    for penalty in PENALTIES:
        weights = np.asarray(np.linalg.solve(gram + penalty * unit * np.eye(len(mean)), moment), dtype=np.float64)
        error = float(np.mean((_apply(validation[0], weights, mean, level) - validation[1]) ** 2))
        if error < best:
            best, chosen = error, weights
    return _apply(test, chosen, mean, level)


def _moments(windows: Windows, target: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Centred second moments of the flattened windows with themselves and with the target; the two means."""
    n, width = len(windows), windows.shape[1] * windows.shape[2]
    total: NDArray[np.float64] = np.zeros(width)
    gram, moment = np.zeros((width, width)), np.zeros(width)
    level = float(target.mean())
    for begin in range(0, n, CHUNK):
        flat = windows[begin : begin + CHUNK].reshape(-1, width).astype(np.float64)
        total += flat.sum(axis=0)
        gram += flat.T @ flat
        moment += flat.T @ (target[begin : begin + CHUNK] - level)
    mean = total / n
    return gram / n - np.outer(mean, mean), moment / n, mean, level


def _apply(windows: Windows, weights: Floats, mean: Floats, level: float) -> Floats:
    flat = windows.reshape(len(windows), -1).astype(np.float64)
    return (flat - mean) @ weights + level
