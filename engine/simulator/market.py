"""What a simulated market is: steps in time order, made by a generator or a replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from engine.bars import Bars
from engine.model.instrument import Instrument
from engine.model.market import Bar


class Step(msgspec.Struct, frozen=True, gc=False):
    """One moment of one symbol.

    Attributes:
        at: simulated time, ms UTC.
        symbol: unified symbol.
        bid: best bid, ticks.
        ask: best ask, ticks.
        bid_lots: size at the bid, lots.
        ask_lots: size at the ask, lots.
        trade: price of a trade, ticks; 0 when nothing traded.
        trade_lots: its size, lots.
        buyer_maker: whether the buyer rested (the seller took).
        closed: the base bar that closed with this step, or None.
    """

    at: int
    symbol: str
    bid: int
    ask: int
    bid_lots: int
    ask_lots: int
    trade: int = 0
    trade_lots: int = 0
    buyer_maker: bool = False
    closed: Bar | None = None


class MarketSource(Protocol):
    """A market that can be played once, from `start` to `end` (ms UTC)."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What is traded."""
        ...

    @property
    def start(self) -> int:
        """Time before the first step."""
        ...

    @property
    def end(self) -> int:
        """Time of the last step; a market without an end says 0."""
        ...

    @property
    def timeframe_ms(self) -> int:
        """Length of the base bars."""
        ...

    def history(self, symbol: str) -> Bars:
        """Closed base bars before `start`."""
        ...

    def steps(self) -> Iterator[Step]:
        """Steps in time order; closed bars exactly once each, in order."""
        ...
