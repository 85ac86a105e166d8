"""A result cut to the size of a picture: thinned curves, joined candles, trades as rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from engine.backtest.baseline import buy_and_hold
from engine.backtest.breakdown import Bucket, Excursion, breakdown
from engine.backtest.inputs import Market
from engine.backtest.result import REASONS
from engine.backtest.run import Result
from engine.backtest.table import warnings
from engine.backtest.view import BucketView, Curve, HoldView, MonthsView, Request, RunView, TradeView
from engine.bars import Bars, Floats, Ints
from engine.model.market import Bar
from engine.model.money import MONEY_SCALE
from engine.strategies import BOARD, strategy
from engine.strategies.base import Params
from headless.research.protocol import PAGE

POINTS = 1_000
CANDLES = 1_000


@dataclass(frozen=True, slots=True)
class Made:
    """A run as it is kept: the picture with its first page of trades, and all trades."""

    view: RunView
    trades: tuple[TradeView, ...]


def made(result: Result, market: Market, request: Request, run_id: str, created: int, elapsed_ms: float) -> Made:
    """Everything a screen shows of a result."""
    test = result.backtest
    parts = breakdown(result)
    trades = trade_rows(result, parts.excursions)
    hold = buy_and_hold(test)
    capital = test.rules.capital / MONEY_SCALE
    length = test.timeframe_ms
    ends = np.concatenate((result.times[:1], result.times + length))
    equity = np.concatenate(([capital], result.equity))
    below = 1.0 - equity / np.maximum.accumulate(equity)
    close = test.bars.close[test.first : test.last]
    held = np.concatenate(([capital], capital * close / close[0]))
    candles, candle_ms = joined(test.bars[test.first : test.last], length, CANDLES)
    view = RunView(
        id=run_id,
        strategy=result.name,
        symbol=market.symbol,
        source=market.source,
        created=created,
        request=msgspec.structs.replace(request, strategy=result.name),
        params=params_shown(result),
        timeframe_ms=length,
        begin=int(result.times[0]),
        end=int(result.times[-1]) + length,
        elapsed_ms=elapsed_ms,
        metrics=result.metrics,
        hold=HoldView(hold.total_return, hold.sharpe, hold.max_drawdown),
        capital=capital,
        equity=thinned(ends, equity, POINTS),
        drawdown=thinned(ends, below, POINTS),
        held=thinned(ends, held, POINTS),
        candles=candles,
        candle_ms=candle_ms,
        price_decimals=_decimals(float(test.grid.tick_size)),
        quantity_decimals=min(8, _decimals(float(test.grid.lot_size))),
        trades=trades[:PAGE],
        months=MonthsView(parts.monthly.years, parts.monthly.months, parts.monthly.totals),
        hours=_buckets(parts.hours),
        weekdays=_buckets(parts.weekdays),
        sides=_buckets(parts.sides),
        notes=(*market.notes, *warnings([result])),
    )
    return Made(view, trades)


def params_shown(result: Result) -> dict[str, float]:
    """All parameters the run had; none for the board."""
    if result.name == BOARD:
        return {}
    return own_first(
        msgspec.structs.asdict(result.params if result.params is not None else strategy(result.name).params())
    )


def own_first(params: dict[str, float]) -> dict[str, float]:
    """A strategy's own parameters before those that every strategy has."""
    shared = Params.__struct_fields__
    return {name: params[name] for name in sorted(params, key=lambda name: name in shared)}


def thinned(times: Ints, values: Floats, most: int) -> Curve:
    """At most `most` points: of every stretch its lowest and its highest, and the two ends.

    Args:
        times: ms UTC, rising.
        values: at these times.
        most: points, at least 4.
    """
    n = len(values)
    if n > most:
        stretches = (most - 2) // 2
        edges = np.linspace(0, n, stretches + 1).astype(np.int64)
        picked = {0, n - 1}
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            part = values[begin:end]
            picked |= {begin + int(part.argmin()), begin + int(part.argmax())}
        chosen = np.array(sorted(picked), dtype=np.int64)
        times, values = times[chosen], values[chosen]
    return Curve(tuple(times.tolist()), tuple(values.tolist()))


def joined(bars: Bars, timeframe_ms: int, most: int) -> tuple[tuple[Bar, ...], int]:
    """At most `most` candles over all bars, and their length: a whole number of bars; highs and lows are kept."""
    if len(bars) == 0:
        return (), timeframe_ms
    span = int(bars.open_time[-1] - bars.open_time[0]) // timeframe_ms + 1
    each = max(1, -(-span // max(1, most)))
    length = each * timeframe_ms
    groups = (bars.open_time - bars.open_time[0]) // length
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(starts[1:], len(groups)) - 1
    columns = (
        (bars.open_time[0] + groups[starts] * length).tolist(),
        bars.open[starts].tolist(),
        np.maximum.reduceat(bars.high, starts).tolist(),
        np.minimum.reduceat(bars.low, starts).tolist(),
        bars.close[ends].tolist(),
        np.add.reduceat(bars.volume, starts).tolist(),
    )
    return tuple(Bar(*row) for row in zip(*columns, strict=True)), length


def trade_rows(result: Result, excursions: tuple[Excursion, ...]) -> tuple[TradeView, ...]:
    """All trades, oldest first."""
    grid = result.backtest.grid
    tick, lot, unit = float(grid.tick_size), float(grid.lot_size), grid.unit
    rows = []
    for row, far in zip(result.trades.tolist(), excursions, strict=True):
        _, _, entry_time, exit_time, side, lots, entry, leave, fee, funding, pnl, reason = row
        net = pnl - fee - funding
        rows.append(
            TradeView(
                entry_time,
                exit_time,
                side,
                lots * lot,
                entry * tick,
                leave * tick,
                fee / MONEY_SCALE,
                funding / MONEY_SCALE,
                net / MONEY_SCALE,
                net / (lots * entry * unit),
                far.adverse,
                far.favourable,
                REASONS[reason],
            )
        )
    return tuple(rows)


def _buckets(rows: tuple[Bucket, ...]) -> tuple[BucketView, ...]:
    return tuple(BucketView(row.label, row.trades, row.win_rate, row.net_profit) for row in rows)


def _decimals(step: float) -> int:
    return next((places for places in range(11) if round(step * 10**places, 6) >= 1.0), 10)
