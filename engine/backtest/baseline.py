"""What luck alone and patience alone would have earned: random entries, and buy and hold."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec.structs import replace

from engine.backtest.bootstrap import returns_of
from engine.backtest.metrics import YEAR_MS, sharpe_of
from engine.backtest.result import Reason, Rows
from engine.backtest.rules import Exits, Sizing
from engine.backtest.run import Backtest, Result, Wanted
from engine.backtest.watch import UNWATCHED, Watch
from engine.bars import Ints
from engine.strategies.base import Sides

SAMPLES = 500


class RandomEntries(msgspec.Struct, frozen=True, kw_only=True):
    """Total returns of random strategies.

    Attributes:
        samples: random strategies run.
        actual: total return of the strategy itself, fraction.
        percentile: share of random strategies that earned less, those equal counted half.
        mean: of their total returns.
        p05: 5 % earned less.
        median: half earned less.
        p95: 5 % earned more.
        trades: mean number of their trades; it should be near the strategy's own.
    """

    samples: int
    actual: float
    percentile: float
    mean: float
    p05: float
    median: float
    p95: float
    trades: float


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Bought at the period's first close and held to its last, without leverage, fees and funding.

    Attributes:
        total_return: fraction, as `Metrics.buy_and_hold_return`.
        sharpe: yearly, as `Metrics.sharpe`.
        max_drawdown: at closes, fraction.
    """

    total_return: float
    sharpe: float | None
    max_drawdown: float


def buy_and_hold(backtest: Backtest) -> Hold:
    """The market itself over the backtest's period."""
    close = backtest.bars.close[backtest.first : backtest.last]
    returns = returns_of(close)
    squares = float(returns @ returns)
    return Hold(
        total_return=float(close[-1] / close[0]) - 1.0,
        sharpe=sharpe_of(float(returns.sum()), squares, len(returns), YEAR_MS / backtest.timeframe_ms),
        max_drawdown=float((1.0 - close / np.maximum.accumulate(close)).max()),
    )


def random_entries(
    result: Result, *, samples: int = SAMPLES, seed: int = 1, watch: Watch = UNWATCHED
) -> RandomEntries | None:
    """Run random strategies through the same engine, with all its costs; None without trades, and when cancelled.

    Each has the strategy's trades, long ones and short ones with their holding times, at other times: they are put in
    random order with random pauses between. Where the strategy leaves too few bars for pauses between trades of the same
    side (always in the market), long and short ones alternate as far as there are both. However the strategy's trades
    ended, a random one ends when its holding time is over, at market.

    Args:
        result: of the strategy.
        samples: random strategies to run.
        seed: of the draws.
        watch: hears strategies done, and may cancel between two.
    """
    trades = result.trades
    if len(trades) == 0:
        return None
    backtest = without_exits(result)
    nothing = np.zeros(1)
    rng = np.random.default_rng(seed)
    sides, lengths = trades["side"].astype(np.int8), held_bars(trades)
    found, counts = np.empty(samples), np.empty(samples)
    for k in range(samples):
        if watch.cancelled():
            return None
        drawn = draw_sides(rng, sides, lengths, len(backtest.bars), backtest.first, backtest.last)
        run = backtest.run_sides(Wanted(drawn, nothing, nothing), "random entries")
        found[k] = run.sums.final / run.sums.capital - 1.0
        counts[k] = run.sums.trades
        watch.progress(k + 1, samples)
    actual = result.sums.final / result.sums.capital - 1.0
    p05, median, p95 = np.quantile(found, [0.05, 0.5, 0.95]).tolist()
    return RandomEntries(
        samples=samples,
        actual=actual,
        percentile=float(np.mean(found < actual) + np.mean(found == actual) / 2.0),
        mean=float(found.mean()),
        p05=p05,
        median=median,
        p95=p95,
        trades=float(counts.mean()),
    )


def without_exits(result: Result) -> Backtest:
    """The result's backtest with the same costs and no stops or targets.

    A size that risks a share of equity to the stop becomes the mean share of equity that was put in.
    """
    given = result.backtest
    rules = given.rules
    if rules.exits is Exits.NONE:
        return given
    rules = replace(rules, exits=Exits.NONE, stop=0.0, target=0.0)
    if rules.sizing is Sizing.RISK:
        rules = replace(rules, sizing=Sizing.EQUITY, size=_share_put_in(result))
    begin, last = int(given.bars.open_time[given.first]), int(given.bars.open_time[given.last - 1])
    free = Backtest(
        given.bars, given.timeframe_ms, rules, symbol=given.symbol, grid=given.grid, begin=begin, end=last + 1
    )
    free.funding, free.costs = given.funding, given.costs  # bars and grid are the same, and so are the rows of funding
    return free


def _share_put_in(result: Result) -> float:
    """Mean margin of the trades as a share of the equity before each, above 0 and at most 1."""
    trades, rules = result.trades, result.backtest.rules
    nets = (trades["pnl"] - trades["fee"] - trades["funding"]).astype(np.float64)
    before = np.maximum(1.0, rules.capital + np.cumsum(nets) - nets)
    notional = trades["lots"].astype(np.float64) * trades["entry_ticks"] * result.backtest.grid.unit
    return float(np.clip(np.mean(notional / rules.leverage / before), 1e-6, 1.0))


def held_bars(trades: Rows) -> Ints:
    """Bars each trade was held: one that ends at a bar's open does not hold that bar."""
    held = trades["exit_bar"] - trades["entry_bar"] + (trades["reason"] != int(Reason.SIGNAL))
    return np.asarray(np.maximum(1, held), dtype=np.int64)


def draw_sides(rng: np.random.Generator, sides: Sides, lengths: Ints, n: int, first: int, last: int) -> Sides:
    """A random strategy's side at each of n closes, 0 outside the period.

    A trade of h bars wants its side for h closes, the first of them the one before its entry; so the last close of the
    period decides nothing, and a trade may begin at its first.
    """
    room = last - 1 - first
    free = room - int(lengths.sum())
    order = rng.permutation(len(sides))
    if _same(sides[order]) > free:
        order = _alternating(rng, sides)
    picked, held = sides[order], lengths[order]
    pauses = _pauses(rng, picked, free)
    out = np.zeros(n, dtype=np.int8)
    values = np.zeros(2 * len(picked), dtype=np.int8)
    values[1::2] = picked
    repeats = np.empty(2 * len(picked), dtype=np.int64)
    repeats[::2], repeats[1::2] = pauses, held
    wanted = np.repeat(values, repeats)[:room]
    out[first : first + len(wanted)] = wanted
    return out


def _same(sides: Sides) -> int:
    return int(np.sum(sides[1:] == sides[:-1]))


def _alternating(rng: np.random.Generator, sides: Sides) -> Ints:
    """A random order in which long and short alternate; the side there is more of begins and also ends."""
    left, right = rng.permutation(np.flatnonzero(sides > 0)), rng.permutation(np.flatnonzero(sides < 0))
    if len(left) < len(right) or (len(left) == len(right) and rng.integers(2)):
        left, right = right, left
    both = len(right)
    order = np.empty(len(sides), dtype=np.int64)
    order[0 : 2 * both : 2], order[1 : 2 * both : 2] = left[:both], right
    order[2 * both :] = left[both:]
    return order


def _pauses(rng: np.random.Generator, sides: Sides, free: int) -> Ints:
    """Bars without a position before each trade: at least one between trades of one side, the rest drawn."""
    least = np.zeros(len(sides), dtype=np.int64)
    least[1:] = sides[1:] == sides[:-1]
    spare = free - int(least.sum())
    if spare < 0:
        return least if free > 0 else np.zeros_like(least)
    cuts = np.sort(rng.integers(0, spare + 1, size=len(sides)))
    return least + np.diff(cuts, prepend=0)
