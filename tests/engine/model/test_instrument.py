"""How prices and quantities become integers, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.model.instrument import MAX_STEPS
from tests.engine.core.contracts import BTC, CONTRACTS

BITCOIN = CONTRACTS[BTC]

MONSTERS = ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e1000000", "100000000000000.2"]


@pytest.mark.parametrize("monster", MONSTERS)
def test_a_price_no_market_has_is_refused(monster: str) -> None:
    for turn in (BITCOIN.nearest_ticks, BITCOIN.exact_ticks):
        with pytest.raises(BadInput, match=f"{BTC} price: .* - use a number of at most 100000000000000.0"):
            turn(Decimal(monster))


@pytest.mark.parametrize("monster", [*MONSTERS[:-1], "1000000000000.002"])
def test_a_quantity_no_market_has_is_refused(monster: str) -> None:
    for turn in (BITCOIN.floor_lots, BITCOIN.exact_lots):
        with pytest.raises(BadInput, match=f"{BTC} quantity: .* - use a number of at most 1000000000000.000"):
            turn(Decimal(monster))


@pytest.mark.parametrize("monster", [float("nan"), float("inf"), float("-inf"), 1e300, -1e300])
def test_a_float_no_market_has_is_refused(monster: float) -> None:
    with pytest.raises(BadInput, match=f"{BTC} price"):
        BITCOIN.nearest_ticks(monster)


@pytest.mark.parametrize(
    ("price", "ticks"),
    [(100_000.0, 1_000_000), (Decimal("100000.1"), 1_000_001), (0.05, 0), (0.15, 2), (0.25, 2), (-0.26, -3), (0, 0)],
)
def test_a_price_goes_to_the_nearest_tick(price: float | Decimal, ticks: int) -> None:
    assert BITCOIN.nearest_ticks(price) == ticks


@given(st.integers(-MAX_STEPS, MAX_STEPS))
def test_every_tick_and_lot_within_the_limit_maps_onto_itself(steps: int) -> None:
    assert BITCOIN.nearest_ticks(BITCOIN.price(steps)) == steps
    assert BITCOIN.floor_lots(BITCOIN.quantity(steps)) == steps


@given(st.floats() | st.decimals())
def test_any_other_value_is_a_number_or_bad_input(value: float | Decimal) -> None:
    try:
        ticks = BITCOIN.nearest_ticks(value)
    except BadInput:
        return
    assert abs(ticks) <= MAX_STEPS
