"""An engine that starts while the exchange is away: it says so, waits, and is ready when the exchange is back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from headless.options import Addresses
from tests.e2e.rig import Rig, until
from tests.e2e.test_paper import BALANCE, CONFIG, Market
from tests.engine.simulator.conftest import BTC, ETH
from tests.engine.venues.hand import Hand

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

AWAY = "127.0.0.1 cannot be reached; check the network of this machine"


class Gate:
    """An address that refuses connections until it is opened; then it leads to another."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._lead, sock=self._socket)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._to.hostname, self._to.port)
        await asyncio.gather(pour(reader, ours), pour(theirs, writer))

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._socket.close()


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_an_engine_waits_for_an_exchange_that_is_away(tmp_path: Path) -> None:
    market = Market(await Hand.start())
    moving = asyncio.create_task(market.run())
    running = market.hand.running
    gate = Gate(running.rest)
    async with aiohttp.ClientSession() as session:
        one = Rig(tmp_path / "paper", Addresses("", "", {}), session)
        text = CONFIG.format(balance=BALANCE, btc=BTC.symbol, eth=ETH.symbol, rest=gate.address, ws=running.ws)
        one.home.config.write_text(text)
        engine = one.start(mode="paper", simulator="", settings={})
        try:
            async with one.client() as client:
                desk = client.desk
                await until(lambda: any(step.waits for step in desk.status.steps), "nothing waits")
                waiting = next(step for step in desk.status.steps if step.waits)
                assert (waiting.name, waiting.waits) == ("contracts", AWAY)
                assert (client.connected, desk.status.ready, client.trouble) == (True, False, "")
                await gate.open()
                await until(lambda: desk.status.ready and len(desk.quotes) == 2, f"it does not get ready: {one.log()}")
                assert not any(step.waits for step in desk.status.steps)
            assert one.log().count(f"contracts: {AWAY}; trying again") == 1
        finally:
            engine.send_signal(signal.SIGKILL)
            engine.wait()
            gate.close()
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            await market.hand.stop()
