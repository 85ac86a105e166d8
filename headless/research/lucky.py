"""A finished run held against luck: computed again from its request, then redrawn, reordered and imitated."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.backtest.bootstrap import Interval
from engine.backtest.deflated import Variants, variants_of
from engine.backtest.luck import Luck, luck_of
from engine.backtest.run import Result
from engine.backtest.view import IntervalView, LuckView, OrdersView, RunRow, RunView, StrangersView
from engine.backtest.watch import Watch
from engine.errors import BadInput

EVERY = 25
"""Draws between two words about progress."""


def tried(view: RunView, rows: Iterable[RunRow]) -> Variants:
    """The different runs on the same bars, this one included: the more were tried, the better the best is by luck.

    The same trades count once, however they were asked for.
    """
    ratios = {
        (row.strategy, row.metrics): row.metrics.sharpe
        for row in rows
        if (row.symbol, row.begin, row.end, row.metrics.bars) == (view.symbol, view.begin, view.end, view.metrics.bars)
    }
    ratios[view.strategy, view.metrics] = view.metrics.sharpe
    return variants_of(list(ratios.values()), view.timeframe_ms)


def same_as(result: Result, view: RunView) -> Result:
    """The result itself; BadInput where it is not the run that is shown."""
    if result.metrics != view.metrics:
        raise BadInput("data", view.request.data, "these bars are not those the run was made with; run it again")
    return result


def held(
    result: Result, variants: Variants, told: Callable[[float], None], wanted: Callable[[], bool]
) -> LuckView | None:
    """Everything that is said about luck; None where it was cancelled.

    Args:
        result: of the run.
        variants: what was tried.
        told: hears the fraction done, now and then.
        wanted: asked between draws.
    """

    def progress(done: int, total: int) -> None:
        if done % EVERY == 0:
            told(done / total)

    luck = luck_of(result, variants, watch=Watch(progress, lambda: not wanted()))
    return None if luck is None else _view(luck, variants)


def _view(luck: Luck, variants: Variants) -> LuckView:
    straps, orders, strangers, sharpe = luck.bootstrap, luck.shuffle, luck.random_entries, luck.sharpe
    return LuckView(
        sharpe=_interval(straps.sharpe) if straps is not None else None,
        total_return=_interval(straps.total_return) if straps is not None else None,
        orders=OrdersView(
            orders.samples, orders.actual, orders.percentile, orders.median, orders.p05, orders.p95
        ) if orders is not None else None,
        strangers=StrangersView(
            strangers.samples, strangers.actual, strangers.percentile, strangers.median, strangers.p05, strangers.p95
        ) if strangers is not None else None,
        probable=sharpe.probabilistic if sharpe is not None else None,
        variants=variants.count,
        expected_best=sharpe.expected_best if sharpe is not None else 0.0,
        deflated=sharpe.deflated if sharpe is not None else None,
    )  # fmt: skip


def _interval(found: Interval | None) -> IntervalView | None:
    return IntervalView(found.estimate, found.low, found.high, found.not_positive) if found is not None else None
