"""Where a result comes from: trades by hour, weekday, month and side, how far each went, and returns by month.

All times are UTC. A trade belongs to the hour, weekday and month of its entry: the open of the bar (or of the detail bar)
it was filled in. Profits are after fees and funding.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.backtest.result import Reason, Rows
from engine.backtest.run import Result
from engine.bars import Bars, Floats, Ints
from engine.model.money import MONEY_SCALE

HOURS = tuple(f"{hour:02d}" for hour in range(24))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SIDES = ("long", "short")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
END_OF_BAR = (int(Reason.END),)


class Bucket(msgspec.Struct, frozen=True):
    """The trades of one hour, weekday, month or side; None where it has none, or no loss to divide by.

    Attributes:
        label: its name.
        trades: count.
        win_rate: share of trades with a profit.
        profit_factor: sum of profits / sum of losses.
        net_profit: quote currency.
        mean_return: mean of profit / entry notional, fraction.
    """

    label: str
    trades: int
    win_rate: float | None
    profit_factor: float | None
    net_profit: float
    mean_return: float | None


class Excursion(msgspec.Struct, frozen=True):
    """How far the price went while a trade was open, as fractions of its entry price, both 0 or more.

    Attributes:
        adverse: MAE, the furthest against it.
        favourable: MFE, the furthest for it.
    """

    adverse: float
    favourable: float


class MonthlyReturns(msgspec.Struct, frozen=True):
    """Returns of equity by calendar month.

    Attributes:
        years: rows of `months`.
        months: for each year the twelve months' returns, fractions; None where the period has no bar. A month's return
            is its last equity / the last one before it - 1; the first month begins with the capital.
        totals: the years' returns likewise.
    """

    years: tuple[int, ...]
    months: tuple[tuple[float | None, ...], ...]
    totals: tuple[float, ...]


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """A result in parts: 24 hours, 7 weekdays from Monday, 12 months from January, 2 sides; all trades are in each."""

    hours: tuple[Bucket, ...]
    weekdays: tuple[Bucket, ...]
    months: tuple[Bucket, ...]
    sides: tuple[Bucket, ...]
    excursions: tuple[Excursion, ...]
    monthly: MonthlyReturns


def breakdown(result: Result) -> Breakdown:
    """All parts of one result; excursions in the order of its trades."""
    trades, backtest = result.trades, result.backtest
    times = trades["entry_time"]
    nets = (trades["pnl"] - trades["fee"] - trades["funding"]).astype(np.float64)
    # the same product of floats as where the trade was closed: a mean over buckets is the mean over trades
    shares = nets / (trades["lots"].astype(np.float64) * trades["entry_ticks"] * backtest.grid.unit)

    def parts(keys: Ints, labels: tuple[str, ...]) -> tuple[Bucket, ...]:
        return _buckets(keys, labels, nets / MONEY_SCALE, shares)

    against, along = excursions(trades, backtest.bars, float(backtest.grid.tick_size))
    return Breakdown(
        hours=parts(times // HOUR_MS % 24, HOURS),
        weekdays=parts((times // DAY_MS + EPOCH_WEEKDAY) % 7, WEEKDAYS),
        months=parts(_month(times) % 12, MONTHS),
        sides=parts((trades["side"] < 0).astype(np.int64), SIDES),
        excursions=tuple(Excursion(*row) for row in zip(against.tolist(), along.tolist(), strict=True)),
        monthly=monthly_returns(result.times, result.equity, backtest.rules.capital / MONEY_SCALE),
    )


def excursions(trades: Rows, bars: Bars, tick: float) -> tuple[Floats, Floats]:
    """MAE and MFE of each trade, fractions of its entry price.

    The entry bar counts whole: trades are entered at its open. The exit bar counts with its exit price alone where the
    trade ended at its open or somewhere within it (stop, target, liquidation): what came after is not the trade's, and
    what came before is not known. It counts whole where the data ended. A trade that ends in its entry bar counts with its
    exit price alone, for the same reason.

    Args:
        trades: rows of TRADE, in order.
        bars: all bars of the backtest.
        tick: price of a tick, quote currency.
    """
    begin = trades["entry_bar"]
    end = trades["exit_bar"] + np.isin(trades["reason"], END_OF_BAR)
    entry, leave = trades["entry_ticks"] * tick, trades["exit_ticks"] * tick
    highest = np.maximum(_over(np.maximum, bars.high, begin, end, -np.inf), np.maximum(entry, leave))
    lowest = np.minimum(_over(np.minimum, bars.low, begin, end, np.inf), np.minimum(entry, leave))
    up, down = highest / entry - 1.0, 1.0 - lowest / entry
    long = trades["side"] > 0
    return np.where(long, down, up), np.where(long, up, down)


def _over(extreme: np.ufunc, values: Floats, begin: Ints, end: Ints, nothing: float) -> Floats:
    """The extreme of ``values[begin:end]`` for each pair, `nothing` where it is empty; pairs rise and do not overlap."""
    if len(begin) == 0:
        return np.zeros(0)
    pairs = np.stack((begin, end), axis=1).ravel()
    found = extreme.reduceat(np.append(values, nothing), pairs)[::2]
    return np.where(end > begin, found, nothing)


def monthly_returns(times: Ints, equity: Floats, capital: float) -> MonthlyReturns:
    """Returns by calendar month.

    Args:
        times: open times of the bars, ms UTC; a bar belongs to the month it opens in.
        equity: at their closes, quote currency.
        capital: before the first, quote currency.
    """
    month = _month(times)
    last = np.append(np.flatnonzero(np.diff(month)), len(month) - 1)
    returns = _growth(equity[last], capital)
    years = range(int(month[0]) // 12, int(month[-1]) // 12 + 1)
    table: dict[int, list[float | None]] = {year: [None] * 12 for year in years}
    for at, value in zip(month[last].tolist(), returns.tolist(), strict=True):
        table[at // 12][at % 12] = value
    rows = {year: tuple(row) for year, row in table.items()}
    totals = []
    before = capital
    for year in years:
        there = np.flatnonzero(month[last] // 12 == year)
        now = float(equity[last[there[-1]]]) if len(there) else before
        totals.append(now / before - 1.0 if before > 0.0 else 0.0)
        before = now
    return MonthlyReturns(tuple(1970 + year for year in rows), tuple(rows.values()), tuple(totals))


def _growth(values: Floats, first: float) -> Floats:
    """Each value against the one before; 0 once everything is lost."""
    before = np.concatenate(([first], values[:-1]))
    alive = before > 0.0
    return np.where(alive, values / np.where(alive, before, 1.0) - 1.0, 0.0)


def _month(times: Ints) -> Ints:
    """Months since January 1970."""
    return times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)


def _buckets(keys: Ints, labels: tuple[str, ...], profits: Floats, shares: Floats) -> tuple[Bucket, ...]:
    def total(weights: Floats | NDArray[np.bool_]) -> list[float]:
        return [float(value) for value in np.bincount(keys, weights, len(labels))]

    rows = zip(
        labels,
        np.bincount(keys, minlength=len(labels)).tolist(),
        total(profits > 0.0),
        total(np.maximum(profits, 0.0)),
        total(np.maximum(-profits, 0.0)),
        total(profits),
        total(shares),
        strict=True,
    )
    return tuple(
        Bucket(
            label=label,
            trades=count,
            win_rate=wins / count if count else None,
            profit_factor=won / lost if lost > 0.0 else None,
            net_profit=net,
            mean_return=share / count if count else None,
        )
        for label, count, wins, won, lost, net, share in rows
    )
