"""The simulator as a process: addresses on the first line, an end by signal."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

PROGRAM = """
from engine.simulator.prices import GeneratedMarket
from engine.simulator.server import SimulateOptions, main
raise SystemExit(main(GeneratedMarket(3, 2, start=1_700_000_000_000), SimulateOptions(seed=3)))
"""


@pytest.mark.slow
async def test_it_ends_by_itself_once_nobody_has_listened_for_so_long() -> None:
    program = PROGRAM.replace("seed=3)", "seed=3, unheard_s=1.0)")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{told['ws']}/ws/btcusdt@bookTicker")
        for _ in range(5):  # two and a half of its seconds
            await asyncio.wait_for(socket.receive_json(), 30)
        assert process.returncode is None
        await socket.close()
        assert await asyncio.wait_for(process.wait(), 30) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_line_has_the_addresses_and_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    assert set(told) == {"rest", "ws", "keys", "symbols", "timeframe_ms", "generated", "models"}
    assert told["generated"] is True
    assert set(told["keys"]) == {"apiKey", "secret", "passphrase"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{told['rest']}/fapi/v1/exchangeInfo") as answer:
            assert len((await answer.json())["symbols"]) == len(told["symbols"]) == 2
        socket = await session.ws_connect(f"{told['ws']}/ws/btcusdt@bookTicker")
        assert (await asyncio.wait_for(socket.receive_json(), 30))["s"] == "BTCUSDT"
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await socket.close()
