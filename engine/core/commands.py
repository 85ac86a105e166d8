"""What each command means, in the state it meets. Every command gets one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.core import outside, pipeline, risk
from engine.core.deck import Deck
from engine.core.levels import distance_ticks
from engine.core.protection import close, market_exit, protect
from engine.core.recall import flatten_with, recall
from engine.core.sizing import leverage_for
from engine.core.state import SymbolState
from engine.errors import BadInput
from engine.model import command as c
from engine.model.decision import (
    EntryPlanned,
    Level,
    ModeSet,
    OutsideCanceled,
    PositionIgnored,
    RequestReport,
    SignalDecided,
    SubmitOrder,
    VoterBenched,
)
from engine.model.event import CommandReceived
from engine.model.instrument import Instrument
from engine.model.order import PROTECTIVE, Approved, Order, OrderKind, OrderStatus, Purpose, Side
from engine.model.signal import Gate, Signal, SignalStatus

BY_PERSON = "a person's override"


def on_command(deck: Deck, event: CommandReceived) -> None:
    """Carry out a command once; the same id again gets the first answer (the caller looks it up)."""
    if event.command_id in deck.state.answered:
        return
    try:
        text = _HANDLERS[type(event.command)](deck, event.command, event.source)
        ok = True
    except BadInput as error:
        text, ok = str(error), False
    deck.answer(event.command_id, ok=ok, text=text)
    deck.note(Level.INFO if ok else Level.WARN, f"{event.source}: {text}", getattr(event.command, "symbol", None) or "")


def _symbol(deck: Deck, symbol: str) -> SymbolState:
    s = deck.state.symbols.get(symbol)
    if s is None:
        known = ", ".join(list(deck.state.symbols)[:3])
        raise BadInput("symbol", symbol, f"this engine trades {known} ...")
    return s


def _holding(deck: Deck, symbol: str) -> SymbolState:
    s = _symbol(deck, symbol)
    if s.position is None:
        raise BadInput("position", symbol, "there is no open position")
    return s


def _override(deck: Deck, symbol: str) -> None:
    """A person takes the symbol over: automatic trading is held, and what waited for flat is forgotten."""
    pipeline.give_up(deck, symbol, f"reversal given up: {BY_PERSON}")
    deck.hold(symbol, BY_PERSON)


def _place(deck: Deck, command: c.PlaceOrder, source: str) -> str:
    s = _symbol(deck, command.symbol)
    instrument = deck.state.instruments[command.symbol]
    if command.kind not in {OrderKind.MARKET, OrderKind.LIMIT, OrderKind.POST_ONLY}:
        raise BadInput("kind", command.kind.value, "use market, limit or post_only; stops belong to positions")
    lots = instrument.exact_lots(command.quantity)
    resting = command.kind is not OrderKind.MARKET
    if resting and command.price is None:
        raise BadInput("price", None, f"a {command.kind.value} order needs a price")
    price = instrument.exact_ticks(command.price) if resting and command.price is not None else None
    expected = price or (s.quote.ask if command.side is Side.BUY else s.quote.bid)
    if not expected:
        raise BadInput("quote", "none", f"{command.symbol} has no quote yet")
    origin = f"person:{source}"
    if s.position is not None and s.position.side == -command.side:
        return _reduce_by_order(deck, s, command, lots, price, origin)
    if any(
        o.request.purpose is Purpose.ENTRY and o.request.side == -command.side for o in deck.state.open_orders(s.symbol)
    ):
        raise BadInput("order", command.side.name.lower(), "an entry on the other side is open; cancel it first")
    stop = (
        instrument.exact_ticks(command.stop)
        if command.stop is not None
        else _default_stop(s, expected, command, instrument)
    )
    target = (
        instrument.exact_ticks(command.target)
        if command.target is not None
        else _default_target(s, expected, command, instrument)
    )
    if target is not None and (target - expected) * command.side <= 0:
        raise BadInput("target", command.target, "a target lies beyond the entry, on the winning side")
    leverage = leverage_for(deck.state, instrument, expected, stop)
    plan = risk.Plan(command.symbol, command.side, expected, stop, target or 0, lots, leverage, origin, command.kind)
    approved = _approved(risk.approve_entry(deck.state, plan, price))
    _override(deck, command.symbol)
    deck.plan(command.symbol, stop, target)
    deck.emit(SubmitOrder(approved=approved))
    return f"{command.side.name.lower()} {command.quantity} {command.symbol} {command.kind.value} sent"


def _approved(result: Approved[Any] | Gate) -> Approved[Any]:
    if isinstance(result, Gate):
        raise BadInput(result.name, result.value, f"{result.reason} (needs {result.threshold})")
    return result


def _default_stop(s: SymbolState, expected: int, command: c.PlaceOrder, instrument: Instrument) -> int:
    if s.plan_stop is not None and s.position is not None:
        return s.plan_stop
    distance = distance_ticks(s.stop_distance, instrument)
    if not distance:
        raise BadInput("stop", None, "no default stop is known for this symbol yet; give one")
    return expected - command.side * distance


def _default_target(s: SymbolState, expected: int, command: c.PlaceOrder, instrument: Instrument) -> int | None:
    if s.position is not None:
        return s.plan_target
    distance = distance_ticks(s.target_distance, instrument)
    target = expected + command.side * distance if distance else 0
    return target if target > 0 else None


def _reduce_by_order(
    deck: Deck, s: SymbolState, command: c.PlaceOrder, lots: int, price: int | None, origin: str
) -> str:
    assert s.position is not None
    if lots > abs(s.position.lots):
        raise BadInput("quantity", command.quantity, "more than the opposite position; use flip, or close it first")
    if price is None:
        approved = risk.approve_exit(deck.state, s.symbol, lots, origin)
    else:
        approved = risk.approve_limit_exit(deck.state, s.symbol, lots, command.kind, price, origin)
    assert approved is not None
    _override(deck, s.symbol)
    deck.emit(SubmitOrder(approved=approved))
    return f"reduce-only {command.side.name.lower()} {command.quantity} {s.symbol} {command.kind.value} sent"


def _reduce(deck: Deck, command: c.ReducePosition, source: str) -> str:
    if not 1 <= command.percent <= 100:
        raise BadInput("percent", command.percent, "use 1 to 100")
    s = _holding(deck, command.symbol)
    assert s.position is not None
    lots = -(-abs(s.position.lots) * command.percent // 100)
    _override(deck, command.symbol)
    sent = close(deck, command.symbol, lots, f"person:{source}")
    word = "closing" if command.percent == 100 else f"reducing by {command.percent} %"
    return f"{word} {command.symbol}" if sent else f"{command.symbol} is already being closed"


def _recall_entries(deck: Deck, symbol: str) -> None:
    for order in deck.state.open_orders(symbol):
        if order.request.purpose is Purpose.ENTRY:
            recall(deck, order)


def _flip(deck: Deck, command: c.FlipPosition, source: str) -> str:
    s = _holding(deck, command.symbol)
    assert s.position is not None
    position, quote = s.position, s.quote
    gates = risk.limits(deck.state, s)[:2]
    failed = pipeline.first_failure(tuple(gates))
    if failed is not None:
        raise BadInput(failed.name, failed.value, failed.reason)
    side = Side(-position.side)
    price = quote.ask if side > 0 else quote.bid
    instrument = deck.state.instruments[command.symbol]
    stop_ticks = distance_ticks(s.stop_distance, instrument)
    target_ticks = distance_ticks(s.target_distance, instrument)
    if not price or stop_ticks <= 0:
        raise BadInput("stop", None, "no quote or no default stop is known for this symbol yet")
    origin = f"person:{source}"
    _override(deck, command.symbol)
    _recall_entries(deck, command.symbol)
    deck.emit(
        EntryPlanned(
            symbol=command.symbol,
            side=side,
            lots=abs(position.lots),
            stop=price - side * stop_ticks,
            target=max(0, price + side * target_ticks) if target_ticks else 0,
            origin=origin,
        )
    )
    close(deck, command.symbol, abs(position.lots), origin)
    return f"flipping {command.symbol}"


def _protection(deck: Deck, command: c.SetProtection, source: str) -> str:
    s = _holding(deck, command.symbol)
    assert s.position is not None
    instrument = deck.state.instruments[command.symbol]
    stop = s.plan_stop if command.stop is None else instrument.exact_ticks(command.stop)
    target = s.plan_target if command.target is None else instrument.exact_ticks(command.target)
    side = s.position.side
    if stop is not None and (s.mark - stop) * side <= 0:
        raise BadInput("stop", command.stop, "it would trigger at once; it belongs behind the market")
    if target is not None and (target - s.mark) * side <= 0:
        raise BadInput("target", command.target, "it would trigger at once; it belongs beyond the market")
    if s.planned is not None and s.planned.signal_id:
        pipeline.give_up(deck, command.symbol, f"reversal given up: {BY_PERSON}")
    deck.hold(command.symbol, BY_PERSON)
    deck.plan(command.symbol, stop, target)
    protect(deck, command.symbol)
    return f"protection of {command.symbol} moved"


def _flatten(deck: Deck, command: c.FlattenAll, source: str) -> str:
    closing = 0
    for symbol, s in deck.state.symbols.items():
        for order in deck.state.open_orders(symbol):
            flatten_with(deck, order)
        pipeline.give_up(deck, symbol, "reversal given up: flattened by a person")
        if s.position is not None:
            deck.hold(symbol, "flattened by a person")
            closing += close(deck, symbol, abs(s.position.lots), f"person:{source}")
    cancelled = _cancel_many(deck, list(deck.state.symbols))
    return f"flattening {closing} positions, cancelling {cancelled} orders"


def _cancelable(order: Order) -> bool:
    resting = order.request.price is not None or order.request.purpose is Purpose.ENTRY
    return resting and order.status is not OrderStatus.CANCELING and order.request.purpose not in PROTECTIVE


def _cancel_many(deck: Deck, symbols: list[str], purpose: Purpose | None = None) -> int:
    count = 0
    for symbol in symbols:
        for order in deck.state.open_orders(symbol):
            if _cancelable(order) and purpose in (None, order.request.purpose):
                recall(deck, order)
                count += 1
    return count


def _cancel(deck: Deck, command: c.CancelOrder, source: str) -> str:
    order = deck.state.orders.get(command.client_id)
    if order is None or not order.open:
        raise BadInput("order", command.client_id, "there is no such open order")
    if order.request.purpose in {Purpose.STOP, Purpose.TARGET}:
        raise BadInput("order", command.client_id, "it protects a position; move it, or close the position")
    if market_exit(order):
        raise BadInput("order", command.client_id, "it closes a position at market and cannot be recalled")
    recall(deck, order)
    return f"cancelling {order.request.symbol} {order.request.kind.value}"


def _cancel_all(deck: Deck, command: c.CancelAll, source: str) -> str:
    symbols = list(deck.state.symbols) if command.symbol is None else [_symbol(deck, command.symbol).symbol]
    count = _cancel_many(deck, symbols)
    return f"cancelling {count} orders (protection stays)"


def set_mode(
    deck: Deck, *, autonomy: c.Autonomy | None = None, paused: bool | None = None, halt: str | None = None
) -> None:
    """Change any of autonomy, pause and halt."""
    state = deck.state
    deck.emit(
        ModeSet(
            autonomy=(autonomy or state.autonomy).value,
            paused=state.paused if paused is None else paused,
            halt=state.halt if halt is None else halt,
        )
    )


def _pause(deck: Deck, command: c.SetPaused, source: str) -> str:
    if command.paused:
        set_mode(deck, paused=True)
        return "paused: no entries, protection continues"
    was = deck.state.halt
    set_mode(deck, paused=False, halt="")
    return f"resumed (halt lifted for today: {was})" if was else "resumed"


def _kill(deck: Deck, command: c.Kill, source: str) -> str:
    set_mode(deck, paused=True)
    for symbol in deck.state.symbols:
        pipeline.give_up(deck, symbol, "reversal given up: killed")
    count = _cancel_many(deck, list(deck.state.symbols), Purpose.ENTRY)
    return f"killed: paused, cancelling {count} entries, protection continues"


def _autonomy(deck: Deck, command: c.SetAutonomy, source: str) -> str:
    set_mode(deck, autonomy=command.autonomy)
    return f"autonomy is {command.autonomy.value}"


def _waiting(deck: Deck, signal_id: int) -> Signal:
    signal = deck.state.signals.get(signal_id)
    if signal is None or signal.status is not SignalStatus.WAITING:
        raise BadInput("signal", signal_id, "it does not wait for approval (any more)")
    return signal


def _approve(deck: Deck, command: c.ApproveSignal, source: str) -> str:
    text = pipeline.approve(deck, _waiting(deck, command.signal_id))
    signal = deck.state.signals[command.signal_id]
    if signal.status is SignalStatus.REFUSED:
        raise BadInput("signal", f"{signal.id} {signal.action.value} {signal.symbol}", text)
    return text


def _bench(deck: Deck, command: c.BenchVoter, source: str) -> str:
    if command.voter not in deck.state.settings.voters:
        known = ", ".join(deck.state.settings.voters) or "none"
        raise BadInput("voter", command.voter, f"configured are: {known}")
    deck.emit(VoterBenched(voter=command.voter, benched=command.benched))
    return f"{command.voter} is {'benched: it is not asked any more' if command.benched else 'asked again'}"


def _reject(deck: Deck, command: c.RejectSignal, source: str) -> str:
    signal = _waiting(deck, command.signal_id)
    rejected = replace(signal, status=SignalStatus.REJECTED, reason=f"rejected by {source}")
    deck.emit(SignalDecided(signal=rejected))
    return f"rejected: {signal.action.value} {signal.symbol}"


def _release(deck: Deck, command: c.ReleaseSymbol, source: str) -> str:
    s = _symbol(deck, command.symbol)
    if not s.held:
        raise BadInput("symbol", command.symbol, "automatic trading is not held")
    deck.hold(command.symbol, "")
    return f"{command.symbol} is back with the desk"


def _resolve(deck: Deck, command: c.ResolvePosition, source: str) -> str:
    s = _symbol(deck, command.symbol)
    differs = outside.differs(s)
    if not (differs or outside.booked(s) or s.ignored):
        raise BadInput("position", command.symbol, "venue and desk agree; there is nothing to resolve")
    match command.action:
        case c.Outside.IGNORE:
            if differs:
                deck.emit(PositionIgnored(symbol=command.symbol, lots=s.differs_by + s.ignored))
            deck.hold(command.symbol, outside.LEFT_ALONE)
            return f"{command.symbol}: the position from outside is left alone; automatic trading is held"
        case c.Outside.ADOPT:
            deck.hold(command.symbol, BY_PERSON)
            outside.adopt(deck, command.symbol, f"adopted by {source}", taken=True)
            return f"{command.symbol}: the venue's position is adopted and protected"
        case c.Outside.CLOSE:
            deck.hold(command.symbol, BY_PERSON)
            outside.adopt(deck, command.symbol, f"closed by {source}", taken=True)
            if s.position is not None:
                close(deck, command.symbol, abs(s.position.lots), f"person:{source}")
            return f"{command.symbol}: the venue's position is being closed"


def _cancel_outside(deck: Deck, command: c.CancelOutside, source: str) -> str:
    held = deck.state.outside.get(command.client_id)
    if held is None:
        raise BadInput("order", command.client_id, "the venue's newest report shows no such order from outside")
    deck.emit(OutsideCanceled(order=held))
    deck.emit(RequestReport(reason="an order from outside was cancelled"))
    return f"cancelling the order from outside {command.client_id}"


_HANDLERS: dict[type, Callable[[Deck, Any, str], str]] = {
    c.PlaceOrder: _place,
    c.ReducePosition: _reduce,
    c.FlipPosition: _flip,
    c.SetProtection: _protection,
    c.FlattenAll: _flatten,
    c.CancelOrder: _cancel,
    c.CancelAll: _cancel_all,
    c.SetPaused: _pause,
    c.Kill: _kill,
    c.SetAutonomy: _autonomy,
    c.ApproveSignal: _approve,
    c.RejectSignal: _reject,
    c.BenchVoter: _bench,
    c.ReleaseSymbol: _release,
    c.ResolvePosition: _resolve,
    c.CancelOutside: _cancel_outside,
}
