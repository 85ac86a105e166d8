"""Bybit's words for orders, fills and positions of linear contracts, and ours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.money import to_money
from engine.model.order import CONDITIONAL, Fill, OrderKind, OrderRequest, OrderStatus, Side
from engine.model.venue import VenueOrder, VenuePosition
from engine.venues.account_api import Found
from engine.venues.asked import asked
from engine.venues.bybit_manners import CODES

LONGEST_ID = 36
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
KINDS: dict[OrderKind, dict[str, str]] = {
    OrderKind.MARKET: {"orderType": "Market"},
    OrderKind.LIMIT: {"orderType": "Limit", "timeInForce": "GTC"},
    OrderKind.POST_ONLY: {"orderType": "Limit", "timeInForce": "PostOnly"},
    OrderKind.STOP_MARKET: {"orderType": "Market"},
    OrderKind.TAKE_PROFIT_MARKET: {"orderType": "Market"},
}
OPEN = frozenset({"New", "PartiallyFilled", "Untriggered", "Triggered", "Created", "Active"})
WAITS = "Untriggered"
FILLED = "Filled"
BY_USER = "CancelByUser"
POST_ONLY_WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"
RISES, FALLS = 1, 2
FUNDING = "Funding"
NOT_EXECUTIONS = frozenset({FUNDING, "SessionSettlePnL", "Settle", "Delivery"})


class Words:
    """Translates for a set of contracts.

    Args:
        instruments: the contracts that are traded.
    """

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.by_id = {i.venue_id: i for i in instruments}
        self.by_symbol = {i.symbol: i for i in instruments}

    def named(self, symbol: str) -> dict[str, Any]:
        """A linear contract."""
        return {"category": "linear", "symbol": self.by_symbol[symbol].venue_id}

    def order(self, request: OrderRequest) -> dict[str, Any]:
        """The parameters of a new order; the conditional kinds wait for the mark price."""
        instrument = self.by_symbol[request.symbol]
        if len(request.client_id) > LONGEST_ID:
            raise VenueRejected(f"the order id {request.client_id} is longer than Bybit takes ({LONGEST_ID})")
        params = self.named(request.symbol) | {
            "side": SIDES[request.side],
            "qty": f"{instrument.quantity(request.lots):f}",
            "positionIdx": 0,
            "reduceOnly": request.reduce_only,
            "orderLinkId": request.client_id,
            **KINDS[request.kind],
        }
        if request.price is not None:
            params["price"] = f"{instrument.price(request.price):f}"
        if request.kind not in CONDITIONAL:
            return params
        rises = (request.kind is OrderKind.STOP_MARKET) == (request.side is Side.BUY)
        return params | {
            "triggerPrice": f"{instrument.price(request.trigger or 0):f}",
            "triggerDirection": RISES if rises else FALLS,
            "triggerBy": "MarkPrice",
            "closeOnTrigger": False,
        }

    def client_id(self, row: dict[str, Any]) -> str:
        """Our id of an order; one that was placed without an id is named by the exchange's."""
        return str(row["orderLinkId"] or f"bybit:{row['orderId']}")

    def fill(self, row: dict[str, Any], client_id: str) -> Fill:
        """An execution; a fee that is paid is positive."""
        instrument = self.by_id[row["symbol"]]
        return Fill(
            trade_id=row["execId"],
            client_id=client_id,
            symbol=instrument.symbol,
            side=Side[row["side"].upper()],
            ticks=instrument.nearest_ticks(Decimal(row["execPrice"])),
            lots=instrument.floor_lots(Decimal(row["execQty"])),
            fee=to_money(row["execFee"] or "0"),
            maker=bool(row["isMaker"]),
            venue_time=int(row["execTime"]),
        )

    def open_order(self, row: dict[str, Any]) -> VenueOrder:
        """An order that works or waits."""
        instrument = self.by_id[row["symbol"]]
        return VenueOrder(
            client_id=self.client_id(row),
            venue_id=row["orderId"],
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=instrument.floor_lots(Decimal(row["cumExecQty"] or "0")),
            reduce_only=bool(row["reduceOnly"]),
            venue_time=int(row["updatedTime"]),
            conditional=row["orderStatus"] == WAITS,
            **asked(
                instrument,
                row.get("side"),
                instrument.floor_lots(Decimal(row.get("qty") or "0")),
                row.get("price"),
                row.get("triggerPrice"),
            ),
        )

    def position(self, row: dict[str, Any]) -> VenuePosition:
        """A position; lots are 0 for a contract that is not traded here."""
        instrument, entry = self.by_id.get(row["symbol"]), float(row["avgPrice"] or 0)
        if instrument is None:
            return VenuePosition(symbol=row["symbol"], lots=0, entry=entry)
        lots = instrument.floor_lots(Decimal(row["size"]))
        leverage = int(float(row.get("leverage") or 1))
        sign = 1 if row["side"] == "Buy" else -1
        return VenuePosition(symbol=instrument.symbol, lots=sign * lots, entry=entry, leverage=leverage)

    def found(self, row: dict[str, Any], fills: tuple[Fill, ...] = ()) -> Found:
        """What an order's row says became of it."""
        state, venue_id, time = row["orderStatus"], row["orderId"], int(row["updatedTime"])
        if state in OPEN:
            return Found(status=OrderStatus.WORKING, venue_id=venue_id, venue_time=time, fills=fills)
        if state == FILLED:
            return Found(status=OrderStatus.FILLED, venue_id=venue_id, venue_time=time, fills=fills)
        why, by = row.get("rejectReason") or "", row.get("cancelType") or ""
        if state == "Rejected" or why == POST_ONLY_WOULD_TAKE:
            reason = f"{why or 'refused'}: {CODES.advice[why]}" if why in CODES.advice else why or "refused"
            code = why or state
            return Found(status=OrderStatus.REJECTED, venue_id=venue_id, venue_time=time, reason=reason, code=code)
        status = OrderStatus.CANCELED if by == BY_USER else OrderStatus.EXPIRED
        reason = "cancelled" if by == BY_USER else f"cancelled by the exchange ({by or why or state})"
        return Found(status=status, venue_id=venue_id, venue_time=time, fills=fills, reason=reason)
