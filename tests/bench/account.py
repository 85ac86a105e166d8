"""An account at the simulated exchange as Binance, OKX or Bybit, and a live engine that trades it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from engine.market import Market
from engine.model.command import PlaceOrder
from engine.model.instrument import Instrument
from engine.model.order import OrderKind, Side
from engine.ports import Probe
from engine.probe import no_probe
from engine.runtime import Runtime
from headless.daemon import Daemon
from headless.options import Addresses, Options, read_addresses
from headless.session import spawn, stop
from storage.keys.credentials import Credentials
from storage.keys.secret import Secret

VENUES = ("binance", "okx", "bybit")
NAP_S = 0.005
NOTIONAL = Decimal(15)
"""Quote currency; small, so that fees and margin of many orders leave the account alone."""
SETTINGS: dict[str, Any] = {
    "timeframe_ms": 60_000,
    "max_positions": 100,
    "max_exposure": 1_000.0,
    "max_symbol_exposure": 1_000.0,
    "day_loss": 1.0,
    "max_drawdown": 1.0,
    "cooldown_ms": 0,
}


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder that is thrown away; the locks of accounts lie in it too."""
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ["XDG_STATE_HOME"] = f"{name}/state"
        try:
            yield Path(name)
        finally:
            os.environ.pop("XDG_STATE_HOME")
            if before is not None:
                os.environ["XDG_STATE_HOME"] = before


@asynccontextmanager
async def exchange(folder: Path, *arguments: str) -> AsyncIterator[Addresses]:
    """The simulated exchange in a process of its own."""
    file = folder / "simulator.json"
    process = spawn(["station.cli", "simulate", *arguments], folder / "simulator.log", file)
    try:
        yield await read_addresses(file)
    finally:
        stop(process)


def credentials_of(addresses: Addresses, venue: str) -> Credentials:
    """The account's keys."""
    keys = addresses.keys
    return Credentials(
        Secret(keys["apiKey"]), Secret(keys["secret"]), Secret(keys["passphrase"] if venue == "okx" else "")
    )


def live_options(folder: Path, addresses: Addresses, venue: str, symbols: tuple[str, ...]) -> dict[str, Any]:
    """How an engine is told to trade the account."""
    return {
        "home": str(folder / venue),
        "mode": "live",
        "venue": venue,
        "endpoint": addresses.rest,
        "symbols": symbols,
        "settings": SETTINGS,
    }


class Desk:
    """A live engine in this process."""

    def __init__(self, daemon: Daemon) -> None:
        assert daemon.parts is not None
        self.daemon = daemon
        self.runtime: Runtime = daemon.parts.runtime
        self.market: Market = daemon.parts.market
        self.instruments: tuple[Instrument, ...] = daemon.parts.instruments

    async def quoted(self) -> None:
        """Wait until every contract has a quote."""
        while len(self.market.quotes) < len(self.instruments):
            await asyncio.sleep(0.02)

    def buy(self, number: int = 0, kind: OrderKind = OrderKind.MARKET, below: int = 0) -> PlaceOrder:
        """An order for a contract by its number, with stop and target; `below` is how many ticks under the bid it rests."""
        contract = self.instruments[number]
        bid = self.market.quotes[contract.symbol].bid
        return PlaceOrder(
            symbol=contract.symbol,
            side=Side.BUY,
            kind=kind,
            quantity=quantity(contract, bid - below),
            price=contract.price(bid - below) if kind is not OrderKind.MARKET else None,
            stop=contract.price(bid * 80 // 100),
            target=contract.price(bid * 130 // 100),
        )

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while not self.runtime.idle:
            await asyncio.sleep(0.002)


@asynccontextmanager
async def desk(
    folder: Path, addresses: Addresses, venue: str, symbols: tuple[str, ...], probe: Probe = no_probe
) -> AsyncIterator[Desk]:
    """A live engine in this process, ready."""
    options = Options(**live_options(folder, addresses, venue, symbols))
    daemon = Daemon(options, probe, credentials_of(addresses, venue))
    running = asyncio.create_task(daemon.run())
    ready = asyncio.create_task(daemon.ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    try:
        one = Desk(daemon)
        await one.quoted()
        yield one
    finally:
        daemon.stopped.set()
        await running


class Grid(Protocol):
    """What an amount must fit."""

    @property
    def tick_size(self) -> Decimal:
        """Of prices, quote currency."""
        ...

    @property
    def lot_size(self) -> Decimal:
        """Of amounts, base currency."""
        ...


def quantity(grid: Grid, ticks: int) -> Decimal:
    """Whole lots worth at least `NOTIONAL` at a price in ticks."""
    return (NOTIONAL / (grid.tick_size * ticks) // grid.lot_size + 1) * grid.lot_size


class Machine:
    """What the machine itself takes, asked beside what is measured: nothing on it can be quicker than its disk and clock.

    Args:
        folder: on the journal's disk.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "page"
        self._kept: list[float] = []
        self._late: list[float] = []

    async def ask(self) -> None:
        """Write 4 kB and wait until they are kept; sleep a little and see how late it wakes."""
        with self._file.open("ab") as file:
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            self._kept.append(time.perf_counter() - began)
        began = time.perf_counter()
        await asyncio.sleep(NAP_S)
        self._late.append(time.perf_counter() - began - NAP_S)

    def answers(self) -> dict[str, object]:
        """How long the disk took to keep a page, how late a sleeper woke, and how much was going on besides."""
        return {
            "disk_keeps_a_page": percentiles(self._kept),
            "wakes_late": percentiles(self._late),
            "load": round(os.getloadavg()[0], 1),
        }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50 and p99 in ms."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        "p50_ms": round(ordered[last // 2] * 1000, 2),
        "p99_ms": round(ordered[round(last * 0.99)] * 1000, 2),
    }
