"""One result against luck: everything the statistics say of it, in one answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from engine.backtest.baseline import Hold, RandomEntries, buy_and_hold, random_entries
from engine.backtest.bootstrap import Bootstrap, bootstrap, returns_of
from engine.backtest.deflated import Deflated, Variants, deflate, moments_of
from engine.backtest.result import Rows
from engine.backtest.rules import Sizing
from engine.backtest.run import Result
from engine.backtest.shuffle import Shuffle, shuffle_trades
from engine.backtest.watch import UNWATCHED, Watch
from engine.bars import Floats
from engine.model.money import MONEY_SCALE

ONE_VARIANT = Variants(1, 0.0)
COMPOUNDING = (Sizing.EQUITY, Sizing.RISK)


class Luck(msgspec.Struct, frozen=True, kw_only=True):
    """A part is None where there are too few bars or trades for it.

    Attributes:
        bootstrap: intervals of Sharpe ratio and total return.
        shuffle: drawdowns of the same trades in other orders.
        random_entries: total returns of random strategies.
        buy_and_hold: the market itself.
        sharpe: probabilities of the Sharpe ratio, deflated by the variants tried.
    """

    bootstrap: Bootstrap | None
    shuffle: Shuffle | None
    random_entries: RandomEntries | None
    buy_and_hold: Hold
    sharpe: Deflated | None


def luck_of(
    result: Result,
    variants: Variants = ONE_VARIANT,
    *,
    samples: int = 1_000,
    seed: int = 1,
    watch: Watch = UNWATCHED,
) -> Luck | None:
    """Hold a result against luck; None when cancelled.

    Args:
        result: of a backtest.
        variants: what was tried before this one was chosen; see `engine.backtest.deflated.variants_of`.
        samples: draws of the bootstrap and of the shuffle; half as many random strategies.
        seed: of all draws: the same seed, the same answer.
        watch: hears draws done and their total; may cancel.
    """
    runs = samples // 2
    total = 2 * samples + runs
    returns = returns_of(result.equity)
    compounding = result.backtest.rules.sizing in COMPOUNDING
    capital = result.backtest.rules.capital / MONEY_SCALE

    def after(done: int) -> Watch:
        hear: Callable[[int, int], None] = lambda now, _: watch.progress(done + now, total)  # noqa: E731 - an argument
        return Watch(hear, watch.cancelled)

    straps = bootstrap(returns, result.backtest.timeframe_ms, samples=samples, seed=seed, watch=after(0))
    orders = shuffle_trades(
        nets_of(result.trades), capital, compounding=compounding, samples=samples, seed=seed, watch=after(samples)
    )
    strangers = random_entries(result, samples=runs, seed=seed, watch=after(2 * samples))
    if watch.cancelled():
        return None
    moments = moments_of(returns)
    return Luck(
        bootstrap=straps,
        shuffle=orders,
        random_entries=strangers,
        buy_and_hold=buy_and_hold(result.backtest),
        sharpe=deflate(moments, variants, result.backtest.timeframe_ms) if moments is not None else None,
    )


def nets_of(trades: Rows) -> Floats:
    """The trades' profits after fees and funding, quote currency."""
    return np.asarray(trades["pnl"] - trades["fee"] - trades["funding"], dtype=np.float64) / MONEY_SCALE
