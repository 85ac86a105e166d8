"""Sizes computed by hand: 10,000 USDT, BTC at 100,000 with one tick of spread, half the risk fraction (thin record).

A lot loses 0.5 USDT to a stop of 500 and 0.1000001 to fees in and out; 25 USDT of risk are 41 lots. One lot is worth
100.0001 USDT.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import risk
from engine.core.sizing import size
from engine.model.order import Approved, Side
from engine.model.signal import Gate, SignalStatus
from tests.engine.core.contracts import BTC, ETH, contract
from tests.engine.core.scenario import Desk, gate, sent

CASES: list[tuple[str, dict[str, Any], float, int]] = [
    ("risk", {}, 500.0, 41),
    ("double risk", {"risk_fraction": 0.01}, 500.0, 83),
    ("twice the balance", {"balance": 20_000}, 500.0, 83),
    ("risk alone would be 124", {"max_symbol_exposure": 3.0}, 100.0, 124),
    ("one symbol's exposure", {}, 100.0, 99),
    ("exposure", {"max_exposure": 0.5}, 100.0, 49),
    ("margin", {"max_leverage": 1, "max_symbol_exposure": 3.0}, 100.0, 94),
    ("the venue's cap", {"contracts": (contract("BTC", "0.1", "0.001", max_lots=7),)}, 100.0, 7),
]


@pytest.mark.parametrize(("why", "options", "stop", "lots"), CASES, ids=[case[0] for case in CASES])
def test_size_is_the_least_of_risk_and_caps(why: str, options: dict[str, Any], stop: float, lots: int) -> None:
    desk = Desk(**options)
    desk.cross(stop=stop, target=10 * stop)
    signal = desk.signal()
    assert signal.status is SignalStatus.SENT
    assert signal.lots == lots


def test_open_positions_leave_less_room() -> None:
    desk = Desk(max_exposure=0.5)
    desk.hold(ETH)  # 1041 lots of 4 USDT
    assert desk.position(ETH).lots == 1_041
    desk.cross(stop=100.0, target=1_000.0)
    # half of 9,997.9 USDT less 4,164 on ETH leave 834.9: eight lots
    assert desk.signal().lots == 8


@pytest.mark.parametrize(("least", "status"), [(5, SignalStatus.SENT), (4_101, SignalStatus.REFUSED)])
def test_below_the_minimum_an_order_is_refused_and_never_rounded_up(least: int, status: SignalStatus) -> None:
    desk = Desk(contracts=(contract("BTC", "0.1", "0.001", min_notional=least * 100_000_000),))
    decisions = desk.cross()
    assert desk.signal().status is status
    if status is SignalStatus.REFUSED:
        assert sent(decisions) == []
        assert gate(desk.signal(), "size").value == "0.041 = 4,100.00"
        assert gate(desk.signal(), "size").threshold == "0.001 and 4,101.00"


@given(
    st.integers(100_000, 3_000_000),
    st.integers(1, 100_000),
    st.sampled_from((1, -1)),
    st.integers(20, 1_000_000),
    st.sampled_from((0.5, 1.0)),
)
def test_a_size_never_risks_more_than_its_fraction_nor_breaks_a_cap(
    price: int, distance: int, side: int, balance: int, share: float
) -> None:
    desk = Desk(balance=balance)
    desk.move(BTC, price)
    desk.tick()
    state, s, instrument = desk.core.state, desk.s(), desk.contracts[BTC]
    stop = max(1, price - side * distance)
    lots, leverage = size(state, s, side, price, stop, share)
    assert lots >= 0
    fees = price * instrument.unit * 2 * instrument.taker_ppm // 1_000_000
    assert lots * (abs(price - stop) * instrument.unit + fees) <= state.equity() * 0.005 * share * (1 + 1e-12)
    assert lots * price * instrument.unit <= state.equity() * state.settings.max_symbol_exposure
    if lots:
        assert 1 <= leverage <= 3
        assert price * (1 / leverage - 0.004) >= 1.5 * abs(price - stop)


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"lots": 0}, "size", "0.000 = 0.00"),
        ({"lots": 100}, "room", "0.100"),
        ({"leverage": 0}, "leverage", "0"),
        ({"stop": 1_000_001}, "stop", "100000.1"),
        ({"stop": 0, "leverage": 1}, "stop", "0.0"),
    ],
)
def test_the_last_word_refuses_what_is_not_sound(change: dict[str, int], name: str, value: str) -> None:
    desk = Desk()
    desk.tick()
    good: dict[str, Any] = {"price": 1_000_001, "stop": 995_000, "target": 0, "lots": 10, "leverage": 3}
    ok = risk.approve_entry(desk.core.state, risk.Plan(symbol=BTC, side=Side.BUY, origin="x", **good))
    assert isinstance(ok, Approved)
    refused = risk.approve_entry(
        desk.core.state, risk.Plan(symbol=BTC, side=Side.BUY, origin="x", **{**good, **change})
    )
    assert isinstance(refused, Gate)
    assert (refused.name, refused.value) == (name, value)
