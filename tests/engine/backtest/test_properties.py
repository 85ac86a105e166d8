"""What holds for any bars, any signals and any rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.backtest.faithful import summed_up
from engine.backtest.funding import Funding
from engine.backtest.result import Reason
from engine.backtest.rules import Exits, Grid, Rules, Sizing
from engine.backtest.run import Backtest, Result, Wanted
from engine.bars import Bars
from engine.errors import BadInput
from engine.strategies import NAMES, STRATEGIES
from tests.engine.backtest.made import HOUR, T0

TICKS = st.integers(-60, 60)


@st.composite
def markets(draw: st.DrawFn, least: int = 3, most: int = 60) -> Bars:
    """A walk in ticks of 0.1 with gaps between the bars, some of them wide."""
    n = draw(st.integers(least, most))
    price = draw(st.integers(500, 5_000))
    rows = []
    for _ in range(n):
        first = max(20, price + draw(TICKS))
        last = max(20, first + draw(TICKS))
        high = max(first, last) + draw(st.integers(0, 40))
        low = max(10, min(first, last) - draw(st.integers(0, 40)))
        rows.append((first, high, low, last))
        price = last
    columns = [np.ascontiguousarray(c) for c in np.array(rows, dtype=np.float64).T / 10]
    return Bars(T0 + HOUR * np.arange(n), columns[0], columns[1], columns[2], columns[3], np.ones(n))


@st.composite
def all_rules(draw: st.DrawFn) -> Rules:
    exits = draw(st.sampled_from(list(Exits)))
    fixed = exits is Exits.FIXED
    sizing = draw(st.sampled_from(list(Sizing)))
    amounts = {
        Sizing.EQUITY: (0.01, 1.0),
        Sizing.RISK: (0.001, 0.1),
        Sizing.NOTIONAL: (10.0, 5e3),
        Sizing.QUANTITY: (0.01, 30.0),
    }
    rules = Rules(
        exits=exits,
        stop=draw(st.floats(0.005, 0.05)) if fixed else 0.0,
        target=draw(st.floats(0.005, 0.1)) if fixed else 0.0,
        taker_ppm=draw(st.integers(0, 3_000)),
        maker_ppm=draw(st.integers(0, 1_000)),
        slippage=draw(st.floats(0.0, 0.01)),
        volatility_share=draw(st.sampled_from([0.0, 0.3])),
        leverage=draw(st.integers(1, 10)),
        sizing=sizing,
        size=draw(st.floats(*amounts[sizing])),
        capital=draw(st.integers(20, 100_000)) * 10**8,
        maker_target=draw(st.booleans()),
    )
    try:
        return rules.checked()
    except BadInput:
        assume(False)
        raise


@st.composite
def runs(draw: st.DrawFn) -> tuple[Bars, Wanted, Rules, Funding]:
    bars, rules = draw(markets()), draw(all_rules())
    n = len(bars)
    sides = np.array(draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=n, max_size=n)), dtype=np.int8)
    # off the middle between two ticks, where the last bit of a float decides
    whole = st.lists(st.integers(1, 200), min_size=n, max_size=n)
    distances = [np.array(draw(whole)) / 10 + 0.013 for _ in range(2)]
    when = sorted(draw(st.sets(st.integers(-HOUR, (n + 1) * HOUR), max_size=8)))
    rates = draw(st.lists(st.floats(-0.01, 0.01), min_size=len(when), max_size=len(when)))
    funding = Funding(np.array([T0 + w for w in when], dtype=np.int64), np.array(rates, dtype=np.float64))
    return bars, Wanted(sides, *distances), rules, funding


def go(made: tuple[Bars, Wanted, Rules, Funding]) -> Result:
    bars, answer, rules, funding = made
    grid = Grid(Decimal("0.1"), Decimal("0.001"))
    return Backtest(bars, HOUR, rules, grid=grid, funding=funding).run_sides(answer)


@given(runs())
def test_what_is_won_is_what_is_there(made: tuple[Bars, Wanted, Rules, Funding]) -> None:
    """Profits less fees less funding are final less first equity, to the last 1e-8."""
    result = go(made)
    rows = result.trades
    assert int((rows["pnl"] - rows["fee"] - rows["funding"]).sum()) == result.sums.final - result.sums.capital
    assert int(rows["fee"].sum()) == result.sums.fees
    assert int(rows["funding"].sum()) == result.sums.funding


@given(runs())
def test_equity_is_cash_and_what_the_position_would_bring(made: tuple[Bars, Wanted, Rules, Funding]) -> None:
    """At every close, rebuilt from the trades and the funding alone."""
    bars, _, rules, funding = made
    result = go(made)
    unit = result.backtest.grid.unit
    for i in range(len(bars)):
        cash: float = rules.capital
        for row in result.trades:
            lots, side, entry = int(row["lots"]), int(row["side"]), int(row["entry_ticks"])
            if row["exit_bar"] < i or (row["exit_bar"] == i and (row["reason"] != Reason.END or i == len(bars) - 1)):
                cash += int(row["pnl"] - row["fee"] - row["funding"])
            elif row["entry_bar"] <= i:
                close = round(float(bars.close[i]) * 10)
                notional = lots * entry * unit
                cash += side * lots * (close - entry) * unit - round(notional * rules.taker_ppm / 1e6)
                cash -= paid_until(funding, bars, i, row, unit)
        assert result.equity[i] * 1e8 == pytest.approx(cash, rel=1e-9, abs=20)


def paid_until(funding: Funding, bars: Bars, i: int, row: Any, unit: int) -> float:
    """Funding of an open trade up to the close of bar `i`."""
    total = 0.0
    begin = int(bars.open_time[row["entry_bar"]]) + 1_000  # what is due at the open of the entry is not its own
    for time, rate in zip(funding.time.tolist(), funding.rate.tolist(), strict=True):
        if begin <= time < int(bars.open_time[i]) + HOUR:
            bar = int(np.searchsorted(bars.open_time, time, side="right")) - 1
            ticks = round(float(bars.open[bar]) * 10)
            total += int(row["side"]) * int(row["lots"]) * ticks * unit * round(rate * 1e8) / 1e8
    return total


@given(runs())
def test_the_metrics_are_those_of_the_curve_and_the_trades(made: tuple[Bars, Wanted, Rules, Funding]) -> None:
    """The sums kept on the way, against whole-array arithmetic over what came out."""
    result = go(made)
    unit = result.backtest.grid.unit
    again = summed_up(made[2], result.equity * 1e8, result.trades, result.sums.final, unit, 0)
    for field in again.__struct_fields__:
        ours, theirs = getattr(result.sums, field), getattr(again, field)
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9), field


@given(runs())
def test_trades_follow_one_another(made: tuple[Bars, Wanted, Rules, Funding]) -> None:
    _, answer, rules, _ = made
    rows = go(made).trades
    assert (rows["exit_bar"] >= rows["entry_bar"]).all()
    assert (rows["entry_bar"][1:] >= rows["exit_bar"][:-1]).all()
    assert (rows["lots"] > 0).all()
    wanted = answer.sides[rows["entry_bar"] - 1]
    assert (rows["side"] == wanted).all(), "every entry was wanted at the close before it"
    if rules.exits is Exits.NONE:
        assert set(rows["reason"]) <= {Reason.SIGNAL, Reason.LIQUIDATION, Reason.END}


@given(runs(), st.integers(2, 50))
def test_a_prefix_of_the_bars_gives_a_prefix_of_the_trades(made: tuple[Bars, Wanted, Rules, Funding], cut: int) -> None:
    """No bar changes what was done before it."""
    bars, answer, rules, funding = made
    assume(cut < len(bars))
    whole = go(made).trades
    part = go((bars[:cut], Wanted(answer.sides[:cut], answer.stops[:cut], answer.targets[:cut]), rules, funding)).trades
    done = part[part["reason"] != Reason.END]
    assert whole[: len(done)].tolist() == done.tolist()


@given(runs(), st.sampled_from([2, 3, 10, 1_000]))
def test_other_units_of_price_change_nothing_but_prices(made: tuple[Bars, Wanted, Rules, Funding], factor: int) -> None:
    """Prices k times as high, a k-th of the quantity: the same money to the last 1e-8."""
    bars, answer, rules, funding = made
    rules = replace(rules, size=rules.size / factor) if rules.sizing is Sizing.QUANTITY else rules
    scaled = Bars(
        bars.open_time, bars.open * factor, bars.high * factor, bars.low * factor, bars.close * factor, bars.volume
    )
    grid, coarse = Grid(Decimal("0.1"), Decimal("0.001")), Grid(Decimal("0.1") * factor, Decimal("0.001") / factor)
    assume((Decimal("0.001") / factor * factor) == Decimal("0.001"))
    first = Backtest(bars, HOUR, made[2], grid=grid, funding=funding).run_sides(answer)
    second = Backtest(scaled, HOUR, rules, grid=coarse, funding=funding).run_sides(
        Wanted(answer.sides, answer.stops * factor, answer.targets * factor)
    )
    assert first.trades.tolist() == second.trades.tolist()
    assert first.sums.final == second.sums.final


@pytest.mark.parametrize("name", NAMES)
@given(markets(least=120, most=200))
@settings(max_examples=15)
def test_no_trade_before_warm_up(name: str, bars: Bars) -> None:
    members = [STRATEGIES[name]] if name in STRATEGIES else list(STRATEGIES.values())
    warm = min(member.warmup(member.params()) for member in members)
    rows = Backtest(bars, HOUR, Rules()).run(name).trades
    assert (rows["entry_bar"] > warm).all()
