"""The keeper: what closed is written, corrections win, and a disk that fails loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.history.keep import FLUSH_BARS, BarKeeper
from engine.history.series import Series
from engine.model.event import BarCorrected, ClockTick
from engine.ports import Entry
from storage.candles import ParquetCandles
from tests.engine.history.exchange import MINUTE, rows, walk

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
KEY = ("binance", BTC, MINUTE)


@pytest.fixture
def store(tmp_path: Path) -> ParquetCandles:
    return ParquetCandles(tmp_path / "candles")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def keeper(store: ParquetCandles, told: list[str]) -> BarKeeper:
    return BarKeeper(store, "binance", MINUTE, told.append)


async def test_closed_bars_and_loaded_ones_are_written_at_a_flush(keeper: BarKeeper, store: ParquetCandles) -> None:
    bars = walk(100)
    keeper.put(Series(*KEY), bars[:60])
    keeper.put(Series("binance", BTC, 5 * MINUTE), walk(3, step_ms=5 * MINUTE))
    for bar in bars[60:99]:
        keeper.barred(BTC, bar, closed=False)
        keeper.barred(BTC, bar, closed=True)
        keeper.barred(ETH, bar, closed=True)
    keeper.barred(BTC, next(iter(bars[99:])), closed=False)
    assert len(store.read(*KEY)) == 0
    await keeper.flush()
    assert rows(store.read(*KEY)) == rows(bars[:99])
    assert rows(store.read("binance", ETH, MINUTE)) == rows(bars[60:99])
    assert rows(store.read("binance", BTC, 5 * MINUTE)) == rows(walk(3, step_ms=5 * MINUTE))


@pytest.mark.parametrize("flushed", [False, True])
async def test_a_correction_replaces_its_bar(keeper: BarKeeper, store: ParquetCandles, *, flushed: bool) -> None:
    bars, other = list(walk(3)), list(walk(3, seed=2))
    for bar in bars:
        keeper.barred(BTC, bar, closed=True)
    if flushed:
        await keeper.flush()
    corrected = BarCorrected(at=1, symbol=BTC, timeframe_ms=MINUTE, before=bars[2], after=other[2])
    longer = BarCorrected(at=1, symbol=BTC, timeframe_ms=5 * MINUTE, before=bars[1], after=other[1])
    keeper.committed([Entry(1, ClockTick(at=1), ()), Entry(2, corrected, ()), Entry(3, longer, ())])
    await keeper.flush()
    assert list(store.read(*KEY)) == [*bars[:2], other[2]]


async def test_it_flushes_by_itself_soon_and_when_much_has_come(keeper: BarKeeper, store: ParquetCandles) -> None:
    bars = walk(FLUSH_BARS + 1)
    running = asyncio.create_task(keeper.run(first_s=0.0, every_s=3_600.0))
    keeper.put(Series(*KEY), bars[:1])
    async with asyncio.timeout(10):
        while len(store.read(*KEY)) < 1:
            await asyncio.sleep(0)
        for bar in bars[1:]:
            keeper.barred(BTC, bar, closed=True)
        while len(store.read(*KEY)) < len(bars):
            await asyncio.sleep(0)
    running.cancel()
    assert rows(store.read(*KEY)) == rows(bars)


async def test_a_failing_disk_is_said_once_and_the_bars_wait(
    keeper: BarKeeper, store: ParquetCandles, told: list[str], tmp_path: Path
) -> None:
    bars, way = list(walk(4)), tmp_path / "candles"
    way.write_text("in the way")
    for bar in bars[:3]:
        keeper.barred(BTC, bar, closed=True)
        await keeper.flush()
    assert len(told) == 1
    assert told[0].startswith("bars cannot be kept: candle folder: ")
    way.unlink()
    keeper.barred(BTC, bars[3], closed=True)
    await keeper.flush()
    assert list(store.read(*KEY)) == bars
    assert len(told) == 1
