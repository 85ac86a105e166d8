"""One backtest: bars and rules are prepared once, then any strategy runs over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine import indicators, shadow
from engine.backtest import compiled, kernel, layout, levels, measure, scan_kernel, signals
from engine.backtest.funding import Funding, Marks, rows
from engine.backtest.metrics import Metrics, Sums, metrics_of
from engine.backtest.result import TRADE, Rows
from engine.backtest.rules import Exits, Grid, Rules, Sizing, grid_of, slippage_of
from engine.bars import Bars, Floats, Ints
from engine.errors import BadInput
from engine.history.series import time_text
from engine.model.market import TIMEFRAMES
from engine.model.money import MONEY_SCALE, PPM
from engine.model.settings import Settings
from engine.strategies import BOARD, NAMES, STRATEGIES, board, strategy
from engine.strategies.base import Params, Sides, atr_exits

MIN_BARS = 2
SHADOW_SLIPPAGE = 0.0001  # what the core's shadow trades pay: see `engine.core.state.cost_fraction`
compiled.drop_old()  # before the first call of the kernel looks for its cache
_NOTHING = np.zeros(1)
_NO_INTS: Ints = np.zeros(0, dtype=np.int64)
_NO_FLOATS: Floats = np.zeros(0)
_NO_ROWS: Rows = np.empty(0, dtype=TRADE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A strategy's answer at each close: side int8[n], stop and target distance float64[n] in quote currency."""

    sides: Sides
    stops: Floats
    targets: Floats


class Backtest:
    """Bars and rules, checked and laid out for the kernel; `run` may be called any number of times.

    Args:
        bars: all bars, oldest first, those before the period included: they warm the strategies up.
        timeframe_ms: length of a bar.
        rules: what is assumed.
        symbol: whose bars they are; for showing.
        grid: steps of price and quantity; made from the bars where it is not given.
        funding: rates at their times.
        marks: mark prices, for the value of a funding.
        detail: finer bars that say what came first within a bar.
        begin: first bar of the period, ms UTC; None for the first.
        end: open times before this belong to the period, ms UTC; None for all.

    Raises BadInput.
    """

    def __init__(
        self,
        bars: Bars,
        timeframe_ms: int,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        *,
        symbol: str = "",
        grid: Grid | None = None,
        funding: Funding | None = None,
        marks: Marks | None = None,
        detail: Bars | None = None,
        begin: int | None = None,
        end: int | None = None,
    ) -> None:
        self.rules = rules.checked()
        self.bars = Bars(
            np.require(bars.open_time, np.int64, ["C", "W"]), *(indicators.plain(x) for x in _prices(bars))
        )
        self.symbol = symbol
        self.timeframe_ms = timeframe_ms
        self.grid = grid or grid_of(bars)
        self.first, self.last = period(bars, begin, end)
        self.slippage = slippage_of(bars, rules)
        tick = float(self.grid.tick_size)
        self.funding = rows(funding or Funding.none(), bars, timeframe_ms, tick, marks)
        self.detail = detail if detail is not None else Bars.empty()
        self.detail_at = _detail_at(bars, timeframe_ms, self.detail)
        self.prices = _prices(self.bars)[:4]
        # the kernel's arguments beside the signals
        self.market = layout.Market(
            begin=self.first,
            end=self.last,
            times=self.bars.open_time,
            open_=self.bars.open,
            high=self.bars.high,
            low=self.bars.low,
            close=self.bars.close,
            top=float(self.bars.high.max()),
            bottom=float(self.bars.low.min()),
            highest=_of_blocks(np.maximum, self.bars.high),
            lowest=_of_blocks(np.minimum, self.bars.low),
        )
        self.costs = layout.Costs(
            self.slippage,
            self.funding,
            self.detail_at,
            np.require(self.detail.open_time, np.int64, ["C", "W"]),
            *(indicators.plain(x) for x in (self.detail.open, self.detail.high, self.detail.low)),
        )
        self.terms = terms_of(rules, self.grid)

    def run(self, name: str, params: Params | None = None) -> Result:
        """Run one strategy by name, `board` included; BadInput for an unknown one or parameters out of range."""
        return self.run_sides(wanted(name, self.bars, self.rules, params), name, params)

    def fill(self, runs: Sequence[tuple[str, Params | None]], books: Ints, sums: Floats) -> None:
        """Run several strategies, or variants, for their sums alone: what a sweep and a scan need.

        Args:
            runs: name and parameters of each; None for the defaults.
            books: int64[r, BOOK] of `layout`, filled here.
            sums: float64[r, SUMS], likewise.
        """
        answers = [wanted(name, self.bars, self.rules, params) for name, params in runs]
        sides = np.stack([answer.sides for answer in answers])
        scan_kernel.run_rows(
            self.market,
            self.costs,
            self.terms,
            sides,
            np.array([self._before(answer) for answer in answers], dtype=np.int8),
            np.stack([answer.stops for answer in answers]),
            np.stack([answer.targets for answer in answers]),
            books,
            sums,
            _NO_ROWS,
        )

    def run_sides(self, answer: Wanted, name: str = "own signals", params: Params | None = None) -> Result:
        """Run given sides (and exits) over the bars."""
        book, sums = np.zeros(layout.BOOK, dtype=np.int64), np.zeros(layout.SUMS)
        self._go(answer, book, sums)
        return Result(self, name, answer, summed(self.rules.capital, book.tolist(), sums.tolist()), params=params)

    def trades(self, answer: Wanted, count: int) -> Rows:
        """The trades of given sides, `count` of them, as rows of TRADE."""
        rows = np.empty(count, dtype=TRADE)
        self._go(answer, np.zeros(layout.BOOK, dtype=np.int64), np.zeros(layout.SUMS), rows)
        return rows

    def equity(self, answer: Wanted) -> Floats:
        """Equity at each close of the period, quote currency."""
        curve = np.zeros(len(self.bars))
        self._go(answer, np.zeros(layout.BOOK, dtype=np.int64), np.zeros(layout.SUMS), equity=curve)
        return curve[self.first : self.last] / MONEY_SCALE

    def _before(self, answer: Wanted) -> int:
        """The side known before the period; without exits a side that stands at its first bar is a change."""
        return int(answer.sides[self.first - 1]) if self.first and self.rules.exits is not Exits.NONE else 0

    def _signals(self, answer: Wanted) -> layout.Signals:
        before = self._before(answer)
        changes, sides, opens = signals.turns_of(answer.sides, self.market.open_, self.first, self.last, before)
        return layout.Signals(changes, sides, opens, answer.stops, answer.targets)

    def _go(
        self, answer: Wanted, book: Ints, sums: Floats, trades: Rows = _NO_ROWS, equity: Floats = _NO_FLOATS
    ) -> None:
        found = layout.Found(book, sums, trades, equity, np.empty(measure.ROOM))
        kernel.run(self.market, self._signals(answer), self.costs, self.terms, found)


class Result:
    """One run: `sums` are there, everything else is made when it is asked for, trades and equity by another pass.

    `params` is None for a strategy's defaults; `engine` is "fast" or "faithful".
    """

    def __init__(
        self,
        backtest: Backtest,
        name: str,
        answer: Wanted,
        sums: Sums,
        trades: Rows | None = None,
        params: Params | None = None,
        engine: str = "fast",
        curve: Floats | None = None,
    ) -> None:
        self.backtest = backtest
        self.name = name
        self.answer = answer
        self.sums = sums
        self.params = params
        self.engine = engine
        self._trades = trades
        self._curve = curve

    @cached_property
    def metrics(self) -> Metrics:
        """See `Metrics`."""
        test = self.backtest
        close = test.bars.close
        return metrics_of(
            self.sums,
            test.last - test.first,
            test.timeframe_ms,
            float(close[test.first]),
            float(close[test.last - 1]),
        )

    @cached_property
    def times(self) -> Ints:
        """Open times of the period's bars, ms UTC."""
        return self.backtest.bars.open_time[self.backtest.first : self.backtest.last]

    @cached_property
    def trades(self) -> Rows:
        """Closed trades as rows of TRADE, oldest first."""
        return self.backtest.trades(self.answer, self.sums.trades) if self._trades is None else self._trades

    @cached_property
    def equity(self) -> Floats:
        """Equity at each close of the period, quote currency."""
        return self.backtest.equity(self.answer) if self._curve is None else self._curve


def _prices(bars: Bars) -> tuple[Floats, ...]:
    return bars.open, bars.high, bars.low, bars.close, bars.volume


def _of_blocks(extreme: np.ufunc, values: Floats) -> Floats:
    """Highest or lowest of each `levels.BLOCK` bars."""
    return np.asarray(extreme.reduceat(values, np.arange(0, len(values), levels.BLOCK)), dtype=np.float64)


def wanted(name: str, bars: Bars, rules: Rules, params: Params | None = None) -> Wanted:
    """The answers of a strategy over whole bars, with its exits where the rules ask for them."""
    if name == BOARD:
        return _board(bars, rules)
    if name not in STRATEGIES:
        raise BadInput("strategy", name, f"use one of {', '.join(NAMES)}")
    member = strategy(name)
    chosen = member.validate(params) if params is not None else member.params()
    sides = member.wanted(bars, chosen)
    if rules.exits is not Exits.STRATEGY:
        return Wanted(sides, _NOTHING, _NOTHING)
    return Wanted(sides, *member.exits(bars, chosen))


def _board(bars: Bars, rules: Rules) -> Wanted:
    settings = Settings()
    sides = np.stack([member.wanted(bars, member.params()) for member in STRATEGIES.values()])
    ranges = indicators.atr(bars)
    stops = np.stack(
        [ranges * member.params().stop_atr for member in STRATEGIES.values()] + [ranges * settings.stop_atr]
    )
    ratios = [member.params().target_ratio for member in STRATEGIES.values()] + [settings.target_ratio]
    targets = stops * np.array(ratios)[:, None]
    cost = rules.taker_ppm / PPM + SHADOW_SLIPPAGE
    _, _, zones = shadow.follow(
        bars, sides, stops, targets, cost, settings.entry_score, settings.weight_trades, board.SHRINK_TRADES
    )
    if rules.exits is not Exits.STRATEGY:
        return Wanted(zones, _NOTHING, _NOTHING)
    return Wanted(zones, *atr_exits(bars, Params(stop_atr=settings.stop_atr, target_ratio=settings.target_ratio)))


def period(bars: Bars, begin: int | None, end: int | None) -> tuple[int, int]:
    """First bar of the period and the bar after its last; BadInput where fewer than two bars lie in it."""
    if begin is not None and end is not None and begin >= end:
        raise BadInput("from", time_text(begin), f"must lie before --to ({time_text(end)})")
    first = int(np.searchsorted(bars.open_time, begin)) if begin is not None else 0
    last = int(np.searchsorted(bars.open_time, end)) if end is not None else len(bars)
    if last - first < MIN_BARS:
        reach = (
            f"{time_text(int(bars.open_time[0]))} to {time_text(int(bars.open_time[-1]))} UTC" if len(bars) else "none"
        )
        raise BadInput("bars", last - first, f"at least two are needed in the period; recorded: {reach}")
    return first, last


def _detail_at(bars: Bars, timeframe_ms: int, detail: Bars) -> Ints:
    if len(detail) == 0:
        return _NO_INTS
    if len(detail) > 1 and int(np.diff(detail.open_time).min()) >= timeframe_ms:
        raise BadInput("detail", _length(int(np.diff(detail.open_time).min())), "must be finer than the bars")
    starts = np.searchsorted(detail.open_time, bars.open_time)
    ends = np.searchsorted(detail.open_time, bars.open_time + timeframe_ms)
    # a hole between two bars leaves detail bars that belong to neither: then the next begin lies behind this end
    if bool((starts[1:] > ends[:-1]).any()):
        raise BadInput("detail", "more bars than the file", "give detail bars for the same period")
    return np.append(starts, ends[-1]).astype(np.int64)


def _length(milliseconds: int) -> str:
    return next((name for name, value in TIMEFRAMES.items() if value == milliseconds), f"{milliseconds} ms")


def terms_of(rules: Rules, grid: Grid) -> layout.Terms:
    """Rules and grid as the kernel takes them."""
    size = rules.size
    if rules.sizing is Sizing.NOTIONAL:
        size *= MONEY_SCALE
    elif rules.sizing is Sizing.QUANTITY:
        size = float(np.floor(size / float(grid.lot_size) + 1e-9))
    return layout.Terms(
        exits=int(rules.exits),
        taker=rules.taker_ppm,
        maker=rules.maker_ppm,
        leverage=rules.leverage,
        maintenance=rules.maintenance_ppm,
        sizing=int(rules.sizing),
        capital=rules.capital,
        maker_target=int(rules.maker_target),
        unit=grid.unit,
        min_lots=grid.min_lots,
        min_notional=grid.min_notional,
        stop=float(rules.stop),
        target=float(rules.target),
        size=float(size),
        tick=float(grid.tick_size),
    )


def summed(capital: int, book: list[int], sums: list[float]) -> Sums:
    """The kernel's two arrays by name."""
    return Sums(
        capital=capital,
        final=book[layout.CASH],
        trades=book[layout.TRADES],
        wins=book[layout.WINS],
        won=sums[layout.WON],
        lost=sums[layout.LOST],
        trade_returns=sums[layout.RETURNS],
        best=sums[layout.BEST],
        worst=sums[layout.WORST],
        fees=book[layout.FEES],
        funding=book[layout.FUNDINGS],
        liquidations=book[layout.LIQUIDATIONS],
        held_bars=book[layout.HELD],
        returns=sums[layout.BAR_RETURNS],
        squares=sums[layout.BAR_SQUARES],
        down=sums[layout.BAR_DOWN],
        drawdown=sums[layout.DRAWDOWN],
        drawdown_bars=book[layout.DRAWDOWN_BARS],
    )
