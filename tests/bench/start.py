"""From the command to the first paint, and to moving prices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from pathlib import Path

from headless.client import EngineClient
from headless.session import Session, read_session
from storage.home import Home
from tests.bench.station_process import StationProcess


def measure() -> dict[str, object]:
    """Medians of three starts, seconds."""
    paints, moves = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            paint, move = _once(Path(folder))
            paints.append(paint)
            moves.append(move)
    return {
        "first_paint_s": round(sorted(paints)[1], 2),
        "goal_first_paint_s": 1.0,
        "prices_moving_s": round(sorted(moves)[1], 2),
        "goal_prices_moving_s": 7.0,
    }


def _once(folder: Path) -> tuple[float, float]:
    station = StationProcess(["demo"], folder)
    try:
        paint = station.read_until(b"DEMO", 20.0)
        session = find_session(folder)
        move = station.began + asyncio.run(_moving(Path(session.folder), station))
        return paint, move - station.began
    finally:
        station.close()
        stop_all(folder)


def find_session(folder: Path) -> Session:
    """The running session of a data directory."""
    home = Home(folder)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        session = read_session(home.run / "session.json")
        if session is not None:
            return session
        time.sleep(0.01)
    raise TimeoutError("no session came up")


def stop_all(folder: Path) -> None:
    """End engine and simulator of a data directory."""
    session = read_session(Home(folder).run / "session.json")
    for process in (session.engine, session.simulator) if session is not None else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _moving(folder: Path, station: StationProcess) -> float:
    """Seconds from the station's start until a second quote of some symbol is in a replica."""
    client = EngineClient(Home(folder).socket, Home(folder).engine_log)
    moved = asyncio.Event()
    first: dict[str, int] = {}

    def changed() -> None:
        for symbol, quote in client.desk.quotes.items():
            if first.setdefault(symbol, quote.bid) != quote.bid:
                moved.set()

    client.on_change(changed)
    running = asyncio.create_task(client.run())
    waiting = asyncio.create_task(moved.wait())
    while not waiting.done():
        station.drain(0)
        await asyncio.sleep(0.02)
    took = time.perf_counter() - station.began
    running.cancel()
    return took
