"""From the core's state to what a station replicates."""

from __future__ import annotations

from engine.core import outside as outsiders
from engine.core.state import Heard, State, SymbolState
from engine.model.decision import AskVotes
from engine.model.forecast import Outlook
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, OrderStatus, Purpose
from engine.model.position import Position, liquidation_ticks
from engine.model.venue import VenueOrder
from engine.model.vote import Vote
from engine.strategies import BOARD, STRATEGIES
from engine.view import AccountView, FillView, InstrumentView, OrderView, OutsideOrderView, OutsideView, PositionView
from engine.view_board import BallotView, BoardView, ReadingView, VoteView

_STRATEGIES = tuple(STRATEGIES)

REASON_LENGTH = 160


def instrument(one: Instrument) -> InstrumentView:
    """Grid, caps and fees."""
    return InstrumentView(
        symbol=one.symbol,
        tick_size=one.tick_size,
        lot_size=one.lot_size,
        price_decimals=one.price_decimals,
        lot_decimals=one.lot_decimals,
        unit=one.unit,
        min_notional=one.min_notional,
        max_leverage=one.max_leverage,
        maker_ppm=one.maker_ppm,
        taker_ppm=one.taker_ppm,
        maintenance_ppm=one.maintenance_ppm,
    )


def account(state: State) -> AccountView:
    """Equity and the day, at the newest marks the core has seen."""
    equity = state.equity()
    start = state.day_start
    lost = max(0, start - equity) / start if start > 0 else 0.0
    return AccountView(
        equity=equity,
        cash=state.cash or 0,
        unrealised=equity - (state.cash or 0),
        day_pnl=equity - start if start else 0,
        day_start=start,
        drawdown=max(0, state.peak - equity) / state.peak if state.peak > 0 else 0.0,
        exposure=state.exposure() / equity if equity > 0 else 0.0,
        day_loss_used=lost,
    )


def board(state: State, s: SymbolState) -> BoardView:
    """Six readings, weights and records of a symbol."""
    tick = float(state.instruments[s.symbol].tick_size)
    rows = tuple(
        ReadingView(name, s.sides[i], s.weights[i], r.trades, r.win_rate, r.expectancy)
        for i, name in enumerate(_STRATEGIES)
        for r in (s.records[i],)
    )
    own = s.records[-1]
    return BoardView(
        symbol=s.symbol,
        score=s.score,
        zone=s.zone,
        readings=rows,
        record=ReadingView(BOARD, s.zone, 1.0, own.trades, own.win_rate, own.expectancy),
        held=s.held,
        bar_time=s.bar.open_time if s.bar is not None else 0,
        stop_ticks=round(s.stop_distance / tick),
        target_ticks=round(s.target_distance / tick),
        outlook=Outlook(s.forecast, s.bar.close) if s.forecast is not None and s.bar is not None else None,
        model=s.model,
    )


def _proof(state: State, position: Position, purpose: Purpose) -> tuple[int, str]:
    """When the venue confirmed a working leg over the whole position, ms UTC, and its id there; 0 and empty without."""
    for order in state.open_orders(position.symbol):
        whole = order.remaining == abs(position.lots)
        if order.request.purpose is purpose and order.status is OrderStatus.WORKING and whole:
            return order.confirmed, order.venue_id
    return 0, ""


def position(state: State, one: Position) -> PositionView:
    """A position with the proof of its protection."""
    contract = state.instruments[one.symbol]
    mark = state.symbols[one.symbol].mark
    margin = abs(one.cost) // one.leverage
    stop_confirmed, stop_id = _proof(state, one, Purpose.STOP)
    target_confirmed, target_id = _proof(state, one, Purpose.TARGET)
    return PositionView(
        symbol=one.symbol,
        lots=one.lots,
        entry=one.entry_ticks(contract),
        mark=mark,
        unrealised=one.unrealised(contract, mark),
        realised=one.realised,
        fees=one.fees,
        funding=one.funding,
        margin=margin,
        leverage=one.leverage,
        stop=one.stop,
        target=one.target,
        stop_confirmed=stop_confirmed,
        target_confirmed=target_confirmed,
        liquidation=liquidation_ticks(contract, one.lots, one.cost, margin),
        opened=one.opened,
        origin=one.origin,
        stop_id=stop_id,
        target_id=target_id,
    )


def order(one: Order) -> OrderView:
    """An open order."""
    r = one.request
    return OrderView(
        client_id=r.client_id,
        symbol=r.symbol,
        side=r.side,
        kind=r.kind,
        purpose=r.purpose,
        status=one.status,
        lots=r.lots,
        filled=one.filled,
        price=r.price,
        trigger=r.trigger,
        reduce_only=r.reduce_only,
        created=one.created,
        confirmed=one.confirmed,
        origin=r.origin,
    )


def outside(state: State, s: SymbolState) -> OutsideView | None:
    """The position of a symbol as far as somebody else made it, None where all of it is the desk's doing."""
    position, theirs = s.position, s.theirs
    booked = outsiders.booked(s)
    if not (booked or s.ignored or (outsiders.differs(s) and s.mismatches > 1)):
        return None
    contract = state.instruments[s.symbol]
    ours = position.lots if position is not None and not booked else 0
    if position is not None and booked and not outsiders.differs(s):
        lots, entry = position.lots, position.entry_ticks(contract)
    else:
        lots = theirs.lots if theirs is not None else 0
        entry = theirs.entry / float(contract.tick_size) if theirs is not None else 0.0
    return OutsideView(
        symbol=s.symbol,
        ours=ours,
        theirs=lots,
        our_entry=position.entry_ticks(contract) if position is not None and ours else 0.0,
        entry=entry,
        leverage=theirs.leverage if theirs is not None else position.leverage if position is not None else 0,
        left=s.held == outsiders.LEFT_ALONE,
    )


def outside_order(one: VenueOrder) -> OutsideOrderView:
    """An open order that is nobody's here."""
    return OutsideOrderView(
        client_id=one.client_id,
        venue_id=one.venue_id,
        symbol=one.symbol,
        side=one.side,
        lots=one.lots,
        filled=one.filled,
        price=one.price,
        trigger=one.trigger,
        reduce_only=one.reduce_only,
        conditional=one.conditional or one.trigger is not None,
        at=one.venue_time,
    )


def fill(state: State, one: Fill) -> FillView:
    """An execution, for the blotter and the chart."""
    known = state.orders.get(one.client_id)
    return FillView(
        trade_id=one.trade_id,
        symbol=one.symbol,
        side=one.side,
        ticks=one.ticks,
        lots=one.lots,
        fee=one.fee,
        purpose=known.request.purpose if known is not None else Purpose.EXIT,
        at=one.venue_time,
    )


def question(asked: AskVotes, at: int) -> BallotView:
    """A ballot that is still open; `at` ms UTC."""
    return BallotView(symbol=asked.symbol, signal_id=asked.signal_id, side=asked.side, at=at)


def ballot(symbol: str, heard: Heard) -> BallotView:
    """The votes and what they amounted to."""
    return BallotView(
        symbol=symbol,
        signal_id=heard.signal_id,
        side=heard.side,
        at=heard.at,
        votes=tuple(_vote(vote) for vote in heard.votes),
        stance=heard.found.stance.value,
        confidence=heard.found.confidence,
        least=heard.least,
        reason=heard.found.reason,
    )


def _vote(vote: Vote) -> VoteView:
    said = vote.reasons[0] if vote.reasons else vote.why
    return VoteView(
        vote.voter,
        vote.model,
        vote.stance.value if vote.stance is not None else "",
        vote.confidence,
        said[:REASON_LENGTH],
        vote.latency_ms,
        vote.cost,
        len(vote.flags),
        vote.simulated,
    )
