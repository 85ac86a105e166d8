"""OKX's words for contracts, orders, executions and positions. Quantities are in contracts: ten contracts-lots a lot.

A contract is worth ten lots of the simulated market and trades in tenths, so that nothing that takes contracts for coins
comes out right by accident.
"""

from __future__ import annotations

from decimal import Decimal

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.order import OrderKind, Side
from engine.simulator.account import Holding
from engine.simulator.orders import AlgoState, OrderState, SimOrder, Trade
from engine.simulator.wire import Wire, money_text, number, plain

LOTS_A_CONTRACT = 10
BARS = {
    "1m": "1m",
    "3m": "3m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1H": "1h",
    "2H": "2h",
    "4H": "4h",
    "1Dutc": "1d",
}
STATES = {
    OrderState.NEW: "live",
    OrderState.PARTIALLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "canceled",
}
ALGO_STATES = {
    AlgoState.NEW: "live",
    AlgoState.TRIGGERING: "live",
    AlgoState.TRIGGERED: "effective",
    AlgoState.FINISHED: "effective",
    AlgoState.CANCELED: "canceled",
    AlgoState.EXPIRED: "canceled",
}
ORDER_TYPES = {OrderKind.MARKET: "market", OrderKind.LIMIT: "limit", OrderKind.POST_ONLY: "post_only"}
POST_ONLY = "post only"
_IN_FORCE = {"IOC": "ioc", "FOK": "fok"}

# the core's code -> OKX's code and words
_CODES = {
    "-2022": ("51169", "Order failed because you don't have any positions in this direction to reduce or close."),
    "-4164": ("51020", "Order amount should be greater than the min available amount."),
    "-4004": ("51020", "Order amount should be greater than the min available amount."),
    "-4005": ("51101", "Entered amount exceeds the max pending order amount (Cont) per transaction."),
    "-4116": ("51016", "Client order ID already exists."),
    "-2019": ("51008", "Order failed. Insufficient USDT margin in account."),
    "-2011": ("51400", "Cancellation failed as the order has been filled, canceled or does not exist."),
    "-4061": ("51000", "Parameter posSide error"),
    "-4028": ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
    "-4161": ("59105", "Leverage can't be lower than that of the open position."),
    "-4016": ("51006", "Order price is not within the price limit."),
    "-4024": ("51006", "Order price is not within the price limit."),
    "-4131": ("51006", "Order price is not within the price limit."),
    "-1102": ("50014", "Parameter can not be empty."),
}
_WOULD_TRIGGER = {
    (OrderKind.STOP_MARKET, Side.BUY): ("51278", "SL trigger price can not be lower than the last price"),
    (OrderKind.STOP_MARKET, Side.SELL): ("51280", "SL trigger price can not be higher than the last price"),
    (OrderKind.TAKE_PROFIT_MARKET, Side.BUY): ("51277", "TP trigger price can not be higher than the last price"),
    (OrderKind.TAKE_PROFIT_MARKET, Side.SELL): ("51279", "TP trigger price can not be lower than the last price"),
}


def refusal(core: VenueRejected, kind: OrderKind | None = None, side: Side | None = None) -> VenueRejected:
    """What the matching core refused, as OKX refuses it; OKX's own refusals pass through."""
    if core.code == "-2021" and kind is not None and side is not None:
        code, text = _WOULD_TRIGGER[kind, side]
        return VenueRejected(text, code)
    if not core.code.startswith("-"):
        return core
    code, text = _CODES.get(core.code, ("51000", "Parameter error"))
    return VenueRejected(text, code)


def inst_id(instrument: Instrument) -> str:
    """OKX's name of a contract."""
    return f"{instrument.symbol.partition('/')[0]}-USDT-SWAP"


def contracts(lots: int) -> str:
    """Lots as contracts."""
    return plain(Decimal(lots) / LOTS_A_CONTRACT)


def lots_of(text: str) -> int:
    """A quantity in contracts as lots; refuses what is off the grid."""
    lots = number("sz", text) * LOTS_A_CONTRACT
    if lots != int(lots) or lots <= 0:
        raise VenueRejected("Order quantity must be a multiple of the lot size.", "51121")
    return int(lots)


def listed(instrument: Instrument, since: int) -> dict[str, object]:
    """A contract as the list of instruments shows it; `since`: its first trade, ms UTC."""
    largest = contracts(instrument.max_lots)
    return {
        "instType": "SWAP",
        "instId": inst_id(instrument),
        "uly": inst_id(instrument).removesuffix("-SWAP"),
        "instFamily": inst_id(instrument).removesuffix("-SWAP"),
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": "USDT",
        "ctVal": plain(instrument.lot_size * LOTS_A_CONTRACT),
        "ctMult": "1",
        "ctValCcy": instrument.base,
        "ctType": "linear",
        "optType": "",
        "stk": "",
        "listTime": str(since),
        "expTime": "",
        "lever": str(instrument.max_leverage),
        "tickSz": plain(instrument.tick_size),
        "lotSz": contracts(1),
        "minSz": contracts(instrument.min_lots),
        "state": "live",
        "ruleType": "normal",
        "maxLmtSz": largest,
        "maxMktSz": largest,
        "maxTriggerSz": largest,
        "maxStopSz": largest,
    }


def order_row(order: SimOrder, wire: Wire, leverage: int, trade: Trade | None = None) -> dict[str, object]:
    """An order, as REST and the stream show it; with the execution that the stream tells of."""
    new, born = order.new, order.algo_id > 0
    row: dict[str, object] = {
        "instType": "SWAP",
        "instId": inst_id(wire.instrument),
        "ccy": "",
        "ordId": str(order.order_id),
        "clOrdId": "" if born else new.client_id,
        "tag": "",
        "px": wire.price(new.price) if new.price is not None else "",
        "sz": contracts(new.lots),
        "ordType": "market" if born else _IN_FORCE.get(new.time_in_force, ORDER_TYPES.get(new.kind, "market")),
        "side": new.side.name.lower(),
        "posSide": "net",
        "tdMode": "isolated",
        "tgtCcy": "",
        "accFillSz": contracts(order.filled),
        "avgPx": wire.average(order.value, order.filled) if order.filled else "",
        "state": STATES[order.state],
        "lever": str(leverage),
        "fillPx": "",
        "fillSz": "0",
        "fillTime": "",
        "tradeId": "",
        "fillFee": "0",
        "fillFeeCcy": "",
        "execType": "",
        "feeCcy": "USDT",
        "category": "full_liquidation" if new.client_id.startswith("autoclose") else "normal",
        "source": "",
        "cancelSource": _cancel_source(order),
        "reduceOnly": "true" if new.reduce_only else "false",
        "algoId": str(order.algo_id) if born else "",
        "algoClOrdId": new.client_id if born else "",
        "uTime": str(order.updated),
        "cTime": str(order.created),
    }
    if trade is not None:
        row |= {
            "fillPx": wire.price(trade.ticks),
            "fillSz": contracts(trade.lots),
            "fillTime": str(trade.time),
            "tradeId": str(trade.trade_id),
            "fillFee": money_text(-trade.fee),  # a fee that is paid is negative
            "fillFeeCcy": "USDT",
            "execType": "M" if trade.maker else "T",
        }
    return row


def _cancel_source(order: SimOrder) -> str:
    if order.state is OrderState.CANCELED:
        return "1"
    if order.state is not OrderState.EXPIRED:
        return ""
    return "31" if order.reason == POST_ONLY else "0"


def algo_row(order: SimOrder, wire: Wire) -> dict[str, object]:
    """A conditional order, as REST and the stream show it."""
    new = order.new
    stop, trigger = new.kind is OrderKind.STOP_MARKET, wire.price(new.trigger or 0)
    return {
        "instType": "SWAP",
        "instId": inst_id(wire.instrument),
        "algoId": str(order.algo_id),
        "algoClOrdId": new.client_id,
        "clOrdId": "",
        "ordId": str(order.order_id) if order.order_id else "",
        "ordIdList": [str(order.order_id)] if order.order_id else [],
        "sz": contracts(new.lots),
        "ordType": "conditional",
        "side": new.side.name.lower(),
        "posSide": "net",
        "tdMode": "isolated",
        "slTriggerPx": trigger if stop else "",
        "slTriggerPxType": "mark" if stop else "",
        "slOrdPx": "-1" if stop else "",
        "tpTriggerPx": "" if stop else trigger,
        "tpTriggerPxType": "" if stop else "mark",
        "tpOrdPx": "" if stop else "-1",
        "state": ALGO_STATES[order.algo_state],
        "reduceOnly": "true" if new.reduce_only else "false",
        "actualSz": contracts(order.filled),
        "actualPx": wire.average(order.value, order.filled) if order.filled else "",
        "triggerTime": str(order.triggered) if order.triggered else "",
        "failCode": "",
        "uTime": str(order.updated),
        "cTime": str(order.created),
    }


def fill_row(trade: Trade, wire: Wire) -> dict[str, object]:
    """An execution as REST shows it."""
    order = trade.order
    return {
        "instType": "SWAP",
        "instId": inst_id(wire.instrument),
        "tradeId": str(trade.trade_id),
        "ordId": str(order.order_id),
        "clOrdId": "" if order.algo_id else order.new.client_id,
        "billId": str(trade.trade_id),
        "fillPx": wire.price(trade.ticks),
        "fillSz": contracts(trade.lots),
        "side": order.new.side.name.lower(),
        "posSide": "net",
        "execType": "M" if trade.maker else "T",
        "feeCcy": "USDT",
        "fee": money_text(-trade.fee),
        "fillPnl": money_text(trade.realised),
        "ts": str(trade.time),
        "fillTime": str(trade.time),
    }


def position_row(holding: Holding, wire: Wire) -> dict[str, object]:
    """A position, as REST and the stream show it."""
    return {
        "instType": "SWAP",
        "instId": inst_id(wire.instrument),
        "mgnMode": "isolated",
        "posId": str(1 + sum(wire.instrument.symbol.encode())),
        "posSide": "net",
        "pos": ("-" if holding.lots < 0 else "") + contracts(abs(holding.lots)),
        "availPos": contracts(abs(holding.lots)),
        "ccy": "USDT",
        "avgPx": wire.entry(holding.cost, holding.lots) if holding.lots else "",
        "upl": money_text(holding.unrealised if holding.lots else 0),
        "lever": str(holding.leverage),
        "liqPx": wire.price(holding.liquidation) if holding.liquidation else "",
        "markPx": wire.price(holding.mark),
        "margin": money_text(holding.margin if holding.lots else 0),
        "mmr": money_text(holding.maintenance),
        "imr": "",
        "mgnRatio": "10",
        "notionalUsd": money_text(abs(holding.notional)),
        "realizedPnl": money_text(holding.realised),
        "adl": "1",
        "cTime": str(holding.updated),
        "uTime": str(holding.updated),
    }
