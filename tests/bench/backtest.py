"""The fast engine against a loop written by hand for one strategy, against vectorbt, and the faithful engine.

The bare loop does what a person would write with numba for exactly this question and nothing else: averages, sides, fills
with fee and slippage, equity, drawdown and the sums of returns, all in floats, without a list of trades; of many pairs
every average once. Both run in turn in the same process, so that what else the machine does weighs on both.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from engine.backtest.faithful import run_faithful
from engine.backtest.rules import Exits, Grid, Rules, grid_of
from engine.backtest.run import Backtest, wanted
from engine.backtest.scan import scan
from engine.backtest.sweep import sweep
from engine.bars import Bars, aggregate
from engine.strategies import BOARD, STRATEGIES
from engine.strategies.base import Params
from tests.bench import vectorbt_side
from tests.bench.vectorbt_side import (
    FEE,
    HOUR_STEP,
    HOURS,
    MINUTES,
    SLIPPAGE,
    STOP,
    SYMBOLS,
    TARGET,
    TIMEFRAMES,
    WEEK,
    made_bars,
    pairs,
)

Floats = NDArray[np.float64]
Curve: TypeAlias = tuple[float, float, float, float, float]
Bare: TypeAlias = tuple[float, int, float, float, float]
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
RUNS, SHORT_RUNS = 7, 25
# A worker of the bare loop would spin on its core for milliseconds after its work, which ours then had to share.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
CORES = os.cpu_count() or 1
RULES = Rules(taker_ppm=round(FEE * 1e6), slippage=SLIPPAGE)
FIXED = Rules(taker_ppm=round(FEE * 1e6), slippage=SLIPPAGE, exits=Exits.FIXED, stop=STOP, target=TARGET)


def measure() -> dict[str, object]:
    """Every row of the table, the faithful engine, a fresh process, and memory."""
    hours, minutes = bars_of(made_bars(HOURS, 1, HOUR_STEP), HOUR_MS), bars_of(made_bars(MINUTES, 1), MINUTE_MS)
    rows: dict[str, Any] = {
        "hour_one": single(hours, HOUR_MS, RULES, exits=False),
        "minute_one": single(minutes, MINUTE_MS, RULES, exits=False),
        "minute_exits": single(minutes, MINUTE_MS, FIXED, exits=True),
        "hour_sweep": many(hours, HOUR_MS, SHORT_RUNS),
        "minute_sweep": many(minutes, MINUTE_MS, 5),
        "scan": scanned(),
    }
    return {
        "rows": rows,
        "vectorbt": (peers := vectorbt_side.in_turn(ours(hours, minutes))),
        "over_vectorbt": compared(peers),
        "faithful": faithful(hours),
        "board_hour_ms": round(timed(lambda: Backtest(hours, HOUR_MS, RULES).run(BOARD).metrics), 3),
        "fresh_process": fresh(hours),
        "sweep_mb": sweep_memory(),
        "goals": {
            "over_bare": 1.5,
            "under_1_ms": 0.3,
            "over_vectorbt": 8,
            "faithful_bars_s": 50_000,
            "board_ms": 50,
            "fresh_s": 1.2,
            "sweep_mb": 600,
        },
    }


def ours(hours: Bars, minutes: Bars) -> dict[str, Callable[[], object]]:
    """Our side of the rows that vectorbt is measured with."""
    hourly, minutely = Backtest(hours, HOUR_MS, RULES), Backtest(minutes, MINUTE_MS, RULES)
    stopped, params, markets = Backtest(minutes, MINUTE_MS, FIXED), thousand(), scanned_markets()
    return {
        "hour_one": lambda: hourly.run("ema-cross").metrics,
        "minute_one": lambda: minutely.run("ema-cross").metrics,
        "minute_exits": lambda: stopped.run("ema-cross").metrics,
        "hour_sweep": lambda: sweep(hourly, "ema-cross", params).returns(),
        "minute_sweep": lambda: sweep(minutely, "ema-cross", params).returns(),
        "scan": lambda: scan(markets).returns,
    }


def compared(peers: dict[str, Any]) -> dict[str, float]:
    """How many times as long vectorbt's faster engine takes, the lean way; empty where it is not installed."""
    found = [engine["rows"] for engine in peers.values() if "rows" in engine]
    lean = [name for name in found[0] if not name.endswith("_stats")] if found else []
    return {name: min(rows[name]["times"] for rows in found) for name in lean}


def bars_of(columns: dict[str, Floats], timeframe_ms: int) -> Bars:
    """Made columns as bars."""
    n = len(columns["close"])
    times = 1_700_000_000_000 // timeframe_ms * timeframe_ms + timeframe_ms * np.arange(n)
    return Bars(times, columns["open"], columns["high"], columns["low"], columns["close"], np.ones(n))


def timed(work: Callable[[], object], runs: int = RUNS) -> float:
    """Median milliseconds after one run that warms up."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def in_turn(ours: Callable[[], object], bare: Callable[[], object], runs: int) -> dict[str, float]:
    """Medians of both, one run of each in turn; the ratio is the median of the pairs' ratios."""
    ours(), bare()
    gc.collect()
    left: list[float] = []
    right: list[float] = []
    for _ in range(runs):
        for work, times in ((ours, left), (bare, right)):
            began = time.perf_counter()
            work()
            times.append((time.perf_counter() - began) * 1e3)
    ratio = statistics.median(a / b for a, b in zip(left, right, strict=True))
    return {
        "ms": round(statistics.median(left), 3),
        "bare_ms": round(statistics.median(right), 3),
        "ratio": round(ratio, 2),
    }


def single(bars: Bars, timeframe_ms: int, rules: Rules, *, exits: bool) -> dict[str, Any]:
    """One run of EMA 12/26 through the public API, metrics included."""
    test = Backtest(bars, timeframe_ms, rules)
    columns = (bars.open, bars.high, bars.low, bars.close)
    loop = bare_exits if exits else bare_cross

    def bare() -> object:
        return loop(*columns, 12, 26, FEE, SLIPPAGE, STOP, TARGET)

    row: dict[str, Any] = in_turn(lambda: test.run("ema-cross").metrics, bare, SHORT_RUNS)
    metrics = test.run("ema-cross").metrics
    final, trades, *_ = loop(*columns, 12, 26, FEE, SLIPPAGE, STOP, TARGET)
    return row | {
        "trades": metrics.trades,
        "bare_trades": trades,
        "return": metrics.total_return,
        "bare_return": final / 1e4 - 1,
    }


def many(bars: Bars, timeframe_ms: int, runs: int) -> dict[str, Any]:
    """A thousand pairs of averages, both on one core and on all of them."""
    test = Backtest(bars, timeframe_ms, RULES)
    params, numbers = thousand(), np.array(pairs(1_000), dtype=np.int64)
    periods = np.unique(numbers)

    def bare() -> object:
        return bare_pairs(bars.open, bars.close, numbers, periods, FEE, SLIPPAGE)

    def on(jobs: int) -> dict[str, float]:
        numba.set_num_threads(jobs)
        return in_turn(lambda: sweep(test, "ema-cross", params, jobs=jobs).returns(), bare, runs)

    return on(CORES) | {"cores": CORES, "one_core": on(1)}


def thousand() -> list[Params]:
    """The parameters of a sweep."""
    return [STRATEGIES["ema-cross"].make(fast=fast, slow=slow) for fast, slow in pairs(1_000)]


def scanned_markets() -> list[Backtest]:
    """Seven days of every symbol and timeframe."""
    markets = []
    for symbol in range(SYMBOLS):
        minutes = bars_of(made_bars(WEEK, symbol), MINUTE_MS)
        grid: Grid = grid_of(minutes)
        for length in TIMEFRAMES:
            bars = minutes if length == 1 else aggregate(minutes, length * MINUTE_MS)
            markets.append(Backtest(bars, length * MINUTE_MS, RULES, grid=grid))
    return markets


def scanned() -> dict[str, Any]:
    """All six strategies over every market; the bars are prepared before.

    The bare loop is given the same sides, and runs on one core.
    """
    markets = scanned_markets()

    def bare() -> None:
        for market in markets:
            for name in STRATEGIES:
                bare_sides(market.bars.open, market.bars.close, wanted(name, market.bars, RULES).sides, FEE, SLIPPAGE)

    def on(jobs: int) -> dict[str, float]:
        return in_turn(lambda: scan(markets, jobs=jobs).returns, bare, RUNS)

    return on(CORES) | {"cores": CORES, "bare_cores": 1, "one_core": on(1), "runs": len(markets) * len(STRATEGIES)}


def faithful(bars: Bars) -> dict[str, float]:
    """Bars a second of the live core: one strategy, and the board."""
    test = Backtest(bars, HOUR_MS, RULES, symbol="X/USDT:USDT")
    return {
        name.replace("-", "_"): round(len(bars) / timed(lambda name=name: run_faithful(test, name), 5) * 1e3)  # type: ignore[misc] # bound at once
        for name in ("ema-cross", BOARD)
    }


def fresh(bars: Bars) -> dict[str, float]:
    """Seconds from command to JSON in a new process."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.parquet"
        names = ("open", "high", "low", "close", "volume")
        pq.write_table(pa.table({"timestamp": bars.open_time} | {name: getattr(bars, name) for name in names}), file)
        command = [sys.executable, "-m", "station.cli", "backtest", "ema-cross", "--data", str(file), "--json"]

        def call() -> None:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            json.loads(done.stdout)

        return {"s": round(timed(call, 5) / 1e3, 3)}


def sweep_memory() -> float:
    """Megabytes a new process needs at most for a thousand pairs over a year of minutes.

    Linux counts it from the start of the program; `getrusage` would count the process that it was forked from, too.
    """
    code = (
        "from tests.bench.backtest import *; bars = bars_of(made_bars(MINUTES, 1), MINUTE_MS);"
        "sweep(Backtest(bars, MINUTE_MS, RULES), 'ema-cross', thousand());"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return round(int(done.stdout.split()[1]) / 1024, 1)


@njit(cache=True, error_model="numpy", forceinline=True)
def closed(cash: float, held: float, price: float, fee: float) -> float:
    """Cash after a position is closed."""
    return cash + held * price - abs(held) * price * fee


@njit(cache=True, error_model="numpy", forceinline=True)
def turned(cash: float, held: float, wanted: int, price: float, fee: float, slip: float) -> tuple[float, float, int]:
    """Cash and position after what is held is closed and the wanted side entered with all there is; trades closed."""
    trades = 0
    if held != 0.0:
        cash = closed(cash, held, price * (1.0 - slip if held > 0.0 else 1.0 + slip), fee)
        trades = 1
    price *= 1.0 + wanted * slip
    held = wanted * cash / (price * (1.0 + fee))
    return cash - held * price - abs(held) * price * fee, held, trades


@njit(cache=True, error_model="numpy", forceinline=True)
def seen(curve: Curve, worth: float) -> Curve:
    """The curve with one more close: the newest equity, its peak, drawdown, and the sums of returns and of squares."""
    before, peak, deepest, total, squares = curve
    change = worth / before - 1.0
    peak = max(peak, worth)
    return worth, peak, max(deepest, 1.0 - worth / peak), total + change, squares + change * change


@njit(cache=True, error_model="numpy", forceinline=True)
def seeds(close: Floats, fast: int, slow: int) -> tuple[float, float]:
    """Both averages at bar slow - 1."""
    quick, long = close[:fast].mean(), close[:slow].mean()
    for i in range(fast, slow):
        quick += (close[i] - quick) * (2.0 / (fast + 1))
    return quick, long


@njit(cache=True, error_model="numpy")
def bare_cross(
    open_: Floats,
    _high: Floats,
    _low: Floats,
    close: Floats,
    fast: int,
    slow: int,
    fee: float,
    slip: float,
    *_levels: float,
) -> Bare:
    """Always in the market: final equity, trades, drawdown, and the sums of returns and of their squares."""
    n, k, m = len(close), 2.0 / (fast + 1), 2.0 / (slow + 1)
    quick, long = seeds(close, fast, slow)
    cash, held, side, trades, curve = 1e4, 0.0, 0, 0, (1e4, 1e4, 0.0, 0.0, 0.0)
    for i in range(slow - 1, n - 1):
        if i >= slow:
            quick += (close[i] - quick) * k
            long += (close[i] - long) * m
        curve = seen(curve, cash + held * close[i])
        wanted = 1 if quick > long else -1
        if wanted != side:
            cash, held, done = turned(cash, held, wanted, open_[i + 1], fee, slip)
            side, trades = wanted, trades + done
    return cash + held * close[n - 1], trades + 1, curve[2], curve[3], curve[4]


@njit(cache=True, error_model="numpy")
def bare_exits(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    fast: int,
    slow: int,
    fee: float,
    slip: float,
    stop: float,
    target: float,
) -> Bare:
    """The same with a stop and a target: stop first, gaps at the open, and the next crossing after one."""
    n, k, m = len(close), 2.0 / (fast + 1), 2.0 / (slow + 1)
    quick, long = seeds(close, fast, slow)
    cash, held, known, trades, curve = 1e4, 0.0, 0, 0, (1e4, 1e4, 0.0, 0.0, 0.0)
    bottom, top = 0.0, 1e18
    for i in range(slow - 1, n - 1):
        if i >= slow:
            quick += (close[i] - quick) * k
            long += (close[i] - long) * m
        if held != 0.0 and (low[i] <= bottom or high[i] >= top):
            price = min(open_[i], bottom) if low[i] <= bottom else max(open_[i], top)
            cash = closed(cash, held, price * (1.0 - slip if held > 0.0 else 1.0 + slip), fee)
            held, trades = 0.0, trades + 1
        curve = seen(curve, cash + held * close[i])
        wanted = 1 if quick > long else -1
        if wanted != known:
            cash, held, done = turned(cash, held, wanted, open_[i + 1], fee, slip)
            known, trades = wanted, trades + done
            bottom, top = close[i] * (1.0 - stop), close[i] * (1.0 + target)
            if wanted < 0:
                bottom, top = close[i] * (1.0 - target), close[i] * (1.0 + stop)
    return cash + held * close[n - 1], trades + (held != 0.0), curve[2], curve[3], curve[4]


@njit(cache=True, error_model="numpy")
def bare_sides(open_: Floats, close: Floats, sides: NDArray[np.int8], fee: float, slip: float) -> Bare:
    """The same for sides that are given, flat where a side is 0."""
    n, cash, held, side, trades, curve = len(close), 1e4, 0.0, 0, 0, (1e4, 1e4, 0.0, 0.0, 0.0)
    for i in range(n - 1):
        curve = seen(curve, cash + held * close[i])
        if sides[i] != side:
            side = sides[i]
            cash, held, done = turned(cash, held, side, open_[i + 1], fee, slip)
            trades += done
    return cash + held * close[n - 1], trades + (held != 0.0), curve[2], curve[3], curve[4]


@njit(cache=True, error_model="numpy")
def average(close: Floats, period: int, out: Floats) -> None:
    """The exponential average of every bar from `period` - 1 on."""
    value, k = close[:period].mean(), 2.0 / (period + 1)
    out[period - 1] = value
    for i in range(period, len(close)):
        value += (close[i] - value) * k
        out[i] = value


@njit(cache=True, error_model="numpy")
def bare_lines(open_: Floats, close: Floats, quick: Floats, long: Floats, slow: int, fee: float, slip: float) -> Bare:
    """As `bare_cross`, with averages that are given."""
    n, cash, held, side, trades, curve = len(close), 1e4, 0.0, 0, 0, (1e4, 1e4, 0.0, 0.0, 0.0)
    for i in range(slow - 1, n - 1):
        curve = seen(curve, cash + held * close[i])
        wanted = 1 if quick[i] > long[i] else -1
        if wanted != side:
            cash, held, done = turned(cash, held, wanted, open_[i + 1], fee, slip)
            side, trades = wanted, trades + done
    return cash + held * close[n - 1], trades + 1, curve[2], curve[3], curve[4]


@njit(cache=True, error_model="numpy", parallel=True)
def bare_pairs(
    open_: Floats, close: Floats, chosen: NDArray[np.int64], periods: NDArray[np.int64], fee: float, slip: float
) -> Floats:
    """Final equity of every pair, the pairs side by side; each of the averages is computed once."""
    lines, out = np.empty((len(periods), len(close))), np.empty(len(chosen))
    for a in prange(len(periods)):
        average(close, periods[a], lines[a])
    for p in prange(len(chosen)):
        quick, long = np.searchsorted(periods, chosen[p, 0]), np.searchsorted(periods, chosen[p, 1])
        out[p] = bare_lines(open_, close, lines[quick], lines[long], chosen[p, 1], fee, slip)[0]
    return out
