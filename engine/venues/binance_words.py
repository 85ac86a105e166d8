"""Binance USD-M's words for orders, fills and positions, and ours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.model.instrument import Instrument
from engine.model.money import to_money
from engine.model.order import CONDITIONAL, Fill, OrderKind, OrderRequest, OrderStatus, Side
from engine.model.venue import VenueOrder, VenuePosition
from engine.venues.asked import asked

KINDS: dict[OrderKind, dict[str, str]] = {
    OrderKind.MARKET: {"type": "MARKET"},
    OrderKind.LIMIT: {"type": "LIMIT", "timeInForce": "GTC"},
    OrderKind.POST_ONLY: {"type": "LIMIT", "timeInForce": "GTX"},
    OrderKind.STOP_MARKET: {"type": "STOP_MARKET"},
    OrderKind.TAKE_PROFIT_MARKET: {"type": "TAKE_PROFIT_MARKET"},
}
OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
ENDED = {
    "CANCELED": OrderStatus.CANCELED,
    "CANCELLED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


class Words:
    """Translates for a set of contracts.

    Args:
        instruments: the contracts that are traded.
    """

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.by_id = {i.venue_id: i for i in instruments}
        self.by_symbol = {i.symbol: i for i in instruments}

    def venue_id(self, symbol: str) -> str:
        """The venue's name of a symbol."""
        return self.by_symbol[symbol].venue_id

    def order(self, request: OrderRequest) -> dict[str, str]:
        """The parameters of a new order: a plain one, or for the conditional kinds one of the algo endpoint."""
        instrument = self.by_symbol[request.symbol]
        params = {
            "symbol": instrument.venue_id,
            "side": request.side.name,
            "quantity": f"{instrument.quantity(request.lots):f}",
            **KINDS[request.kind],
        }
        if request.reduce_only:
            params["reduceOnly"] = "true"
        if request.price is not None:
            params["price"] = f"{instrument.price(request.price):f}"
        if request.kind not in CONDITIONAL:
            return params | {"newClientOrderId": request.client_id, "newOrderRespType": "ACK"}
        return params | {
            "algoType": "CONDITIONAL",
            "clientAlgoId": request.client_id,
            "triggerPrice": f"{instrument.price(request.trigger or 0):f}",
            "workingType": "MARK_PRICE",
        }

    def amendment(self, request: OrderRequest, lots: int, price: int) -> dict[str, str]:
        """The parameters of a changed limit order."""
        instrument = self.by_symbol[request.symbol]
        return {
            "symbol": instrument.venue_id,
            "origClientOrderId": request.client_id,
            "side": request.side.name,
            "quantity": f"{instrument.quantity(lots):f}",
            "price": f"{instrument.price(price):f}",
        }

    def fill_of_update(self, o: dict[str, Any]) -> Fill:
        """An execution as the user stream tells it (`o` of ORDER_TRADE_UPDATE)."""
        instrument = self.by_id[o["s"]]
        return Fill(
            trade_id=str(o["t"]),
            client_id=o["c"],
            symbol=instrument.symbol,
            side=Side[o["S"]],
            ticks=instrument.nearest_ticks(Decimal(o["L"])),
            lots=instrument.floor_lots(Decimal(o["l"])),
            fee=to_money(o.get("n") or "0"),
            maker=bool(o["m"]),
            venue_time=int(o["T"]),
        )

    def fill_of_trade(self, row: dict[str, Any], client_id: str) -> Fill:
        """An execution as REST tells it (a row of userTrades)."""
        instrument = self.by_id[row["symbol"]]
        return Fill(
            trade_id=str(row["id"]),
            client_id=client_id,
            symbol=instrument.symbol,
            side=Side[row["side"]],
            ticks=instrument.nearest_ticks(Decimal(row["price"])),
            lots=instrument.floor_lots(Decimal(row["qty"])),
            fee=to_money(row["commission"]),
            maker=bool(row["maker"]),
            venue_time=int(row["time"]),
        )

    def open_order(self, row: dict[str, Any]) -> VenueOrder:
        """A plain order that works (a row of openOrders)."""
        instrument = self.by_id[row["symbol"]]
        return VenueOrder(
            client_id=row["clientOrderId"],
            venue_id=str(row["orderId"]),
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=instrument.floor_lots(Decimal(row["executedQty"])),
            reduce_only=bool(row["reduceOnly"]),
            venue_time=int(row["updateTime"]),
            **asked(instrument, row.get("side"), _lots(instrument, row.get("origQty")), row.get("price")),
        )

    def open_algo(self, row: dict[str, Any]) -> VenueOrder:
        """A conditional order that waits (a row of openAlgoOrders)."""
        instrument = self.by_id[row["symbol"]]
        lots = _lots(instrument, row.get("quantity"))
        return VenueOrder(
            client_id=row["clientAlgoId"],
            venue_id=algo_id(row),
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=0,
            reduce_only=bool(row["reduceOnly"]),
            venue_time=int(row.get("updateTime") or 0),
            conditional=True,
            **asked(instrument, row.get("side"), lots, row.get("price"), row.get("triggerPrice")),
        )

    def position(self, row: dict[str, Any]) -> VenuePosition:
        """A position (a row of positionRisk); lots are 0 for a contract that is not traded here."""
        instrument = self.by_id.get(row["symbol"])
        if instrument is None:
            return VenuePosition(symbol=row["symbol"], lots=0, entry=float(row["entryPrice"]))
        lots = int(Decimal(row["positionAmt"]) / instrument.lot_size)
        margin, notional = (abs(float(row.get(name) or 0)) for name in ("positionInitialMargin", "notional"))
        told = int(row.get("leverage") or 0)  # positionRisk's version 3 has no such field
        leverage = told or (max(1, round(notional / margin)) if margin else 1)
        return VenuePosition(symbol=instrument.symbol, lots=lots, entry=float(row["entryPrice"]), leverage=leverage)


def _lots(instrument: Instrument, text: object) -> int:
    return instrument.floor_lots(Decimal(str(text or 0)))


def algo_id(row: dict[str, Any]) -> str:
    """Our name for the venue's number of a conditional order: plain orders are numbered apart from them."""
    return f"algo:{row['algoId']}"
