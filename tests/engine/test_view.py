"""What a replica keeps is bounded and stays aligned, however long it runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import Bar
from engine.view import TRADES_KEPT, Gone, empty_desk
from engine.view_bars import BARS_KEPT, BarChange, BarsView
from engine.view_market import DepthView, TapeView, TradeView

SYMBOL = "BTC/USDT:USDT"


def bar(index: int) -> Bar:
    return Bar(index * 60_000, 1.0, 2.0, 0.5, 1.5, float(index))


@given(known=st.integers(0, BARS_KEPT), news=st.lists(st.integers(0, 3), max_size=30))
def test_a_chart_keeps_its_newest_bars_and_their_overlays(known: int, news: list[int]) -> None:
    view = BarsView(
        symbol=SYMBOL,
        timeframe_ms=60_000,
        bars=[bar(i) for i in range(known)],
        overlays={"EMA 12": [float(i) for i in range(known)]},
    )
    index = known
    for step in news:
        index += step
        view.apply(BarChange(bar=bar(index), closed=True, overlays={"EMA 12": float(index), "BB upper": 1.0}))
    assert len(view.bars) <= BARS_KEPT
    assert all(len(column) == len(view.bars) for column in view.overlays.values())
    times = [one.open_time for one in view.bars]
    assert times == sorted(set(times))
    if news:
        assert view.bars[-1] == bar(index)
        assert view.overlays["EMA 12"][-1] == float(index)


def test_a_tape_is_bounded_and_a_book_goes_with_it() -> None:
    desk = empty_desk()
    desk.apply(DepthView(SYMBOL, ((10, 1),), ((11, 1),), 5))
    for n in range(TRADES_KEPT + 7):
        desk.apply(TapeView(SYMBOL, (TradeView(n, 10, 1, 1),)))
    assert [trade.at for trade in desk.tapes[SYMBOL]] == list(range(7, TRADES_KEPT + 7))
    desk.apply(Gone("book", SYMBOL))
    assert desk.depths == {}
    assert desk.tapes == {}
