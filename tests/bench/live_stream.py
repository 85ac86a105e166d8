"""Exchange message to station replica, with the processor time of engine and station."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

import msgspec
import psutil
from websockets.asyncio.client import connect

from headless.client import EngineClient
from headless.options import Addresses, read_addresses
from headless.session import DEMO_SETTINGS, Session, spawn, write_session
from storage.home import Home
from tests.bench.start import stop_all
from tests.bench.station_process import StationProcess

SYMBOLS = 50
WARM_S = 5.0


def measure(*, quotes_per_second: float, seconds: float) -> dict[str, object]:
    """Latencies in ms and shares of a core, at 50 symbols."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            return asyncio.run(_measure(folder, quotes_per_second, seconds))
        finally:
            stop_all(folder)


async def _measure(folder: Path, rate: float, seconds: float) -> dict[str, object]:
    home = Home(folder).create()
    file = folder / "simulator.json"
    simulate = ["station.cli", "simulate", "--symbols", str(SYMBOLS), "--quotes", str(rate)]
    simulator = spawn(simulate, folder / "simulator.log", file)
    addresses = await read_addresses(file)
    options = {"home": str(folder), "simulator": str(file), "settings": DEMO_SETTINGS}
    engine = spawn(["headless.daemon", json.dumps(options)], folder / "engine.log")
    write_session(home.run / "session.json", Session(folder=str(folder), engine=engine, simulator=simulator))
    client = EngineClient(home.socket, folder / "engine.log")
    running = asyncio.create_task(client.run())
    while not client.desk.status.ready:
        await asyncio.sleep(0.05)
    station = StationProcess(["attach"], folder)
    await _drained(station, WARM_S)
    before = {name: _cpu(pid) for name, pid in _pids(engine.pid, station).items()}
    rss = {name: psutil.Process(pid).memory_info().rss for name, pid in _pids(engine.pid, station).items()}
    began = time.perf_counter()
    latencies, heard = await _latencies(client, addresses, station, seconds)
    took = time.perf_counter() - began
    pids = _pids(engine.pid, station)
    shares = {f"{name}_core": round((_cpu(pid) - before[name]) / took, 3) for name, pid in pids.items()}
    grown = {f"{n}_rss_mb": round(psutil.Process(p).memory_info().rss / 2**20, 1) for n, p in pids.items()}
    station.close()
    running.cancel()
    latencies.sort()
    count = len(latencies)
    return {
        **{f"{kind}_per_second": round(number / took) for kind, number in heard.items()},
        "matched": count,
        "p50_ms": round(latencies[count // 2] * 1000, 2),
        "p99_ms": round(latencies[int(count * 0.99)] * 1000, 2),
        **shares,
        **grown,
        "rss_before_mb": {name: round(value / 2**20, 1) for name, value in rss.items()},
    }


def _pids(engine: int, station: StationProcess) -> dict[str, int]:
    return {"engine": engine, "station": station.pid}


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _drained(station: StationProcess, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        station.drain(0)
        await asyncio.sleep(0.02)


async def _latencies(
    client: EngineClient, addresses: Addresses, station: StationProcess, seconds: float
) -> tuple[list[float], dict[str, int]]:
    """A second subscriber of all that the engine hears dates each quote; the replica is compared with it."""
    sent: dict[tuple[str, int, int], float] = {}
    out: list[float] = []
    heard = {"messages": 0, "quotes": 0}
    shown: dict[str, tuple[int, int]] = {}

    def changed() -> None:
        now = time.perf_counter()
        for symbol, quote in client.desk.quotes.items():
            if shown.get(symbol) != (quote.bid, quote.ask):
                shown[symbol] = (quote.bid, quote.ask)
                at = sent.pop((symbol, quote.bid, quote.ask), None)
                if at is not None:
                    out.append(now - at)

    views = {i.symbol.split(":")[0].replace("/", ""): i for i in client.desk.instruments.values()}
    scale = {name: (view.symbol, 1.0 / float(view.tick_size)) for name, view in views.items()}
    streams = [f"{name.lower()}@{stream}" for name in scale for stream in ("bookTicker", "kline_1m", "markPrice@1s")]
    decode = msgspec.json.Decoder(_BookTicker).decode
    # Without a limit on its queue the reader never slows the exchange down, nor dates a quote late.
    async with connect(f"{addresses.ws}/public/ws", compression=None, max_queue=None) as socket:
        await socket.send(json.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1}))
        client.on_change(changed)
        until = time.perf_counter() + seconds
        drained = time.perf_counter()
        while (now := time.perf_counter()) < until:
            data = await socket.recv(decode=False)
            if now - drained > 0.02:
                drained = now
                station.drain(0)
            heard["messages"] += 1
            if b'"bookTicker"' not in data:
                continue
            message = decode(data)
            symbol, per_tick = scale[message.s]
            sent[symbol, round(float(message.b) * per_tick), round(float(message.a) * per_tick)] = time.perf_counter()
            heard["quotes"] += 1
    return out, heard


class _BookTicker(msgspec.Struct):
    s: str
    b: str
    a: str
