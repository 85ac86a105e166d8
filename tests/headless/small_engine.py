"""A process for the tests of starting, finding, killing: `python -m tests.headless.small_engine RUN publish RATE SECONDS`.

It serves a control socket in the directory RUN and announces itself there; with a rate it publishes quotes whose `at`
is the monotonic clock in microseconds, and prints its share of a core at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from engine.view import Quotes, QuoteView
from headless.address import EngineAddress, find_engine, own_birth, remove_address, write_address
from headless.publisher import Publisher
from headless.server import ControlServer
from tests.headless.control import SmallEngine, bars
from tests.widgets.desk_sample import NOW, sample_desk


async def main(run: Path, rate: int, seconds: float) -> None:
    desk = sample_desk(NOW)
    desk.status = msgspec.structs.replace(desk.status, epoch=os.getpid(), pid=os.getpid())
    publisher = Publisher(desk, bars)
    server = ControlServer(publisher, SmallEngine())
    await server.listen_unix(run / "s")
    here = EngineAddress(pid=os.getpid(), birth=own_birth(), socket=str(run / "s"), mode="demo", started=0)
    write_address(run, here)
    print("listening", flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    feeding = asyncio.create_task(feed(publisher, rate, seconds)) if rate else None
    await stopped.wait()
    if feeding is not None:
        feeding.cancel()
    await server.close()
    remove_address(run, here)
    print(json.dumps({"still_announced": find_engine(run) is not None}), flush=True)


async def feed(publisher: Publisher, rate: int, seconds: float) -> None:
    """Quotes one by one, a few a millisecond, as a socket hands them out."""
    loop = asyncio.get_running_loop()
    symbols = tuple(publisher.desk.quotes)
    while not publisher._topic.current:
        await asyncio.sleep(0.01)
    began, cpu, sent = loop.time(), time.process_time(), 0
    while loop.time() - began < seconds:
        due = int((loop.time() - began) * rate)
        while sent < due:
            at = time.monotonic_ns() // 1_000
            publisher.publish(Quotes((QuoteView(symbols[sent % len(symbols)], sent, sent + 1, sent, sent, at),)))
            sent += 1
        await asyncio.sleep(1 / min(rate, 1_000))
    share = (time.process_time() - cpu) / (loop.time() - began)
    print(json.dumps({"rate": sent / (loop.time() - began), "engine_core": share}), flush=True)


if __name__ == "__main__":
    given = sys.argv[3:]
    asyncio.run(main(Path(sys.argv[1]), int(given[0]) if given else 0, float(given[1]) if given else 0.0))
