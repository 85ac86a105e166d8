"""Order endpoints of Binance USD-M: plain orders, conditional (algo) orders, and the account's trades."""

from __future__ import annotations

from itertools import count

from engine.errors import VenueRejected
from engine.model.order import OrderKind, Side
from engine.simulator.orders import TYPE_NAMES, NewOrder, SimOrder, Trade
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import Wire, money_text

CONDITIONAL_TYPES = {
    "STOP_MARKET": OrderKind.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.TAKE_PROFIT_MARKET,
}
MOVED_TYPES = frozenset({*CONDITIONAL_TYPES, "STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET"})
_NAMES = count(1)


def create(sim: Simulation, params: Parameters) -> object:
    """POST order."""
    instrument = sim.instrument(params.text("symbol"))
    wire = sim.exchange.wires[instrument.symbol]
    kind_name = params.text("type")
    if kind_name in MOVED_TYPES:
        text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        raise VenueRejected(text, "-4120")
    if kind_name not in {"LIMIT", "MARKET"}:
        raise VenueRejected("Invalid orderType.", "-1116")
    in_force = params.text("timeInForce") if kind_name == "LIMIT" else "GTC"
    if in_force not in {"GTC", "IOC", "FOK", "GTX"}:
        raise VenueRejected("Invalid timeInForce.", "-1115")
    kind = OrderKind.MARKET if kind_name == "MARKET" else OrderKind.POST_ONLY if in_force == "GTX" else OrderKind.LIMIT
    new = NewOrder(
        symbol=instrument.symbol,
        client_id=_client_id(params, "newClientOrderId"),
        side=_side(params),
        kind=kind,
        lots=wire.parse_quantity("quantity", params.text("quantity")),
        price=wire.parse_price("price", params.text("price")) if kind_name == "LIMIT" else None,
        reduce_only=params.flag("reduceOnly"),
        time_in_force=in_force,
    )
    return order_row(sim.exchange.place(new), wire)


def create_algo(sim: Simulation, params: Parameters) -> object:
    """POST algoOrder: stop-market and take-profit-market on the mark price."""
    instrument = sim.instrument(params.text("symbol"))
    wire = sim.exchange.wires[instrument.symbol]
    if params.text("algoType") != "CONDITIONAL":
        raise VenueRejected("Invalid algoType.", "-1102")
    kind_name = params.text("type")
    if kind_name not in CONDITIONAL_TYPES:
        raise VenueRejected("Invalid orderType.", "-1116")
    closing = params.flag("closePosition")
    side = _side(params)
    held = sim.exchange.account.holdings[instrument.symbol].lots
    if closing and held * side >= 0:
        raise VenueRejected("ReduceOnly Order is rejected.", "-2022")
    new = NewOrder(
        symbol=instrument.symbol,
        client_id=_client_id(params, "clientAlgoId"),
        side=side,
        kind=CONDITIONAL_TYPES[kind_name],
        lots=abs(held) if closing else wire.parse_quantity("quantity", params.text("quantity")),
        trigger=wire.parse_price("triggerPrice", params.text("triggerPrice")),
        reduce_only=closing or params.flag("reduceOnly"),
        close_position=closing,
    )
    return algo_row(sim.exchange.place(new), wire)


def _side(params: Parameters) -> Side:
    name = params.text("side")
    if name not in Side.__members__:
        raise VenueRejected("Invalid side.", "-1117")
    if params.maybe("positionSide") not in {"", "BOTH"}:
        raise VenueRejected("Order's position side does not match user's setting.", "-4061")
    return Side[name]


def _client_id(params: Parameters, name: str) -> str:
    given = params.maybe(name) or f"sim-{next(_NAMES)}"
    legal = all(c.isascii() and (c.isalnum() or c in ".:/_-") for c in given)
    if not legal or len(given) > 36:
        text = f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'."
        raise VenueRejected(text, "-1100")
    return given


def query(sim: Simulation, params: Parameters) -> object:
    """GET order."""
    order = _plain(sim, params, "-2013", "Order does not exist.")
    return order_row(order, _wire(sim, order))


def query_algo(sim: Simulation, params: Parameters) -> object:
    """GET algoOrder."""
    order = _algo(sim, params, "-2013", "Order does not exist.")
    return algo_row(order, _wire(sim, order))


def cancel(sim: Simulation, params: Parameters) -> object:
    """DELETE order."""
    order = _plain(sim, params, "-2011", "Unknown order sent.")
    if not order.working:
        raise VenueRejected("Unknown order sent.", "-2011")
    return order_row(sim.exchange.cancel(order), _wire(sim, order))


def cancel_algo(sim: Simulation, params: Parameters) -> object:
    """DELETE algoOrder."""
    order = _algo(sim, params, "-2011", "Unknown order sent.")
    if not order.waiting:
        raise VenueRejected("Unknown order sent.", "-2011")
    sim.exchange.cancel(order)
    return {"algoId": order.algo_id, "clientAlgoId": order.new.client_id, "code": "200", "msg": "success"}


def amend(sim: Simulation, params: Parameters) -> object:
    """PUT order: a new size and price."""
    order = _plain(sim, params, "-2013", "Order does not exist.")
    wire = _wire(sim, order)
    lots = wire.parse_quantity("quantity", params.text("quantity"))
    price = wire.parse_price("price", params.text("price"))
    if (lots, price) == (order.new.lots, order.new.price):
        raise VenueRejected("No need to modify the order.", "-5027")
    return order_row(sim.exchange.amend(order, lots, price), wire)


def cancel_all(sim: Simulation, params: Parameters) -> object:
    """DELETE allOpenOrders of a symbol."""
    symbol = sim.instrument(params.text("symbol")).symbol
    for order in sim.exchange.active():
        if order.new.symbol == symbol and order.working:
            sim.exchange.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def cancel_all_algo(sim: Simulation, params: Parameters) -> object:
    """DELETE algoOpenOrders of a symbol."""
    symbol = sim.instrument(params.text("symbol")).symbol
    for order in sim.exchange.active():
        if order.new.symbol == symbol and order.waiting:
            sim.exchange.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(sim: Simulation, params: Parameters) -> object:
    """GET openOrders."""
    return [order_row(o, _wire(sim, o)) for o in sim.exchange.active() if o.working and _of(sim, params, o)]


def open_algo_orders(sim: Simulation, params: Parameters) -> object:
    """GET openAlgoOrders."""
    return [algo_row(o, _wire(sim, o)) for o in sim.exchange.active() if o.waiting and _of(sim, params, o)]


def all_orders(sim: Simulation, params: Parameters) -> object:
    """GET allOrders of a symbol, oldest first."""
    params.text("symbol")
    first = params.whole("orderId") or 0
    rows = [o for o in sim.exchange.by_order_id.values() if _of(sim, params, o) and o.order_id >= first]
    return [order_row(o, _wire(sim, o)) for o in _page(params, rows)]


def all_algo_orders(sim: Simulation, params: Parameters) -> object:
    """GET allAlgoOrders of a symbol, oldest first."""
    params.text("symbol")
    rows = [o for o in sim.exchange.by_algo_id.values() if _of(sim, params, o)]
    return [algo_row(o, _wire(sim, o)) for o in _page(params, rows)]


def _page(params: Parameters, rows: list[SimOrder]) -> list[SimOrder]:
    since, until = params.whole("startTime") or 0, params.whole("endTime")
    limit = params.limit(500, 1000)
    chosen = [o for o in rows if o.created >= since and (until is None or o.created <= until)]
    return chosen[:limit] if since or params.maybe("orderId") else chosen[-limit:]


def user_trades(sim: Simulation, params: Parameters) -> object:
    """GET userTrades of a symbol, oldest first."""
    symbol = sim.instrument(params.text("symbol")).symbol
    since, until = params.whole("startTime") or 0, params.whole("endTime")
    order_id, first = params.whole("orderId"), params.whole("fromId")
    limit = params.limit(500, 1000)
    rows = [
        trade
        for trade in sim.exchange.trades
        if trade.order.new.symbol == symbol
        and trade.time >= since
        and (until is None or trade.time <= until)
        and (order_id is None or trade.order.order_id == order_id)
        and (first is None or trade.trade_id >= first)
    ]
    chosen = rows[:limit] if since or first is not None else rows[-limit:]
    return [trade_row(trade, sim.exchange.wires[symbol]) for trade in chosen]


def _of(sim: Simulation, params: Parameters, order: SimOrder) -> bool:
    name = params.maybe("symbol")
    return not name or sim.instrument(name).symbol == order.new.symbol


def _wire(sim: Simulation, order: SimOrder) -> Wire:
    return sim.exchange.wires[order.new.symbol]


def _plain(sim: Simulation, params: Parameters, code: str, text: str) -> SimOrder:
    symbol = sim.instrument(params.text("symbol")).symbol
    order_id, client_id = params.whole("orderId"), params.maybe("origClientOrderId")
    if order_id is None and not client_id:
        raise VenueRejected("Param 'origClientOrderId' or 'orderId' must be sent.", "-1102")
    exchange = sim.exchange
    found = exchange.orders.get(client_id) if order_id is None else exchange.by_order_id.get(order_id)
    if found is None or found.order_id == 0 or found.new.symbol != symbol:
        raise VenueRejected(text, code)
    return found


def _algo(sim: Simulation, params: Parameters, code: str, text: str) -> SimOrder:
    algo_id, client_id = params.whole("algoId"), params.maybe("clientAlgoId")
    if algo_id is None and not client_id:
        raise VenueRejected("Param 'algoId' or 'clientAlgoId' must be sent.", "-1102")
    found = sim.exchange.orders.get(client_id) if algo_id is None else sim.exchange.by_algo_id.get(algo_id)
    if found is None or found.algo_id == 0:
        raise VenueRejected(text, code)
    return found


def order_row(order: SimOrder, wire: Wire) -> dict[str, object]:
    """An order as REST shows it."""
    new = order.new
    return {
        "orderId": order.order_id,
        "symbol": wire.instrument.venue_id,
        "status": order.state.value,
        "clientOrderId": new.client_id,
        "price": wire.price(new.price or 0),
        "avgPrice": wire.average(order.value, order.filled),
        "origQty": wire.quantity(new.lots),
        "executedQty": wire.quantity(order.filled),
        "cumQty": wire.quantity(order.filled),
        "cumQuote": money_text(order.value * wire.instrument.unit),
        "timeInForce": new.time_in_force,
        "type": order.type_name,
        "reduceOnly": new.reduce_only,
        "closePosition": new.close_position,
        "side": new.side.name,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "MARK_PRICE" if order.algo_id else "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": TYPE_NAMES[new.kind],
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": order.created,
        "updateTime": order.updated,
    }


def algo_row(order: SimOrder, wire: Wire) -> dict[str, object]:
    """A conditional order as REST shows it."""
    new = order.new
    return {
        "algoId": order.algo_id,
        "clientAlgoId": new.client_id,
        "algoType": "CONDITIONAL",
        "orderType": TYPE_NAMES[new.kind],
        "symbol": wire.instrument.venue_id,
        "side": new.side.name,
        "positionSide": "BOTH",
        "timeInForce": new.time_in_force,
        "quantity": wire.quantity(new.lots),
        "algoStatus": order.algo_state.value,
        "actualOrderId": str(order.order_id) if order.order_id else "",
        "actualPrice": wire.average(order.value, order.filled),
        "triggerPrice": wire.price(new.trigger or 0),
        "price": "0",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "MARK_PRICE",
        "priceMatch": "NONE",
        "closePosition": new.close_position,
        "priceProtect": False,
        "reduceOnly": new.reduce_only,
        "createTime": order.created,
        "updateTime": order.updated,
        "triggerTime": order.triggered,
        "goodTillDate": 0,
    }


def trade_row(trade: Trade, wire: Wire) -> dict[str, object]:
    """An execution as REST shows it."""
    return {
        "symbol": wire.instrument.venue_id,
        "id": trade.trade_id,
        "orderId": trade.order.order_id,
        "side": trade.order.new.side.name,
        "price": wire.price(trade.ticks),
        "qty": wire.quantity(trade.lots),
        "realizedPnl": money_text(trade.realised),
        "quoteQty": money_text(wire.instrument.notional(trade.ticks, trade.lots)),
        "commission": money_text(trade.fee),
        "commissionAsset": "USDT",
        "time": trade.time,
        "positionSide": "BOTH",
        "buyer": trade.order.new.side is Side.BUY,
        "maker": trade.maker,
    }
