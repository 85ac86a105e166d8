"""A market that is moved by hand, served by the simulated exchange over real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np

from engine.bars import Bars
from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.simulator.market import Step
from engine.simulator.server import RunningSimulator, serve
from tests.engine.simulator.conftest import BTC, ETH, MINUTE

SEED = 7
FIRST = 500_000
"""Price at the start, ticks of BTC."""


class HandMarket:
    """History and then nothing of its own: `Hand` makes the steps."""

    timeframe_ms = MINUTE
    instruments: tuple[Instrument, ...] = (BTC, ETH)

    def __init__(self, start: int, bars: int = 300) -> None:
        self.start = start
        self.end = 0
        self._bars = bars

    def history(self, symbol: str) -> Bars:
        """Quiet bars before the start."""
        n = self._bars
        instrument = next(i for i in self.instruments if i.symbol == symbol)
        price = float(instrument.price(FIRST))
        begin = self.start // MINUTE * MINUTE
        flat = np.full(n, price)
        return Bars(begin + (np.arange(n, dtype=np.int64) - n) * MINUTE, flat, flat, flat, flat, np.ones(n))

    def steps(self) -> Iterator[Step]:
        """None."""
        return iter(())


class Hand:
    """A running exchange whose market the test moves.

    Args:
        running: the exchange.
    """

    def __init__(self, running: RunningSimulator) -> None:
        self.running = running
        self.simulation = running.simulation

    @classmethod
    async def start(cls, start: int | None = None, port: int = 0) -> Hand:
        """Serve on a free port (or again on one that was free); from about now where no start is given."""
        source = HandMarket(within_a_minute(time.time_ns() // 1_000_000) if start is None else start)
        return cls(await serve(source, seed=SEED, port=port, speed=None))

    @property
    def now(self) -> int:
        """Simulated time, ms UTC."""
        return self.simulation.exchange.now

    def quote(self, bid: int, lots: int = 10_000, instrument: Instrument = BTC, after: int = 100) -> None:
        """A new top of book `after` ms later, with a trade at the bid."""
        step = Step(self.now + after, instrument.symbol, bid, bid + 1, lots, lots, bid, 1)
        self.simulation.apply(step)

    def bar_end(self, instrument: Instrument = BTC) -> int:
        """When the bar that comes next ends, ms UTC."""
        return int(self.simulation.candles[instrument.symbol].closed().open_time[-1]) + 2 * MINUTE

    def bar(self, open_: int, high: int, low: int, close: int, instrument: Instrument = BTC) -> Bar:
        """Close the bar that comes next after the newest closed one; the quotes stay at its close."""
        begin = self.bar_end(instrument) - MINUTE
        o, h, low_, c = (float(instrument.price(ticks)) for ticks in (open_, high, low, close))
        bar = Bar(begin, o, h, low_, c, 1.5)
        at = max(self.now, begin + MINUTE)
        self.simulation.apply(Step(at, instrument.symbol, close, close + 1, 10_000, 10_000, closed=bar))
        return bar

    def faults(self, *texts: str) -> None:
        """Switch faults on."""
        self.simulation.switchboard.add(list(texts))

    def hits(self) -> int:
        """How often the faults that are on have struck."""
        return self.simulation.switchboard.hits

    def calm(self) -> None:
        """Switch all faults off."""
        self.simulation.switchboard.clear()

    async def stop(self) -> None:
        """Cut everything."""
        await self.running.stop()


def within_a_minute(now: int) -> int:
    """`now`, or two seconds before: the test's first quotes are to lie in the minute that the history ends with."""
    return now if now % MINUTE < MINUTE - 2_000 else now - 2_000


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
