"""A simulated exchange that never says "too often": its own process, for measuring more orders than a venue would take.

python -m tests.bench.wide_exchange SYMBOLS    the first line has the addresses
"""

from __future__ import annotations

import asyncio
import sys
import time

import orjson

from engine.simulator.prices import GeneratedMarket
from engine.simulator.rate_limits import RateLimits, Verdict
from engine.simulator.server import serve

QUOTES = 0.5


class NoLimits(RateLimits):
    """Takes everything."""

    def charge(self, now: float, weight: int, *, order: bool) -> Verdict:
        """Always 200."""
        return Verdict(200, 0, "", 0, 0, 0, 0)


async def main(symbols: int) -> None:
    """Serve until the process is ended."""
    market = GeneratedMarket(1, symbols, start=time.time_ns() // 1_000_000, quotes_per_second=QUOTES)
    running = await serve(market, seed=1)
    running.simulation.limits = NoLimits()
    print(orjson.dumps(running.addresses()).decode(), flush=True)
    await running.failed()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
