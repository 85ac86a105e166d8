"""From an engine's start to "ready", with three models behind the three SDKs and thirty-two contracts."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

from engine.readings import warm_up
from headless.client import EngineClient
from headless.options import read_addresses
from headless.session import DEMO_SETTINGS, spawn, stop
from storage.home import Home

ROUNDS = 3
SDKS = frozenset({"openai", "anthropic", "ollama"})


def measure() -> dict[str, object]:
    """Seconds, the median and the worst of three starts on fresh data directories; indicators are compiled before."""
    warm_up()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        return asyncio.run(_measure(Path(name)))


async def _measure(folder: Path) -> dict[str, object]:
    times = sorted([await _round(folder / str(number)) for number in range(ROUNDS)])
    return {
        "ready_s": round(times[ROUNDS // 2], 2),
        "worst_s": round(times[-1], 2),
        "goal_s": 9.0,
        "machine_load": round(os.getloadavg()[0], 1),
    }


async def _round(folder: Path) -> float:
    """On an exchange of its own: a second start within a minute would wait for the weight of the first one's history."""
    folder.mkdir()
    file = folder / "simulator.json"
    simulator = spawn(["station.cli", "simulate"], folder / "simulator.log", file)
    try:
        assert (await read_addresses(file)).models.keys() >= SDKS
        return await _once(folder, file)
    finally:
        stop(simulator)


async def _once(folder: Path, simulator: Path) -> float:
    home = Home(folder).create()
    options = {"home": str(folder), "simulator": str(simulator), "settings": DEMO_SETTINGS}
    client, changed = EngineClient(home.socket, folder / "engine.log"), asyncio.Event()
    client.on_change(changed.set)
    began = time.perf_counter()
    engine = spawn(["headless.daemon", json.dumps(options)], folder / "engine.log")
    watching = asyncio.create_task(client.run())
    try:
        while not client.desk.status.ready:
            changed.clear()
            await changed.wait()
        assert len(client.desk.status.voters) == len(SDKS)
        return time.perf_counter() - began
    finally:
        watching.cancel()
        stop(engine)
