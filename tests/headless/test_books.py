"""Depth and tape follow the charts on screen, through a real publisher and the simulated exchange's own streams."""

from __future__ import annotations

import asyncio

from engine.model.instrument import Instrument
from engine.simulator.catalogue import LISTINGS
from engine.view import TRADES_KEPT, empty_desk
from engine.view_bars import BarsView
from engine.view_market import DepthView, TradeView
from headless.books import Books
from headless.publisher import Publisher

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
CONTRACTS = {name: LISTINGS[name].instrument for name in (BTC, ETH)}


class Client:
    """A subscriber that takes everything."""

    def send(self, frame: str | bytes) -> bool:
        return True


class Looked:
    """A feed that only remembers what it should look at."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, ...]] = []

    def look(self, instruments: tuple[Instrument, ...]) -> None:
        self.turns.append(tuple(one.symbol for one in instruments))


def book(symbol: str, best: int) -> DepthView:
    return DepthView(symbol, ((best, 5),), ((best + 1, 7),), 1)


def no_bars(symbol: str, timeframe_ms: int) -> BarsView | None:
    return None


async def test_books_come_and_go_with_the_charts_on_screen() -> None:
    publisher, client, feed = Publisher(empty_desk(), no_bars), Client(), Looked()
    books = Books(publisher, CONTRACTS)
    books.turn(feed)
    assert feed.turns == []
    publisher.subscribe(f"bars|{BTC}|60000", client)
    publisher.subscribe(f"bars|{BTC}|900000", client)
    publisher.subscribe("bars|NO/SUCH:ONE|60000", client)
    books.turn(feed)
    assert feed.turns == [(BTC,)]
    books.depth(book(BTC, 100))
    books.depth(book(BTC, 101))
    books.depth(book(ETH, 50))
    books.traded(BTC, TradeView(1, 100, 3, 1))
    books.traded(ETH, TradeView(1, 50, 3, -1))
    books.turn(feed)
    assert publisher.desk.depths == {BTC: book(BTC, 101)}
    assert publisher.desk.tapes == {BTC: [TradeView(1, 100, 3, 1)]}
    publisher.forget(client)
    books.turn(feed)
    assert feed.turns == [(BTC,), ()]
    assert publisher.desk.depths == {}
    assert publisher.desk.tapes == {}


async def test_a_tape_keeps_its_newest_trades_in_order() -> None:
    publisher, client, feed = Publisher(empty_desk(), no_bars), Client(), Looked()
    books = Books(publisher, CONTRACTS)
    publisher.subscribe(f"bars|{BTC}|60000", client)
    books.turn(feed)
    for burst in range(3):
        for n in range(100):
            books.traded(BTC, TradeView(burst * 100 + n, 1, 1, 1))
        books.turn(feed)
        await asyncio.sleep(0)
    assert [trade.at for trade in publisher.desk.tapes[BTC]] == list(range(300 - TRADES_KEPT, 300))
