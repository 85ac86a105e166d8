"""A command to its order's bytes on the wire: journal committed, risk passed, request written."""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from engine.model.command import PlaceOrder, ReducePosition
from engine.model.order import OrderKind, Side
from headless.daemon import Daemon
from headless.options import Options, read_addresses
from headless.session import DEMO_SETTINGS, spawn, stop

ROUNDS = 100
SYMBOL = "BTC/USDT:USDT"


def measure() -> dict[str, object]:
    """Milliseconds, p50 and p99 over alternating buys and closes."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, object]:
    file = folder / "simulator.json"
    simulator = spawn(["station.cli", "simulate", "--symbols", "3"], folder / "simulator.log", file)
    try:
        await read_addresses(file)
        sent: list[float] = []

        def probe(point: str) -> None:
            if point == "sent":
                sent.append(time.perf_counter())

        options = Options(home=str(folder), simulator=str(file), settings={**DEMO_SETTINGS, "day_loss": 1.0})
        daemon = Daemon(options, probe)
        running = asyncio.create_task(daemon.run())
        await daemon.ready.wait()
        assert daemon.parts is not None
        runtime, market = daemon.parts.runtime, daemon.parts.market
        while SYMBOL not in market.quotes or not runtime.core.state.symbols[SYMBOL].stop_distance:
            await asyncio.sleep(0.1)
            runtime.tick()
        times = []
        for number in range(ROUNDS):
            command = (
                PlaceOrder(symbol=SYMBOL, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.01"))
                if number % 2 == 0
                else ReducePosition(symbol=SYMBOL)
            )
            sent.clear()
            began = time.perf_counter()
            await runtime.command(f"bench-{number}", "bench", command)
            while not sent:
                await asyncio.sleep(0)
            times.append(sent[0] - began)
            while not runtime.idle:
                await asyncio.sleep(0.005)
        daemon.stopped.set()
        await running
    finally:
        stop(simulator)
    times.sort()
    return {
        "p50_ms": round(times[ROUNDS // 2] * 1000, 2),
        "p99_ms": round(times[int(ROUNDS * 0.99) - 1] * 1000, 2),
        "goal_p99_ms": 10,
    }
