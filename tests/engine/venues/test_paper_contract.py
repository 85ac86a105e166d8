"""The paper venue keeps the contract of every venue."""

from __future__ import annotations

import pytest

from engine.core.state import State, SymbolState
from engine.model.market import MarketView, Quote
from engine.model.position import Position
from engine.runtime import SystemClock
from engine.venues.paper import PaperVenue
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.contract import CODES, VenueContract
from tests.engine.venues.hand import FIRST
from tests.engine.venues.mini_desk import MiniDesk


class PaperBench:
    """The quotes come straight from the test."""

    since = 0
    codes = CODES

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.desk = MiniDesk(BTC, self.clock)
        self.venue = PaperVenue(self.clock, State(cash=10**12, instruments={BTC.symbol: BTC}))

    async def start(self) -> None:
        await self.venue.open([BTC], [o for o in self.desk.orders.values() if o.open], self.desk)
        self.quote(FIRST)

    def quote(self, bid: int, lots: int = 10_000) -> None:
        now = self.clock.now()
        quote = Quote(bid, bid + 1, lots, lots, bid, bid, now, now)
        self.venue.market(MarketView(((BTC.symbol, quote),)), now)

    async def reopen(self) -> None:
        await self.venue.close()
        lots = self.desk.lots
        held = Position(symbol=BTC.symbol, lots=lots, cost=lots * FIRST * BTC.unit, opened=1, origin="person:test")
        state = State(cash=10**12, instruments={BTC.symbol: BTC})
        state.symbols[BTC.symbol] = SymbolState(symbol=BTC.symbol, position=held if lots else None)
        self.venue = PaperVenue(self.clock, state)
        await self.start()


@pytest.fixture
async def bench() -> PaperBench:
    """A paper venue with a first quote."""
    made = PaperBench()
    await made.start()
    return made


class TestPaper(VenueContract):
    """All of it."""
