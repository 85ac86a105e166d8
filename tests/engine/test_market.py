"""The live market: base bars become decision bars, exactly as over whole arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.bars import Bars, aggregate
from engine.market import DECISION_KEPT, Market, merge
from engine.model.event import BarClosed, BarCorrected, Event
from engine.model.market import MINUTE_MS, Bar, Quote
from engine.ports import Reading

BTC = "BTC/USDT:USDT"
QUARTER = 15 * MINUTE_MS
T0 = 1_750_000_500_000 // QUARTER * QUARTER


class Noon:
    """A clock that stands."""

    def now(self) -> int:
        return 77


class LastClose:
    """Readings that remember what they were shown."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def read(self, symbol: str, bars: Bars) -> Reading:
        self.lengths.append(len(bars))
        up = int(bars.close[-1] >= bars.open[-1])
        return Reading((up,) * 6, (float(bars.close[-1]),) * 7, (2.0,) * 7)


class Screen:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def quoted(self, symbol: str, quote: Quote) -> None:
        self.seen.append(quote)

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        self.seen.append((bar, closed))


class Rig:
    """A market with what it put into the queue."""

    def __init__(self, timeframe_ms: int = QUARTER) -> None:
        self.events: list[Event] = []
        self.readings = LastClose()
        self.market = Market([BTC], MINUTE_MS, timeframe_ms, self.readings, Noon(), self.events.append)

    def play(self, bars: Bars) -> None:
        for bar in bars:
            self.market.bar(BTC, bar, closed=True)

    @property
    def closed(self) -> list[Bar]:
        return [event.bar for event in self.events if isinstance(event, BarClosed)]


def minute(i: int, price: float = 100.0) -> Bar:
    return Bar(T0 + i * MINUTE_MS, price, price + 1, price - 1, price + 0.5, 1.0)


@pytest.mark.parametrize(
    "name", ["binance_usdm_BTCUSDT_1m_2025-05", "bitfinex_spot_BTCUSD_1m_2016-02"], ids=["whole", "with gaps"]
)
def test_closed_decision_bars_equal_the_whole_arrays(recorded: Callable[[str], Bars], name: str) -> None:
    bars = recorded(name)[7:6_000]
    rig = Rig()
    rig.play(bars)
    expected = list(aggregate(bars, QUARTER))
    last = rig.market.forming(BTC)
    assert rig.closed + ([last] if last is not None else []) == expected


def test_history_and_live_bars_join_without_a_seam(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_BTCUSDT_1m_2025-05")
    first = int((bars.open_time % QUARTER == 0).argmax())
    bars = bars[first : first + 3_000]
    for cut in (1_500, 1_507, 1_514):
        rig = Rig()
        whole = aggregate(bars[: cut // 15 * 15], QUARTER)
        rig.market.load(BTC, bars[:cut], whole)
        rig.play(bars[cut:])
        joined = [*whole, *rig.closed]
        assert joined == list(aggregate(bars, QUARTER))[: len(joined)]
        assert len(joined) == 200


def test_a_closed_decision_bar_carries_reading_quote_and_time() -> None:
    rig = Rig()
    quote = Quote(1, 2, 3, 4, 5, 6, 7, 8)
    rig.market.quote(BTC, quote)
    rig.play(Bars.of([minute(i) for i in range(15)]))
    (event,) = rig.events
    assert isinstance(event, BarClosed)
    assert (event.at, event.symbol, event.bar.open_time) == (77, BTC, T0)
    assert event.bar == Bar(T0, 100.0, 101.0, 99.0, 100.5, 15.0)
    assert event.view.quotes == ((BTC, quote),)
    assert (event.readings, event.stops) == ((1,) * 6, (100.5,) * 7)
    assert rig.readings.lengths == [1]
    assert not event.backfilled


def test_a_gap_closes_the_bar_it_cut_short() -> None:
    rig = Rig()
    rig.play(Bars.of([minute(0), minute(1), minute(40)]))
    assert [bar.open_time for bar in rig.closed] == [T0]
    assert rig.closed[0].volume == 2.0
    forming = rig.market.forming(BTC)
    assert forming is not None
    assert forming.open_time == T0 + 2 * QUARTER


def test_the_forming_bar_includes_the_unfinished_minute() -> None:
    rig = Rig()
    assert rig.market.forming(BTC) is None
    rig.play(Bars.of([minute(0), minute(1)]))
    rig.market.bar(BTC, minute(2, 150.0), closed=False)
    assert rig.market.forming(BTC) == Bar(T0, 100.0, 151.0, 99.0, 150.5, 3.0)
    rig.market.bar(BTC, minute(15, 50.0), closed=False)  # the first minute of the next bar
    assert rig.market.forming(BTC) == Bar(T0 + QUARTER, 50.0, 51.0, 49.0, 50.5, 1.0)


def test_on_the_base_timeframe_each_bar_decides() -> None:
    rig = Rig(MINUTE_MS)
    bars = [minute(i) for i in range(5)]
    rig.play(Bars.of(bars))
    assert rig.closed == bars
    rig.market.bar(BTC, minute(5), closed=False)
    assert rig.market.forming(BTC) == minute(5)


def test_a_bar_the_history_has_is_not_decided_again() -> None:
    rig = Rig(MINUTE_MS)
    history = Bars.of([minute(i) for i in range(5)])
    rig.market.load(BTC, history, history)
    assert (rig.market.closed, rig.market.newest_close) == (0, minute(4).open_time)
    rig.market.bar(BTC, minute(4), closed=True)
    assert rig.events == []
    rig.market.bar(BTC, minute(5), closed=True)
    assert rig.closed == [minute(5)]
    assert rig.readings.lengths == [6]


def test_a_correction_changes_the_window_and_is_an_event() -> None:
    rig = Rig(MINUTE_MS)
    rig.play(Bars.of([minute(0), minute(1)]))
    after = minute(1, 200.0)
    rig.market.corrected(BTC, minute(1), after)
    assert rig.events[-1] == BarCorrected(at=77, symbol=BTC, timeframe_ms=MINUTE_MS, before=minute(1), after=after)
    assert rig.market.base(BTC).close[-1] == rig.market.decision(BTC).close[-1] == 200.5
    assert len(rig.market.base(BTC)) == 2
    rig.market.corrected(BTC, minute(0), minute(0, 9.0))  # too old for the window's end
    assert rig.market.base(BTC).close.tolist() == [100.5, 200.5]


def test_windows_keep_the_newest() -> None:
    rig = Rig(MINUTE_MS)
    n = 2 * DECISION_KEPT + 1_700
    close = np.arange(n, dtype=np.float64) + 1.0
    rig.play(Bars(T0 + np.arange(n) * MINUTE_MS, close, close, close, close, close))
    assert rig.market.decision(BTC).close.tolist() == close[-DECISION_KEPT:].tolist()
    assert rig.market.last_base(BTC) == T0 + (n - 1) * MINUTE_MS
    assert (rig.market.closed, rig.market.newest_close) == (n, T0 + (n - 1) * MINUTE_MS)


def test_watchers_and_links_are_told() -> None:
    rig = Rig()
    screen = Screen()
    links: list[tuple[str, bool, str]] = []
    rig.market.watch(screen)
    rig.market.on_link(lambda name, up, reason: links.append((name, up, reason)))
    quote = Quote(1, 2, 3, 4, 5, 6, 7, 8)
    rig.market.quote(BTC, quote)
    rig.market.bar(BTC, minute(0), closed=False)
    rig.market.bar(BTC, minute(0), closed=True)
    assert screen.seen == [quote, (minute(0), False), (minute(0), True)]
    rig.market.link("feed", up=False, reason="dropped")
    rig.market.link("feed", up=True, reason="")
    assert links == [("feed", False, "dropped"), ("feed", True, "")]
    assert (rig.market.reconnects, rig.market.quoted) == (1, 1)


def test_a_view_names_each_known_symbol_once() -> None:
    rig = Rig()
    quote = Quote(1, 2, 3, 4, 5, 6, 7, 8)
    rig.market.quote(BTC, quote)
    assert rig.market.view([BTC, "ETH/USDT:USDT", BTC]).quotes == ((BTC, quote),)


def test_merging_keeps_the_extremes_and_adds_the_volume() -> None:
    first = merge(None, Bar(60_000, 5.0, 7.0, 4.0, 6.0, 1.0), 0)
    assert merge(first, Bar(120_000, 6.0, 9.0, 5.0, 8.0, 2.0), 0) == Bar(0, 5.0, 9.0, 4.0, 8.0, 3.0)
