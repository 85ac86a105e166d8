"""Ids without signs, and lots as contracts: there and back without loss."""

from __future__ import annotations

import string
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.errors import VenueRejected
from engine.model.order import OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.venues.okx_ids import LONGEST, from_okx, to_okx
from engine.venues.okx_words import Words, wallet
from tests.engine.simulator.conftest import BTC

SIGNS = string.ascii_letters + string.digits + "-_.:/"
SWAP = replace(BTC, venue_id="BTC-USDT-SWAP")


def listed(ct_val: str, lot_size: str, multiplier: str = "1") -> dict[str, str]:
    return {"instId": "BTC-USDT-SWAP", "ctVal": ct_val, "ctMult": multiplier, "lotSz": lot_size}


@given(st.text(SIGNS, min_size=1, max_size=LONGEST // 2))
def test_an_id_comes_back_as_it_was(client_id: str) -> None:
    text = to_okx(client_id)
    assert text.isascii()
    assert text.isalnum()
    assert from_okx(text) == client_id


@given(st.sets(st.text(SIGNS, min_size=1, max_size=6), min_size=2, max_size=20))
def test_two_ids_are_never_one(client_ids: set[str]) -> None:
    assert len({to_okx(client_id) for client_id in client_ids}) == len(client_ids)


@pytest.mark.parametrize("foreign", ["", "abc", "Z", "aZ", "Z9a", "aZZ", "6b9ad766b55dBCDE0a1b"])
def test_what_is_not_ours_stays_as_it_is(foreign: str) -> None:
    assert from_okx(foreign) == foreign


@pytest.mark.parametrize("client_id", ["x" * (LONGEST + 1), "-" * (LONGEST // 2 + 1), "a b", "größe"])
def test_an_id_that_okx_would_not_take_is_refused_before_it_is_sent(client_id: str) -> None:
    with pytest.raises(VenueRejected, match="cannot be told to OKX"):
        to_okx(client_id)


@given(
    st.integers(1, 10**9),
    st.sampled_from([("0.01", "0.1", "1"), ("0.001", "1", "1"), ("10", "0.0001", "1"), ("0.1", "0.1", "0.1")]),
)
def test_lots_and_contracts_map_exactly(lots: int, sizes: tuple[str, str, str]) -> None:
    words = Words([SWAP])
    words.list_contracts([listed(*sizes)])
    text = words.contracts(SWAP.symbol, lots)
    assert words.lots(SWAP.venue_id, text) == lots
    assert words.lots(SWAP.venue_id, f"-{text}") == -lots
    contract = Decimal(sizes[0]) * Decimal(sizes[2])
    assert Decimal(text) * contract == SWAP.quantity(lots)


@pytest.mark.parametrize(
    ("rows", "said"),
    [([listed("0.02", "0.1")], "a lot is 0.002 coins at OKX and 0.001 here"), ([], "does not list BTC-USDT-SWAP")],
)
def test_a_contract_that_changed_is_refused(rows: list[dict[str, str]], said: str) -> None:
    with pytest.raises(VenueRejected, match=said) as refused:
        Words([SWAP]).list_contracts(rows)
    assert refused.value.code == "contract"


@pytest.mark.parametrize(
    ("kind", "side", "expected"),
    [
        (OrderKind.MARKET, Side.BUY, {"ordType": "market", "clOrdId": "aZ01"}),
        (OrderKind.LIMIT, Side.SELL, {"ordType": "limit", "px": "50000.0", "clOrdId": "aZ01"}),
        (OrderKind.POST_ONLY, Side.BUY, {"ordType": "post_only", "px": "50000.0", "clOrdId": "aZ01"}),
        (
            OrderKind.STOP_MARKET,
            Side.SELL,
            {"ordType": "conditional", "slTriggerPx": "49000.0", "slTriggerPxType": "mark", "slOrdPx": "-1"}
            | {"algoClOrdId": "aZ01", "clOrdId": "aZ01"},
        ),
        (
            OrderKind.TAKE_PROFIT_MARKET,
            Side.SELL,
            {"ordType": "conditional", "tpTriggerPx": "49000.0", "tpTriggerPxType": "mark", "tpOrdPx": "-1"}
            | {"algoClOrdId": "aZ01", "clOrdId": "aZ01"},
        ),
    ],
)
def test_an_order_in_okxs_words(kind: OrderKind, side: Side, expected: dict[str, str]) -> None:
    words = Words([SWAP])
    words.list_contracts([listed("0.01", "0.1")])
    request = OrderRequest(
        client_id="a-1",
        symbol=SWAP.symbol,
        side=side,
        kind=kind,
        lots=123,
        purpose=Purpose.ENTRY,
        origin="person:test",
        price=500_000 if kind in {OrderKind.LIMIT, OrderKind.POST_ONLY} else None,
        trigger=490_000,
    )
    common = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": side.name.lower(), "sz": "12.3"}
    assert words.order(request) == common | expected
    assert words.order(replace(request, reduce_only=True)) == common | expected | {"reduceOnly": "true"}


def test_the_wallet_is_cash_and_what_isolated_positions_hold() -> None:
    balance = [{"details": [{"ccy": "USDT", "cashBal": "900.5"}, {"ccy": "BTC", "cashBal": "1"}]}]
    positions = [
        {"mgnMode": "isolated", "ccy": "USDT", "margin": "99.5"},
        {"mgnMode": "cross", "ccy": "USDT", "margin": ""},
    ]
    assert wallet(balance, positions) == 1_000_00000000


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        ({"state": "live"}, OrderStatus.WORKING, ""),
        ({"state": "partially_filled"}, OrderStatus.WORKING, ""),
        ({"state": "filled"}, OrderStatus.FILLED, ""),
        ({"state": "canceled", "cancelSource": "1"}, OrderStatus.CANCELED, ""),
        ({"state": "canceled", "cancelSource": "0"}, OrderStatus.EXPIRED, ""),
        ({"state": "canceled"}, OrderStatus.EXPIRED, ""),
        ({"state": "mmp_canceled"}, OrderStatus.EXPIRED, ""),
        ({"state": "canceled", "cancelSource": "31"}, OrderStatus.REJECTED, "cancelSource 31"),
    ],
)
def test_what_became_of_an_order(row: dict[str, str], status: OrderStatus, code: str) -> None:
    found = Words([SWAP]).found({"ordId": "7", "uTime": "5"} | row)
    assert (found.status, found.code, found.venue_id, found.venue_time) == (status, code, "7", 5)
    assert bool(found.reason) is (status not in {OrderStatus.WORKING, OrderStatus.FILLED})


@pytest.mark.parametrize(
    ("row", "client_id"),
    [
        ({"clOrdId": "aZ01", "ordId": "7"}, "a-1"),
        ({"clOrdId": "", "algoClOrdId": "aZ02", "ordId": "7"}, "a-2"),  # a stop of ours that triggered
        ({"clOrdId": "made-by-the-exchange", "algoClOrdId": "aZ02", "ordId": "7"}, "a-2"),
        ({"clOrdId": "", "ordId": "7"}, "okx:7"),
        ({"algoClOrdId": "", "algoId": "8"}, "okx:8"),
    ],
)
def test_whose_order_it_is(row: dict[str, str], client_id: str) -> None:
    assert Words([SWAP]).client_id(row) == client_id
