"""Shadow trades: every change of a wanted side is followed as if it had been traded.

A trade opens at the close of the bar at which the side changes to long or short. It ends at its stop (first, when both
lie in one bar; at the open when the bar gaps through it), at its target, or at the close of the bar at which the side is
the opposite. Its net return is ``side x (exit / entry - 1) - 2 x cost``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.bars import Bars, Floats
from engine.indicators import plain
from engine.model.market import Bar
from engine.model.record import Record, Shadow
from engine.strategies.base import Sides


def step(
    shadow: Shadow | None,
    record: Record,
    before: int,
    side: int,
    bar: Bar,
    stop_distance: float,
    target_distance: float,
    cost: float,
) -> tuple[Shadow | None, Record]:
    """Follow one strategy over one closed bar.

    Args:
        shadow: its open trade.
        record: its closed ones.
        before: wanted side one bar ago.
        side: wanted side at this close.
        bar: the bar.
        stop_distance: of a trade opened now, quote currency.
        target_distance: likewise.
        cost: of one side of a trade, fraction.

    A gap beyond the target earns the target and no more. The trade that ends leaves room for one that opens at the same
    close. Where nothing closed the very same record comes back.
    """
    if shadow is not None:
        exit_price = _exit(shadow, side, bar)
        if exit_price > 0.0:
            record = record.add(shadow.side * (exit_price / shadow.entry - 1.0) - 2.0 * cost)
            shadow = None
    if shadow is None and side not in (0, before) and stop_distance > 0.0 and target_distance > 0.0:
        close = bar.close
        shadow = Shadow(side, close, close - side * stop_distance, close + side * target_distance)
    return shadow, record


def _exit(shadow: Shadow, side: int, bar: Bar) -> float:
    if shadow.side > 0:
        if bar.low <= shadow.stop:
            return min(bar.open, shadow.stop)
        if bar.high >= shadow.target:
            return shadow.target
    else:
        if bar.high >= shadow.stop:
            return max(bar.open, shadow.stop)
        if bar.low <= shadow.target:
            return shadow.target
    return bar.close if side == -shadow.side else 0.0


@njit(cache=True)
def _follow(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    sides: Sides,  # int8[6, n]
    stops: Floats,
    targets: Floats,
    cost: float,
    entry_score: float,
    weight_trades: int,
    shrink: int,
    records: Floats,
    trades: Floats,
    zones: Sides,  # int8[n], filled here
) -> None:
    """Six strategies and the board (row 6, with causal weights) over all bars; fills records, trades and zones."""
    count = sides.shape[0]
    share = np.full(count, 1.0 / count)
    before = np.zeros(count + 1, dtype=np.int8)
    for i in range(len(close)):
        score = 0.0
        for k in range(count):
            score += sides[k, i] * share[k]
        zone = 0
        if score >= entry_score:
            zone = 1
        elif score <= -entry_score:
            zone = -1
        zones[i] = zone
        changed = False
        for k in range(count + 1):
            side = sides[k, i] if k < count else zone
            held = trades[k, 0]
            if held != 0.0:
                price = 0.0
                if held > 0.0:
                    if low[i] <= trades[k, 2]:
                        price = min(open_[i], trades[k, 2])
                    elif high[i] >= trades[k, 3]:
                        price = trades[k, 3]
                elif high[i] >= trades[k, 2]:
                    price = max(open_[i], trades[k, 2])
                elif low[i] <= trades[k, 3]:
                    price = trades[k, 3]
                if price == 0.0 and side == -held:
                    price = close[i]
                if price > 0.0:
                    net = held * (price / trades[k, 1] - 1.0) - 2.0 * cost
                    records[k, 0] += 1.0
                    records[k, 1] += 1.0 if net > 0.0 else 0.0
                    records[k, 2] += net
                    records[k, 3] += net * net
                    trades[k, 0] = 0.0
                    changed = True
            if trades[k, 0] == 0.0 and side != 0 and side != before[k] and stops[k, i] > 0.0 and targets[k, i] > 0.0:
                trades[k, 0] = side
                trades[k, 1] = close[i]
                trades[k, 2] = close[i] - side * stops[k, i]
                trades[k, 3] = close[i] + side * targets[k, i]
            before[k] = side
        if changed:
            total = 0.0
            for k in range(count):
                good = records[k, 0] >= weight_trades and records[k, 2] > 0.0
                share[k] = records[k, 2] / (records[k, 0] + shrink) if good else 0.0
                total += share[k]
            for k in range(count):
                share[k] = share[k] / total if total > 0.0 else 1.0 / count


def follow(
    bars: Bars,
    sides: Sides,
    stops: Floats,
    targets: Floats,
    cost: float,
    entry_score: float,
    weight_trades: int,
    shrink: int,
) -> tuple[tuple[Record, ...], tuple[Shadow | None, ...], Sides]:
    """Shadow trades of the six strategies and of the board over whole arrays.

    Args:
        bars: n bars.
        sides: int8[6, n] wanted sides.
        stops: float64[7, n] stop distances, the board's last; quote currency, NaN while warming up.
        targets: likewise.
        cost: of one side of a trade, fraction.
        entry_score: threshold of the board's zone.
        weight_trades: trades before a strategy weighs.
        shrink: see `engine.strategies.board.weights`.

    Returns:
        Records and open trades (the board's last), and the board's zone per bar, int8[n].
    """
    count = len(sides) + 1
    records, trades = np.zeros((count, 4)), np.zeros((count, 4))
    zones = np.zeros(len(bars), dtype=np.int8)
    _follow(
        plain(bars.open),
        plain(bars.high),
        plain(bars.low),
        plain(bars.close),
        sides,
        stops,
        targets,
        cost,
        entry_score,
        weight_trades,
        shrink,
        records,
        trades,
        zones,
    )
    made = tuple(Record(int(n), int(wins), total, squares) for n, wins, total, squares in records.tolist())
    held = tuple(Shadow(int(s), entry, stop, target) if s else None for s, entry, stop, target in trades.tolist())
    return made, held, zones
