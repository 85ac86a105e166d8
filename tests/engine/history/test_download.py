"""Downloads over real HTTP: whole, resumed, interrupted, slowed down and refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.candle_file import Gap
from engine.errors import VenueRejected, VenueUnknown
from engine.history.download import PIECE, Downloaded, Progress, download
from engine.history.series import DAY_MS, Series, Span
from storage.candles import ParquetCandles
from tests.engine.history.exchange import BEGIN, MINUTE, exchange, rows, walk, without

SERIES = Series("binance", "BTC/USDT:USDT", MINUTE)
KEY = ("binance", "BTC/USDT:USDT", MINUTE)


def quiet(_: Progress) -> None:
    """Nobody watches."""


async def test_a_download_keeps_every_bar_and_tells_how_far_it_is(tmp_path: Path) -> None:
    bars, store, told = walk(20_000, begin=BEGIN - 2_000 * MINUTE), ParquetCandles(tmp_path), list[Progress]()
    async with exchange(bars) as venue:
        span = Span(int(bars.open_time[0]) - 500, int(bars.open_time[-1]) + MINUTE)
        done = await download(venue.feed, store, SERIES, span, told.append)
    first, last = int(bars.open_time[0]), int(bars.open_time[-1])
    assert done == Downloaded(20_000, 20_000, first, last, ())
    assert rows(store.read(*KEY)) == rows(bars)
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1] == Progress(20_000, 20_000, 20_000)
    assert len(told) > 20_000 // PIECE


async def test_what_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    bars, store = walk(12_000), ParquetCandles(tmp_path)
    store.write(*KEY, without(bars, (0, 3_000), (6_000, 6_001)))
    async with exchange(bars) as venue:
        span = Span(BEGIN, BEGIN + 12_000 * MINUTE)
        done = await download(venue.feed, store, SERIES, span, quiet)
        assert venue.asked == 3
        # two pages for the first 3,000, one for the single bar
        assert done.fetched == 3_001
        assert rows(store.read(*KEY)) == rows(bars)
        assert await download(venue.feed, store, SERIES, span, quiet) == Downloaded(
            12_000, 0, BEGIN, BEGIN + 11_999 * MINUTE, ()
        )
        assert venue.asked == 3


async def test_holes_of_the_source_are_reported(tmp_path: Path) -> None:
    bars = without(walk(5_000), (1_000, 1_010), (4_000, 4_001))
    async with exchange(bars) as venue:
        done = await download(venue.feed, ParquetCandles(tmp_path), SERIES, Span(BEGIN, BEGIN + 5_000 * MINUTE), quiet)
    assert done.gaps == (
        Gap(BEGIN + 1_000 * MINUTE, BEGIN + 1_010 * MINUTE, 10),
        Gap(BEGIN + 4_000 * MINUTE, BEGIN + 4_001 * MINUTE, 1),
    )
    assert done.bars == 4_989


async def test_a_market_listed_late_costs_one_page_of_days(tmp_path: Path) -> None:
    bars, told = walk(3_000), list[Progress]()
    async with exchange(bars) as venue:
        span = Span(BEGIN - 400 * DAY_MS, BEGIN + 3_000 * MINUTE)
        done = await download(venue.feed, ParquetCandles(tmp_path), SERIES, span, told.append)
        assert venue.asked == 3
    assert (done.bars, done.first) == (3_000, BEGIN)
    assert told[-1].done == told[-1].total == 400 * 1_440 + 3_000


async def test_a_market_that_was_not_listed_yet_has_no_bars(tmp_path: Path) -> None:
    async with exchange(walk(10)) as venue:
        span = Span(BEGIN - 400 * DAY_MS, BEGIN - 300 * DAY_MS)
        done = await download(venue.feed, ParquetCandles(tmp_path), SERIES, span, quiet)
    assert done == Downloaded(0, 0, 0, 0, ())


async def test_a_cancelled_download_keeps_what_came_and_goes_on_from_there(tmp_path: Path) -> None:
    bars, store, some = walk(3 * PIECE), ParquetCandles(tmp_path), asyncio.Event()
    span = Span(BEGIN, BEGIN + len(bars) * MINUTE)

    def tell(progress: Progress) -> None:
        if progress.fetched:
            some.set()

    async with exchange(bars) as venue:
        task = asyncio.create_task(download(venue.feed, store, SERIES, span, tell))
        await asyncio.wait_for(some.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        kept = store.read(*KEY)
        assert 0 < len(kept) < len(bars)
        assert rows(kept) == rows(bars[: len(kept)])
        done = await download(venue.feed, store, SERIES, span, quiet)
        assert done.fetched == len(bars) - len(kept)
    assert rows(store.read(*KEY)) == rows(bars)


async def test_trouble_is_waited_out_and_said(tmp_path: Path) -> None:
    told: list[Progress] = []
    async with exchange(walk(100), "server-error:path=klines,method=any,when=before,count=2") as venue:
        done = await download(
            venue.feed,
            ParquetCandles(tmp_path),
            SERIES,
            Span(BEGIN, BEGIN + 100 * MINUTE),
            told.append,
            retry_s=(0.0, 0.0),
        )
    assert done.bars == 100
    assert [bool(p.waiting) for p in told] == [False, True, True, False]
    assert told[1].waiting.endswith("again in 0 s")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server-error:path=klines,method=any,when=before", VenueUnknown),
        ("reject:path=klines,method=any,code=-1121", VenueRejected),
    ],
)
async def test_a_source_that_goes_on_refusing_ends_the_download_with_what_came(
    tmp_path: Path, fault: str, error: type[Exception]
) -> None:
    store, bars = ParquetCandles(tmp_path), walk(PIECE + 100)
    async with exchange(bars) as venue:

        def tell(progress: Progress) -> None:
            if progress.fetched and not venue.running.simulation.switchboard.report()[1:]:
                venue.running.simulation.switchboard.add([fault])

        span = Span(BEGIN, BEGIN + len(bars) * MINUTE)
        with pytest.raises(error):
            await download(venue.feed, store, SERIES, span, tell, retry_s=())
    assert rows(store.read(*KEY)) == rows(bars[:PIECE])
