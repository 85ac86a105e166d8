"""Exchange message to station replica, with the processor time of engine and station.

The quotes come from a process of its own (`tests.bench.firehose`), so that what is measured is the engine and not the
maker of the market. Times are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from headless.client import EngineClient
from headless.options import read_addresses
from headless.session import DEMO_SETTINGS, Process, Session, spawn, stop, write_session
from storage.home import Home
from tests.bench.firehose import INDEX, PRICES, Contract, contracts
from tests.bench.start import stop_all
from tests.bench.station_process import StationProcess

SYMBOLS = 50
WARM_S = 8.0
OWN_QUOTES = "0.2"
LIGHT = 500.0


def measure(*, quotes_per_second: float, seconds: float) -> dict[str, object]:
    """Latencies in ms and shares of a core, at 50 symbols with so many quotes a second each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started: list[Process] = []
        try:
            return asyncio.run(_measure(folder, quotes_per_second * SYMBOLS, seconds, started))
        finally:
            for process in started:
                stop(process)
            stop_all(folder)


async def _measure(folder: Path, rate: float, seconds: float, started: list[Process]) -> dict[str, object]:
    home = Home(folder).create()
    upstream, told, times = folder / "simulator.json", folder / "firehose.json", folder / "times"
    simulate = ["station.cli", "simulate", "--symbols", str(SYMBOLS), "--quotes", OWN_QUOTES]
    simulator = spawn(simulate, folder / "simulator.log", upstream)
    started.append(simulator)
    listed = await contracts(await read_addresses(upstream))
    np.zeros((len(listed) + 1, PRICES)).tofile(times)
    plan = {"upstream": str(upstream), "times": str(times), "rate": rate}
    firehose = spawn(["tests.bench.firehose", json.dumps(plan)], folder / "firehose.log", told)
    started.append(firehose)
    await read_addresses(told)
    options = {"home": str(folder), "simulator": str(told), "settings": DEMO_SETTINGS}
    engine = spawn(["headless.daemon", json.dumps(options)], folder / "engine.log")
    write_session(home.run / "session.json", Session(folder=str(folder), engine=engine, simulator=simulator))
    client = EngineClient(home.socket, folder / "engine.log")
    running = asyncio.create_task(client.run())
    while not client.desk.status.ready:
        await asyncio.sleep(0.05)
    station = StationProcess(["attach"], folder)
    asyncio.get_running_loop().add_reader(station.terminal, station.drain, 0)
    try:
        await asyncio.sleep(WARM_S)
        sent = np.memmap(times, np.float64, "r", shape=(len(listed) + 1, PRICES))
        pids = {"engine": engine.pid, "station": station.pid, "firehose": firehose.pid, "simulator": simulator.pid}
        return await _watch(client, listed, sent, pids, seconds, rate)
    finally:
        asyncio.get_running_loop().remove_reader(station.terminal)
        station.close()
        running.cancel()


async def _watch(
    client: EngineClient,
    listed: list[Contract],
    sent: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    pids: dict[str, int],
    seconds: float,
    rate: float,
) -> dict[str, object]:
    """Date each quote that the replica shows, for so many seconds."""
    places = {contract.symbol: (place, contract.bid) for place, contract in enumerate(listed)}
    shown: dict[str, int] = {}
    out: list[float] = []

    def changed() -> None:
        now = time.perf_counter()
        for symbol, quote in client.desk.quotes.items():
            if shown.get(symbol) != quote.bid:
                shown[symbol] = quote.bid
                place, first = places[symbol]
                index = INDEX.get(quote.bid - first)
                if index is not None:
                    out.append(now - float(sent[place, index]))

    client.on_change(changed)
    before = {name: _cpu(pid) for name, pid in pids.items()}
    (first, late), began = sent[-1, :2].tolist(), time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    shares = {f"{name}_core": round((_cpu(pid) - before[name]) / took, 3) for name, pid in pids.items()}
    rss = {f"{name}_rss_mb": round(psutil.Process(pid).memory_info().rss / 2**20, 1) for name, pid in pids.items()}
    last, behind = sent[-1, :2].tolist()
    out.sort()
    count = len(out)
    return {
        "seconds": round(took, 1),
        "asked_per_second": round(rate),
        "sent_per_second": round((last - first) / took),
        "sent_to_a_late_reader": round(behind - late),
        "shown_per_second": round(count / took),
        "p50_ms": round(out[count // 2] * 1000, 2),
        "p99_ms": round(out[int(count * 0.99)] * 1000, 2),
        **shares,
        **rss,
        "goal_p50_ms": 10,
        "goal_p99_ms": 50 if rate <= LIGHT else 100,
        "goal_engine_core": 0.2 if rate <= LIGHT else 0.6,
        "goal_station_core": 0.15,
        "machine_load": round(os.getloadavg()[0], 1),
    }


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
