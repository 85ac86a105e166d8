"""Loading at the start of an engine: the disk first, the exchange for the rest, nothing impossible from either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.bars import Bars
from engine.errors import VenueRejected, VenueUnknown
from engine.history.answer import fault_of
from engine.history.load import load
from engine.history.series import Series, Span
from storage.candles import ParquetCandles
from tests.engine.history.exchange import BEGIN, MINUTE, exchange, rows, taken, walk, without

SERIES = Series("binance", "BTC/USDT:USDT", MINUTE)
KEY = ("binance", "BTC/USDT:USDT", MINUTE)


async def test_only_what_the_disk_lacks_is_asked_for(tmp_path: Path) -> None:
    bars, store = walk(4_000), ParquetCandles(tmp_path)
    store.write(*KEY, bars[:3_900])
    async with exchange(bars) as venue:
        loaded = await load(venue.feed, store, SERIES, Span(BEGIN + 100 * MINUTE, BEGIN + 4_000 * MINUTE))
        assert venue.asked == 1
        assert rows(loaded.bars) == rows(bars[100:])
        assert rows(loaded.fresh) == rows(bars[3_900:])
        assert rows(store.read(*KEY)) == rows(bars[:3_900])  # writing is left to the one who asked
        store.write(*KEY, loaded.fresh)
        again = await load(venue.feed, store, SERIES, Span(BEGIN + 100 * MINUTE, BEGIN + 4_000 * MINUTE))
        assert venue.asked == 1
        assert rows(again.bars) == rows(bars[100:])
        assert len(again.fresh) == 0


async def test_holes_are_filled_and_what_the_exchange_lacks_stays_one(tmp_path: Path) -> None:
    bars, store = walk(3_000), ParquetCandles(tmp_path)
    store.write(*KEY, without(bars, (10, 20), (2_000, 2_600)))
    async with exchange(without(bars, (2_100, 2_110))) as venue:
        loaded = await load(venue.feed, store, SERIES, Span(BEGIN, BEGIN + 3_000 * MINUTE))
        assert rows(loaded.bars) == rows(without(bars, (2_100, 2_110)))


async def test_an_exchange_that_does_not_answer_is_said(tmp_path: Path) -> None:
    async with exchange(walk(10), "server-error:path=klines,method=any,when=before") as venue:
        with pytest.raises(VenueUnknown):
            await load(venue.feed, ParquetCandles(tmp_path), SERIES, Span(BEGIN, BEGIN + 10 * MINUTE))


async def test_an_impossible_bar_is_refused_whole(tmp_path: Path) -> None:
    bars = walk(10)
    low = bars.low.copy()
    low[4] = bars.high[4] + 1
    async with exchange(replace(bars, low=low)) as venue:
        with pytest.raises(
            VenueRejected, match=r"^binance sent a bar of BTC/USDT:USDT at 2025-05-01 00:04 UTC that has"
        ):
            await load(venue.feed, ParquetCandles(tmp_path), SERIES, Span(BEGIN, BEGIN + 10 * MINUTE))


def _with(name: str, value: float) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        column = getattr(bars, name).copy()
        column[3] = value
        return replace(bars, **{name: column})

    return change


FAULTS: list[tuple[Callable[[Bars], Bars], str]] = [
    (_with("open_time", BEGIN + 2 * MINUTE), "does not come after the one before"),
    (_with("open_time", BEGIN + 3 * MINUTE + 1), "does not open at a multiple of 60000 ms"),
    (lambda bars: taken(bars, np.array([3, 20])), "was not asked for"),
    (_with("high", float("nan")), "has a field that is no number"),
    (_with("volume", float("inf")), "has a field that is no number"),
    (_with("low", 0.0), "has a price of zero or less, or a negative volume"),
    (_with("volume", -1.0), "has a price of zero or less, or a negative volume"),
    (_with("high", 1.0), "has its high below open or close"),
    (_with("low", 1e9), "has its low above open or close"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS, ids=[reason[:30] for _, reason in FAULTS])
def test_faults_of_an_answer(change: Callable[[Bars], Bars], reason: str) -> None:
    bars = walk(21)
    span = Span(BEGIN, BEGIN + 20 * MINUTE)
    assert fault_of(bars[:20], MINUTE, span) is None
    assert fault_of(Bars.empty(), MINUTE, span) is None
    fault = fault_of(change(bars)[:20], MINUTE, span)
    assert fault is not None
    assert fault[1] == reason
