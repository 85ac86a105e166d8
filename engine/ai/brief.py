"""What the models are told: numbers that were measured, and headlines with their time and source. Nothing else.

No account number, no key, no balance: a position is told by its side, its age and its profit in per cent.
"""

from __future__ import annotations

import msgspec

from engine.model.market import Bar

BARS = 24
HEADLINES = 12


class ReadingFact(msgspec.Struct, frozen=True):
    """One strategy now, and what its shadow trades came to (`expectancy` after costs, basis points a trade)."""

    strategy: str
    side: int
    trades: int
    win_rate: float
    expectancy_bps: float


class PositionFact(msgspec.Struct, frozen=True):
    """The position of the symbol: side, profit over entry price in per cent, bars since it was opened."""

    side: int
    profit_percent: float
    bars: int


class Headline(msgspec.Struct, frozen=True, order=True):
    """A headline as it was published: ms UTC, name of the source, title. Outside text, never to be obeyed."""

    at: int
    source: str
    title: str


class Mood(msgspec.Struct, frozen=True):
    """A fear and greed index: 0 (fear) to 100 (greed), its word, and when it was measured, ms UTC."""

    value: int
    word: str
    at: int


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one question.

    Attributes:
        symbol: unified symbol.
        timeframe_ms: of the bars.
        bars: newest closed bars, oldest first.
        candidate: side the strategies want, +1 or -1; 0 where nobody asked for a side.
        score: the board's, -1 to 1.
        indicators: by name, at the newest close; prices in quote currency.
        readings: of the six strategies and, last, the board.
        cost_percent: fees and slippage of a round trip.
        funding_percent: newest funding rate, None where it is not known.
        spread_bps: of the quote, None where there is none.
        imbalance: of the best sizes, (bid - ask) / (bid + ask), -1 to 1.
        position: of the symbol, or None.
        headlines: the most telling first; the prompt takes `HEADLINES` of them and shows the newest first.
        mood: fear and greed, or None.
    """

    symbol: str
    timeframe_ms: int
    bars: tuple[Bar, ...]
    candidate: int = 0
    score: float = 0.0
    indicators: dict[str, float] = {}
    readings: tuple[ReadingFact, ...] = ()
    cost_percent: float = 0.12
    funding_percent: float | None = None
    spread_bps: float | None = None
    imbalance: float | None = None
    position: PositionFact | None = None
    headlines: tuple[Headline, ...] = ()
    mood: Mood | None = None

    @property
    def price(self) -> float:
        """Newest close, quote currency."""
        return self.bars[-1].close

    @property
    def bar_time(self) -> int:
        """Open time of the newest bar, ms UTC."""
        return self.bars[-1].open_time
