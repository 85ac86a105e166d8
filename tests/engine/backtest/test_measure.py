"""What is measured while the engine runs is what whole-array arithmetic finds in the curve, however long the run is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.faithful import summed_up
from engine.backtest.funding import Funding
from engine.backtest.measure import FULL, LANES, MANY, PART
from engine.backtest.rules import Exits, Rules
from engine.backtest.run import Backtest, Result, Wanted
from tests.engine.backtest.made import GRID, HOUR, T0
from tests.engine.backtest.walks import walk

LENGTHS = (2, 3, PART - 1, PART, PART + 1, FULL - 1, FULL, FULL + 1, FULL + LANES, FULL + LANES + 1, 5 * FULL + 7)
CHANGES = (0.0, 0.001, 0.05, 0.9)  # share of bars at whose close another side is wanted
RULES: dict[str, dict[str, Any]] = {
    "plain": {},
    "leverage": {"leverage": 5},
    "levels": {"exits": Exits.FIXED, "stop": 0.005, "target": 0.01, "leverage": 3},
    "dear": {"taker_ppm": 9_000, "slippage": 0.02, "leverage": 10},  # all is lost soon
}
"""Lengths lie around those at which a part, the buffer, or what is written at once is full."""


def go(bars: int, share: float, seed: int, rules: dict[str, Any]) -> Result:
    dice = np.random.default_rng(seed)
    sides = dice.integers(-1, 2, bars).astype(np.int8)
    held = np.maximum.accumulate(np.where(dice.random(bars) < share, np.arange(bars), 0))
    made = walk(bars, seed)
    return Backtest(made, HOUR, Rules(**rules), grid=GRID).run_sides(
        Wanted(sides[held], np.zeros(bars), np.zeros(bars))
    )


def assert_measured(result: Result) -> None:
    again = summed_up(
        result.backtest.rules, result.equity * 1e8, result.trades, result.sums.final, result.backtest.grid.unit, 0
    )
    for field in again.__struct_fields__:
        assert getattr(result.sums, field) == pytest.approx(getattr(again, field), rel=1e-6, abs=1e-9), field


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("share", CHANGES)
@pytest.mark.parametrize("bars", LENGTHS)
def test_lengths(bars: int, share: float, rules: dict[str, Any]) -> None:
    assert_measured(go(bars, share, bars, rules))


@given(st.integers(2, 3 * FULL), st.floats(0.0, 1.0), st.integers(0, 2**32), st.sampled_from(list(RULES)))
@settings(max_examples=60)
def test_any_length(bars: int, share: float, seed: int, rules: str) -> None:
    assert_measured(go(bars, share, seed, RULES[rules]))


def test_equity_below_nothing() -> None:
    """Funding that nobody could pay: from there on there are no returns, and the drawdown is more than everything."""
    bars = 2 * FULL
    when = T0 + HOUR * np.arange(100, bars - 1, dtype=np.int64)
    funding = Funding(when, np.full(len(when), 0.02))
    long = Backtest(walk(bars, 3, T0), HOUR, Rules(), grid=GRID, funding=funding).run_sides(
        Wanted(np.ones(bars, dtype=np.int8), np.zeros(bars), np.zeros(bars))
    )
    assert long.equity.min() < 0.0
    assert long.sums.drawdown > 1.0
    assert_measured(long)


def test_as_many_stretches_as_are_noted_at_once() -> None:
    for trades in (MANY - 1, MANY, MANY + 1, 2 * MANY, 2 * MANY + 1):
        sides = np.where(np.arange(3 * trades) // 3 % 2 == 0, 1, -1).astype(np.int8)
        test = Backtest(walk(len(sides), trades), HOUR, Rules(), grid=GRID)
        result = test.run_sides(Wanted(sides, np.zeros(len(sides)), np.zeros(len(sides))))
        assert result.sums.trades == trades
        assert_measured(result)
