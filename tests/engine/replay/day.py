"""A live day by hand: the core's test desk, whose bars have a path inside, and its journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.model import event as e
from engine.model.market import MINUTE_MS, Bar
from engine.ports import Entry
from engine.replay.compare import Report, Row, replay
from engine.replay.recording import Recording
from tests.engine.core.contracts import BTC, PRICES, STOPS
from tests.engine.core.scenario import Desk

FRAME = MINUTE_MS


class Day:
    """Bars of one minute; `desk` is the core with its venue."""

    def __init__(self, symbols: Sequence[str] = (BTC,), **settings: Any) -> None:
        given = {"timeframe_ms": FRAME, "preset": "open", "cooldown_ms": 0, "fresh_ms": 50_000, **settings}
        self.desk = Desk(symbols=symbols, **given)
        self.close = dict(PRICES)

    def bar(
        self, side: int = 0, close: int = 0, *, symbol: str = BTC, through: Sequence[int] = (), spread: int = 1
    ) -> None:
        """One bar of `symbol`: from the close before through prices (ticks from it) to its close, then `side` is wanted.

        The venue fills at each price on the way.
        """
        desk, opened = self.desk, self.close[symbol]
        begin = desk.now // FRAME * FRAME
        path = [opened + one for one in (0, *through, close)]
        for place, ticks in enumerate(path):
            desk.now = begin + 1_000 + place * 5_000
            self.quote(symbol, ticks, spread)
        desk.now = begin + FRAME
        prices = [float(desk.contracts[symbol].price(ticks)) for ticks in path]
        self.close[symbol] = path[-1]
        bar = Bar(begin, prices[0], max(prices), min(prices), prices[-1], 10.0)
        desk.move(symbol, path[-1], spread=spread)
        stop = STOPS[symbol]
        desk.feed(
            e.BarClosed(
                at=desk.now,
                symbol=symbol,
                bar=bar,
                readings=(side,) * 6,
                stops=(stop,) * 7,
                targets=(3 * stop,) * 7,
                view=desk.view(symbol),
            )
        )
        desk.settle()

    def quote(self, symbol: str, ticks: int, spread: int = 1) -> None:
        """A price, and what it fills."""
        desk = self.desk
        desk.move(symbol, ticks, spread=spread)
        desk.feed(e.ClockTick(at=desk.now, view=desk.view(symbol)))
        desk.venue.match()
        desk.settle()

    def entries(self) -> list[Entry]:
        """The journal."""
        return [Entry(seq, event, decisions) for seq, (event, decisions) in enumerate(self.desk.log, 1)]

    def recording(self, begin: int = 0, end: int | None = None) -> Recording:
        """Its recording."""
        return recorded(self.entries(), begin, end)

    def report(self, begin: int = 0, end: int | None = None, slippage_bps: float = 0.0) -> Report:
        """Its replay."""
        return replay(self.recording(begin, end), slippage_bps=slippage_bps)

    def rows(self) -> list[Row]:
        """The rows of its replay."""
        return list(self.report().rows)


def recorded(entries: Sequence[Entry], begin: int = 0, end: int | None = None) -> Recording:
    recording = Recording(begin, end)
    for entry in entries:
        if not recording.take(entry):
            break
    recording.done()
    return recording
