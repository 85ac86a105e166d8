"""The simulated exchange without any I/O: books, one account, orders, funding and liquidation.

Everything happens at the simulated time of the newest step. What a user stream would tell is handed to `listener`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from engine.errors import InvariantBroken, VenueRejected
from engine.matching import Accepted, Executed, MatchingBook, Outcome, Rejected, Removed, Triggered
from engine.model.instrument import Instrument
from engine.model.market import Quote
from engine.model.money import Money, booked, fee_of
from engine.model.order import OrderKind, OrderStatus, Side
from engine.simulator.account import FUNDING_INTERVAL_MS, Account, Holding, funding_rate_e8
from engine.simulator.happenings import AccountMoved, AlgoMoved, Happening, LeverageSet, OrderMoved, OrderTraded
from engine.simulator.market import Step
from engine.simulator.orders import AlgoState, Income, NewOrder, OrderState, SimOrder, Trade
from engine.simulator.wire import Wire


class Exchange:
    """One venue with one account in one-way mode and isolated margin; `duplicates` counts ids that were sent again.

    Args:
        instruments: what is listed.
        balance: wallet balance, 1e-8 quote units.
        start: simulated time, ms UTC.
        listener: told of everything that happens to the account.
    """

    def __init__(
        self, instruments: tuple[Instrument, ...], balance: Money, start: int, listener: Callable[[Happening], None]
    ) -> None:
        self.now = start
        self.hedged = False
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.wires = {instrument.symbol: Wire(instrument) for instrument in instruments}
        self.books = {instrument.symbol: MatchingBook(instrument) for instrument in instruments}
        self.account = Account(balance, instruments)
        self.orders: dict[str, SimOrder] = {}
        self.by_order_id: dict[int, SimOrder] = {}
        self.by_algo_id: dict[int, SimOrder] = {}
        self.trades: list[Trade] = []
        self.income: list[Income] = []
        self.duplicates = 0
        self._active: dict[str, SimOrder] = {}
        self._ids = count(1_000_001)
        self._listener = listener

    def active(self) -> tuple[SimOrder, ...]:
        """Orders that work or wait, oldest first."""
        return tuple(self._active.values())

    def step(self, step: Step) -> None:
        """Move the market: fills, triggers, mark price, funding, liquidation."""
        before, self.now = self.now, step.at
        if self.now // FUNDING_INTERVAL_MS > before // FUNDING_INTERVAL_MS:
            self._fund(self.now - self.now % FUNDING_INTERVAL_MS)
        holding = self.account.holdings[step.symbol]
        if step.trade:
            holding.mark = step.trade
        mark = holding.mark
        quote = Quote(step.bid, step.ask, step.bid_lots, step.ask_lots, mark, mark, step.at, step.at)
        outcomes = self.books[step.symbol].market(quote)
        if outcomes:
            self._apply(step.symbol, outcomes)
        if holding.lots and holding.liquidated:
            self._liquidate(holding)

    def place(self, new: NewOrder) -> SimOrder:
        """Take an order; raises VenueRejected with Binance's code when it is refused."""
        if self.hedged:
            raise VenueRejected("Order's position side does not match user's setting.", "-4061")
        if new.client_id in self.orders:
            self.duplicates += 1
            raise VenueRejected("ClientOrderId is duplicated.", "-4116")
        refused = self.books[new.symbol].check(new.for_book())
        if refused is not None:
            raise VenueRejected(refused.reason, str(refused.code.value))
        if not new.conditional and not new.reduce_only:
            self._check_margin(new)
        if new.time_in_force == "FOK" and not self._fills_at_once(new):
            text = "Due to the order could not be filled immediately, the FOK order has been rejected."
            raise VenueRejected(text, "-5021")
        outcomes = self.books[new.symbol].submit(new.for_book())
        order = self._register(new)
        self._apply(new.symbol, outcomes)
        if new.time_in_force == "IOC" and order.working:
            reason = "immediate or cancel"
            self._apply(new.symbol, self.books[new.symbol].cancel(new.client_id, OrderStatus.EXPIRED, reason))
        return order

    def place_in_vain(self, new: NewOrder, reason: str) -> SimOrder:
        """Take an order and end it at once, as venues do that refuse only after they have accepted."""
        order = self._register(new)
        self._listener(OrderMoved(order, "NEW"))
        self._removed(order, Removed(new.client_id, OrderStatus.EXPIRED, reason, 0))
        return order

    def cancel(self, order: SimOrder) -> SimOrder:
        """Cancel an order that works or waits; raises VenueRejected (-2011) for any other."""
        outcomes = self.books[order.new.symbol].cancel(order.new.client_id)
        if isinstance(outcomes[0], Rejected):
            raise VenueRejected("Unknown order sent.", "-2011")
        self._apply(order.new.symbol, outcomes)
        return order

    def amend(self, order: SimOrder, lots: int, price: int) -> SimOrder:
        """Change size and price of a working limit order."""
        outcomes = self.books[order.new.symbol].amend(order.new.client_id, lots, price)
        refused = outcomes[0]
        if isinstance(refused, Rejected):
            raise VenueRejected(refused.reason, str(refused.code.value))
        changes = {"lots": lots, "price": price}
        order.new = NewOrder(
            **{name: changes.get(name, getattr(order.new, name)) for name in NewOrder.__struct_fields__}
        )
        order.updated = self.now
        self._listener(OrderMoved(order, "AMENDMENT"))
        self._apply(order.new.symbol, outcomes[1:])
        return order

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Change the leverage of a symbol; refused outside 1..max (-4028) and lowered under a position (-4161)."""
        holding = self.account.holdings[symbol]
        if not 1 <= leverage <= holding.instrument.max_leverage:
            raise VenueRejected(f"Leverage {leverage} is not valid", "-4028")
        if holding.lots and leverage < holding.leverage:
            text = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
            raise VenueRejected(text, "-4161")
        if leverage != holding.leverage:
            holding.leverage = leverage
            holding.changed()
            self._listener(LeverageSet(holding))

    def set_hedge_mode(self, *, hedged: bool) -> None:
        """Switch between one-way and hedge mode as an account's owner would; refused as Binance refuses it.

        Only the mode is remembered: in hedge mode the account takes no orders, for none of ours may be sent to it.
        """
        if hedged == self.hedged:
            raise VenueRejected("No need to change position side.", "-4059")
        if self._active:
            raise VenueRejected("Position side cannot be changed if there exists open orders.", "-4067")
        if any(holding.lots for holding in self.account.holdings.values()):
            raise VenueRejected("Position side cannot be changed if there exists position.", "-4068")
        self.hedged = hedged

    def order_margin(self, order: SimOrder) -> Money:
        """Initial margin that a working entry order holds back, 1e-8 units."""
        new = order.new
        if not order.working or new.reduce_only or new.price is None:
            return 0
        return self._margin_of(new.symbol, new.side, new.price, new.lots - order.filled)

    @property
    def available(self) -> Money:
        """Wallet less the margin of positions and working orders."""
        return self.account.wallet - self.account.margin - sum(self.order_margin(o) for o in self._active.values())

    def next_funding(self) -> int:
        """The next funding time, ms UTC."""
        return self.now - self.now % FUNDING_INTERVAL_MS + FUNDING_INTERVAL_MS

    def _margin_of(self, symbol: str, side: Side, ticks: int, lots: int) -> Money:
        holding = self.account.holdings[symbol]
        opening = max(0, lots - max(0, -holding.lots * side))
        return booked(holding.instrument.notional(ticks, opening), holding.leverage)

    def _check_margin(self, new: NewOrder) -> None:
        quote = self.books[new.symbol].quote
        best = 0 if quote is None else quote.ask if new.side is Side.BUY else quote.bid
        ticks = new.price or best
        instrument = self.instruments[new.symbol]
        margin = self._margin_of(new.symbol, new.side, ticks, new.lots)
        if margin and margin + fee_of(instrument.notional(ticks, new.lots), instrument.taker_ppm) > self.available:
            raise VenueRejected("Margin is insufficient.", "-2019")

    def _fills_at_once(self, new: NewOrder) -> bool:
        quote = self.books[new.symbol].quote
        if quote is None or new.price is None:
            return False
        best, size = (quote.ask, quote.ask_lots) if new.side is Side.BUY else (quote.bid, quote.bid_lots)
        return (best - new.price) * new.side <= 0 and (size == 0 or new.lots <= size)

    def _register(self, new: NewOrder) -> SimOrder:
        order = SimOrder(new, self.now)
        if new.conditional:
            order.algo_id = next(self._ids)
            self.by_algo_id[order.algo_id] = order
        else:
            order.order_id = next(self._ids)
            self.by_order_id[order.order_id] = order
        self.orders[new.client_id] = order
        self._active[new.client_id] = order
        return order

    def _apply(self, symbol: str, outcomes: list[Outcome]) -> None:
        """Carry a book's outcomes into orders, account and user stream, in order."""
        for outcome in outcomes:
            order = self.orders[outcome.client_id]
            if isinstance(outcome, Executed):
                self._executed(symbol, order, outcome)
            elif isinstance(outcome, Removed):
                self._removed(order, outcome)
            elif isinstance(outcome, Triggered):
                self._triggered(order)
            elif isinstance(outcome, Accepted):
                self._accepted(order)
            else:
                raise InvariantBroken(f"the book of {symbol} rejected {outcome.client_id} after it had accepted it")

    def _accepted(self, order: SimOrder) -> None:
        if order.algo_id:
            self._listener(AlgoMoved(order))
        else:
            self._listener(OrderMoved(order, "NEW"))

    def _triggered(self, order: SimOrder) -> None:
        order.triggered = order.updated = self.now
        order.algo_state = AlgoState.TRIGGERING
        self._listener(AlgoMoved(order))
        order.order_id = next(self._ids)
        self.by_order_id[order.order_id] = order
        order.algo_state = AlgoState.TRIGGERED
        self._listener(AlgoMoved(order))
        self._listener(OrderMoved(order, "NEW"))

    def _executed(self, symbol: str, order: SimOrder, done: Executed) -> None:
        instrument = self.instruments[symbol]
        rate = instrument.maker_ppm if done.maker else instrument.taker_ppm
        fee = fee_of(instrument.notional(done.ticks, done.lots), rate)
        realised = self.account.fill(symbol, done.lots * done.side, done.ticks, fee, self.now)
        order.filled += done.lots
        order.value += done.ticks * done.lots
        order.updated = self.now
        order.state = OrderState.PARTIALLY_FILLED if done.left else OrderState.FILLED
        trade = Trade(
            trade_id=next(self._ids),
            order=order,
            ticks=done.ticks,
            lots=done.lots,
            fee=fee,
            realised=realised,
            maker=done.maker,
            time=self.now,
        )
        self.trades.append(trade)
        self._book(symbol, "COMMISSION", -fee, str(trade.trade_id))
        if realised:
            self._book(symbol, "REALIZED_PNL", realised, str(trade.trade_id))
        self._listener(OrderTraded(trade))
        self._tell_account("ORDER", symbol, 0)
        if done.left == 0:
            self._finished(order)

    def _removed(self, order: SimOrder, outcome: Removed) -> None:
        order.updated = self.now
        order.state = OrderState(outcome.status.name)
        order.reason = outcome.reason
        if order.order_id:
            self._listener(OrderMoved(order, order.state.value))
        else:
            order.algo_state = AlgoState(outcome.status.name)
            self._listener(AlgoMoved(order, outcome.reason))
        self._finished(order)

    def _finished(self, order: SimOrder) -> None:
        self._active.pop(order.new.client_id, None)
        if order.algo_id and order.order_id:
            order.algo_state = AlgoState.FINISHED
            self._listener(AlgoMoved(order))

    def _fund(self, time: int) -> None:
        for symbol, holding in self.account.holdings.items():
            if holding.lots:
                amount = self.account.fund(symbol, funding_rate_e8(symbol, time))
                self._book(symbol, "FUNDING_FEE", amount, "")
                self._tell_account("FUNDING_FEE", symbol, amount)

    def _liquidate(self, holding: Holding) -> None:
        """Close a position whose margin is used up: its orders go, then it executes as a market order."""
        symbol = holding.instrument.symbol
        book = self.books[symbol]
        for resting in book.resting():
            self._apply(symbol, book.cancel(resting.order.client_id, OrderStatus.EXPIRED, "liquidation"))
        side = Side.SELL if holding.lots > 0 else Side.BUY
        while holding.lots:
            new = NewOrder(
                symbol=symbol,
                client_id=f"autoclose-{self.now}-{next(self._ids)}",
                side=side,
                kind=OrderKind.MARKET,
                lots=min(max(abs(holding.lots), holding.instrument.min_lots), holding.instrument.max_lots),
                reduce_only=True,
            )
            outcomes = book.submit(new.for_book())
            if isinstance(outcomes[0], Rejected):
                return  # no price to close at: the next quote tries again
            self._register(new)
            self._apply(symbol, outcomes)

    def _book(self, symbol: str, kind: str, amount: Money, trade_id: str) -> None:
        entry = Income(
            symbol=symbol, kind=kind, amount=amount, time=self.now, tran_id=next(self._ids), trade_id=trade_id
        )
        self.income.append(entry)

    def _tell_account(self, reason: str, symbol: str, change: Money) -> None:
        self._listener(AccountMoved(self.account.holdings[symbol], reason, change))
