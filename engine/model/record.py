"""Shadow trades: what each strategy's candidates would have earned, traded or not."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Running sums over the closed shadow trades of one strategy on one symbol.

    `returns` and `squares` sum the trades' net returns (fractions after costs) and their squares.
    """

    trades: int = 0
    wins: int = 0
    returns: float = 0.0
    squares: float = 0.0

    @property
    def expectancy(self) -> float:
        """Mean net return a trade, 0 where there is none."""
        return self.returns / self.trades if self.trades else 0.0

    @property
    def win_rate(self) -> float:
        """Share of winning trades, 0 where there is none."""
        return self.wins / self.trades if self.trades else 0.0

    def add(self, net_return: float) -> Record:
        """The record with one more trade of `net_return` (fraction after costs)."""
        return Record(
            self.trades + 1,
            self.wins + (net_return > 0.0),
            self.returns + net_return,
            self.squares + net_return * net_return,
        )


class Shadow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One open shadow trade: side, entry, stop and target in quote currency."""

    side: int
    entry: float
    stop: float
    target: float
