"""Order endpoints of Bybit: create, amend, cancel, orders and executions."""

from __future__ import annotations

from itertools import count
from typing import Any

from engine.errors import VenueRejected
from engine.model.order import OrderKind, Side
from engine.simulator.bybit_market import contract_of
from engine.simulator.bybit_words import (
    FALLS,
    POST_ONLY,
    RISES,
    execution_row,
    funding_row,
    order_id,
    order_row,
    refusal,
)
from engine.simulator.orders import NewOrder, SimOrder
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation

LONGEST_ID = 36
_NAMES = count(1)
_IN_FORCE = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "PostOnly": "GTX"}
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TRIGGERED = {
    (Side.BUY, RISES): OrderKind.STOP_MARKET,
    (Side.SELL, FALLS): OrderKind.STOP_MARKET,
    (Side.BUY, FALLS): OrderKind.TAKE_PROFIT_MARKET,
    (Side.SELL, RISES): OrderKind.TAKE_PROFIT_MARKET,
}


def create(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST order/create. What is post-only and would take is accepted and cancelled at once."""
    new = _new(sim, params)
    if sim.bybit_margin_mode != "ISOLATED_MARGIN" and not new.reduce_only:
        raise VenueRejected("the simulated account trades isolated margin only: set the margin mode first", "10001")
    try:
        order = sim.exchange.place(new)
    except VenueRejected as refused:
        if refused.code != "-5022":
            raise refusal(refused, params.maybe("triggerDirection")) from refused
        order = sim.exchange.place_in_vain(new, POST_ONLY)
    return _named(order)


def _new(sim: Simulation, params: Parameters) -> NewOrder:
    instrument = contract_of(sim, params)
    wire = sim.exchange.wires[instrument.symbol]
    side, type_name = _SIDES.get(params.text("side")), params.text("orderType")
    in_force = _IN_FORCE.get(params.maybe("timeInForce") or "GTC")
    if side is None or type_name not in {"Market", "Limit"} or in_force is None:
        raise VenueRejected("params error: side, orderType or timeInForce invalid", "10001")
    if params.maybe("positionIdx") not in {"", "0"}:
        raise VenueRejected("position idx not match position mode", "10001")
    kind, trigger = OrderKind.MARKET, params.maybe("triggerPrice")
    if trigger:
        found = _TRIGGERED.get((side, params.text("triggerDirection")))
        if found is None or type_name != "Market" or params.text("triggerBy") != "MarkPrice":
            raise VenueRejected("only market orders triggered by the mark price are simulated", "10001")
        kind = found
    elif type_name == "Limit":
        kind = OrderKind.POST_ONLY if in_force == "GTX" else OrderKind.LIMIT
    limited = type_name == "Limit"
    return NewOrder(
        symbol=instrument.symbol,
        client_id=_client_id(params),
        side=side,
        kind=kind,
        lots=wire.parse_quantity("qty", params.text("qty")),
        price=wire.parse_price("price", params.text("price")) if limited else None,
        trigger=wire.parse_price("triggerPrice", trigger) if trigger else None,
        reduce_only=params.flag("reduceOnly"),
        close_position=params.flag("closeOnTrigger"),
        time_in_force=in_force if limited else "GTC",
    )


def amend(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST order/amend: a new size, a new price, or both."""
    order = _found(sim, params)
    if order is None or not order.working:
        raise VenueRejected("order not exists or too late to replace", "110001")
    wire = sim.exchange.wires[order.new.symbol]
    size, price = params.maybe("qty"), params.maybe("price")
    lots = wire.parse_quantity("qty", size) if size else order.new.lots
    ticks = wire.parse_price("price", price) if price else order.new.price or 0
    if (lots, ticks) == (order.new.lots, order.new.price):
        raise VenueRejected("order not modified", "10001")
    sim.exchange.amend(order, lots, ticks)
    return _named(order)


def cancel(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST order/cancel."""
    order = _found(sim, params)
    if order is None or not (order.working or order.waiting):
        raise VenueRejected("order not exists or too late to cancel", "110001")
    sim.exchange.cancel(order)
    return _named(order)


def cancel_all(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST order/cancel-all of a symbol, conditional orders too."""
    symbol = contract_of(sim, params).symbol
    gone = [o for o in sim.exchange.active() if o.new.symbol == symbol and (o.working or o.waiting)]
    for order in gone:
        sim.exchange.cancel(order)
    return {"list": [_named(order) for order in gone], "success": "1"}


def realtime(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET order/realtime: open orders; asked for one by name, also when it has ended."""
    if params.maybe("orderId") or params.maybe("orderLinkId"):
        order = _found(sim, params)
        return _page(params, [] if order is None else [order_row(order, sim.exchange.wires[order.new.symbol])])
    return _page(params, [order_row(o, sim.exchange.wires[o.new.symbol]) for o in _of(sim, params)])


def history(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET order/history: orders that have ended, newest first."""
    order = _found(sim, params)
    if params.maybe("orderId") or params.maybe("orderLinkId"):
        return _page(params, [] if order is None else [order_row(order, sim.exchange.wires[order.new.symbol])])
    ended = [o for o in sim.exchange.orders.values() if not (o.working or o.waiting)]
    return _page(params, [order_row(o, sim.exchange.wires[o.new.symbol]) for o in ended[::-1]])


def executions(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET execution/list, newest first, funding among them."""
    name, asked, link = params.maybe("symbol"), params.maybe("orderId"), params.maybe("orderLinkId")
    since, until = params.whole("startTime") or 0, params.whole("endTime")
    rows = [
        (trade.time, trade.trade_id, execution_row(trade, sim.exchange.wires[trade.order.new.symbol]))
        for trade in sim.exchange.trades
        if (not asked or order_id(trade.order) == asked) and (not link or trade.order.new.client_id == link)
    ]
    if not asked and not link:
        holdings, wires = sim.exchange.account.holdings, sim.exchange.wires
        rows += [
            (r.time, r.tran_id, funding_row(holdings[r.symbol], wires[r.symbol], r.amount, r.tran_id, r.time))
            for r in sim.exchange.income
            if r.kind == "FUNDING_FEE"
        ]
    chosen = [
        row
        for time, _, row in sorted(rows, key=lambda one: one[:2], reverse=True)
        if time >= since and (until is None or time <= until) and (not name or row["symbol"] == name)
    ]
    return _page(params, chosen)


def _page(params: Parameters, rows: list[dict[str, object]]) -> dict[str, Any]:
    """A page of rows; the cursor is the place of the next one."""
    begin = params.whole("cursor") or 0
    limit = params.limit(20, 100)
    more = begin + limit < len(rows)
    return {
        "category": "linear",
        "list": rows[begin : begin + limit],
        "nextPageCursor": str(begin + limit) if more else "",
    }


def _of(sim: Simulation, params: Parameters) -> list[SimOrder]:
    name = params.maybe("symbol")
    symbol = contract_of(sim, params).symbol if name else ""
    return [
        o for o in sim.exchange.active()[::-1] if (o.working or o.waiting) and (not symbol or o.new.symbol == symbol)
    ]


def _named(order: SimOrder) -> dict[str, Any]:
    return {"orderId": order_id(order), "orderLinkId": order.new.client_id}


def _client_id(params: Parameters) -> str:
    given = params.maybe("orderLinkId") or f"sim-{next(_NAMES)}"
    if not all(c.isascii() and (c.isalnum() or c in "-_") for c in given) or len(given) > LONGEST_ID:
        raise VenueRejected("params error: OrderLinkID invalid", "10001")
    return given


def _found(sim: Simulation, params: Parameters) -> SimOrder | None:
    asked, link = params.whole("orderId"), params.maybe("orderLinkId")
    if asked is None:
        return sim.exchange.orders.get(link)
    return sim.exchange.by_algo_id.get(asked) or sim.exchange.by_order_id.get(asked)
