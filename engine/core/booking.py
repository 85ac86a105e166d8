"""The life of orders in the state, and the booking of fills and funding: positions, cash, trades."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.core.markets import see
from engine.core.state import ADOPTED, KEEP_MS, KEPT_TRADES, OUTSIDE, State, SymbolState
from engine.errors import InvariantBroken
from engine.model import decision as d
from engine.model import event as e
from engine.model.order import TERMINAL, TRANSITIONS, Fill, Order, OrderStatus, OrderStep, Purpose
from engine.model.position import Position, book


def submitted(state: State, decision: d.SubmitOrder) -> None:
    """The intent becomes an order."""
    request = decision.approved.request
    state.sequence += 1
    order = Order(request=request, status=OrderStatus.INTENT, created=state.now, updated=state.now)
    if request.client_id in state.orders:
        raise InvariantBroken(f"order id {request.client_id} used twice")
    state.orders[request.client_id] = order
    state.symbols[request.symbol].orders.append(request.client_id)


def cancel_sent(state: State, decision: d.CancelSent) -> None:
    """An open order is being cancelled."""
    order = state.orders.get(decision.client_id)
    if order is not None and order.open:
        step(state, decision.client_id, OrderStep.CANCEL_SENT, state.now)


def step(state: State, client_id: str, what: OrderStep, at: int, reason: str = "", **changes: Any) -> Order | None:
    """Move an order one step along its table and keep the symbol's list of open orders true."""
    order = state.orders.get(client_id)
    if order is None:
        return None
    status = TRANSITIONS.get((order.status, what))
    if status is None:
        raise InvariantBroken(f"order {client_id}: {what.value} cannot happen to an order that is {order.status.value}")
    order = replace(order, status=status, updated=at, reason=reason or order.reason, **changes)
    state.orders[client_id] = order
    open_ids = state.symbols[order.request.symbol].orders
    if status in TERMINAL and client_id in open_ids:
        open_ids.remove(client_id)
    return order


def accepted(state: State, event: e.OrderAccepted) -> None:
    """The venue holds it."""
    step(state, event.client_id, OrderStep.ACCEPTED, event.at, venue_id=event.venue_id, confirmed=event.at)


def refused(state: State, event: e.OrderRefused) -> None:
    """The venue said no."""
    step(state, event.client_id, OrderStep.REFUSED, event.at, _coded(event.reason, event.code))


def lost(state: State, event: e.OrderLost) -> None:
    """Nobody knows whether the venue holds it."""
    step(state, event.client_id, OrderStep.LOST, event.at, event.reason)


_GONE = {
    OrderStatus.CANCELED: OrderStep.CANCELED,
    OrderStatus.EXPIRED: OrderStep.EXPIRED,
    OrderStatus.REJECTED: OrderStep.REFUSED,
}


def gone(state: State, event: e.OrderGone) -> None:
    """The venue ended it."""
    step(state, event.client_id, _GONE[event.status], event.at, event.reason)


NOT_FOUND_GRACE_MS = 6_000
ENDED_KEPT = 5_000
EXECUTIONS_KEPT = 10_000


def not_found(state: State, event: e.OrderNotFound) -> None:
    """The venue does not know it, which counts once it cannot arrive any more."""
    # A request is void after the venue's receive window (5 s): before that it may still arrive, so "not found" is no news.
    order = state.orders.get(event.client_id)
    if order is None or (order.status is OrderStatus.UNKNOWN and event.at - order.created < NOT_FOUND_GRACE_MS):
        return
    if order.status is OrderStatus.INTENT:
        return
    step(state, event.client_id, OrderStep.NOT_FOUND, event.at, "the venue never had it")


def cancel_refused(state: State, event: e.CancelRefused) -> None:
    """It stays where it was before the cancel."""
    order = state.orders.get(event.client_id)
    if order is not None and order.status in {OrderStatus.CANCELING, OrderStatus.UNKNOWN}:
        step(state, event.client_id, OrderStep.CANCEL_REFUSED, event.at, _coded(event.reason, event.code))


def _coded(reason: str, code: str) -> str:
    return f"{reason} ({code})" if code else reason


def is_new(state: State, fill: Fill) -> bool:
    """This execution has not been booked yet."""
    return f"{fill.client_id}|{fill.trade_id}" not in state.booked


def filled(state: State, event: e.OrderFilled) -> None:
    """Book an execution, once."""
    see(state, event.view)
    fill = event.fill
    s = state.symbols.get(fill.symbol)
    execution = f"{fill.client_id}|{fill.trade_id}"
    if s is None or execution in state.booked:
        return
    order = state.orders.get(fill.client_id)
    state.booked[execution] = event.at
    state.fills_until = max(state.fills_until, fill.venue_time)
    state.market_time = max(state.market_time, fill.venue_time)
    if order is not None:
        filled = order.filled + fill.lots
        if filled > order.request.lots:
            raise InvariantBroken(f"order {fill.client_id}: filled {filled} of {order.request.lots} lots")
        step(
            state,
            fill.client_id,
            OrderStep.LAST_FILL if filled == order.request.lots else OrderStep.PART_FILL,
            event.at,
            filled=filled,
            value=order.value + fill.ticks * fill.lots,
            fees=order.fees + fill.fee,
            trade_ids=(*order.trade_ids[1 - KEPT_TRADES :], fill.trade_id),
            fills=order.executions + 1,
            confirmed=order.confirmed or event.at,
        )
    _book(state, s, fill, order)


def _book(state: State, s: SymbolState, fill: Fill, order: Order | None) -> None:
    unit = state.instruments[fill.symbol].unit
    position = s.position
    before = position.lots if position is not None else 0
    result = book(before, position.cost if position is not None else 0, fill.side * fill.lots, fill.ticks, unit)
    state.cash = (state.cash or 0) + result.realised - fill.fee
    if before and result.lots * before <= 0:
        state.trades += 1  # flat again, or reversed
    if result.lots == 0:
        s.position = None
    elif position is not None and before * result.lots > 0:
        s.position = replace(
            position,
            lots=result.lots,
            cost=result.cost,
            realised=position.realised + result.realised,
            fees=position.fees + fill.fee,
        )
    else:
        s.position = Position(
            symbol=fill.symbol,
            lots=result.lots,
            cost=result.cost,
            opened=fill.venue_time,
            origin=order.request.origin if order else OUTSIDE,
            stop=s.plan_stop,
            target=s.plan_target,
            leverage=order.request.leverage if order else 1,
            fees=fill.fee,
        )
    if order is not None and order.request.purpose is Purpose.STOP and s.position is None:
        s.cooldown_until = fill.venue_time + state.settings.cooldown_ms


def adopted(state: State, decision: d.PositionAdopted) -> None:
    """Take the venue's word for a position. What it earned is in the venue's balance, which is taken over apart."""
    s = state.symbols[decision.symbol]
    s.mismatches = 0
    if decision.lots == 0:
        if s.position is not None:
            state.trades += 1
        s.position = None
    elif s.position is not None and s.position.side * decision.lots > 0:
        s.position = replace(s.position, lots=decision.lots, cost=decision.cost)
        if decision.taken and s.position.origin == OUTSIDE:
            s.position = replace(s.position, origin=ADOPTED, leverage=decision.leverage)
    else:
        s.position = Position(
            symbol=decision.symbol,
            lots=decision.lots,
            cost=decision.cost,
            opened=state.now,
            origin=ADOPTED,
            stop=s.plan_stop,
            target=s.plan_target,
            leverage=decision.leverage,
        )


def funding(state: State, event: e.FundingPaid) -> None:
    """Book a funding payment."""
    state.cash = (state.cash or 0) + event.amount
    s = state.symbols.get(event.symbol)
    if s is not None and s.position is not None:
        s.position = replace(s.position, funding=s.position.funding + event.amount)


def remember(state: State) -> None:
    """A state kept before executions had a list of their own gets it from its orders."""
    if not state.booked:
        for client_id, order in state.orders.items():
            state.booked.update(dict.fromkeys([f"{client_id}|{trade}" for trade in order.trade_ids], order.updated))


def forget(state: State) -> None:
    """Drop what nobody can speak of any more; called with each snapshot, so that the state stays small.

    These are ended orders and executions older than a day, and of younger ones all but the newest `ENDED_KEPT` and
    `EXECUTIONS_KEPT`: a venue's report goes back to a minute before the last one, and its limits let no more than 2,000
    orders pass in that time.
    """
    old = state.now - KEEP_MS
    surplus = len(state.booked) - EXECUTIONS_KEPT
    for key in [key for n, (key, at) in enumerate(state.booked.items()) if n < surplus or at < old]:
        order = state.orders.get(key.rpartition("|")[0])
        if order is None or not order.open:
            del state.booked[key]
    ended = [client_id for client_id, order in state.orders.items() if not order.open]
    surplus = len(ended) - ENDED_KEPT
    for n, client_id in enumerate(ended):
        if n < surplus or state.orders[client_id].updated < old:
            del state.orders[client_id]
