"""Rules that make no sense are refused in one sentence; grids follow from prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from engine import arithmetic
from engine.backtest.options import check_warm, names_of, params_of, rules_of, sizing_of
from engine.backtest.rules import Exits, Rules, Sizing, grid_from, grid_of, liquidation_distance, slippage_of
from engine.bars import Bars
from engine.errors import BadInput
from engine.model.money import booked, fee_of
from engine.strategies import NAMES
from tests.engine.backtest.made import bars_of, flat

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "leverage": ({"leverage": 0}, "leverage: 0"),
    "leverage too high": ({"leverage": 126}, "leverage: 126"),
    "negative fee": ({"fee_bps": -1.0}, "fee: -1 -"),
    "fee of ten percent": ({"fee_bps": 1_000.0}, "fee: 1000 -"),
    "negative slippage": ({"slippage_bps": -1.0}, "slippage: -1 -"),
    "nan fee": ({"fee_bps": float("nan")}, "fee-bps: nan"),
    "infinite capital": ({"capital": float("inf")}, "capital: inf"),
    "no capital": ({"capital": 0.0}, "capital: 0"),
    "negative capital": ({"capital": -5.0}, "capital: -5 -"),
    "stop of everything": ({"stop": 1.0}, "stop: 1.0"),
    "negative stop": ({"stop": -0.02}, "stop: -0.02"),
    "stop wider than liquidation": ({"stop": 0.1, "leverage": 10}, "stop: 0.1 - at 10x liquidation comes first"),
    "fixed without a level": ({"exits": "fixed"}, "exits: fixed - give --stop"),
    "levels without fixed": ({"exits": "none", "stop": 0.02}, "exits: none"),
    "unknown exits": ({"exits": "sometimes"}, "exits: sometimes"),
    "unknown sizing": ({"sizing": "kelly"}, "sizing: kelly"),
    "sizing without amount": ({"sizing": "notional"}, "sizing: notional - say how much"),
    "sizing with words": ({"sizing": "notional:many"}, "sizing: notional:many"),
    "share beyond one": ({"sizing": "equity:1.5"}, "size: 1.5"),
    "size of nothing": ({"sizing": "quantity:0"}, "size: 0.0"),
    "risk without a stop": ({"sizing": "risk:0.01"}, "sizing: risk"),
    "risk with a target alone": ({"sizing": "risk:0.01", "target": 0.02}, "sizing: risk"),
    "maintenance beyond the margin": ({"leverage": 100, "maintenance": 0.02}, "maintenance: 20000"),
}


@pytest.mark.parametrize(("options", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_wrong_rules(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules_of(**options)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "exits"),
    [
        ({}, Exits.NONE),
        ({"stop": 0.02}, Exits.FIXED),
        ({"target": 0.02}, Exits.FIXED),
        ({"exits": "strategy"}, Exits.STRATEGY),
        ({"exits": "FIXED", "stop": 0.01}, Exits.FIXED),
    ],
)
def test_exits(options: dict[str, Any], exits: Exits) -> None:
    assert rules_of(**options).exits is exits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("equity", (Sizing.EQUITY, 1.0)),
        ("equity:0.25", (Sizing.EQUITY, 0.25)),
        ("notional:1000", (Sizing.NOTIONAL, 1000.0)),
        ("quantity:0.01", (Sizing.QUANTITY, 0.01)),
        ("risk", (Sizing.RISK, 0.01)),
    ],
)
def test_sizing(text: str, expected: tuple[Sizing, float]) -> None:
    assert sizing_of(text) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [("board", ("board",)), ("ema-cross, board", ("ema-cross", "board")), ("all", NAMES), ("board,board", ("board",))],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert names_of(text) == names


@pytest.mark.parametrize("text", ["", "ema", "ema-cross,moon", ","])
def test_unknown_names(text: str) -> None:
    with pytest.raises(BadInput, match="strategy"):
        names_of(text)


def test_parameters() -> None:
    assert params_of("ema-cross", []) is None
    chosen = params_of("ema-cross", ["fast=10", "slow=30"])
    assert (getattr(chosen, "fast"), getattr(chosen, "slow")) == (10, 30)  # noqa: B009 - of a class this module does not know


@pytest.mark.parametrize(
    ("name", "pairs", "sentence"),
    [
        ("ema-cross", ["fast"], "--set: fast"),
        ("ema-cross", ["fast=quick"], "--set: fast=quick"),
        ("ema-cross", ["=3"], "--set: =3"),
        ("ema-cross", ["speed=3"], "ema-cross.speed: 3.0"),
        ("ema-cross", ["fast=2"], "ema-cross.fast: 2.0 - use 3 to 60"),
        ("ema-cross", ["fast=10.5"], "use a whole number"),
        ("ema-cross", ["fast=40", "slow=30"], "ema-cross.fast: 40 - use less than slow"),
        ("ema-cross", ["fast=nan"], "ema-cross.fast: nan"),
        ("board", ["fast=10"], "the board weighs the strategies"),
    ],
)
def test_wrong_parameters(name: str, pairs: list[str], sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        params_of(name, pairs)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("name", "bars", "fine"), [("ema-cross", 27, True), ("ema-cross", 26, False), ("board", 200, False)]
)
def test_too_few_bars(name: str, bars: int, *, fine: bool) -> None:
    if fine:
        check_warm(name, None, bars, "file")
    else:
        with pytest.raises(BadInput, match=f"file bars: {bars} - {name} needs at least"):
            check_warm(name, None, bars, "file")


@pytest.mark.parametrize(
    ("prices", "tick", "lot"),
    [
        ([100.0, 101.0], "1", "1E-8"),
        ([100.5, 101.0], "0.1", "1E-7"),
        ([0.12345, 0.5], "0.00001", "0.001"),
        ([60123.4, 60000.0], "0.1", "1E-7"),
        ([0.1 + 0.2, 0.3], "0.1", "1E-7"),  # 0.30000000000000004 is 0.3
    ],
)
def test_the_grid_of_the_prices(prices: list[float], tick: str, lot: str) -> None:
    grid = grid_of(bars_of([flat(price) for price in prices]))
    assert (grid.tick_size, grid.lot_size) == (Decimal(tick), Decimal(lot))
    assert grid.unit == 1


@pytest.mark.parametrize(
    ("tick", "lot", "sentence"),
    [
        ("0", None, "tick-size: 0"),
        ("much", None, "tick-size: much"),
        (None, "-1", "lot-size: -1"),
        ("0.1", "1E-9", "grid tick x lot"),
    ],
)
def test_wrong_grids(tick: str | None, lot: str | None, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        grid_from(bars_of([flat(100)] * 2), tick, lot, 5.0)
    assert sentence in str(refused.value)


def test_slippage_follows_the_bars_before() -> None:
    rows = [
        (100.0, 100.0, 100.0, 100.0),
        (100.0, 110.0, 100.0, 100.0),
        (100.0, 100.0, 100.0, 100.0),
        (100.0, 100.0, 100.0, 100.0),
    ]
    slips = slippage_of(bars_of(rows), Rules(slippage=0.001, spread=0.002, volatility_share=0.5))
    assert slips == pytest.approx([0.002, 0.002, 0.002 + 0.5 * 0.05, 0.002 + 0.5 * 0.1 / 3])


@pytest.mark.parametrize(("leverage", "distance"), [(1, 1.0), (2, 0.4974874), (10, 0.0954774)])
def test_the_distance_of_liquidation(leverage: int, distance: float) -> None:
    assert liquidation_distance(leverage, 5_000) == pytest.approx(distance, rel=1e-5)


@given(st.integers(0, 9 * 10**18), st.integers(0, 50_000))
def test_a_fee_is_the_fee_of_the_venue(notional: int, rate: int) -> None:
    assert arithmetic.fee(notional, rate) == fee_of(notional, rate)


@given(st.integers(-9 * 10**18, 9 * 10**18), st.integers(-5_000_000, 5_000_000))
def test_funding_is_rounded_like_everything(notional: int, rate: int) -> None:
    assert arithmetic.funding_paid(notional, rate) == booked(notional * rate, 10**8)


def test_compiled_it_is_rounded_so_too() -> None:
    """Where the product does not fit 64 bits any more, and at the halves."""
    compiled = njit(arithmetic.funding_paid)
    dice = np.random.default_rng(1)
    amounts = [*(sign * 10**k * m for sign in (-1, 1) for k in range(18) for m in (1, 3, 5, 9)), 9 * 10**18]
    amounts += dice.integers(-(9 * 10**18), 9 * 10**18, 2_000).tolist()
    rates = [
        0,
        1,
        -1,
        50,
        10_000,
        99_999_999,
        5_000_000,
        -5_000_000,
        *dice.integers(-5_000_000, 5_000_000, 40).tolist(),
    ]
    for amount in amounts:
        for rate in rates:
            paid = booked(amount * rate, 10**8)
            assert compiled(amount, rate) == paid, (amount, rate)


@given(st.integers(1, 10**9), st.sampled_from([-1, 1]), st.floats(0.0, 0.05))
def test_slippage_never_helps(ticks: int, side: int, slippage: float) -> None:
    got = arithmetic.slipped(ticks, side, slippage)
    assert got >= 1
    assert (got - ticks) * side >= 0 or got == 1
    assert abs(got - ticks) <= ticks * slippage + 1


def test_bars_need_a_period() -> None:
    from engine.backtest.run import Backtest

    bars = bars_of([flat(100)] * 5)
    times = bars.open_time.tolist()
    for begin, end, sentence in (
        (times[3], times[1], "from"),
        (times[4], None, "bars: 1 - at least two are needed in the period; recorded: 2023-11-14 22:00 to"),
        (times[4] + 1, None, "bars: 0"),
    ):
        with pytest.raises(BadInput, match=sentence):
            Backtest(bars, 3_600_000, Rules(), begin=begin, end=end)


def test_detail_must_be_finer() -> None:
    from engine.backtest.run import Backtest

    bars: Bars = bars_of([flat(100)] * 5)
    with pytest.raises(BadInput, match="detail: 1h - must be finer"):
        Backtest(bars, 3_600_000, Rules(), detail=bars)
    assert np.array_equal(bars.open, bars.close)
