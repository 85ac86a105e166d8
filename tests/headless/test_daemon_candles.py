"""An engine and its bars: the disk first, the exchange for the rest, and what closes is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from engine.model.market import MINUTE_MS
from engine.simulator.prices import GeneratedMarket
from engine.simulator.server import RunningSimulator, serve
from headless.daemon import Daemon
from headless.options import Addresses, Options
from headless.session import DEMO_SETTINGS
from storage.candles import ParquetCandles
from tests.engine.history.exchange import rows

PATIENCE_S = 60.0
SYMBOL = "BTC/USDT:USDT"
KEY = ("simulated", SYMBOL, MINUTE_MS)


@asynccontextmanager
async def engine(folder: Path, venue: RunningSimulator, *, paper: bool = False) -> AsyncIterator[Daemon]:
    """An engine that is live, stopped in good order at the end."""
    file = folder / "simulator.json"
    keys = {"apiKey": venue.keys.api_key, "secret": venue.keys.secret}
    file.write_bytes(msgspec.json.encode(Addresses(venue.rest, venue.ws, keys)) + b"\n")
    if paper:
        text = f'[feed]\nsymbols = ["{SYMBOL}"]\nrest = "{venue.rest}"\nws = "{venue.ws}"\n'
        (folder / "config.toml").write_text(text, encoding="utf-8")
        options = Options(home=str(folder), mode="paper", settings={"timeframe_ms": 5 * MINUTE_MS})
    else:
        options = Options(home=str(folder), simulator=str(file), symbols=(SYMBOL,), settings=DEMO_SETTINGS)
    daemon = Daemon(options)
    running = asyncio.create_task(daemon.run())
    ready = asyncio.create_task(daemon.ready.wait())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield daemon
        daemon.stopped.set()
        await running


def asked(venue: RunningSimulator) -> int:
    """Requests for bars."""
    return int(str(venue.simulation.switchboard.report()[0]["hits"]))


@pytest.mark.slow
async def test_bars_are_kept_and_the_next_engine_asks_only_for_the_rest(tmp_path: Path) -> None:
    venue = await serve(GeneratedMarket(1, 3, start=1_746_057_600_000), speed=600.0, faults=("delay:path=klines,ms=0",))
    try:
        async with engine(tmp_path, venue) as first:
            assert first.parts is not None
            market = first.parts.market
            begin = market.last_base(SYMBOL)
            pages = asked(venue)
            assert pages == 2  # 2,500 bars
            while market.last_base(SYMBOL) < begin + 20 * MINUTE_MS:
                await asyncio.sleep(0.02)
        known = {row[0]: row for row in rows(market.base(SYMBOL))}
        kept = ParquetCandles(tmp_path / "candles").read(*KEY)
        settled = {at: row for at, row in known.items() if at != begin}  # that one had just ended when it was loaded
        assert {row[0]: row for row in rows(kept)} == settled
        assert len(kept) >= 2_519
        async with engine(tmp_path, venue) as second:
            assert second.parts is not None
            assert second.errors == []
            loaded = {row[0]: row for row in rows(second.parts.market.base(SYMBOL))}
            assert asked(venue) <= pages + 3  # the rest, and what closed meanwhile
            both = loaded.keys() & known.keys()
            assert len(both) > 2_000
            assert [loaded[at] for at in both] == [known[at] for at in both]
    finally:
        await venue.stop()


@pytest.mark.slow
async def test_a_damaged_month_is_said_and_had_again(tmp_path: Path) -> None:
    venue = await serve(GeneratedMarket(1, 3, start=1_746_057_600_000), faults=("delay:path=klines,ms=0",))
    try:
        async with engine(tmp_path, venue):
            pass
        files = sorted((tmp_path / "candles").rglob("*.parquet"))
        assert files
        for file in files:
            file.write_bytes(b"noise")
        async with engine(tmp_path, venue) as again:
            assert len(again.errors) == len(files)
            assert all("it is damaged" in sentence for sentence in again.errors)
            assert again.parts is not None
            assert len(again.parts.market.base(SYMBOL)) >= 2_400
        assert len(ParquetCandles(tmp_path / "candles").read(*KEY)) >= 2_400
    finally:
        await venue.stop()


@pytest.mark.slow
async def test_on_paper_the_bars_are_the_exchanges(tmp_path: Path) -> None:
    venue = await serve(GeneratedMarket(1, 3, start=1_746_057_600_000), speed=600.0)
    try:
        async with engine(tmp_path, venue, paper=True) as daemon:
            assert daemon.parts is not None
            market = daemon.parts.market
            begin = market.last_base(SYMBOL)
            while market.last_base(SYMBOL) < begin + 6 * MINUTE_MS:
                await asyncio.sleep(0.02)
            assert daemon.parts.venue.name == "paper"
        store = ParquetCandles(tmp_path / "candles")
        kept = {(one.venue, one.symbol, one.timeframe_ms): one.bars for one in store.stored()}
        assert set(kept) == {("binance", SYMBOL, MINUTE_MS), ("binance", SYMBOL, 5 * MINUTE_MS)}
        assert kept["binance", SYMBOL, MINUTE_MS] >= 1_500
        known = {row[0]: row for row in rows(market.base(SYMBOL))}
        closed = store.read("binance", SYMBOL, MINUTE_MS, begin + MINUTE_MS)
        assert len(closed) >= 6
        assert rows(closed) == [known[int(at)] for at in closed.open_time]
    finally:
        await venue.stop()
