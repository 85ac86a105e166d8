"""Depth and trades of what is looked at, over the simulated exchange's real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from engine.feeds.book_feed import LEVELS, BookFeed
from engine.model.instrument import Instrument
from engine.runtime import SystemClock
from engine.simulator.prices import GeneratedMarket
from engine.simulator.server import RunningSimulator, serve
from engine.venues.ccxt_client import Access
from engine.view_market import DepthView, TradeView

PATIENCE_S = 60.0


class Sink:
    """Keeps what came and tells of it."""

    def __init__(self) -> None:
        self.books: list[DepthView] = []
        self.trades: list[tuple[str, TradeView]] = []
        self.news = asyncio.Event()

    def depth(self, book: DepthView) -> None:
        self.books.append(book)
        self.news.set()

    def traded(self, symbol: str, trade: TradeView) -> None:
        self.trades.append((symbol, trade))
        self.news.set()

    async def both(self, symbol: str) -> None:
        """Wait for a book and a trade of a symbol."""
        async with asyncio.timeout(PATIENCE_S):
            while not (any(b.symbol == symbol for b in self.books) and any(s == symbol for s, _ in self.trades)):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    running = await serve(GeneratedMarket(4, 2, start=1_750_000_020_000, history_bars=5), speed=20.0, seed=4)
    yield running
    await running.stop()


def listed(instrument: Instrument, exchange: str) -> Instrument:
    """A contract by the name that an exchange has for it."""
    name = f"{instrument.symbol.partition('/')[0]}-USDT-SWAP"
    return replace(instrument, venue_id=name) if exchange == "okx" else instrument


@pytest.mark.parametrize(("exchange", "levels"), [("binance", LEVELS), ("okx", 5), ("bybit", LEVELS)])
async def test_books_follow_what_is_looked_at_and_come_back_after_a_lost_connection(
    simulator: RunningSimulator, exchange: str, levels: int
) -> None:
    sink = Sink()
    feed = BookFeed(Access(simulator.rest, simulator.ws, exchange=exchange), SystemClock(), sink)
    first, second = (listed(one, exchange) for one in simulator.simulation.source.instruments)
    running = asyncio.create_task(feed.run())
    feed.look((first,))
    await sink.both(first.symbol)
    book = sink.books[-1]
    assert len(book.bids) == len(book.asks) == levels
    assert [lots for _, lots in book.bids] == [book.bids[0][1] << n for n in range(levels)]  # lots, not contracts
    assert [ticks for ticks, _ in book.bids] == sorted((ticks for ticks, _ in book.bids), reverse=True)
    assert [ticks for ticks, _ in book.asks] == sorted(ticks for ticks, _ in book.asks)
    assert book.bids[0][0] < book.asks[0][0]
    assert {trade.side for _, trade in sink.trades} <= {1, -1}
    assert all(trade.lots > 0 and abs(trade.ticks - book.bids[0][0]) < book.bids[0][0] for _, trade in sink.trades)

    feed.look((second,))
    await sink.both(second.symbol)
    sink.books.clear()
    sink.trades.clear()
    await sink.both(second.symbol)
    assert {book.symbol for book in sink.books} == {second.symbol}

    for socket in list(simulator.simulation.hub.sockets):
        socket.drop()
    sink.books.clear()
    sink.trades.clear()
    await sink.both(second.symbol)

    feed.look(())
    async with asyncio.timeout(PATIENCE_S):
        while any(socket.streams for socket in simulator.simulation.hub.sockets):
            simulator.simulation.hub.changed.clear()
            await simulator.simulation.hub.changed.wait()
    running.cancel()
    await asyncio.wait((running,))
    await feed.close()
