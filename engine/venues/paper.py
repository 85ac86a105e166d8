"""The paper venue: real quotes, pretended fills, by the same matching book the simulated exchange uses.

Its orders live in the journal: it is rebuilt from the state the engine recovered, so it needs no storage of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.bars import Bars
from engine.core.state import State
from engine.matching import (
    Accepted,
    Executed,
    MatchingBook,
    Outcome,
    Rejected,
    Removed,
    Triggered,
    book_order,
    through,
)
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import EMPTY_VIEW, MarketView, Quote
from engine.model.money import fee_of
from engine.model.order import Approved, Fill, Order, OrderRequest, OrderStatus
from engine.model.venue import VenueOrder, VenuePosition, VenueReport
from engine.ports import Clock, VenueSink
from engine.venues.unopened import Unopened


class PaperVenue:
    """Implements Venue.

    Args:
        clock: received times.
        state: the recovered state: cash, positions and open orders are the journal's, the venue keeps only the books.
    """

    name = "paper"

    def __init__(self, clock: Clock, state: State) -> None:
        self.user_events = 0
        self._clock = clock
        self._state = state
        self._books: dict[str, MatchingBook] = {}
        self._instruments: dict[str, Instrument] = {}
        self._fills: dict[str, int] = {}
        self._sink: VenueSink = Unopened()
        self._settling: MarketView | None = None
        self._times: dict[str, int] = {}

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Rebuild the books from the journal's positions and open orders."""
        self._sink = sink
        for instrument in instruments:
            s = self._state.symbols.get(instrument.symbol)
            lots = s.position.lots if s is not None and s.position is not None else 0
            self._instruments[instrument.symbol] = instrument
            self._books[instrument.symbol] = MatchingBook(instrument, position=lots)
        for order in orders:
            request = order.request
            self._fills[request.client_id] = order.executions
            if order.status in {OrderStatus.WORKING, OrderStatus.CANCELING} and request.symbol in self._books:
                rest = book_order(request, order.remaining)
                self._tell(request.symbol, self._books[request.symbol].submit(rest), quiet=True)
        sink.link("venue", up=True, reason="")

    async def close(self) -> None:
        """Nothing to release."""

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Match against the newest quote."""
        request = approved.request
        book = self._books[request.symbol]
        if request.client_id in self._fills:  # one id is one order, also when it is filled and gone
            reason = "ClientOrderId is duplicated."
            self._put(e.OrderLost(at=self._now(), client_id=request.client_id, reason=reason))
            return
        if book.quote is None and request.price is None and request.trigger is None:
            self._put(
                e.OrderRefused(at=self._now(), client_id=request.client_id, code="", reason="there is no quote yet")
            )
            return
        self._fills[request.client_id] = 0
        self._tell(request.symbol, book.submit(book_order(request, request.lots)))

    async def cancel(self, order: Order) -> None:
        """Take it out of the book."""
        request = order.request
        outcomes = self._books[request.symbol].cancel(request.client_id)
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                self._put(
                    e.CancelRefused(
                        at=self._now(),
                        client_id=request.client_id,
                        code=str(outcome.code.value),
                        reason=outcome.reason,
                    )
                )
                return
        self._tell(request.symbol, outcomes)

    async def query(self, order: Order) -> None:
        """In the book it works; anything else never arrived."""
        request = order.request
        if any(r.order.client_id == request.client_id for r in self._books[request.symbol].resting()):
            self._accept(request.client_id)
        else:
            self._put(e.OrderNotFound(at=self._now(), client_id=request.client_id))

    async def report(self, since: int, orders: Sequence[Order] = ()) -> VenueReport:
        """The books, and the journal's own cash."""
        resting_orders = [
            VenueOrder(
                client_id=resting.order.client_id,
                venue_id=f"paper:{resting.order.client_id}",
                symbol=symbol,
                status=OrderStatus.WORKING,
                filled=resting.filled,
                reduce_only=resting.order.reduce_only,
                venue_time=self._now(),
                conditional=resting.order.trigger is not None,
                side=resting.order.side,
                lots=resting.order.lots,
                price=resting.order.price,
                trigger=resting.order.trigger,
            )
            for symbol, book in self._books.items()
            for resting in book.resting()
        ]
        positions = [
            VenuePosition(symbol=symbol, lots=book.position, entry=0.0)
            for symbol, book in self._books.items()
            if book.position
        ]
        return VenueReport(
            orders=tuple(resting_orders),
            positions=tuple(positions),
            fills=(),
            balance=self._state.cash or 0,
            venue_time=self._now(),
        )

    def market(self, view: MarketView, now: int) -> None:
        """New quotes: triggers and fills."""
        for symbol, quote in view.quotes:
            book = self._books.get(symbol)
            if book is not None and quote.bid > 0 and quote.ask > 0:
                self._times[symbol] = quote.venue_time
                self._tell(symbol, book.market(quote))

    def settle(self, symbol: str, bars: Bars) -> None:
        """After downtime: each missed bar as open, then its worse extreme for the position, then the other, then close.

        That is stop first when stop and target lie in one bar; a trigger inside the bar fills there, a gap through it at
        the open. The fills are marked as backfilled and bring the price of their moment with them: a settlement that is
        cut off goes on after the bar of its newest fill.
        """
        book, instrument = self._books[symbol], self._instruments[symbol]
        for bar in bars:
            worse, better = (bar.low, bar.high) if book.position >= 0 else (bar.high, bar.low)
            corners = [instrument.nearest_ticks(price) for price in (bar.open, worse, better, bar.close)]
            triggers = [r.order.trigger for r in book.resting() if r.order.trigger is not None]
            for ticks in through(corners, triggers):
                self._times[symbol] = bar.open_time
                quote = Quote(ticks, ticks + 1, 0, 0, ticks, ticks, bar.open_time, bar.open_time)
                self._settling = MarketView(((symbol, quote),))
                self._tell(symbol, book.market(quote))
        self._settling = None

    def _tell(self, symbol: str, outcomes: Sequence[Outcome], *, quiet: bool = False) -> None:
        for outcome in outcomes:
            match outcome:
                case Accepted(client_id=client_id):
                    if not quiet:
                        self._accept(client_id)
                case Rejected(client_id=client_id, code=code, reason=reason):
                    self._put(e.OrderRefused(at=self._now(), client_id=client_id, code=str(code.value), reason=reason))
                case Executed():
                    self._filled(symbol, outcome)
                case Removed(client_id=client_id, status=status, reason=reason):
                    self._put(
                        e.OrderGone(
                            at=self._now(), client_id=client_id, status=status, venue_time=self._now(), reason=reason
                        )
                    )
                case Triggered():
                    pass

    def _filled(self, symbol: str, done: Executed) -> None:
        instrument = self._instruments[symbol]
        number = self._fills.get(done.client_id, 0) + 1
        self._fills[done.client_id] = number
        rate = instrument.maker_ppm if done.maker else instrument.taker_ppm
        fill = Fill(
            trade_id=f"{done.client_id}/{number}",
            client_id=done.client_id,
            symbol=symbol,
            side=done.side,
            ticks=done.ticks,
            lots=done.lots,
            fee=fee_of(instrument.notional(done.ticks, done.lots), rate),
            maker=done.maker,
            venue_time=self._times.get(symbol, self._now()),
        )
        view = self._settling
        self._put(e.OrderFilled(at=self._now(), fill=fill, view=view or EMPTY_VIEW, backfilled=view is not None))

    def _accept(self, client_id: str) -> None:
        self._put(
            e.OrderAccepted(at=self._now(), client_id=client_id, venue_id=f"paper:{client_id}", venue_time=self._now())
        )

    def _now(self) -> int:
        return self._clock.now()

    def _put(self, event: e.Event) -> None:
        self._sink.event(event)
