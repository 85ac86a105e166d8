"""Depth and tape of the symbols on somebody's screen, conflated to ten times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from engine.model.instrument import Instrument
from engine.view import TRADES_KEPT, Gone
from engine.view_market import DepthView, TapeView, TradeView
from headless.publisher import Publisher

INTERVAL_S = 0.1


class Looker(Protocol):
    """A feed of books that follows what is looked at."""

    def look(self, instruments: tuple[Instrument, ...]) -> None:
        """From now on these, and no others."""
        ...


class Books:
    """Implements BookSink. Symbols whose chart somebody watches have a book; it goes when nobody does any more.

    Args:
        publisher: owner of the desk, and who knows the charts on screen.
        instruments: the contracts that may be looked at, by symbol.
    """

    def __init__(self, publisher: Publisher, instruments: Mapping[str, Instrument]) -> None:
        self._publisher = publisher
        self._instruments = instruments
        self._depths: dict[str, DepthView] = {}
        self._trades: dict[str, list[TradeView]] = {}
        self._looked: frozenset[str] = frozenset()

    def depth(self, book: DepthView) -> None:
        """The newest book of a symbol."""
        if book.symbol in self._looked:
            self._depths[book.symbol] = book

    def traded(self, symbol: str, trade: TradeView) -> None:
        """A trade, for the tape; of a burst only what a tape keeps."""
        if symbol in self._looked:
            rows = self._trades.setdefault(symbol, [])
            rows.append(trade)
            del rows[:-TRADES_KEPT]

    def turn(self, feed: Looker) -> None:
        """Publish what came; follow what is on screen."""
        for book in self._depths.values():
            self._publisher.publish(book)
        for symbol, rows in self._trades.items():
            self._publisher.publish(TapeView(symbol, tuple(rows)))
        self._depths.clear()
        self._trades.clear()
        known = self._instruments
        looked = frozenset(symbol for symbol, _ in self._publisher.watched() if symbol in known)
        if looked != self._looked:
            self._publisher.publish(*(Gone("book", symbol) for symbol in self._looked - looked))
            self._looked = looked
            feed.look(tuple(known[symbol] for symbol in sorted(looked)))

    async def run(self, feed: Looker) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.turn(feed)
