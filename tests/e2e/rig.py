"""A simulated exchange and engines on it, all real processes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from engine.simulator.signing import sign
from headless.client import EngineClient
from headless.options import Addresses, read_addresses
from headless.session import DEMO_SETTINGS, spawn, stop
from storage.home import Home
from tests.e2e.nursery import Engine, nursery

PATIENCE_S = 120.0


class Rig:
    """One exchange; engines come and go on one data directory."""

    def __init__(self, folder: Path, addresses: Addresses, session: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.addresses = addresses
        self.session = session
        self.home = Home(folder).create()
        self.engine: Engine | None = None

    def start(self, crash: str = "", **options: object) -> Engine:
        """An engine process; `crash` is POINT:COUNT."""
        given = {
            "home": str(self.folder),
            "simulator": str(self.folder / "simulator.json"),
            "settings": DEMO_SETTINGS,
            **options,
        }
        log = self.folder / "engine.log"
        log.touch()
        self.engine = nursery().birth(given, log, crash)
        return self.engine

    def log(self) -> str:
        """What the engines said."""
        return (self.folder / "engine.log").read_text()[-4_000:]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[EngineClient]:
        """A replica that keeps reconnecting."""
        client = EngineClient(self.home.socket, self.folder / "engine.log")
        running = asyncio.create_task(client.run())
        try:
            yield client
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def signed(self, path: str, **params: object) -> Any:
        """A signed GET of the exchange."""
        query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        query += f"&signature={sign(self.addresses.keys['secret'], query)}"
        headers = {"X-MBX-APIKEY": self.addresses.keys["apiKey"]}
        async with self.session.get(f"{self.addresses.rest}{path}?{query}", headers=headers) as response:
            return await response.json()

    async def state(self) -> dict[str, Any]:
        """The exchange's own summary."""
        async with self.session.get(f"{self.addresses.rest}/sim/state") as response:
            found: dict[str, Any] = await response.json()
            return found

    async def pause(self, *, still: bool) -> dict[str, Any]:
        """Let the market stand still or go on; the exchange's summary."""
        async with self.session.post(f"{self.addresses.rest}/sim/{'pause' if still else 'resume'}") as response:
            found: dict[str, Any] = await response.json()
            return found


@asynccontextmanager
async def rig(folder: Path, simulate: list[str]) -> AsyncIterator[Rig]:
    """Start the exchange; stop it and the last engine at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "simulator.json"
    simulator = spawn(["station.cli", "simulate", *simulate], folder / "simulator.log", file)
    async with aiohttp.ClientSession() as session:
        one = Rig(folder, await read_addresses(file), session)
        try:
            yield one
        finally:
            if one.engine is not None and one.engine.poll() is None:
                one.engine.send_signal(signal.SIGKILL)
                one.engine.wait()
            stop(simulator)


async def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition that other processes bring about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.02)
