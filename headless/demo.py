"""The demo without a screen: one engine against its own simulated exchange, and a summary at the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from engine.model.event import OrderFilled
from engine.model.money import to_decimal
from headless.daemon import Daemon
from headless.options import Options, read_addresses
from headless.session import DEMO_SETTINGS, spawn, stop

POLL_S = 0.1
SETTLE_S = 2.0
READY_S = 120.0


class Summary(msgspec.Struct, frozen=True):
    """What the run came to; money as decimal strings, quote currency."""

    symbols: int
    quotes: int
    bars: int
    signals: int
    orders: int
    fills: int
    trades: int
    cash: str
    equity: str
    open_positions: int
    reconnects: int
    errors: list[str]


async def run_demo(
    folder: Path, simulate: list[str], *, seconds: float, ends: bool, lockstep: bool, symbols: tuple[str, ...]
) -> Summary:
    """Run for `seconds` after the engine got ready, or until the replay ends.

    Args:
        folder: a fresh data directory.
        simulate: arguments of the simulate command.
        seconds: at most so long, wall time.
        ends: the market has an end; stop there.
        lockstep: the market waits for the engine after each bar.
        symbols: traded symbols; empty for all.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "simulator.json"
    simulator = spawn(["station.cli", "simulate", *simulate], folder / "simulator.log", file)
    try:
        addresses = await read_addresses(file)
        settings: dict[str, Any] = {**DEMO_SETTINGS, "timeframe_ms": addresses.timeframe_ms}
        options = Options(
            home=str(folder),
            simulator=str(file),
            lockstep=lockstep,
            symbols=symbols,
            base_ms=addresses.timeframe_ms,
            settings=settings,
        )
        daemon = Daemon(options)
        running = asyncio.create_task(daemon.run())
        watch = asyncio.create_task(_until_over(daemon, addresses.rest, seconds, ends=ends))
        done, _ = await asyncio.wait({running, watch}, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            watch.cancel()
            running.result()
        summary = _summary(daemon)
        daemon.stopped.set()
        await running
    finally:
        stop(simulator)
    return summary


async def _until_over(daemon: Daemon, rest: str, seconds: float, *, ends: bool) -> None:
    try:
        await asyncio.wait_for(daemon.ready.wait(), READY_S)
    except TimeoutError:
        daemon.errors.append(f"the engine did not get ready in {READY_S:.0f} s")
        return
    until = time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until:
            await asyncio.sleep(POLL_S)
            if ends:
                async with session.get(f"{rest}/sim/state") as response:
                    if (await response.json())["ended"]:
                        break
        settled = time.monotonic() + SETTLE_S
        while time.monotonic() < settled and not (daemon.parts is not None and daemon.parts.runtime.idle):
            await asyncio.sleep(POLL_S)


def _summary(daemon: Daemon) -> Summary:
    if daemon.parts is None:
        return Summary(0, 0, 0, 0, 0, 0, 0, "0", "0", 0, 0, list(daemon.errors))
    runtime, market = daemon.parts.runtime, daemon.parts.market
    state = runtime.core.state
    last_marks = {s: market.quotes[s] for s in market.quotes}
    for symbol, quote in last_marks.items():
        state.symbols[symbol].quote = quote
    return Summary(
        symbols=len(state.symbols),
        quotes=market.quoted,
        bars=market.closed,
        signals=state.last_signal,
        orders=state.sequence,
        fills=runtime.counts.get(OrderFilled.__name__, 0),
        trades=state.trades,
        cash=str(to_decimal(state.cash or 0)),
        equity=str(to_decimal(state.equity())),
        open_positions=sum(1 for s in state.symbols.values() if s.position is not None),
        reconnects=market.reconnects,
        errors=list(daemon.errors),
    )
