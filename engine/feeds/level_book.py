"""An order book that is told as a whole and then by its changes."""

from __future__ import annotations

from collections.abc import Sequence

Level = Sequence[str]


class LevelBook:
    """Prices and sizes of one symbol, as texts."""

    def __init__(self) -> None:
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    def take(self, bids: Sequence[Level], asks: Sequence[Level], *, whole: bool) -> None:
        """Take levels; a size of 0 takes a level away. `whole` forgets what was before."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            if whole:
                side.clear()
            for level in levels:
                price, size = level[0], level[1]
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)

    def best(self, count: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first, at most `count` each."""
        bids = sorted(self._bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self._asks.items(), key=lambda level: float(level[0]))
        return list(bids[:count]), list(asks[:count])
