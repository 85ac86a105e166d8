"""`python -m tests.headless.replica_latency`: from publish to on_change between two processes, as JSON lines.

Times are milliseconds on the one monotonic clock of the machine; shares are of one core. A report, not a test.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from headless.address import find_engine
from headless.client import EngineClient
from headless.launch import launch, stop_process
from tests.headless.control import short_folder

RATES = (500, 5_000)
SECONDS = 5.0


async def measure(folder: Path, rate: int) -> dict[str, object]:
    log = folder / "log"
    argv = [sys.executable, "-m", "tests.headless.small_engine", str(folder), "publish", str(rate), str(SECONDS)]
    engine = await launch(argv, log=log, ready=lambda: find_engine(folder))
    client = EngineClient(engine.address.socket, log)
    seen: dict[str, int] = {}
    waits: list[float] = []

    def changed() -> None:
        now = time.monotonic_ns() // 1_000
        for symbol, quote in client.desk.quotes.items():
            if seen.get(symbol) != quote.at:
                seen[symbol] = quote.at
                waits.append((now - quote.at) / 1_000)

    async with client.running():
        while not client.connected:
            await asyncio.sleep(0.01)
        for symbol, quote in client.desk.quotes.items():
            seen[symbol] = quote.at
        client.on_change(changed)
        cpu, began = time.process_time(), time.monotonic()
        while b"engine_core" not in log.read_bytes():
            await asyncio.sleep(0.2)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
    await stop_process(engine.pid, engine.address.birth)
    waits.sort()
    said = next(json.loads(line) for line in log.read_text().splitlines() if "engine_core" in line)
    p50, p99 = (round(waits[int(len(waits) * part)], 2) for part in (0.5, 0.99))
    return {
        "quotes_per_second": round(said["rate"]),
        "seen": len(waits),
        "p50_ms": p50,
        "p99_ms": p99,
        "engine_core": round(said["engine_core"], 3),
        "station_core": round(share, 3),
    }


def main() -> None:
    for rate in RATES:
        with short_folder() as folder:
            print(json.dumps(asyncio.run(measure(folder, rate))))


if __name__ == "__main__":
    main()
