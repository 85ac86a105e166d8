"""Bybit's words for orders and what became of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import VenueRejected
from engine.model.order import OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.venues.bybit_words import FALLS, LONGEST_ID, RISES, Words
from tests.engine.simulator.conftest import BTC

STOP, TAKE = OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET


def request(side: Side, kind: OrderKind) -> OrderRequest:
    limited, waits = kind in {OrderKind.LIMIT, OrderKind.POST_ONLY}, kind in {STOP, TAKE}
    return OrderRequest(
        client_id="a-1-2",
        symbol=BTC.symbol,
        side=side,
        kind=kind,
        lots=123,
        purpose=Purpose.ENTRY,
        origin="person:test",
        price=500_000 if limited else None,
        trigger=490_000 if waits else None,
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (OrderKind.MARKET, {"orderType": "Market"}),
        (OrderKind.LIMIT, {"orderType": "Limit", "timeInForce": "GTC", "price": "50000.0"}),
        (OrderKind.POST_ONLY, {"orderType": "Limit", "timeInForce": "PostOnly", "price": "50000.0"}),
    ],
)
def test_a_plain_order(kind: OrderKind, expected: dict[str, str]) -> None:
    common = {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "qty": "0.123",
        "positionIdx": 0,
        "reduceOnly": False,
        "orderLinkId": "a-1-2",
    }
    assert Words([BTC]).order(request(Side.BUY, kind)) == common | expected


@pytest.mark.parametrize(
    ("kind", "side", "direction"),
    [(STOP, Side.BUY, RISES), (STOP, Side.SELL, FALLS), (TAKE, Side.BUY, FALLS), (TAKE, Side.SELL, RISES)],
)
def test_a_conditional_order_says_where_the_price_must_go(kind: OrderKind, side: Side, direction: int) -> None:
    params = Words([BTC]).order(replace(request(side, kind), reduce_only=True))
    assert (params["triggerDirection"], params["triggerPrice"]) == (direction, "49000.0")
    assert (params["triggerBy"], params["orderType"], params["reduceOnly"]) == ("MarkPrice", "Market", True)
    assert "trailingStop" not in params


def test_an_id_that_bybit_would_not_take_is_refused_before_it_is_sent() -> None:
    with pytest.raises(VenueRejected, match="longer than Bybit takes"):
        Words([BTC]).order(replace(request(Side.BUY, OrderKind.MARKET), client_id="x" * (LONGEST_ID + 1)))


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        ({"orderStatus": "New"}, OrderStatus.WORKING, ""),
        ({"orderStatus": "PartiallyFilled"}, OrderStatus.WORKING, ""),
        ({"orderStatus": "Untriggered"}, OrderStatus.WORKING, ""),
        ({"orderStatus": "Triggered"}, OrderStatus.WORKING, ""),
        ({"orderStatus": "Filled"}, OrderStatus.FILLED, ""),
        ({"orderStatus": "Cancelled", "cancelType": "CancelByUser"}, OrderStatus.CANCELED, ""),
        ({"orderStatus": "Deactivated", "cancelType": "CancelByUser"}, OrderStatus.CANCELED, ""),
        ({"orderStatus": "Cancelled", "cancelType": "CancelByReduceOnly"}, OrderStatus.EXPIRED, ""),
        ({"orderStatus": "Cancelled", "rejectReason": "EC_NoImmediateQtyToFill"}, OrderStatus.EXPIRED, ""),
        ({"orderStatus": "Deactivated"}, OrderStatus.EXPIRED, ""),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
            OrderStatus.REJECTED,
            "EC_PostOnlyWillTakeLiquidity",
        ),
        ({"orderStatus": "Rejected", "rejectReason": "EC_Others"}, OrderStatus.REJECTED, "EC_Others"),
        ({"orderStatus": "Rejected"}, OrderStatus.REJECTED, "Rejected"),
    ],
)
def test_what_became_of_an_order(row: dict[str, Any], status: OrderStatus, code: str) -> None:
    found = Words([BTC]).found({"orderId": "7", "updatedTime": "5"} | row)
    assert (found.status, found.code, found.venue_id, found.venue_time) == (status, code, "7", 5)
    assert bool(found.reason) is (status not in {OrderStatus.WORKING, OrderStatus.FILLED})


@pytest.mark.parametrize(("side", "lots"), [("Buy", 12), ("Sell", -12)])
def test_a_position_has_a_sign(side: str, lots: int) -> None:
    row = {"symbol": "BTCUSDT", "side": side, "size": "0.012", "avgPrice": "50000.5", "leverage": "3"}
    held = Words([BTC]).position(row)
    assert (held.symbol, held.lots, held.entry, held.leverage) == (BTC.symbol, lots, 50_000.5, 3)
