"""Was the drawdown bad luck of the order? The same trades in other orders.

Every order of the trades ends at the same equity; how deep it falls on the way differs. Equity is looked at when trades
close, so these drawdowns are smaller than `Metrics.max_drawdown`, which sees every bar's close.
"""

from __future__ import annotations

import msgspec
import numpy as np

from engine.backtest.watch import UNWATCHED, Watch
from engine.bars import Floats

SAMPLES = 2_000
LEAST_TRADES = 2
BATCH_VALUES = 1_000_000  # that many trades are shuffled at once


class Shuffle(msgspec.Struct, frozen=True, kw_only=True):
    """Largest drawdowns over the orders drawn; fractions of the highest equity before, 0 to 1 and more if it is overdrawn.

    Attributes:
        samples: orders drawn.
        actual: of the order that was, at the trades' closes.
        percentile: share of orders with a smaller drawdown, those equal counted half: near 1 the order was unlucky (or
            losses come together), near 0 it was lucky.
        median: of the orders.
        p05: 5 % of the orders stayed below it.
        p95: 95 % of the orders stayed below it: a drawdown to be ready for.
        worst: the deepest drawn.
    """

    samples: int
    actual: float
    percentile: float
    median: float
    p05: float
    p95: float
    worst: float


def shuffle_trades(
    nets: Floats,
    capital: float,
    *,
    compounding: bool,
    samples: int = SAMPLES,
    seed: int = 1,
    watch: Watch = UNWATCHED,
) -> Shuffle | None:
    """Draw orders of the trades; None for fewer than two trades, and when cancelled.

    Args:
        nets: the trades' profits after fees and funding in their order, quote currency.
        capital: at the start, quote currency.
        compounding: trades are shares of equity: each is taken as the factor it changed equity by. Else as an amount.
        samples: orders to draw.
        seed: of the draws.
        watch: hears orders done, and may cancel between batches.
    """
    if len(nets) < LEAST_TRADES:
        return None
    steps = _factors(nets, capital) if compounding else nets
    actual = float(_drawdowns(steps[None, :], capital, compounding=compounding)[0])
    rng = np.random.default_rng(seed)
    batch = max(1, BATCH_VALUES // len(nets))
    found = np.empty(samples)
    for begin in range(0, samples, batch):
        if watch.cancelled():
            return None
        end = min(samples, begin + batch)
        orders = rng.permuted(np.broadcast_to(steps, (end - begin, len(steps))), axis=1)
        found[begin:end] = _drawdowns(orders, capital, compounding=compounding)
        watch.progress(end, samples)
    near = 1e-12 + 1e-9 * actual  # the same factors in another order round differently
    below, equal = np.mean(found < actual - near), np.mean(np.abs(found - actual) <= near)
    p05, median, p95 = np.quantile(found, [0.05, 0.5, 0.95]).tolist()
    return Shuffle(
        samples=samples,
        actual=actual,
        percentile=float(below + equal / 2.0),
        median=median,
        p05=p05,
        p95=p95,
        worst=float(found.max()),
    )


def _factors(nets: Floats, capital: float) -> Floats:
    """What each trade multiplied equity by; 0 from where everything was lost."""
    after = capital + np.cumsum(nets)
    before = np.concatenate(([capital], after[:-1]))
    alive = before > 0.0
    return np.where(alive, np.maximum(0.0, after) / np.where(alive, before, 1.0), 0.0)


def _drawdowns(orders: Floats, capital: float, *, compounding: bool) -> Floats:
    equity = capital * np.cumprod(orders, axis=1) if compounding else capital + np.cumsum(orders, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), capital)
    return np.asarray(np.maximum(0.0, (1.0 - equity / peaks).max(axis=1)), dtype=np.float64)
