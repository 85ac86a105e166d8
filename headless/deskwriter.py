"""Keeps the published desk equal to the engine: committed entries, quotes, and what only time changes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from engine.core.state import State
from engine.market import Market
from engine.model import decision as d
from engine.model import event as e
from engine.model.market import Bar, Quote
from engine.model.order import Order
from engine.ports import Entry
from engine.view import Change, Gone, NoteView, StatusView, StepView
from engine.view_market import FundingView, Quotes, QuoteView, WatchView
from headless import pictures
from headless.publisher import Publisher

DAY_MS = 86_400_000
SPARK = 24


class DeskWriter:
    """Implements MarketWatcher and the runtime's Watcher.

    Args:
        publisher: owner of the desk.
        state: the core's state; read only.
        market: quotes and bars.
    """

    def __init__(self, publisher: Publisher, state: State, market: Market) -> None:
        self._publisher = publisher
        self._state = state
        self._market = market

    def begin(self) -> None:
        """Everything the recovered state knows."""
        state = self._state
        changes: list[Change] = [pictures.instrument(i) for s, i in state.instruments.items() if s in state.symbols]
        changes += state.signals.values()
        changes += [pictures.ballot(symbol, heard) for symbol, heard in state.heard.items() if symbol in state.symbols]
        self._publisher.publish(*changes)
        for symbol in state.symbols:
            self.symbol(symbol)
            self.watch(symbol)
        self._publisher.publish(pictures.account(state))

    def committed(self, entries: Sequence[Entry]) -> None:
        """A batch was journaled."""
        touched: dict[str, None] = {}
        changes: list[Change] = []
        for entry in entries:
            event = entry.event
            match event:
                case e.ForecasterSet(symbol=symbol) | e.OutcomesKnown(symbol=symbol) if (
                    symbol in self._publisher.desk.boards
                ):
                    changes.append(pictures.board(self._state, self._state.symbols[symbol]))
                case e.BarClosed(symbol=symbol):
                    touched[symbol] = None
                    changes.append(pictures.board(self._state, self._state.symbols[symbol]))
                case e.OrderFilled(fill=fill):
                    touched[fill.symbol] = None
                    changes.append(pictures.fill(self._state, fill))
                case e.HistorySeeded(symbol=symbol) | e.FundingPaid(symbol=symbol):
                    touched[symbol] = None
                case e.VotesCast(symbol=symbol) if symbol in self._state.heard:
                    changes.append(pictures.ballot(symbol, self._state.heard[symbol]))
                case e.Reconciled():
                    touched.update(dict.fromkeys(self._state.symbols))
                    self._outside_orders(changes)
                case e.ClockTick():
                    touched.update(
                        {s: None for s, x in self._state.symbols.items() if x.position is not None or x.orders}
                    )
                case (
                    e.OrderAccepted(client_id=client_id)
                    | e.OrderRefused(client_id=client_id)
                    | e.OrderGone(client_id=client_id)
                    | e.OrderLost(client_id=client_id)
                    | e.OrderNotFound(client_id=client_id)
                    | e.CancelRefused(client_id=client_id)
                ):
                    order = self._state.orders.get(client_id)
                    if order is not None:
                        touched[order.request.symbol] = None
                case _:
                    pass
            for decision in entry.decisions:
                self._decided(entry, decision, touched, changes)
        self._publisher.publish(*changes)
        for symbol in touched:
            if symbol in self._state.symbols:
                self.symbol(symbol)
        if touched:
            self._publisher.publish(pictures.account(self._state))

    def _decided(self, entry: Entry, decision: d.Decision, touched: dict[str, None], changes: list[Change]) -> None:
        match decision:
            case d.SignalDecided(signal=signal):
                changes.append(signal)
            case d.Noted(level=level, text=text, symbol=symbol):
                changes.append(NoteView(entry.event.at, level.value, text, symbol, entry.seq))
            case d.AskVotes():
                changes.append(pictures.question(decision, entry.event.at))
            case d.SubmitOrder(approved=approved):
                touched[approved.request.symbol] = None
            case d.PositionAdopted(symbol=symbol) | d.PositionIgnored(symbol=symbol):
                touched[symbol] = None
            case d.SymbolHeld(symbol=symbol) | d.PlanSet(symbol=symbol):
                touched[symbol] = None
                changes.append(pictures.board(self._state, self._state.symbols[symbol]))
            case d.CancelSent(client_id=client_id):
                order: Order | None = self._state.orders.get(client_id)
                if order is not None:
                    touched[order.request.symbol] = None
            case _:
                pass

    def _outside_orders(self, changes: list[Change]) -> None:
        """The venue was asked: orders there that are nobody's here."""
        held = self._state.outside
        contracts = self._state.instruments
        changes += [pictures.outside_order(one) for one in held.values() if one.symbol in contracts]
        changes += [Gone("outside order", key) for key in self._publisher.desk.outside_orders if key not in held]

    def symbol(self, symbol: str) -> None:
        """Board, position, open orders and what others did to a symbol."""
        state, desk = self._state, self._publisher.desk
        s = state.symbols[symbol]
        changes: list[Change] = []
        if s.known and symbol not in desk.boards:
            changes.append(pictures.board(state, s))
        if s.position is not None:
            changes.append(pictures.position(state, s.position))
        elif symbol in desk.positions:
            changes.append(Gone("position", symbol))
        theirs = pictures.outside(state, s)
        if theirs is not None:
            changes.append(theirs)
        elif symbol in desk.outside:
            changes.append(Gone("outside", symbol))
        changes += [pictures.order(state.orders[client_id]) for client_id in s.orders]
        known = set(s.orders)
        changes += [Gone("order", i) for i, o in desk.orders.items() if o.symbol == symbol and i not in known]
        self._publisher.publish(*changes)

    def quoted(self, symbol: str, quote: Quote) -> None:
        """A quote for the screen."""
        self._publisher.publish(
            Quotes((QuoteView(symbol, quote.bid, quote.ask, quote.last, quote.mark, quote.received),))
        )

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """The watchlist moves with each closed bar."""
        if closed:
            self.watch(symbol)

    def watch(self, symbol: str) -> None:
        """Change, volume and sparkline of a symbol."""
        bars = self._market.base(symbol)[-(DAY_MS // self._market.base_ms) :]
        if len(bars) == 0:
            return
        first, last = float(bars.open[0]), float(bars.close[-1])
        step = max(1, min(len(bars), 240) // SPARK)
        spark = tuple(bars.close[::-1][: SPARK * step : step][::-1].tolist())
        self._publisher.publish(WatchView(symbol, last / first - 1.0, float(bars.volume.sum()), spark))

    def funding(self, rates: Mapping[str, tuple[float, int]]) -> None:
        """Funding rates by symbol, and when they are paid; no finer than the screen shows them."""
        self._publisher.publish(*(FundingView(symbol, round(rate, 6), at) for symbol, (rate, at) in rates.items()))

    def status(
        self,
        *,
        mode: str,
        venue: str,
        ready: bool,
        steps: tuple[StepView, ...],
        read_only: str,
        stalled: str,
        clock: int,
        now: int,
        forecaster: bool = False,
    ) -> None:
        """The engine at a glance."""
        state = self._state
        self._publisher.publish(pictures.account(state))
        received = max((q.received for q in self._market.quotes.values()), default=0)
        self._publisher.publish(
            StatusView(
                mode=mode,
                venue=venue,
                autonomy=state.autonomy.value,
                paused=state.paused,
                halt=state.halt,
                read_only=read_only,
                stalled=stalled,
                ready=ready,
                steps=steps,
                feed_up=state.links.get("feed", False),
                feed_age_ms=max(0, now - received) if received else -1,
                venue_up=state.links.get("venue", False),
                voters=state.settings.voters,
                benched=tuple(state.benched),
                forecaster=forecaster,
                epoch=state.epoch,
                timeframe_ms=state.settings.timeframe_ms,
                clock=clock,
                pid=os.getpid(),
                day_loss_limit=state.settings.day_loss,
                max_positions=state.settings.max_positions,
                max_leverage=state.settings.max_leverage,
                risk_fraction=state.settings.risk_fraction,
            )
        )
