"""The faithful engine: the live core over a matching book, bar by bar, measured with the same metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np

from engine import readings
from engine.backtest.metrics import Sums
from engine.backtest.result import TRADE, Reason, Rows
from engine.backtest.rules import Exits, Rules, Sizing
from engine.backtest.run import Backtest, Result, Wanted, wanted
from engine.backtest.simulation import Corners, Simulation
from engine.bars import Bars, Floats, Ints
from engine.core.state import cost_fraction
from engine.errors import BadInput
from engine.model import settings as core_settings
from engine.model.event import HistorySeeded
from engine.model.record import Record
from engine.model.settings import Settings, open_settings
from engine.ports import Reading
from engine.strategies import BOARD, NAMES
from engine.strategies.base import Params

TRACKED = len(NAMES)
PROGRESS_EVERY = 5_000  # bars

_EXITS = {
    Exits.NONE: core_settings.Exits.NONE,
    Exits.STRATEGY: core_settings.Exits.STRATEGY,
    Exits.FIXED: core_settings.Exits.FIXED,
}
_SIZING = {
    Sizing.EQUITY: core_settings.Sizing.EQUITY,
    Sizing.NOTIONAL: core_settings.Sizing.NOTIONAL,
    Sizing.QUANTITY: core_settings.Sizing.QUANTITY,
    Sizing.RISK: core_settings.Sizing.RISK,
}


def run_faithful(
    test: Backtest,
    name: str,
    params: Params | None = None,
    told: Callable[[int, int], bool] = lambda _done, _all: True,
) -> Result:
    """Run one strategy through the live core.

    Args:
        test: bars and rules.
        name: a strategy, `board` included.
        params: its parameters; None for its defaults.
        told: called with (bars done, all bars) now and then; the run stops with BadInput where it says False.

    Raises BadInput also where the rules ask for what the core does not do: targets that rest in the book.
    """
    if test.rules.maker_target:
        raise BadInput(
            "maker-target", "faithful", "the desk's targets are take-profit orders at market; use --engine fast"
        )
    answer = wanted(name, test.bars, test.rules, params)
    rows = _board_readings(test.bars) if name == BOARD else _readings(answer, len(test.bars))
    return _Run(test, name, params, answer, rows).go(told)


class _Run:
    """One pass; what it needs of every bar is a plain number in a list."""

    def __init__(self, test: Backtest, name: str, params: Params | None, answer: Wanted, rows: list[Reading]) -> None:
        self.test = test
        self.name = name
        self.params = params
        self.answer = answer
        self.rows = rows
        symbol = test.symbol or "BACKTEST/USDT:USDT"
        self.settings = settings_of(test, name if name in NAMES else NAMES[0])
        self.instrument = test.grid.instrument(symbol, test.rules)
        self.simulation = Simulation(
            self.instrument,
            self.settings,
            test.rules.capital,
            test.rules.leverage,
            int(test.bars.open_time[test.first]),
            self._seeded(symbol),
        )
        if test.rules.exits is Exits.NONE and test.first:
            # the period begins undecided: a side that stood before it is entered at once
            self.simulation.core.state.symbols[symbol].sides[NAMES.index(self.settings.strategy)] = 0

    def _seeded(self, symbol: str) -> HistorySeeded:
        test, first = self.test, self.test.first
        at = int(test.bars.open_time[first])
        if self.name == BOARD and first:
            cost = cost_fraction(self.instrument)
            return readings.seed(symbol, test.bars[:first], self.settings, cost, at)
        nothing = (Record(),) * TRACKED
        before = self.rows[first - 1].sides if first else (0,) * (TRACKED - 1)
        return HistorySeeded(
            at=at, symbol=symbol, open_time=at, records=nothing, shadows=(None,) * TRACKED, readings=before
        )

    def go(self, told: Callable[[int, int], bool]) -> Result:
        """All bars of the period."""
        test, simulation = self.test, self.simulation
        bars, first, last = test.bars, test.first, test.last
        ticks = [np.rint(column / float(test.grid.tick_size)).astype(np.int64).tolist() for column in test.prices]
        opens, highs, lows, closes = ticks
        slippage = test.slippage if len(test.slippage) > 1 else np.full(len(bars), test.slippage[0])
        due = _Due(test.funding, first)
        curve, detailed = [], len(test.detail_at) > 0
        rows = zip(bars[first:last], slippage[first:last].tolist(), self.rows[first:last], strict=True)
        for i, (bar, slip, reading) in enumerate(rows, first):
            simulation.begin_bar(i, bar.open_time, slip)
            if due.bar == i:
                due.pay(simulation, at_open=True)
            if simulation.pending:
                simulation.open_bar(opens[i])
            if due.bar == i:
                due.pay(simulation, at_open=False)
            if simulation.position is not None:
                whole = Corners(bar.open_time, opens[i], highs[i], lows[i], closes[i])
                simulation.within((*self._detail(i), whole) if detailed else (whole,))
            if i < last - 1:
                simulation.close_bar(bar, closes[i], test.timeframe_ms, reading)
            else:  # nothing could be filled that is decided here
                simulation.finish(closes[i])
            curve.append(simulation.equity)
            if i % PROGRESS_EVERY == 0 and not told(i - first, last - first):
                raise BadInput("backtest", f"{i - first} of {last - first} bars", "was stopped")
        trades = np.array(simulation.trades, dtype=TRADE) if simulation.trades else np.empty(0, dtype=TRADE)
        equity = np.array(curve, dtype=np.float64)
        sums = summed_up(test.rules, equity, trades, simulation.core.state.cash or 0, test.grid.unit, first)
        return Result(test, self.name, self.answer, sums, trades, self.params, "faithful", equity / 1e8)

    def _detail(self, i: int) -> Iterator[Corners]:
        at = self.test.detail_at
        detail, tick = self.test.detail, float(self.test.grid.tick_size)
        for d in range(int(at[i]), int(at[i + 1])):
            time = int(detail.open_time[d])
            if time >= self.test.bars.open_time[i]:
                prices = (detail.open[d], detail.high[d], detail.low[d], detail.close[d])
                yield Corners(time, *(int(np.rint(price / tick)) for price in prices))


class _Due:
    """Walks over the funding rows."""

    def __init__(self, rows: Ints, first: int) -> None:
        self._rows = [row for row in rows.tolist() if row[0] >= first]
        self._next = 0
        self.bar: int = self._rows[0][0]  # of the next payment

    def pay(self, simulation: Simulation, *, at_open: bool) -> None:
        """Those of this bar that are due at its open, or all that are left of it."""
        bar = self.bar
        while self.bar == bar and (not at_open or self._rows[self._next][1] == 1):
            _, _, ticks, rate = self._rows[self._next]
            simulation.pay(rate, ticks)
            self._next += 1
            self.bar = self._rows[self._next][0]


def settings_of(test: Backtest, name: str) -> Settings:
    """The core's settings under which it trades every crossing of one strategy by the backtest's rules."""
    rules = test.rules
    return open_settings(
        strategy=name,
        timeframe_ms=test.timeframe_ms,
        exits=_EXITS[rules.exits],
        stop_fraction=rules.stop,
        target_fraction=rules.target,
        sizing=_SIZING[rules.sizing],
        share=rules.size if rules.sizing in {Sizing.EQUITY, Sizing.RISK} else 1.0,
        notional=round(rules.size * 1e8) if rules.sizing is Sizing.NOTIONAL else 0,
        quantity=Decimal(repr(rules.size)) if rules.sizing is Sizing.QUANTITY else Decimal(0),
        leverage=rules.leverage,
    )


def _readings(answer: Wanted, n: int) -> list[Reading]:
    """All six strategies say what the one wants: only the deciding one is looked at."""
    sides = answer.sides.tolist()
    stops = _column(answer.stops, n)
    targets = _column(answer.targets, n)
    return [
        Reading((side,) * (TRACKED - 1), (stop,) * TRACKED, (target,) * TRACKED)
        for side, stop, target in zip(sides, stops, targets, strict=True)
    ]


def _column(values: Floats, n: int) -> list[float]:
    return np.nan_to_num(values, nan=0.0).tolist() if len(values) > 1 else [0.0] * n


def _board_readings(bars: Bars) -> list[Reading]:
    history = readings.HistoryReadings({"": bars}, Settings())
    return [history.read("", bars[i : i + 1]) for i in range(len(bars))]


def summed_up(rules: Rules, curve: Floats, trades: Rows, cash: int, unit: int, first: int) -> Sums:
    """The sums of `Metrics`, from the curve (1e-8 quote units at each close) and the trades."""
    before = curve[:-1]
    returns = np.divide(np.diff(curve), before, out=np.zeros(len(curve) - 1), where=before > 0.0)
    peaks = np.maximum(np.maximum.accumulate(curve), rules.capital)
    below = curve < peaks
    since = np.arange(len(curve)) - np.maximum.accumulate(np.where(below, 0, np.arange(len(curve))))
    net = (trades["pnl"] - trades["fee"] - trades["funding"]).astype(np.float64)
    shares = net / (trades["lots"] * trades["entry_ticks"] * float(unit)) if len(trades) else np.zeros(0)
    inside = trades["reason"] != Reason.SIGNAL
    return Sums(
        capital=rules.capital,
        final=cash,
        trades=len(trades),
        wins=int((net > 0).sum()),
        won=float(net[net > 0].sum()),
        lost=float(-net[net <= 0].sum()),
        trade_returns=float(shares.sum()),
        best=float(shares.max()) if len(shares) else -np.inf,
        worst=float(shares.min()) if len(shares) else np.inf,
        fees=int(trades["fee"].sum()),
        funding=int(trades["funding"].sum()),
        liquidations=int((trades["reason"] == Reason.LIQUIDATION).sum()),
        held_bars=int((trades["exit_bar"] - trades["entry_bar"] + inside).sum()),
        returns=float(returns.sum()),
        squares=float((returns**2).sum()),
        down=float((np.minimum(returns, 0.0) ** 2).sum()),
        drawdown=float((1.0 - curve / peaks).max()),
        drawdown_bars=int(since.max()),
    )
