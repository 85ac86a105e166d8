"""One symbol, the live core, a matching book, and bars: what the core decides at a close reaches the book at the next open.

Within a bar the book sees the open, the worse extreme for the position, the better one, and the close, with every trigger
that lies on the way: stop first when stop and target lie in one bar. Detail bars take the place of the bar where they are
given. The account's liquidation is the venue's doing and no decision of the core.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from engine.arithmetic import bankruptcy, funding_paid, liquidation
from engine.backtest.result import Reason
from engine.core.booking import forget
from engine.core.core import Core
from engine.matching import Accepted, Executed, MatchingBook, Outcome, Rejected, Removed, book_order, through
from engine.model import event as e
from engine.model.command import ReducePosition
from engine.model.decision import CancelSent, Decision, SubmitOrder
from engine.model.forecast import Forecast
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.money import Money, fee_of
from engine.model.order import Fill, OrderRequest, Purpose, Side
from engine.model.position import Position
from engine.model.settings import Settings
from engine.ports import Reading

FORGET_EVERY = 500  # bars
WOULD_TRIGGER = "-2021"


class Trade(NamedTuple):
    """A round trip, as a row of TRADE."""

    entry_bar: int
    exit_bar: int
    entry_time: int
    exit_time: int
    side: int
    lots: int
    entry_ticks: int
    exit_ticks: int
    fee: Money
    funding: Money
    pnl: Money
    reason: int


class Corners(NamedTuple):
    """A bar in ticks with the time that its fills carry, ms UTC."""

    time: int
    open: int
    high: int
    low: int
    close: int


class Simulation:
    """Drives one core over one symbol.

    Args:
        instrument: the contract.
        settings: what the core decides by.
        capital: cash at the start, 1e-8 quote units.
        leverage: of every position; 0 for the one that the core chose.
        start: ms UTC.
        seeded: what the core knows of the strategies before the first bar.
    """

    def __init__(
        self,
        instrument: Instrument,
        settings: Settings,
        capital: Money,
        leverage: int,
        start: int,
        seeded: e.HistorySeeded,
    ) -> None:
        self.trades: list[Trade] = []
        self.core = Core()
        self._instrument = instrument
        self._symbol = instrument.symbol
        self._leverage = leverage
        self._seen = 0
        self._book = MatchingBook(instrument)
        self._pending: deque[Decision] = deque()
        self._bar = 0
        self._time = start
        self._slippage = 0.0
        self._entry: tuple[int, int, Fill] | None = None
        self._funding: Money = 0
        self._refused: Purpose | None = None
        self._requests: dict[str, OrderRequest] = {}
        self._fills = 0
        self._measured: Position | None = None
        self._level = 0
        self._process(
            e.EngineStarted(
                at=start,
                instance="backtest",
                epoch=1,
                mode="backtest",
                venue="bars",
                settings=settings,
                instruments=(instrument,),
                symbols=(self._symbol,),
                balance=capital,
            )
        )
        self._process(seeded)
        self._state = self.core.state.symbols[self._symbol]

    @property
    def position(self) -> Position | None:
        """The core's own."""
        return self._state.position

    @property
    def equity(self) -> Money:
        """Cash and unrealised profit at the newest price, 1e-8 units."""
        return self.core.state.equity()

    @property
    def pending(self) -> bool:
        """Something was decided that the book has not heard of."""
        return bool(self._pending)

    def begin_bar(self, number: int, time: int, slippage: float) -> None:
        """A bar begins at `time`, ms UTC; `slippage` is a fraction of price."""
        self._bar, self._time, self._slippage = number, time, slippage

    def open_bar(self, ticks: int) -> None:
        """What was decided at the close before is filled at the open."""
        quote = self._book.quote = self._quote(ticks)
        self._process(e.ClockTick(at=self._time, view=MarketView(((self._symbol, quote),))))

    def pay(self, rate_e8: int, ticks: int) -> None:
        """Funding falls due at `ticks`; `rate_e8` in 1e-8."""
        position = self._state.position
        if position is None:
            return
        paid = position.side * funding_paid(abs(position.lots) * ticks * self._instrument.unit, rate_e8)
        self._funding += paid
        self._hear(e.FundingPaid(at=self._time, symbol=self._symbol, amount=-paid, venue_time=self._time))

    def within(self, bars: Iterable[Corners]) -> None:
        """Prices of a bar, or of its detail bars, up to the first end of the position."""
        for bar in bars:
            position = self._state.position
            if position is None:
                return
            level = self._liquidation(position)
            levels = self._levels(level)
            before = self._seen
            if levels:
                lowest, highest = min(before, bar.low), max(before, bar.high)
                levels = [one for one in levels if lowest <= one <= highest]
            if not levels:
                self._seen = bar.close
                continue
            self._time = bar.time
            worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
            for ticks in through((bar.open, worst, best), levels):
                self._tell(self._book.market(self._quote(ticks)))
                if self._state.position is not None and level and (ticks - level) * position.side <= 0:
                    self._liquidate(position, ticks)
                if self._state.position is None:
                    return
            self._seen = bar.close

    def _levels(self, liquidation_ticks: int) -> list[int]:
        """Prices at which something happens to the position, ticks."""
        levels = [liquidation_ticks] if liquidation_ticks else []
        for client_id in self._state.orders:
            request = self._requests[client_id]
            if request.trigger is not None:
                levels.append(request.trigger)
        return levels

    def close_bar(
        self, bar: Bar, ticks: int, timeframe_ms: int, reading: Reading, forecast: Forecast | None = None
    ) -> None:
        """The bar is over: the core decides. `forecast` is one that was made at this close."""
        at = bar.open_time + timeframe_ms
        self._time = bar.open_time
        quote = Quote(ticks, ticks, 0, 0, ticks, ticks, at, at)
        self._book.quote, self._seen = quote, ticks
        event = e.BarClosed(
            at=at,
            symbol=self._symbol,
            bar=bar,
            readings=reading.sides,
            stops=reading.stops,
            targets=reading.targets,
            view=MarketView(((self._symbol, quote),)),
            forecast=forecast,
        )
        self._hear(event)
        if self._bar % FORGET_EVERY == 0:
            forget(self.core.state)
            self._requests = {k: v for k, v in self._requests.items() if k in self.core.state.orders}

    def hear(self, event: e.Event) -> None:
        """The core decides on what no bar carries; what it sends waits for the next open."""
        self._hear(event)

    def finish(self, ticks: int) -> None:
        """The data ends: what is open is closed at the last close."""
        if self._state.position is None:
            return
        self._book.quote = self._quote(ticks)
        command = ReducePosition(symbol=self._symbol, percent=100)
        self._process(e.CommandReceived(at=self._time, command_id="end", source="end", command=command))

    def _quote(self, ticks: int) -> Quote:
        self._seen = ticks
        self._book.slippage_ticks = math.ceil(ticks * self._slippage - 1e-9)
        return Quote(ticks, ticks, 0, 0, ticks, ticks, self._time, self._time)

    def _hear(self, event: e.Event) -> None:
        """The core decides; what it sends waits."""
        self._pending.extend(d for d in self.core.process(event) if isinstance(d, (SubmitOrder, CancelSent)))

    def _process(self, event: e.Event) -> None:
        """The core decides, and the book hears of it at once."""
        self._hear(event)
        self._drain()

    def _drain(self) -> None:
        while self._pending:
            decision = self._pending.popleft()
            if isinstance(decision, SubmitOrder):
                request = decision.approved.request
                self._requests[request.client_id] = request
                self._tell(self._book.submit(book_order(request, request.lots)))
            elif isinstance(decision, CancelSent):
                self._cancel(decision.client_id)

    def _cancel(self, client_id: str) -> None:
        outcomes = self._book.cancel(client_id)
        for outcome in outcomes:
            if isinstance(outcome, Rejected):  # it went with its position
                code = str(outcome.code.value)
                event = e.CancelRefused(at=self._time, client_id=client_id, code=code, reason=outcome.reason)
                self._process(event)
                return
        self._tell(outcomes)

    def _tell(self, outcomes: list[Outcome]) -> None:
        now = self._time
        for outcome in outcomes:
            match outcome:
                case Accepted(client_id):
                    self._process(e.OrderAccepted(at=now, client_id=client_id, venue_id=client_id, venue_time=now))
                case Rejected(client_id, code, reason):
                    if code.value == int(WOULD_TRIGGER):
                        self._refused = self._requests[client_id].purpose
                    self._process(e.OrderRefused(at=now, client_id=client_id, code=str(code.value), reason=reason))
                case Executed():
                    self._executed(outcome)
                case Removed(client_id, status, reason, _):
                    self._process(
                        e.OrderGone(at=now, client_id=client_id, status=status, venue_time=now, reason=reason)
                    )

    def _executed(self, done: Executed) -> None:
        instrument = self._instrument
        rate = instrument.maker_ppm if done.maker else instrument.taker_ppm
        fee = fee_of(instrument.notional(done.ticks, done.lots), rate)
        self._booked(
            done.client_id, done.side, done.ticks, done.lots, fee, self._reason(self._requests[done.client_id])
        )

    def _booked(self, client_id: str, side: Side, ticks: int, lots: int, fee: Money, reason: int) -> None:
        self._fills += 1
        fill = Fill(
            trade_id=str(self._fills),
            client_id=client_id,
            symbol=self._symbol,
            side=side,
            ticks=ticks,
            lots=lots,
            fee=fee,
            maker=False,
            venue_time=self._time,
        )
        if self._entry is None:
            self._entry = self._bar, self._time, fill
            self._funding = 0
        else:
            bar, time, first = self._entry
            pnl = first.side * lots * (ticks - first.ticks) * self._instrument.unit
            self.trades.append(
                Trade(
                    bar, self._bar, time, self._time, int(first.side), lots, first.ticks, ticks, first.fee + fee,
                    self._funding, pnl, reason,
                )
            )  # fmt: skip
            self._entry = None
            self._refused = None
        self._process(e.OrderFilled(at=self._time, fill=fill))

    def _reason(self, request: OrderRequest) -> int:
        match request.purpose:
            case Purpose.STOP:
                return Reason.STOP
            case Purpose.TARGET:
                return Reason.TARGET
            case _ if request.origin == "protection":
                return Reason.TARGET if self._refused is Purpose.TARGET else Reason.STOP
            case _ if request.origin.startswith("person:"):
                return Reason.END
            case _:
                return Reason.SIGNAL

    def _liquidation(self, position: Position) -> int:
        """Its liquidation price, ticks; found once for each position, which is another object once it changes."""
        if position is not self._measured:
            entry = abs(position.cost) // (abs(position.lots) * self._instrument.unit)
            leverage = self._leverage or position.leverage
            self._level = int(liquidation(entry, position.side, leverage, self._instrument.maintenance_ppm))
            self._measured = position
        return self._level

    def _liquidate(self, position: Position, ticks: int) -> None:
        """The venue closes the position at `ticks`, never beyond the margin, and takes the taker fee."""
        side, lots = position.side, abs(position.lots)
        entry = abs(position.cost) // (lots * self._instrument.unit)
        margin = bankruptcy(entry, side, self._leverage or position.leverage)
        ticks = max(ticks, margin) if side > 0 else min(ticks, margin)
        self._book.position = 0
        fee = fee_of(self._instrument.notional(ticks, lots), self._instrument.taker_ppm)
        self._booked(f"liquidation-{self._bar}", Side(-side), ticks, lots, fee, Reason.LIQUIDATION)
