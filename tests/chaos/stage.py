"""Where a run plays: the simulated exchange in this process, engines by fork, a client, and a watch on protection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from engine.model.order import OrderKind, Side
from engine.simulator.exchange import Exchange
from engine.simulator.orders import NewOrder
from engine.simulator.prices import GeneratedMarket
from engine.simulator.server import RunningSimulator, serve
from engine.venues.okx_ids import from_okx
from headless.client import EngineClient
from headless.session import DEMO_SETTINGS
from storage.home import Home
from storage.keys.credentials import Credentials, to_text
from storage.keys.secret import Secret
from tests.chaos.bare import Bare
from tests.chaos.nursery import Nursery
from tests.chaos.plan import CRASHES, WIRE, Plan, wire
from tests.chaos.starving import starved_s

SYMBOL = "BTC/USDT:USDT"
SPEED = 20.0
READY_S = 45.0
POLL_S = 0.02
HEARTBEAT_MS = 1_000
TEMPLATE = "template.db"


class Stage:
    """One exchange, one data directory, engines one after the other."""

    def __init__(
        self, folder: Path, running: RunningSimulator, client: EngineClient, nursery: Nursery, plan: Plan
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.home = Home(folder)
        self.running = running
        self.client = client
        self.nursery = nursery
        self.dice = Random(f"stage {plan.seed}")
        self.engine = 0
        self.crash = plan.crash
        self.kills = 0
        self.asks: set[asyncio.Task[Any]] = set()
        self.hit: set[str] = set()
        self.bare = Bare()
        self.wrong: list[str] = []

    @property
    def exchange(self) -> Exchange:
        """The exchange itself."""
        return self.running.simulation.exchange

    @property
    def lots(self) -> int:
        """Its position, signed lots."""
        return self.exchange.account.holdings[SYMBOL].lots

    def named(self, client_id: str) -> str:
        """The exchange's order id as the engine writes it."""
        return from_okx(client_id) if self.plan.venue == "okx" else client_id

    @property
    def open_ids(self) -> set[str]:
        """Of the orders that work or wait at the exchange."""
        return {self.named(order.new.client_id) for order in self.exchange.active()}

    def strike(self, name: str) -> None:
        """Switch a fault of the wire on."""
        self.running.simulation.switchboard.add(list(wire(name, self.plan.venue)))

    def calm(self) -> None:
        """Switch all faults off, and remember which of them have struck."""
        self.crash = ""
        board = self.running.simulation.switchboard
        struck = {str(one["fault"]) for one in board.report() if one["hits"]}
        self.hit |= {name for name in WIRE if struck & set(wire(name, self.plan.venue))}
        if any(live.fault.kind == "skew" for live in board._live):
            self.hit.add("clock skew")  # it lies over every answer
        board.clear()

    async def start(self, file_limit: int = 0, home: Path | None = None) -> None:
        """A new engine, to be killed at the plan's point unless that has happened; `home` is its data directory."""
        self.engine = await self.nursery.birth(
            self._options(home or self.folder),
            self.folder / "engine.log",
            crash=self.crash,
            file_limit=file_limit,
            stdin=self._keys() if self.plan.live else "",
            environment={"XDG_STATE_HOME": str(self.folder / "state")},  # where the locks of accounts lie
        )

    def _options(self, home: Path) -> dict[str, object]:
        how: dict[str, object] = {"mode": "demo", "simulator": str(self.folder / "simulator.json")}
        if self.plan.live:
            how = {"mode": "live", "venue": self.plan.venue, "endpoint": self.running.rest, "keys": "pipe"}
        return {
            "home": str(home),
            **how,
            "symbols": [SYMBOL],
            "settings": {**DEMO_SETTINGS, "cooldown_ms": 0},
            "snapshot_every": 40,
            "heartbeat_ms": HEARTBEAT_MS,
        }

    def _keys(self) -> str:
        """What a live engine is told on its stdin."""
        keys = self.running.keys
        passphrase = Secret(keys.passphrase if self.plan.venue == "okx" else "")
        return to_text(Credentials(Secret(keys.api_key), Secret(keys.secret), passphrase)) + "\n"

    def copy(self, name: str) -> Path:
        """Another data directory, with a migrated empty database."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copyfile(self.folder / TEMPLATE, Home(folder).database)
        return folder

    @property
    def alive(self) -> bool:
        """The engine has not ended."""
        return self.engine > 0 and self.nursery.alive(self.engine)

    @property
    def ready(self) -> bool:
        """The engine trades and its desk is here."""
        status = self.client.desk.status
        return self.alive and self.client.connected and status.pid == self.engine and status.ready

    @property
    def trading(self) -> bool:
        """It is ready, and has a price."""
        return self.ready and SYMBOL in self.client.desk.quotes

    @property
    def stuck(self) -> bool:
        """The engine has ended, or cannot write its journal and says so."""
        status = self.client.desk.status
        return not self.alive or (status.pid == self.engine and bool(status.read_only))

    async def kill(self) -> None:
        """SIGKILL."""
        if await self.crashed():
            return
        if self.alive:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and the news of it is on its way
                os.kill(self.engine, signal.SIGKILL)
            if await self.nursery.end(self.engine) == -signal.SIGKILL:
                self.kills += 1

    async def crashed(self) -> bool:
        """The plan's point has been reached, and the engine was killed there."""
        if self.alive or not self.crash or await self.nursery.end(self.engine) != -signal.SIGKILL:
            return False
        self.crash = ""
        self.kills += 1
        self.hit |= set(CRASHES) & set(self.plan.faults)
        return True

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for what other processes bring about; False when it does not come in time."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(POLL_S, left))
        return True

    async def pace(self, market_ms: float) -> None:
        """Let the market go on for so long, or for the same time where it stands still."""
        due = self.running.player.now() + market_ms
        await self.until(lambda: self.running.player.now() >= due, market_ms / 1000 / SPEED)

    def ask(self, command: Any) -> None:
        """Send a command without waiting for its answer."""
        task = asyncio.create_task(self.client.ask(command))
        self.asks.add(task)
        task.add_done_callback(self.asks.discard)

    def outside(self, lots: int, *, name: str = "web", reduce_only: bool = False) -> bool:
        """Somebody else's market order, signed lots; False where the exchange has no price for it."""
        quote = self.exchange.books[SYMBOL].quote
        if quote is None or not (quote.bid and quote.ask and quote.bid_lots and quote.ask_lots):
            return False
        self.exchange.place(
            NewOrder(
                symbol=SYMBOL,
                client_id=f"{name}_{len(self.exchange.orders)}_{self.dice.getrandbits(32):x}",
                side=Side.BUY if lots > 0 else Side.SELL,
                kind=OrderKind.MARKET,
                lots=abs(lots),
                reduce_only=reduce_only,
            )
        )
        return True

    async def watch(self) -> None:
        """Keep account of how long positions of a living engine are without a stop over all of them.

        Time in which the engine or the exchange waits for a core does not count, and a look for no more than two periods.
        An engine that cannot write its journal, or waits for it, says so on every screen: that is an alarm.
        """
        seen, before, starved = 0, time.monotonic(), 0.0
        while True:
            notes = self.client.desk.notes
            alarmed = any(note.level == "alarm" and note.seq > seen for note in notes)
            seen = max([seen, *(note.seq for note in notes)])
            status = self.client.desk.status
            alarmed = alarmed or bool(status.read_only or status.stalled)
            bare = self.ready and status.venue_up and not self.protected
            waited = starved_s(self.engine) + starved_s(os.getpid()) if bare else 0.0
            now = time.monotonic()
            waiting = max(0.0, waited - starved) if starved else 0.0  # a thread that ends takes its waiting with it
            passed = max(0.0, min(now - before, 2 * POLL_S) - waiting)
            before, starved = now, waited
            self.bare.look(passed, protected=not bare, alarmed=alarmed)
            await asyncio.sleep(POLL_S)

    @property
    def protected(self) -> bool:
        """The exchange holds a stop over the whole position."""
        lots = self.lots
        stops = [
            order.new.lots
            for order in self.exchange.active()
            if order.new.kind is OrderKind.STOP_MARKET and order.new.side * lots < 0
        ]
        return lots == 0 or any(stop >= abs(lots) for stop in stops)


@asynccontextmanager
async def stage(folder: Path, nursery: Nursery, plan: Plan, template: Path) -> AsyncIterator[Stage]:
    """Everything up, and down again; `template` is a migrated empty database, so that not every run makes one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEMPLATE).symlink_to(template)
    shutil.copyfile(template, Home(folder).database)
    seed = plan.seed
    market = GeneratedMarket(seed, [SYMBOL], start=time.time_ns() // 1_000_000, quotes_per_second=1.0, history_bars=320)
    running = await serve(market, seed=seed, speed=SPEED)
    (folder / "simulator.json").write_text(json.dumps(running.addresses()) + "\n")
    client = EngineClient(Home(folder).create().socket, folder / "engine.log")
    listening = [asyncio.create_task(nursery.listen()), asyncio.create_task(client.run())]
    await asyncio.sleep(0)
    one = Stage(folder, running, client, nursery, plan)
    listening.append(asyncio.create_task(one.watch()))
    try:
        yield one
    finally:
        if one.alive:
            await one.kill()
        for task in (*listening, *one.asks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*listening, *one.asks, return_exceptions=True)
        await running.stop()
