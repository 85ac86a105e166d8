"""What others do at our account: positions that are adopted, and ids that tell of another Trefoil."""

from __future__ import annotations

import re

from engine.core.deck import Deck
from engine.core.levels import needs_stop
from engine.core.protection import plan_again, protect
from engine.core.state import OUTSIDE, REPORT_TIMER, SymbolState
from engine.model.decision import Level, ModeSet, PositionAdopted, PositionIgnored
from engine.model.instrument import Instrument
from engine.model.money import Money

TREFOIL_ID = re.compile(r"[a-z2-7]{8}-(\d{1,9})-\d{1,12}")
ANOTHER = "another Trefoil"
LEFT_ALONE = "a position from outside is left alone"
SOON_MS = 1_000


def heard(deck: Deck, client_id: str, symbol: str) -> None:
    """An order that the journal does not know was heard of: one of another Trefoil's halts entries, with an alarm.

    Ids are instance-epoch-sequence. A later epoch of our own instance is another engine on a copy of this journal.
    """
    state = deck.state
    found = TREFOIL_ID.fullmatch(client_id)
    if found is None or state.halt or client_id in state.orders:
        return
    if client_id.startswith(f"{state.instance}-") and int(found.group(1)) <= state.epoch:
        return
    deck.emit(ModeSet(autonomy=state.autonomy.value, paused=state.paused, halt=f"{ANOTHER} trades this account"))
    text = f"order {client_id} is {ANOTHER}'s: two engines trade one account; entries are halted. Stop one of them"
    deck.note(Level.ALARM, text, symbol)


def only_less(ours: int, theirs: int) -> bool:
    """The venue has the same side and less of it, or nothing."""
    return ours * theirs >= 0 and abs(theirs) < abs(ours)


def differs(s: SymbolState) -> bool:
    """The venue's newest report has another position than the desk, and nobody has said that it may."""
    return bool(s.mismatches and s.differs_by)


def booked(s: SymbolState) -> bool:
    """The desk has booked a position that somebody else opened, and does nothing with it."""
    return s.position is not None and s.position.origin == OUTSIDE


def cost_of(instrument: Instrument, lots: int, entry: float) -> Money:
    """Signed cost of a position as the venue tells it, 1e-8 units; `entry` is quote currency."""
    return round(lots * entry / float(instrument.tick_size) * instrument.unit)


def adopt(deck: Deck, symbol: str, reason: str, *, taken: bool = False) -> None:
    """Take the venue's word for a position, and protect what is there then.

    Args:
        deck: the state and the decisions.
        symbol: whose position.
        reason: for the journal.
        taken: a person wants it, so it is the desk's own from now on, also what was booked or left alone as somebody else's.
    """
    s, instrument = deck.state.symbols[symbol], deck.state.instruments[symbol]
    position = s.position
    own = position.lots if position is not None else 0
    agreed = taken and not differs(s) and not s.ignored  # only booked: the newest report may be older than the booking
    if taken and s.ignored:
        deck.emit(PositionIgnored(symbol=symbol, lots=0))
    leverage = s.theirs.leverage if s.theirs is not None else 1
    if agreed and position is not None:
        lots, cost = own, position.cost
    else:
        lots = s.differs_by + own
        entry = s.theirs.entry if s.theirs is not None else 0.0
        cost = cost_of(instrument, lots, entry)
    turned = own * lots <= 0
    deck.emit(PositionAdopted(symbol=symbol, lots=lots, cost=cost, leverage=leverage, reason=reason, taken=taken))
    if turned or lots == 0:
        deck.plan(symbol, None, None)
    if lots and s.plan_stop is None and needs_stop(deck.state.settings):
        plan_again(deck, symbol)
    protect(deck, symbol)
    deck.timer(REPORT_TIMER, SOON_MS)  # what it earned or cost is in the venue's balance
