"""vectorbt's time for the work Trefoil's backtests are measured with, in an environment of its own.

`in_turn` is called by the benchmark and runs this very file with .venv-crosscheck's Python, which does a row of the table
whenever it is told to: the runs of both sides alternate, so that what else the machine does weighs on both. Both take the
bars of `made_bars`. vectorbt is measured in two ways through its public interface. The lean way gives it what it is
fastest with: its compiled average without pandas around it, all parameter pairs as columns of one call, and one return
read, no other metric. The ordinary way (`..._stats`) is what its guide shows: `MA.run`, crossings,
`Portfolio.from_signals` and `stats()`, the metrics a run of ours has too. What it makes of the market (trades, return) is
in the answer too, so that one can see that it did the same work; with stops it makes somewhat fewer trades, because it
drops an entry of the bar in which a stop is met.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-crosscheck" / "bin" / "python"
HOW = "not installed: run tests/crosscheck/setup.sh"
RUNS, SHORT_RUNS = 5, 25
SHORT = ("hour_one", "minute_one", "minute_exits")  # rows of a few milliseconds
HOURS, MINUTES = 365 * 24, 365 * 24 * 60
WEEK = 7 * 24 * 60
FEE, SLIPPAGE = (
    0.00001,
    0.000001,
)  # so small that the account lives through a year of minutes: a ruined one trades no more
STOP, TARGET = 0.02, 0.04
HOUR_STEP = 0.006  # about that of an hour's close; the default is a minute's
CHUNK = 10  # pairs over minutes at a time: a thousand columns of half a million bars would not fit
TIMEFRAMES = (1, 5, 15, 60, 240)  # minutes
SYMBOLS = 30

Columns = dict[str, NDArray[np.float64]]


def in_turn(ours: Mapping[str, Callable[[], object]]) -> dict[str, object]:
    """Each row by vectorbt's two engines and by `ours`, or why there are none.

    Times are medians, milliseconds; `times` is how many times as long vectorbt takes, the median of the pairs' ratios. An
    ordinary row is compared with ours of the same name without `_stats`.
    """
    if not PYTHON.exists():
        return {"skipped": HOW}
    return {engine: _against(engine, ours) for engine in ("numba", "rust")}


def _against(engine: str, ours: Mapping[str, Callable[[], object]]) -> dict[str, object]:
    command = [str(PYTHON), __file__, engine]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as side:
        assert side.stdin
        assert side.stdout
        assert side.stderr
        first = side.stdout.readline()
        if not first:
            return {"failed": side.stderr.read().splitlines()[-1:]}
        out: dict[str, Any] = json.loads(first)
        rows = {}
        for name in out.pop("rows"):
            work, pairs = ours[name.removesuffix("_stats")], []
            for _ in range(SHORT_RUNS if name in SHORT else RUNS):
                side.stdin.write(f"{name}\n")
                side.stdin.flush()
                pairs.append((float(side.stdout.readline()), once_ms(work)))
            rows[name] = {
                "ms": round(statistics.median(peer for peer, _ in pairs), 3),
                "ours_ms": round(statistics.median(own for _, own in pairs), 3),
                "times": round(statistics.median(peer / own for peer, own in pairs), 1),
            }
        side.stdin.close()
    return out | {"rows": rows}


def made_bars(n: int, seed: int, step: float = 0.0008) -> Columns:
    """n bars of a random walk with moves of about `step`: open, high, low, close, to one decimal; the same everywhere."""
    dice = np.random.default_rng(seed)
    close = 50_000.0 * np.exp(np.cumsum(dice.normal(0.0, step, n)))
    open_ = np.concatenate((close[:1], close[:-1]))
    reach = np.exp(np.abs(dice.normal(0.0, 0.75 * step, (2, n))))
    high, low = np.maximum(open_, close) * reach[0], np.minimum(open_, close) / reach[1]
    return {
        name: np.round(column, 1)
        for name, column in zip(("open", "high", "low", "close"), (open_, high, low, close), strict=True)
    }


def pairs(count: int) -> list[tuple[int, int]]:
    """`count` pairs of a faster and a slower average."""
    every = [(fast, slow) for fast in range(5, 45) for slow in range(fast + 5, fast + 105, 4)]
    return every[:count]


def once_ms(work: Callable[[], object]) -> float:
    """Wall time of one run after another, milliseconds: the first finds its data in no cache after the other side's run."""
    work()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def later(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is known at a close is done at the next open."""
    return np.concatenate((np.zeros_like(flags[:1]), flags[:-1]))


class Vectorbt:
    """The rows of the table. `engine` is vectorbt's own name for what computes."""

    def __init__(self, engine: str) -> None:
        import pandas as pd  # type: ignore[import-untyped]
        import vectorbt as vbt  # type: ignore[import-not-found]  # it lives in an environment of its own

        self.pd, self.vbt, self.engine = pd, vbt, engine

    def one(self, bars: Columns, *, exits: bool = False) -> Any:
        """EMA 12/26, always in the market, filled at the next open; the portfolio and its return."""
        return self.cross(bars, [(12, 26)], exits=exits)

    def cross(self, bars: Columns, chosen: list[tuple[int, int]], *, exits: bool = False) -> Any:
        """Pairs of averages as columns of one call; an average that several pairs share is computed once."""
        known = {length: self.average(bars["close"], length) for length in {n for pair in chosen for n in pair}}
        fast, slow = (np.concatenate([known[pair[i]] for pair in chosen], axis=1) for i in (0, 1))
        long, short = fast > slow, fast <= slow
        if exits:  # a position once stopped waits for the side to turn
            long, short = (flags & ~later(flags) for flags in (long, short))
        prices = {name: column[:, None] for name, column in bars.items()}
        if len(chosen) == 1:  # one column as a series is what costs least
            long, short, prices = long[:, 0], short[:, 0], dict(bars)
        levels = {"sl_stop": STOP, "tp_stop": TARGET, "stop_entry_price": "fillprice"} if exits else {}
        portfolio = self.vbt.Portfolio.from_signals(
            prices["close"],
            entries=later(long),
            short_entries=later(short),
            price=prices["open"],
            open=prices["open"] if exits else None,
            high=prices["high"] if exits else None,
            low=prices["low"] if exits else None,
            fees=FEE,
            slippage=SLIPPAGE,
            init_cash=10_000.0,
            upon_opposite_entry="reverse",
            freq="1h",
            engine=self.engine,
            **levels,
        )
        return portfolio, portfolio.total_return()

    def ordinary(self, bars: Columns, *, exits: bool = False) -> Any:
        """The same with pandas, vectorbt's indicators and its table of metrics."""
        prices = {name: self.pd.Series(column) for name, column in bars.items()}
        fast, slow = (self.vbt.MA.run(prices["close"], length, ewm=True) for length in (12, 26))
        levels = {"sl_stop": STOP, "tp_stop": TARGET, "stop_entry_price": "fillprice"} if exits else {}
        levels |= {name: prices[name] for name in ("open", "high", "low")} if exits else {}
        portfolio = self.vbt.Portfolio.from_signals(
            prices["close"],
            entries=fast.ma_crossed_above(slow).shift(1, fill_value=False),
            short_entries=fast.ma_crossed_below(slow).shift(1, fill_value=False),
            price=prices["open"],
            fees=FEE,
            slippage=SLIPPAGE,
            init_cash=10_000.0,
            upon_opposite_entry="reverse",
            freq="1h",
            engine=self.engine,
            **levels,
        )
        return portfolio.stats()

    def average(self, close: NDArray[np.float64], length: int) -> NDArray[np.float64]:
        """An exponential average by vectorbt's own compiled function, without pandas around it."""
        found: NDArray[np.float64] = self.vbt.generic.nb.ewm_mean_nb(close.reshape(-1, 1), length, length, False)
        return found

    def scan(self, markets: list[list[Columns]]) -> float:
        """Six strategies over every symbol of each timeframe, all columns of a timeframe in one call."""
        total = 0.0
        for symbols in markets:
            close = np.stack([bars["close"] for bars in symbols], axis=1)
            open_ = np.stack([bars["open"] for bars in symbols], axis=1)
            high, low = (np.stack([bars[name] for bars in symbols], axis=1) for name in ("high", "low"))
            sides = self.six(self.pd.DataFrame(high), self.pd.DataFrame(low), self.pd.DataFrame(close))
            long, short = (np.concatenate([pair[i] for pair in sides], axis=1) for i in (0, 1))
            times = len(sides)
            portfolio = self.vbt.Portfolio.from_signals(
                self.pd.DataFrame(np.tile(close, times)),
                entries=later(long),
                short_entries=later(short),
                price=np.tile(open_, times),
                fees=FEE,
                slippage=SLIPPAGE,
                init_cash=10_000.0,
                upon_opposite_entry="reverse",
                freq="1min",
                engine=self.engine,
            )
            total += float(portfolio.total_return().sum())
        return total

    def six(self, high: Any, low: Any, close: Any) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Long and short of six strategies with vectorbt's own indicators; bands stand in for the supertrend's ratchet."""
        vbt = self.vbt
        price = close.to_numpy()
        average = {n: vbt.MA.run(close, n, ewm=True).ma.to_numpy() for n in (12, 26, 50)}
        rsi = vbt.RSI.run(close, 14).rsi.to_numpy()
        macd = vbt.MACD.run(close, 12, 26, 9)
        above = macd.macd.to_numpy() > macd.signal.to_numpy()
        stochastic = vbt.STOCH.run(high, low, close, 14, 3)
        slow = stochastic.percent_d.to_numpy()
        bands = vbt.BBANDS.run(close, 20, alpha=2.0)
        span = 3.0 * vbt.ATR.run(high, low, close, 10).atr.to_numpy()
        middle = {
            n: (high.vbt.rolling_max(n).to_numpy() + low.vbt.rolling_min(n).to_numpy()) / 2.0 for n in (9, 26, 52)
        }
        cloud = np.maximum((middle[9] + middle[26]) / 2.0, middle[52])
        floor = np.minimum((middle[9] + middle[26]) / 2.0, middle[52])
        return [
            (average[12] > average[26], average[12] < average[26]),
            ((rsi < 30.0) & (price > average[50]), (rsi > 70.0) & (price < average[50])),
            (above & (slow < 80.0), ~above & (slow > 20.0)),
            (price > cloud, price < floor),
            (price < bands.lower.to_numpy(), price > bands.upper.to_numpy()),
            (price > average[12] + span, price < average[12] - span),
        ]


def main() -> None:
    """Say what there is, one JSON object in a line; then do each row that is asked for and answer its milliseconds."""
    side = Vectorbt(sys.argv[1])
    hours, minutes = made_bars(HOURS, 1, HOUR_STEP), made_bars(MINUTES, 1)
    markets = [[made_bars(WEEK // step, 100 + i) for i in range(SYMBOLS)] for step in TIMEFRAMES]
    thousand = pairs(1_000)
    singles: dict[str, Callable[[], Any]] = {
        "hour_one": lambda: side.one(hours),
        "minute_one": lambda: side.one(minutes),
        "minute_exits": lambda: side.one(minutes, exits=True),
    }
    works: dict[str, Callable[[], object]] = singles | {
        "hour_one_stats": lambda: side.ordinary(hours),
        "minute_one_stats": lambda: side.ordinary(minutes),
        "minute_exits_stats": lambda: side.ordinary(minutes, exits=True),
        "hour_sweep": lambda: side.cross(hours, thousand),
        "minute_sweep": lambda: side.cross(minutes, thousand[:CHUNK]),
        "scan": lambda: side.scan(markets),
    }
    did = {}
    for name, work in singles.items():
        portfolio, gain = work()
        did[name] = {"trades": int(portfolio.trades.count().sum()), "total_return": float(np.sum(gain))}
    for work in works.values():
        work()  # what is compiled or imported at the first time is not counted
    note = f"minute_sweep is {CHUNK} pairs times {len(thousand) // CHUNK}"
    answer(json.dumps({"version": side.vbt.__version__, "rows": list(works), "did": did, "note": note}))
    for line in sys.stdin:
        name = line.strip()
        answer(str(once_ms(works[name]) * (len(thousand) / CHUNK if name == "minute_sweep" else 1.0)))


def answer(line: str) -> None:
    """One line to the benchmark."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
