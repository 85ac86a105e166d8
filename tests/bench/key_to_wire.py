"""A command received to its order's bytes on the wire, on each venue: risk passed, journal committed, request written."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from engine.model.command import ReducePosition
from headless.options import Addresses
from tests.bench.account import VENUES, Machine, desk, exchange, percentiles, workplace

WARM, ROUNDS = 10, 200
POINTS = ("before_commit", "after_commit", "sent")
SYMBOL = "BTC/USDT:USDT"
PATIENCE_S = 30.0
PAUSE_S = {"bybit": 0.5}
"""Bybit takes ten orders a second; a round sends up to three, and the wait for its limit is not ours."""


def measure() -> dict[str, object]:
    """Milliseconds by venue, p50 and p99 over alternating buys and closes."""
    with workplace() as folder:
        return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> dict[str, object]:
    machine, found = Machine(folder), {}
    async with exchange(folder, "--symbols", "3") as addresses:
        for venue in VENUES:
            found[venue] = await _venue(folder, addresses, venue, machine)
    return {
        "venues": found,
        "p99_ms": max(one["whole"]["p99_ms"] for one in found.values()),
        "goal_p99_ms": 10,
        "machine": machine.answers(),
    }


async def _venue(folder: Path, addresses: Addresses, venue: str, machine: Machine) -> dict[str, dict[str, float]]:
    """The whole way, and its parts before, in and after the journal's commit."""
    marks: dict[str, float] = {}
    sent = asyncio.Event()

    def probe(point: str) -> None:
        if point in POINTS and not sent.is_set():
            marks.setdefault(point, time.perf_counter())
            if point == POINTS[-1]:
                sent.set()

    ways: list[list[float]] = []
    async with desk(folder, addresses, venue, (SYMBOL,), probe) as one:
        for number in range(WARM + ROUNDS):
            command = one.buy() if number % 2 == 0 else ReducePosition(symbol=SYMBOL)
            await machine.ask()
            marks.clear()
            sent.clear()
            began = time.perf_counter()
            answer = await one.runtime.command(f"bench-{number}", "bench", command)
            assert answer.ok, answer.text
            await asyncio.wait_for(sent.wait(), PATIENCE_S)
            ways.append([began, *(marks[point] for point in POINTS)])
            await one.idle()
            await asyncio.sleep(PAUSE_S.get(venue, 0.0))
    ways = ways[WARM:]
    parts = {"deciding": (0, 1), "commit": (1, 2), "sending": (2, 3), "whole": (0, 3)}
    return {name: percentiles([way[end] - way[begin] for way in ways]) for name, (begin, end) in parts.items()}
