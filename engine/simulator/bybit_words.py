"""Bybit's words for contracts, orders, executions and positions."""

from __future__ import annotations

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.money import PPM, Money, to_decimal
from engine.model.order import OrderKind, Side
from engine.simulator.account import Holding
from engine.simulator.orders import AlgoState, OrderState, SimOrder, Trade
from engine.simulator.wire import Wire, money_text, plain

INTERVALS = {
    "1": "1m",
    "3": "3m",
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "120": "2h",
    "240": "4h",
    "D": "1d",
}
STATES = {
    OrderState.NEW: "New",
    OrderState.PARTIALLY_FILLED: "PartiallyFilled",
    OrderState.FILLED: "Filled",
    OrderState.CANCELED: "Cancelled",
    OrderState.EXPIRED: "Cancelled",
}
IN_FORCE = {"GTX": "PostOnly"}
POST_ONLY = "post only"
RISES, FALLS = "1", "2"
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}

# the core's code -> Bybit's code and words
_CODES = {
    "-2022": (
        "110017",
        "Reduce-only rule not satisfied: current position is zero, cannot fix reduce-only order qty",
    ),
    "-4164": ("110094", "Order notional value below the lower limit 5USDT"),
    "-4004": ("10001", "The number of contracts is below the minimum limit allowed"),
    "-4005": ("10001", "The number of contracts exceeds maximum limit allowed: too large"),
    "-4116": ("110072", "OrderLinkedID is duplicate"),
    "-2019": ("110007", "ab not enough for new order"),
    "-2011": ("110001", "order not exists or too late to cancel"),
    "-4061": ("10001", "position idx not match position mode"),
    "-4028": ("110013", "cannot set leverage due to risk limit level"),
    "-4161": ("110013", "cannot lower the leverage of an open position"),
    "-4016": ("110003", "Order price exceeds the allowable range."),
    "-4024": ("110003", "Order price exceeds the allowable range."),
    "-4131": ("30208", "there is no price on the other side of the book"),
    "-1121": ("10001", "symbol invalid"),
    "-1102": ("10001", "params error"),
}


def refusal(core: VenueRejected, trigger_direction: str = "") -> VenueRejected:
    """What the matching core refused, as Bybit refuses it; Bybit's own refusals pass through."""
    if core.code == "-2021":
        rising = trigger_direction == RISES
        text = (
            "expect Rising, but trigger_price <= current" if rising else "expect Falling, but trigger_price >= current"
        )
        return VenueRejected(text, "110092" if rising else "110093")
    if not core.code.startswith("-"):
        return core
    code, text = _CODES.get(core.code, ("10001", f"params error: {core.reason}"))
    return VenueRejected(text, code)


def listed(instrument: Instrument, since: int) -> dict[str, object]:
    """A contract as instruments-info shows it; `since`: its first trade, ms UTC."""
    largest, smallest = plain(instrument.quantity(instrument.max_lots)), plain(instrument.quantity(instrument.min_lots))
    return {
        "symbol": instrument.venue_id,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": instrument.venue_id.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": str(since),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{instrument.max_leverage}.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": plain(instrument.tick_size),
            "maxPrice": plain(instrument.price(10**9)),
            "tickSize": plain(instrument.tick_size),
        },
        "lotSizeFilter": {
            "maxOrderQty": largest,
            "maxMktOrderQty": largest,
            "postOnlyMaxOrderQty": largest,
            "minOrderQty": smallest,
            "qtyStep": plain(instrument.lot_size),
            "minNotionalValue": plain(to_decimal(instrument.min_notional)),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "isPreListing": False,
    }


def order_id(order: SimOrder) -> str:
    """A conditional order keeps its id when it triggers."""
    return str(order.algo_id or order.order_id)


def _status(order: SimOrder) -> str:
    if order.algo_id and not order.order_id:
        return "Untriggered" if order.algo_state is AlgoState.NEW else "Deactivated"
    if order.algo_id and order.state is OrderState.NEW:
        return "Triggered"
    return STATES[order.state]


def _ended_by(order: SimOrder) -> tuple[str, str]:
    """How an order ended without being filled: cancelType and rejectReason."""
    if order.state is OrderState.CANCELED:
        return "CancelByUser", "EC_PerCancelRequest"
    if order.state is not OrderState.EXPIRED:
        return "UNKNOWN", "EC_NoError"
    if order.reason == POST_ONLY:
        return "UNKNOWN", "EC_PostOnlyWillTakeLiquidity"
    return "CancelByReduceOnly" if order.new.reduce_only else "UNKNOWN", "EC_NoImmediateQtyToFill"


def direction(kind: OrderKind, side: Side) -> str:
    """Where the price must go to trigger an order."""
    return RISES if (kind is OrderKind.STOP_MARKET) == (side is Side.BUY) else FALLS


def order_row(order: SimOrder, wire: Wire) -> dict[str, object]:
    """An order, as REST and the stream show it."""
    new, waits = order.new, order.algo_id > 0
    cancel_type, reason = _ended_by(order)
    left = max(0, new.lots - order.filled) if _status(order) not in {"Cancelled", "Deactivated"} else 0
    return {
        "category": "linear",
        "orderId": order_id(order),
        "orderLinkId": new.client_id,
        "symbol": wire.instrument.venue_id,
        "side": SIDES[new.side],
        "orderType": "Market" if waits or new.kind is OrderKind.MARKET else "Limit",
        "price": wire.price(new.price or 0),
        "qty": wire.quantity(new.lots),
        "timeInForce": IN_FORCE.get(new.time_in_force, new.time_in_force),
        "orderStatus": _status(order),
        "cancelType": cancel_type,
        "rejectReason": reason,
        "avgPrice": wire.average(order.value, order.filled) if order.filled else "",
        "leavesQty": wire.quantity(left),
        "leavesValue": "0",
        "cumExecQty": wire.quantity(order.filled),
        "cumExecValue": money_text(order.value * wire.instrument.unit),
        "cumExecFee": "0",
        "stopOrderType": "Stop" if waits else "",
        "triggerPrice": wire.price(new.trigger) if new.trigger is not None else "",
        "triggerDirection": int(direction(new.kind, new.side)) if waits else 0,
        "triggerBy": "MarkPrice" if waits else "",
        "reduceOnly": new.reduce_only,
        "closeOnTrigger": new.close_position,
        "positionIdx": 0,
        "tpslMode": "",
        "createType": "CreateByUser",
        "createdTime": str(order.created),
        "updatedTime": str(order.updated),
    }


def execution_row(trade: Trade, wire: Wire) -> dict[str, object]:
    """An execution, as REST and the stream show it."""
    order, instrument = trade.order, wire.instrument
    liquidated = order.new.client_id.startswith("autoclose")
    return {
        "category": "linear",
        "symbol": instrument.venue_id,
        "orderId": order_id(order),
        "orderLinkId": order.new.client_id,
        "side": SIDES[order.new.side],
        "orderPrice": wire.price(order.new.price or 0),
        "orderQty": wire.quantity(order.new.lots),
        "leavesQty": wire.quantity(max(0, order.new.lots - order.filled)),
        "orderType": "Limit" if order.new.price else "Market",
        "stopOrderType": "Stop" if order.algo_id else "UNKNOWN",
        "execFee": money_text(trade.fee),  # a fee that is paid is positive
        "feeRate": f"{(instrument.maker_ppm if trade.maker else instrument.taker_ppm) / PPM:.6f}",
        "feeCurrency": "USDT",
        "execId": str(trade.trade_id),
        "execPrice": wire.price(trade.ticks),
        "execQty": wire.quantity(trade.lots),
        "execType": "BustTrade" if liquidated else "Trade",
        "execValue": money_text(instrument.notional(trade.ticks, trade.lots)),
        "execTime": str(trade.time),
        "isMaker": trade.maker,
        "execPnl": money_text(trade.realised),
        "seq": trade.trade_id,
    }


def funding_row(holding: Holding, wire: Wire, amount: Money, number: int, time: int) -> dict[str, object]:
    """Funding is listed among executions; what is paid is a positive fee."""
    return {
        "category": "linear",
        "symbol": wire.instrument.venue_id,
        "orderId": "",
        "orderLinkId": "",
        "side": "Buy" if holding.lots > 0 else "Sell",
        "execFee": money_text(-amount),
        "feeCurrency": "USDT",
        "execId": f"funding-{number}",
        "execPrice": wire.price(holding.mark),
        "execQty": wire.quantity(abs(holding.lots)),
        "execType": "Funding",
        "execValue": money_text(abs(holding.notional)),
        "execTime": str(time),
        "isMaker": False,
        "seq": number,
    }


def position_row(holding: Holding, wire: Wire, index: int = 0) -> dict[str, object]:
    """A position, as REST and the stream show it; a flat one has no side."""
    lots = holding.lots
    return {
        "category": "linear",
        "positionIdx": index,
        "symbol": wire.instrument.venue_id,
        "side": "" if lots == 0 else "Buy" if lots > 0 else "Sell",
        "size": wire.quantity(abs(lots)),
        "avgPrice": wire.entry(holding.cost, lots) if lots else "0",
        "entryPrice": wire.entry(holding.cost, lots) if lots else "0",
        "positionValue": money_text(abs(holding.cost)),
        "positionIM": money_text(holding.margin if lots else 0),
        "positionMM": money_text(holding.maintenance),
        "positionBalance": money_text(holding.margin if lots else 0),
        "tradeMode": 1,
        "leverage": str(holding.leverage),
        "liqPrice": wire.price(holding.liquidation) if holding.liquidation else "",
        "markPrice": wire.price(holding.mark),
        "unrealisedPnl": money_text(holding.unrealised if lots else 0),
        "curRealisedPnl": money_text(holding.realised),
        "cumRealisedPnl": money_text(holding.realised),
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 1,
        "riskId": 1,
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "createdTime": str(holding.updated),
        "updatedTime": str(holding.updated),
        "seq": holding.updated,
    }
