"""What a long demo costs in memory: engine and station after a warm-up, and thirty simulated minutes later."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path

import psutil

from engine.model.market import MINUTE_MS
from headless.client import EngineClient
from headless.session import DEMO_SETTINGS, Session, spawn, write_session
from storage.home import Home
from tests.bench.start import stop_all
from tests.bench.station_process import StationProcess

SPEED = 30
WARM_MINUTES, MINUTES = 10, 30
GOAL_MB = 30
CHART = ("BTC/USDT:USDT", MINUTE_MS)


def measure() -> dict[str, object]:
    """Resident MB at both moments, by process, at thirty times the usual pace."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            return asyncio.run(_measure(folder))
        finally:
            stop_all(folder)


async def _measure(folder: Path) -> dict[str, object]:
    home, file = Home(folder).create(), folder / "simulator.json"
    simulator = spawn(["station.cli", "simulate", "--speed", str(SPEED)], folder / "simulator.log", file)
    options = {"home": str(folder), "simulator": str(file), "settings": DEMO_SETTINGS}
    engine = spawn(["headless.daemon", json.dumps(options)], folder / "engine.log")
    write_session(home.run / "session.json", Session(folder=str(folder), engine=engine, simulator=simulator))
    client = EngineClient(home.socket, folder / "engine.log")
    running = asyncio.create_task(client.run())
    while not client.desk.status.ready:
        await asyncio.sleep(0.05)
    client.watch_bars(frozenset({CHART}))
    station = StationProcess(["attach"], folder)
    asyncio.get_running_loop().add_reader(station.terminal, station.drain, 0)
    pids = {"engine": engine.pid, "station": station.pid, "simulator": simulator.pid}
    try:
        await _minutes(client, WARM_MINUTES)
        before, clock = _resident(pids), client.desk.status.clock
        await _minutes(client, MINUTES)
        after, passed = _resident(pids), client.desk.status.clock - clock
    finally:
        asyncio.get_running_loop().remove_reader(station.terminal)
        station.close()
        running.cancel()
    chart, desk = client.bars(*CHART), client.desk
    return {
        "simulated_minutes": round(passed / MINUTE_MS, 1),
        "warm_mb": before,
        "end_mb": after,
        "grown_mb": {name: round(after[name] - before[name], 1) for name in pids},
        "goal_grown_mb": GOAL_MB,
        "chart_bars": len(chart.bars) if chart is not None else 0,
        "signals": len(desk.signals),
        "notes": len(desk.notes),
        "machine_load": round(os.getloadavg()[0], 1),
    }


async def _minutes(client: EngineClient, minutes: int) -> None:
    """Wait until the market's clock has moved on so far."""
    until, changed = client.desk.status.clock + minutes * MINUTE_MS, asyncio.Event()
    client.on_change(changed.set)
    while client.desk.status.clock < until:
        changed.clear()
        await changed.wait()


def _resident(pids: dict[str, int]) -> dict[str, float]:
    return {name: round(psutil.Process(pid).memory_info().rss / 2**20, 1) for name, pid in pids.items()}
