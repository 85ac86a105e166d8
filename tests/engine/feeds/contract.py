"""What every feed must do: inherit `FeedContract` and give it a `bench` fixture."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import pytest

from engine.errors import VenueError
from engine.feeds.ccxt_feed import CcxtFeed
from engine.model.market import Bar, Quote
from engine.simulator.account import FUNDING_INTERVAL_MS, funding_rate_e8
from tests.engine.simulator.conftest import BTC, ETH, MINUTE
from tests.engine.venues.hand import FIRST, Hand

PATIENCE_S = 60.0


class Sink:
    """Implements FeedSink: keeps everything."""

    def __init__(self) -> None:
        self.quotes: dict[str, list[Quote]] = {}
        self.closed: dict[str, list[Bar]] = {}
        self.forming: dict[str, list[Bar]] = {}
        self.links: list[tuple[bool, str]] = []
        self.corrections: list[tuple[Bar, Bar]] = []
        self._changed = asyncio.Event()

    def quote(self, symbol: str, quote: Quote) -> None:
        self.quotes.setdefault(symbol, []).append(quote)
        self._changed.set()

    def bar(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        (self.closed if closed else self.forming).setdefault(symbol, []).append(bar)
        self._changed.set()

    def corrected(self, symbol: str, before: Bar, after: Bar) -> None:
        assert symbol
        self.corrections.append((before, after))
        self._changed.set()

    def link(self, name: str, *, up: bool, reason: str) -> None:
        assert name == "feed"
        self.links.append((up, reason))
        self._changed.set()

    async def until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: {self.links} {self.closed}") from None


class Bench(Protocol):
    """A running feed of BTC and ETH on a market that is moved by hand."""

    feed: CcxtFeed
    sink: Sink
    hand: Hand

    async def listening(self) -> None:
        """Wait until the venue has the feed's subscriptions."""
        ...

    async def come_back(self) -> None:
        """Start the venue again at the same address, a while later by its clock."""
        ...


class FeedContract:
    """Every feed."""

    async def test_quotes_and_bars(self, bench: Bench) -> None:
        bench.hand.quote(FIRST + 5, lots=77)
        bar = bench.hand.bar(FIRST, FIRST + 40, FIRST - 30, FIRST + 10)
        await bench.sink.until(lambda: bool(bench.sink.closed.get(BTC.symbol)), "no bar")
        assert bench.sink.closed == {BTC.symbol: [bar]}
        first = next(q for q in bench.sink.quotes[BTC.symbol] if q.bid == FIRST + 5)
        assert (first.ask, first.bid_lots, first.ask_lots) == (FIRST + 6, 77, 77)
        await bench.sink.until(lambda: bench.sink.quotes[BTC.symbol][-1].bid == FIRST + 10, "no quote")
        newest = bench.sink.quotes[BTC.symbol][-1]
        assert newest.venue_time == bar.open_time + MINUTE
        assert newest.mark == FIRST + 5
        rate, at = bench.feed.funding_rates[BTC.symbol]
        assert rate == pytest.approx(funding_rate_e8(BTC.symbol, at) / 1e8)
        assert 0 < at - bench.hand.now <= FUNDING_INTERVAL_MS

    async def test_history_is_whole_bars_oldest_first(self, bench: Bench) -> None:
        end = bench.hand.now // MINUTE * MINUTE
        bars = await bench.feed.history(BTC.symbol, MINUTE, end - 50 * MINUTE, end)
        assert bars.open_time.tolist() == [end - n * MINUTE for n in range(50, 0, -1)]
        hours = await bench.feed.history(BTC.symbol, 15 * MINUTE, end - 240 * MINUTE, end)
        assert all(time % (15 * MINUTE) == 0 and time + 15 * MINUTE <= end for time in hours.open_time.tolist())

    @pytest.mark.parametrize("count", [1, 2, 299])
    async def test_history_gives_as_many_bars_as_there_are_in_the_span(self, bench: Bench, count: int) -> None:
        end = bench.hand.now // MINUTE * MINUTE
        bars = await bench.feed.history(BTC.symbol, MINUTE, end - count * MINUTE, end)
        assert len(bars) == count

    async def test_bars_missed_while_the_connection_was_cut_are_filled_in(self, bench: Bench) -> None:
        bars = [bench.hand.bar(FIRST, FIRST + n, FIRST, FIRST) for n in range(2)]
        await bench.sink.until(lambda: len(bench.sink.closed.get(BTC.symbol, [])) == 2, "no bars")
        for socket in list(bench.hand.simulation.hub.sockets):
            socket.drop()
        bars += [bench.hand.bar(FIRST, FIRST + n, FIRST, FIRST) for n in range(2, 7)]
        await bench.sink.until(lambda: not bench.sink.links[-1][0], "the cut was not noticed")
        await bench.listening()
        bench.hand.quote(FIRST + 3, after=20_000)
        bars.append(bench.hand.bar(FIRST, FIRST + 9, FIRST, FIRST))
        await bench.sink.until(lambda: len(bench.sink.closed[BTC.symbol]) >= len(bars), "bars are missing")
        assert bench.sink.closed[BTC.symbol] == bars

    async def test_a_bar_whose_close_was_lost_is_asked_for(self, bench: Bench) -> None:
        bars = [bench.hand.bar(FIRST, FIRST, FIRST, FIRST)]
        await bench.sink.until(lambda: BTC.symbol in bench.sink.closed, "no bar")
        bench.hand.faults("lose:target=market")
        bars.append(bench.hand.bar(FIRST, FIRST + 7, FIRST, FIRST))
        bench.hand.calm()
        bench.hand.quote(FIRST, instrument=ETH, after=5_000)  # another symbol's message tells the time
        await bench.sink.until(lambda: len(bench.sink.closed[BTC.symbol]) == 2, "the bar was not asked for")
        assert bench.sink.closed[BTC.symbol] == bars

    @pytest.mark.parametrize(
        "fault",
        [
            "duplicate:target=market",
            "reorder:target=market",
            "reorder:target=market,share=0.4",
            "lose:target=market,share=0.4",
            "delay:target=market,ms=5",
        ],
    )
    async def test_each_bar_once_in_order_whatever_happens_to_the_messages(self, bench: Bench, fault: str) -> None:
        bars = [bench.hand.bar(FIRST, FIRST, FIRST, FIRST)]
        await bench.sink.until(lambda: BTC.symbol in bench.sink.closed, "no bar")
        bench.hand.faults(fault)
        level = FIRST  # the price only rises, so that what comes too late shows
        for _ in range(12):
            opened = level
            for pause in (20_000, 100, 100, 20_000):  # several messages of a kind in a row, too
                level += 1
                bench.hand.quote(level, after=pause)
            bars.append(bench.hand.bar(opened, level, opened, level))
        bench.hand.calm()
        bench.hand.quote(level + 1, after=5_000)
        await bench.sink.until(lambda: len(bench.sink.closed[BTC.symbol]) >= len(bars), "bars are missing")
        assert bench.sink.closed[BTC.symbol] == bars
        await bench.sink.until(lambda: bench.sink.quotes[BTC.symbol][-1].bid == level + 1, "no newest quote")
        for numbers in (
            [quote.bid for quote in bench.sink.quotes[BTC.symbol]],
            [quote.last for quote in bench.sink.quotes[BTC.symbol]],
            [quote.venue_time for quote in bench.sink.quotes[BTC.symbol]],
            [bar.open_time for bar in bench.sink.forming.get(BTC.symbol, [])],
            [bar.close for bar in bench.sink.forming.get(BTC.symbol, [])],
        ):
            assert numbers == sorted(numbers)

    async def test_a_connection_that_fell_silent_is_replaced(self, bench: Bench) -> None:
        bench.hand.bar(FIRST, FIRST, FIRST, FIRST)
        await bench.sink.until(lambda: BTC.symbol in bench.sink.closed, "no bar")
        silent = list(bench.hand.simulation.hub.sockets)
        bench.hand.faults(f"half-open:target=market,after=0s,count={len(silent)}")
        await bench.sink.until(lambda: not bench.sink.links[-1][0], "the silence was not noticed")
        bench.hand.calm()
        await bench.listening()
        after = bench.hand.bar(FIRST, FIRST + 2, FIRST, FIRST)
        await bench.sink.until(lambda: after in bench.sink.closed[BTC.symbol], "the new connection is not heard")
        assert Counter(bar.open_time for bar in bench.sink.closed[BTC.symbol]).most_common(1)[0][1] == 1

    async def test_a_venue_that_was_away_is_found_again(self, bench: Bench) -> None:
        bars = [bench.hand.bar(FIRST, FIRST, FIRST, FIRST)]
        for n in range(20):
            bench.hand.quote(FIRST + n)
        await bench.sink.until(lambda: BTC.symbol in bench.sink.closed, "no bar")
        await bench.sink.until(lambda: bench.sink.quotes[BTC.symbol][-1].bid == FIRST + 19, "no quotes")
        await bench.hand.stop()
        down = len(bench.sink.links) + 6  # every connection, and more: those that are refused
        await bench.sink.until(lambda: len(bench.sink.links) >= down, "nobody tries again")
        assert not any(up for up, _ in bench.sink.links[-6:])
        with pytest.raises(VenueError):
            await bench.feed.history(BTC.symbol, MINUTE, bars[0].open_time, bars[0].open_time + MINUTE)
        await bench.come_back()
        await bench.listening()
        bench.hand.quote(FIRST + 1)
        bar = bench.hand.bar(FIRST, FIRST + 8, FIRST, FIRST)
        await bench.sink.until(lambda: bar in bench.sink.closed[BTC.symbol], "the venue is not heard")
        times = [bar.open_time for bar in bench.sink.closed[BTC.symbol]]
        assert times == list(range(times[0], times[-1] + MINUTE, MINUTE))  # and what it had meanwhile
        assert bench.sink.quotes[BTC.symbol][-1].bid == FIRST  # a venue that counts anew is believed
