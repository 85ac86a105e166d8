"""A desk at whose account somebody else has been busy."""

from __future__ import annotations

from engine.view import Desk, OutsideOrderView, OutsideView
from engine.view_market import FundingView
from tests.widgets.coin_table import symbol_of, ticks_of
from tests.widgets.desk_sample import NOW, sample_desk

BTC, LINK, ETH, AVAX, UNI = (symbol_of(base) for base in ("BTC", "LINK", "ETH", "AVAX", "UNI"))


def outside_desk(*, mode: str = "demo") -> Desk:
    """LINK was bought elsewhere, ETH is shorter than the desk knows, AVAX is left alone, UNI has a stop of somebody's."""
    desk = sample_desk(NOW, mode=mode)
    eth, link = ticks_of("ETH"), ticks_of("LINK")
    rows = (
        OutsideView(symbol=LINK, ours=0, theirs=340, our_entry=0.0, entry=link * 0.98, leverage=5),
        OutsideView(symbol=ETH, ours=-900, theirs=-1_200, our_entry=339_010.0, entry=eth * 1.01, leverage=3),
        OutsideView(
            symbol=AVAX, ours=0, theirs=-50, our_entry=0.0, entry=ticks_of("AVAX") * 1.0, leverage=0, left=True
        ),
    )
    desk.outside = {row.symbol: row for row in rows}
    stop = OutsideOrderView(
        client_id="web_4711",
        venue_id="88114711",
        symbol=UNI,
        side=-1,
        lots=120,
        filled=0,
        price=None,
        trigger=ticks_of("UNI") * 95 // 100,
        reduce_only=True,
        conditional=True,
        at=NOW - 60_000,
    )
    desk.outside_orders = {stop.client_id: stop}
    desk.funding = {BTC: FundingView(BTC, 0.0001, NOW + 13_290_000)}
    return desk
