"""Every position keeps a venue-side stop and target: compare what is wanted with what is there, and close the gap.

`protect` may be called at any time and any number of times; it waits while an order of the kind is on its way, places
the new order before it cancels the old one, and cancels what protects or reduces nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core import risk
from engine.core.deck import Deck
from engine.core.levels import distance_ticks
from engine.core.sizing import leverage_for
from engine.core.state import SymbolState
from engine.model.decision import CancelSent, EntryPlanned, Level, RequestReport, SignalDecided, SubmitOrder
from engine.model.order import PROTECTIVE, Order, OrderRequest, OrderStatus, Purpose, Side
from engine.model.position import Position
from engine.model.signal import Gate, SignalStatus

# Looked up for every order at every event; a member of an enum takes seven times as long by its class.
STOP, TARGET, EXIT = Purpose.STOP, Purpose.TARGET, Purpose.EXIT
INTENT, UNKNOWN, WORKING = OrderStatus.INTENT, OrderStatus.UNKNOWN, OrderStatus.WORKING
RETRY_MS = 1_000
DISPUTED_MS = 10_000  # before an exit is tried again while the venue has another position than the desk
WOULD_TRIGGER = ("-2021", "51277", "51279", "110092", "110093")  # Binance's code, OKX's of a target, Bybit's
FIRST_UNKNOWN = 2  # legs without an answer that are sent at once, one for another
MOST_UNKNOWN = 5  # then one in a while, and no more than these


def protect(deck: Deck, symbol: str) -> None:
    """Bring the symbol's stop and target in line with its position."""
    s = deck.state.symbols[symbol]
    position = s.position
    if not s.orders and position is None:
        return
    stops: list[Order] = []
    targets: list[Order] = []
    for order in deck.state.open_orders(symbol):
        request = order.request
        purpose = request.purpose
        if purpose is STOP:
            stops.append(order)
        elif purpose is TARGET:
            targets.append(order)
        elif purpose is EXIT and request.price is not None and not _reduces(request, position):
            _cancel(deck, [order])
    _leg(deck, s, STOP, s.plan_stop, stops)
    _leg(deck, s, TARGET, s.plan_target, targets)


def _leg(deck: Deck, s: SymbolState, purpose: Purpose, trigger: int | None, legs: list[Order]) -> None:
    """Bring the orders of one leg in line: exactly one that works and matches."""
    position, symbol = s.position, s.symbol
    if position is None or trigger is None:
        if legs:
            _cancel(deck, legs)
        return
    if len(legs) == 1 and legs[0].status is WORKING and _matches(legs[0], trigger, position.lots):
        return  # as a rule
    good = None
    unknown = []
    for order in legs:
        status = order.status
        if status is INTENT:
            return
        if status is UNKNOWN:
            unknown.append(order)
        if good is None and status is WORKING and _matches(order, trigger, position.lots):
            good = order
    if good is not None:
        if len(legs) > 1:
            _cancel(deck, [o for o in legs if o is not good])
    elif _enough(unknown, deck.state.now):
        deck.timer(f"protect|{symbol}", RETRY_MS)
    else:
        approved = risk.approve_protection(deck.state, symbol, purpose, trigger)
        if approved is not None:
            deck.emit(SubmitOrder(approved=approved))


def _enough(unknown: list[Order], now: int) -> bool:
    """Legs that the venue has not said anything about: too many of them, or too young, for another one."""
    if len(unknown) < FIRST_UNKNOWN:
        return False
    return len(unknown) >= MOST_UNKNOWN or now - max(order.created for order in unknown) < RETRY_MS


def stop_lost(deck: Deck, order: Order) -> None:
    """A stop got no answer, now first heard of: an alarm when nothing protects its position for certain."""
    request = order.request
    s = deck.state.symbols[request.symbol]
    if s.position is None or request.purpose is not Purpose.STOP:
        return
    stops = [o for o in deck.state.open_orders(request.symbol) if o.request.purpose is Purpose.STOP]
    unknown = sum(o.status is OrderStatus.UNKNOWN for o in stops)
    held = any(
        o.status is OrderStatus.WORKING and o.remaining >= abs(s.position.lots) and o.request.side == -s.position.side
        for o in stops
    )
    if unknown >= FIRST_UNKNOWN and not held:
        deck.note(
            Level.ALARM, "the venue does not say whether it holds a stop; asking, and trying again", request.symbol
        )


def _matches(order: Order, trigger: int, lots: int) -> bool:
    request = order.request
    return request.trigger == trigger and (order.filled - request.lots) * request.side == lots


def _reduces(request: OrderRequest, position: Position | None) -> bool:
    return position is not None and request.side == -position.side


def _cancel(deck: Deck, orders: list[Order]) -> None:
    for order in orders:
        if order.status is OrderStatus.WORKING:
            deck.emit(CancelSent(client_id=order.request.client_id))


def close(deck: Deck, symbol: str, lots: int, origin: str) -> bool:
    """Send a reduce-only market order unless exits for as much are already on their way. True when one was sent."""
    position = deck.state.symbols[symbol].position
    if position is None:
        return False
    coming = sum(
        o.remaining
        for o in deck.state.open_orders(symbol)
        if o.request.purpose is Purpose.EXIT and o.request.price is None and o.status is not OrderStatus.UNKNOWN
    )
    approved = risk.approve_exit(deck.state, symbol, min(lots, abs(position.lots) - coming), origin)
    if approved is None:
        return False
    deck.emit(SubmitOrder(approved=approved))
    return True


def refused(deck: Deck, order: Order) -> None:
    """A protective order or an exit came to nothing: flatten, or try again soon, always with an alarm."""
    request, state = order.request, deck.state
    if state.symbols[request.symbol].position is None:
        return
    if request.purpose in PROTECTIVE and _covered(deck, request.symbol, request.purpose):
        protect(deck, request.symbol)
        return
    match request.purpose:
        case Purpose.STOP:
            deck.note(Level.ALARM, f"stop refused: {order.reason}; flattening", request.symbol)
            _flatten_or_retry(deck, request.symbol)
        case Purpose.TARGET if any(f"({code})" in order.reason for code in WOULD_TRIGGER):
            deck.note(Level.INFO, "target already reached: closing at market", request.symbol)
            _flatten_or_retry(deck, request.symbol)
        case Purpose.TARGET:
            deck.note(Level.WARN, f"target refused: {order.reason}; the stop protects alone", request.symbol)
            deck.plan(request.symbol, state.symbols[request.symbol].plan_stop, None)
        case Purpose.EXIT if request.price is not None:
            deck.note(Level.WARN, f"limit exit refused: {order.reason}; the position stays", request.symbol)
        case Purpose.EXIT:
            what = "refused" if order.status is OrderStatus.REJECTED else order.status.value
            text = f"exit {what}: {order.reason or 'no reason given'}; asking the venue, then again"
            deck.note(Level.ALARM, text, request.symbol)
            disputed = state.symbols[request.symbol].mismatches > 0
            # Each report costs a share of the venue's limit: one in a second will do, and a dispute has its own already.
            if not disputed and not _exit_waits(deck, request.symbol):
                deck.emit(RequestReport(reason=f"an exit of {request.symbol} was {what}"))
            deck.timer(f"exit|{request.client_id}", DISPUTED_MS if disputed else RETRY_MS)
        case Purpose.ENTRY:
            pass


def _exit_waits(deck: Deck, symbol: str) -> bool:
    """An exit of the symbol was refused a moment ago and is to be sent again."""
    state = deck.state
    waiting = (state.orders.get(timer.partition("|")[2]) for timer in state.timers if timer.startswith("exit|"))
    return any(order is not None and order.request.symbol == symbol for order in waiting)


def market_exit(order: Order) -> bool:
    """An exit at market that ended before all of it was filled: it is owed still."""
    request = order.request
    return request.purpose is Purpose.EXIT and request.price is None and order.remaining > 0


def _covered(deck: Deck, symbol: str, purpose: Purpose) -> bool:
    """Another leg protects the whole position, or is about to say whether it does."""
    s = deck.state.symbols[symbol]
    trigger = s.plan_stop if purpose is Purpose.STOP else s.plan_target
    lots = s.position.lots if s.position is not None else 0
    return any(
        order.status is OrderStatus.INTENT
        or (order.status is OrderStatus.WORKING and trigger is not None and _matches(order, trigger, lots))
        for order in deck.state.open_orders(symbol)
        if order.request.purpose is purpose
    )


def exit_again(deck: Deck, client_id: str) -> None:
    """Send what a refused market exit was to close, as far as the position is still there."""
    order = deck.state.orders.get(client_id)
    if order is None:
        return
    request = order.request
    position = deck.state.symbols[request.symbol].position
    if position is not None and position.side == -request.side:
        close(deck, request.symbol, order.remaining, request.origin)


def plan_again(deck: Deck, symbol: str) -> None:
    """A position without a plan: the default stop and target, or flatten.

    Its entry filled after it was given up, or it was opened under settings that wanted no stop.
    """
    s = deck.state.symbols[symbol]
    position, instrument = s.position, deck.state.instruments[symbol]
    assert position is not None
    entry, stop = round(position.entry_ticks(instrument)), distance_ticks(s.stop_distance, instrument)
    if 0 < stop < entry:
        deck.note(Level.ALARM, "a position without a stop: default stop and target", symbol)
        reach = position.side * distance_ticks(s.target_distance, instrument)
        deck.plan(symbol, entry - position.side * stop, entry + reach if reach and entry + reach > 0 else None)
    else:
        deck.note(Level.ALARM, "a position without a stop, and none is known: flattening", symbol)
        close(deck, symbol, abs(position.lots), "protection")


def _flatten_or_retry(deck: Deck, symbol: str) -> None:
    if not close(deck, symbol, abs(deck.state.symbols[symbol].position.lots), "protection"):  # type: ignore[union-attr] # the caller holds a position
        deck.timer(f"protect|{symbol}", RETRY_MS)


def enter_planned(deck: Deck, symbol: str) -> None:
    """The symbol is flat: send the entry that waited for it (the second half of a flip)."""
    s = deck.state.symbols[symbol]
    planned = s.planned
    if planned is None or s.position is not None:
        return
    deck.emit(
        EntryPlanned(
            symbol=symbol, side=0, lots=0, stop=0, target=0, origin=planned.origin, signal_id=planned.signal_id
        )
    )
    quote = s.quote
    price = quote.ask if planned.side > 0 else quote.bid
    instrument = deck.state.instruments[symbol]
    leverage = leverage_for(deck.state, instrument, price, planned.stop) if price else 0
    plan = risk.Plan(
        symbol=symbol,
        side=Side(planned.side),
        price=price,
        stop=planned.stop,
        target=planned.target,
        lots=planned.lots,
        leverage=leverage,
        origin=planned.origin,
    )
    approved = risk.approve_entry(deck.state, plan)
    if isinstance(approved, Gate):
        text = f"entry after the flip refused: {approved.name}: {approved.reason}"
        deck.note(Level.WARN, text, symbol)
        signal = deck.state.signals.get(planned.signal_id)
        if signal is not None:
            deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.REFUSED, reason=text)))
        return
    deck.plan(symbol, plan.stop or None, plan.target or None)
    deck.emit(SubmitOrder(approved=approved))
