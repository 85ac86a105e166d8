"""The venue was asked for everything: find what differs from the journal, and decide what to do about it."""

from __future__ import annotations

from engine.core import outside
from engine.core.deck import Deck
from engine.core.levels import needs_stop
from engine.core.protection import plan_again, protect
from engine.core.state import DIFFERS, OUTSIDE, REPORT_TIMER
from engine.model.decision import CancelSent, CashSet, Level, PositionAdopted, QueryOrder
from engine.model.event import Reconciled
from engine.model.instrument import Instrument
from engine.model.money import MONEY_SCALE, Money
from engine.model.order import OrderStatus
from engine.model.venue import VenueReport

AGAIN_MS = 1_000
DISPUTED_MS = 5_000
SURE = 3  # so many reports in a row
# The entry price that the venue tells is rounded: to a tenth of a cent of the whole cost, or this part of a tick.
ROUNDING: Money = MONEY_SCALE // 1_000
ROUNDED_TICK = 100


def on_report(deck: Deck, event: Reconciled) -> None:
    """Orders, positions, cash, then protection."""
    _orders(deck, event.report)
    agree = _positions(deck, event.report)
    _cash(deck, event.report, agree=agree)
    stops = needs_stop(deck.state.settings)
    for symbol, s in deck.state.symbols.items():
        ours = s.position is not None and s.position.origin != OUTSIDE
        if stops and ours and s.plan_stop is None:
            plan_again(deck, symbol)
        protect(deck, symbol)


def _orders(deck: Deck, report: VenueReport) -> None:
    state = deck.state
    theirs = {order.client_id for order in report.orders}
    for s in state.symbols.values():
        for client_id in list(s.orders):
            if client_id not in theirs:
                deck.emit(QueryOrder(client_id=client_id))
    prefix = f"{state.instance}-"
    for held in report.orders:
        order = state.orders.get(held.client_id)
        if order is None and held.client_id.startswith(prefix):
            deck.note(
                Level.ALARM, f"the venue holds order {held.client_id} that the journal does not know", held.symbol
            )
            outside.heard(deck, held.client_id, held.symbol)
        elif order is None:
            deck.note(Level.WARN, f"an order from outside is open: {held.client_id}", held.symbol)
            outside.heard(deck, held.client_id, held.symbol)
        elif not order.open or order.status is OrderStatus.CANCELING:  # a cancel may have been lost in a crash
            deck.emit(CancelSent(client_id=held.client_id))


def _positions(deck: Deck, report: VenueReport) -> bool:
    agree = True
    theirs = {p.symbol: p.lots for p in report.positions}
    for symbol, s in deck.state.symbols.items():
        if s.mismatches == 0:
            if s.held.startswith(DIFFERS):
                deck.hold(symbol, "")
            continue
        agree = False
        ours = s.position.lots if s.position is not None else 0
        # a fill may be on its way: ask once more before judging, and go on asking until both agree
        deck.timer(REPORT_TIMER, AGAIN_MS if s.mismatches < SURE else DISPUTED_MS)
        if s.mismatches == 1:
            continue
        both = _both(deck.state.instruments[symbol], theirs.get(symbol, 0), ours)
        text = f"{DIFFERS}: {both}"
        if s.mismatches >= SURE and outside.only_less(ours, theirs.get(symbol, 0)) and _accounted(deck, symbol, report):
            deck.note(Level.ALARM, f"reduced from outside: {both}", symbol)
            outside.adopt(deck, symbol, "reduced from outside")
        elif s.held != text:
            deck.note(Level.ALARM, f"{text}; entries of this symbol are held", symbol)
            deck.hold(symbol, text)
    return agree


def _both(instrument: Instrument, theirs: int, ours: int) -> str:
    """Two positions for a sentence; lots, signed."""
    return f"venue {instrument.quantity(theirs)}, desk {instrument.quantity(ours)} {instrument.base}"


def _accounted(deck: Deck, symbol: str, report: VenueReport) -> bool:
    """No order of ours can have changed the position unheard: the venue shows each one, filled no further than here."""
    filled = {held.client_id: held.filled for held in report.orders}
    return all(
        order.status is OrderStatus.WORKING and filled.get(order.request.client_id, order.filled + 1) <= order.filled
        for order in deck.state.open_orders(symbol)
    )


def _cash(deck: Deck, report: VenueReport, *, agree: bool) -> None:
    state = deck.state
    if state.cash == report.balance:
        return
    if state.cash is None:
        deck.emit(CashSet(cash=report.balance, reason="the venue's balance at the first sign-in"))
        return
    if agree:
        # Either an order on its way explains the difference and the next report agrees, or it is corrected then. A
        # correction is looked at once more too: what it took in may be told by a message that is still on its way.
        deck.timer(REPORT_TIMER, AGAIN_MS)
    if agree and not state.busy():
        difference = report.balance - state.cash
        deck.note(Level.WARN, f"cash corrected by {difference / 1e8:+.8f} to the venue's balance")
        deck.emit(CashSet(cash=report.balance, reason="reconciled"))
        _costs(deck)


def _costs(deck: Deck) -> None:
    """Take over the venue's costs of positions together with its cash.

    Executions whose messages were lost are booked later than those that came after them. Realised profit and the cost of
    what is left are then others than the venue's, by the same amount; a funding missed besides is in the cash alone.
    """
    for symbol, s in deck.state.symbols.items():
        position, theirs = s.position, s.theirs
        if position is None or theirs is None or theirs.lots != position.lots or theirs.entry <= 0:
            continue
        instrument = deck.state.instruments[symbol]
        cost = outside.cost_of(instrument, theirs.lots, theirs.entry)
        if abs(cost - position.cost) > max(ROUNDING, abs(position.lots) * instrument.unit // ROUNDED_TICK):
            deck.emit(
                PositionAdopted(
                    symbol=symbol,
                    lots=position.lots,
                    cost=cost,
                    leverage=position.leverage,
                    reason="its executions were heard of in another order",
                )
            )
