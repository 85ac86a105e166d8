"""A source of quotes that costs next to nothing: frames encoded beforehand, in a process of its own.

It stands between an engine and a simulated exchange. Quotes (`bookTicker`) come from here, as many a second as asked
for; everything else is handed through to the simulated exchange byte by byte. When each quote left is written to a file
that the measuring process maps, by contract and by the price that only this quote has; the last row of that file counts
the quotes sent and those sent while the reader was more than `HELD_BYTES` behind.

    python -m tests.bench.firehose '{"upstream": FILE, "times": FILE, "rate": 5000}'    the first line has the addresses
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from headless.options import Addresses, read_addresses

PRICES = 512
TURN_S = 0.002
HELD_BYTES = 1 << 20


class Plan(msgspec.Struct, frozen=True):
    """What to play: the simulated exchange's address file, where to note times, quotes a second in all."""

    upstream: str
    times: str
    rate: float


class Contract(msgspec.Struct, frozen=True):
    """A contract's names and the first of its bids, ticks."""

    symbol: str
    venue_id: str
    tick: Decimal
    bid: int


def offset(index: int) -> int:
    """Ticks above the first bid of quote `index` of a round: up by even steps, down by odd ones, no price twice."""
    half = PRICES // 2
    return 2 * index if index < half else 2 * (PRICES - 1 - index) + 1


INDEX = {offset(index): index for index in range(PRICES)}


async def fetch(addresses: Addresses, path: str) -> Any:
    """A public answer of the simulated exchange."""

    def get() -> Any:
        with urllib.request.urlopen(f"{addresses.rest}/fapi/v1/{path}", timeout=10) as answer:
            return json.load(answer)

    return await asyncio.to_thread(get)


async def contracts(addresses: Addresses) -> list[Contract]:
    """Every contract of the simulated exchange with its newest bid."""
    listed = await fetch(addresses, "exchangeInfo")
    bids = {row["symbol"]: Decimal(row["bidPrice"]) for row in await fetch(addresses, "ticker/bookTicker")}
    out = []
    for row in listed["symbols"]:
        tick = next(Decimal(f["tickSize"]) for f in row["filters"] if f["filterType"] == "PRICE_FILTER")
        symbol = f"{row['baseAsset']}/{row['quoteAsset']}:{row['marginAsset']}"
        out.append(Contract(symbol, row["symbol"], tick, int(bids[row["symbol"]] / tick)))
    return out


def frames(contract: Contract) -> list[tuple[bytes, bytes]]:
    """For each price the text frame around its update number and its time: head, and what follows the two."""
    out = []
    for index in range(PRICES):
        bid = contract.tick * (contract.bid + offset(index))
        tail = f',"s":"{contract.venue_id}","b":"{bid}","B":"5","a":"{bid + contract.tick}","A":"7"}}'.encode()
        size = len(b'{"e":"bookTicker","u":') + 10 + len(b',"E":') + 13 + len(b',"T":') + 13 + len(tail)
        head = b"\x81\x7e" + size.to_bytes(2) if size > 125 else bytes((0x81, size))
        out.append((head + b'{"e":"bookTicker","u":', tail))
    return out


class Firehose:
    """Serves quotes and hands the rest through."""

    def __init__(self, plan: Plan, addresses: Addresses, listed: list[Contract], ahead_ms: int) -> None:
        self._rate = plan.rate
        self._addresses = addresses
        self._ahead_ms = ahead_ms
        self._frames = [frames(contract) for contract in listed]
        self._times = np.memmap(plan.times, np.float64, "r+", shape=(len(listed) + 1, PRICES))
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._sent = self._held = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Quotes for who asks for them, the simulated exchange for everybody else."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/public/") and b"look" not in path:
            await self._quotes(head, reader, writer)
        else:
            await self._through(head, reader, writer)

    async def _quotes(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(head)
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        writer.writelines(protocol.data_to_send())
        while data := await reader.read(65536):
            protocol.receive_data(data)
            for event in protocol.events_received():
                if getattr(event, "opcode", None) is Opcode.TEXT:
                    protocol.send_text(b'{"result":null,"id":1}')
                    self._subscribers.add(writer)
            writer.writelines(protocol.data_to_send())
        self._subscribers.discard(writer)
        writer.close()

    async def _through(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = urlsplit(self._addresses.ws)
        back, forth = await asyncio.open_connection(there.hostname, there.port)
        forth.write(head)
        await asyncio.gather(_copy(reader, forth), _copy(back, writer))

    async def play(self) -> None:
        """Send what is due every two milliseconds, contract after contract, until cancelled."""
        count = len(self._frames)
        while not self._subscribers:
            await asyncio.sleep(TURN_S)
        began = time.perf_counter()
        while True:
            await asyncio.sleep(TURN_S)
            now = time.perf_counter()
            due = int((now - began) * self._rate)
            at = b"%d" % (time.time_ns() // 1_000_000 + self._ahead_ms)
            stamp = b',"E":' + at + b',"T":' + at
            parts: list[bytes] = []
            for number in range(self._sent, due):
                lap, which = divmod(number, count)
                head, tail = self._frames[which][lap % PRICES]
                parts += (head, b"%010d" % (1_000_000_000 + number), stamp, tail)
                self._times[which, lap % PRICES] = now
            batch = b"".join(parts)
            for writer in self._subscribers:
                if writer.transport.get_write_buffer_size() > HELD_BYTES:
                    self._held += due - self._sent
                writer.write(batch)
            self._sent = due
            self._times[-1, :2] = self._sent, self._held


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _serve(plan: Plan) -> None:
    addresses = await read_addresses(Path(plan.upstream))
    listed = await contracts(addresses)
    ahead_ms = (await fetch(addresses, "time"))["serverTime"] - time.time_ns() // 1_000_000
    hose = Firehose(plan, addresses, listed, ahead_ms)
    server = await asyncio.start_server(hose.connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    told = msgspec.structs.replace(addresses, ws=f"ws://127.0.0.1:{port}")
    print(msgspec.json.encode(told).decode(), flush=True)
    await hose.play()


if __name__ == "__main__":
    asyncio.run(_serve(msgspec.json.decode(sys.argv[1], type=Plan)))
