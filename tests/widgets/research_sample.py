"""A finished backtest for tests and pictures: the same seed always gives the same run."""

from __future__ import annotations

import datetime as dt
import math
import random

import msgspec

from engine.backtest.metrics import Metrics
from engine.backtest.view import (
    BucketView,
    Curve,
    HoldView,
    IntervalView,
    LuckView,
    MonthsView,
    OrdersView,
    ParameterView,
    Request,
    RunRow,
    RunView,
    SeriesView,
    StrangersView,
    StrategyView,
    TradeView,
)
from engine.model.market import Bar

HOUR_MS = 3_600_000
BEGIN = 1_704_067_200_000  # 2024-01-01
BARS = 1_000
REASONS = ("signal", "signal", "stop", "target", "liquidation")
SHARED = (ParameterView("stop_atr", 2.0, 0.5, 20.0), ParameterView("target_ratio", 2.0, 0.5, 10.0))
STRATEGIES = (
    StrategyView("supertrend", (ParameterView("period", 10, 2, 60), ParameterView("multiplier", 3, 0.5, 10), *SHARED)),
    StrategyView("ema-cross", (ParameterView("fast", 12, 3, 60), ParameterView("slow", 26, 5, 200), *SHARED)),
    StrategyView("board", ()),
)
SERIES = (
    SeriesView(
        data="binance:BTC/USDT:USDT", symbol="BTC/USDT:USDT", timeframe="1h", begin=BEGIN,
        end=BEGIN + BARS * HOUR_MS, bars=BARS, missing=0,
    ),
    SeriesView(
        data="binance:ETH/USDT:USDT", symbol="ETH/USDT:USDT", timeframe="5m", begin=BEGIN,
        end=BEGIN + BARS * HOUR_MS, bars=11_990, missing=10,
    ),
)  # fmt: skip


def sample_bars(seed: int = 1, count: int = BARS, length: int = HOUR_MS) -> tuple[Bar, ...]:
    """A wandering price."""
    draw = random.Random(seed)
    price, bars = 42_000.0, []
    for index in range(count):
        close = round(price * math.exp(draw.gauss(0.0002, 0.006)), 1)
        high = round(max(price, close) * (1 + abs(draw.gauss(0, 0.003))), 1)
        low = round(min(price, close) * (1 - abs(draw.gauss(0, 0.003))), 1)
        bars.append(Bar(BEGIN + index * length, round(price, 1), high, low, close, round(draw.uniform(50, 900), 3)))
        price = close
    return tuple(bars)


def sample_trades(bars: tuple[Bar, ...], count: int, seed: int = 1) -> tuple[TradeView, ...]:
    """Trades one after the other, at the bars' prices."""
    draw = random.Random(seed)
    each = len(bars) // count if count else 1
    rows = []
    for index in range(count):
        first = index * each + 1
        last = min(len(bars) - 1, first + max(1, each - draw.randrange(1, max(2, each // 2 + 1))))
        entry, leave, side = bars[first].open, bars[last].open, 1 if index % 2 == 0 else -1
        share = side * (leave / entry - 1) - 0.0012
        highs, lows = max(b.high for b in bars[first : last + 1]), min(b.low for b in bars[first : last + 1])
        up, down = highs / entry - 1, 1 - lows / entry
        rows.append(
            TradeView(
                bars[first].open_time, bars[last].open_time, side, 0.238, entry, leave, 9.98, 0.31 * side,
                share * entry * 0.238, share, down if side > 0 else up, up if side > 0 else down,
                REASONS[index % len(REASONS)],
            )
        )  # fmt: skip
    return tuple(rows)


def sample_run(strategy: str = "ema-cross", seed: int = 1, trades: int = 40, **request: str) -> RunView:
    """A run whose numbers agree with each other as far as a screen shows them."""
    bars = sample_bars(seed)
    rows = sample_trades(bars, trades, seed)
    times = [BEGIN, *(row.exit_time for row in rows), BEGIN + BARS * HOUR_MS]
    values = [10_000.0]
    for row in rows:
        values.append(round(values[-1] + row.net, 2))
    values.append(values[-1])
    peaks, drawdown = values[0], []
    for value in values:
        peaks = max(peaks, value)
        drawdown.append(1 - value / peaks)
    won = [row.net for row in rows if row.net > 0]
    lost = [-row.net for row in rows if row.net <= 0]
    held = Curve(tuple(b.open_time for b in bars), tuple(10_000 * b.close / bars[0].close for b in bars))
    final, last = values[-1], bars[-1].close / bars[0].close - 1
    metrics = Metrics(
        bars=BARS, trades=trades, total_return=final / 10_000 - 1, cagr=0.213 if trades else 0.0,
        sharpe=1.12 + seed / 10 if trades else None, sortino=1.71 if trades else None, calmar=0.9 if trades else None,
        max_drawdown=max(drawdown), max_drawdown_bars=212, win_rate=len(won) / trades if trades else None,
        profit_factor=sum(won) / sum(lost) if lost else None,
        expectancy=(final - 10_000) / trades if trades else None, exposure=0.93 if trades else 0.0,
        avg_trade=0.0012 if trades else None, best=max((r.share for r in rows), default=None),
        worst=min((r.share for r in rows), default=None), fees=9.98 * trades, funding=0.0,
        liquidations=sum(r.reason == "liquidation" for r in rows), buy_and_hold_return=last, final_equity=final,
    )  # fmt: skip
    months: list[float | None] = [None] * 12
    months[0], months[1] = 0.043, -0.021
    chosen = next(one for one in STRATEGIES if one.name == strategy)
    return RunView(
        id=f"{strategy}-{seed}", strategy=strategy, symbol="BTC/USDT:USDT", source="binance:BTC/USDT:USDT",
        created=BEGIN + seed, request=Request(strategy=strategy, data="binance:BTC/USDT:USDT", **request),
        params={p.name: p.default for p in chosen.parameters}, timeframe_ms=HOUR_MS, begin=BEGIN,
        end=BEGIN + BARS * HOUR_MS, elapsed_ms=3.2, metrics=metrics, hold=HoldView(last, 0.84, 0.181), capital=10_000.0,
        equity=Curve(tuple(times), tuple(values)), drawdown=Curve(tuple(times), tuple(drawdown)), held=held,
        candles=bars, candle_ms=HOUR_MS, price_decimals=1, quantity_decimals=3, trades=rows,
        months=MonthsView((2024,), (tuple(months),), (0.0211,)), hours=_buckets([f"{h:02d}" for h in range(24)], rows),
        weekdays=_buckets(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], rows),
        sides=_buckets(["long", "short"], rows),
        notes=("no funding was given: a position held for days would have paid or received it",),
    )  # fmt: skip


def _buckets(labels: list[str], rows: tuple[TradeView, ...]) -> tuple[BucketView, ...]:
    out = []
    for place, label in enumerate(labels):
        mine = [row for at, row in enumerate(rows) if at % len(labels) == place]
        won = sum(row.net > 0 for row in mine)
        out.append(BucketView(label, len(mine), won / len(mine) if mine else None, sum(row.net for row in mine)))
    return tuple(out)


def sample_luck(**changes: object) -> LuckView:
    """A run that random entries do as well as."""
    luck = LuckView(
        sharpe=IntervalView(1.22, -0.41, 2.67, 0.12), total_return=IntervalView(0.18, -0.22, 0.71, 0.19),
        orders=OrdersView(1_000, 0.12, 0.71, 0.1, 0.06, 0.21),
        strangers=StrangersView(500, 0.18, 0.83, -0.04, -0.31, 0.29), probable=0.87, variants=7, expected_best=1.31,
        deflated=0.44,
    )  # fmt: skip
    return msgspec.structs.replace(luck, **changes)


def row_of(run: RunView) -> RunRow:
    """A run as the history lists it."""
    return RunRow(
        id=run.id, strategy=run.strategy, symbol=run.symbol, timeframe="1h", created=run.created, begin=run.begin,
        end=run.end, request=run.request, metrics=run.metrics,
    )  # fmt: skip


def many_trades(run: RunView, count: int, page: int) -> tuple[RunView, tuple[TradeView, ...]]:
    """The run with so many trades that only a page of them comes with it; and all of them."""
    rows = tuple(run.trades[at % len(run.trades)] for at in range(count))
    metrics = msgspec.structs.replace(run.metrics, trades=count)
    return msgspec.structs.replace(run, metrics=metrics, trades=rows[:page]), rows


def day_of(at: int) -> str:
    """The UTC day of ms UTC."""
    return dt.datetime.fromtimestamp(at / 1_000, dt.UTC).strftime("%Y-%m-%d")
