"""What is OKX's own: notices, passphrases, modes of the account, ids that are too long, orders of other programs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from msgspec.structs import replace

from engine.errors import VenueRejected
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.simulator.orders import NewOrder
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.hand import FIRST
from tests.engine.venues.mini_desk import MiniDesk
from tests.engine.venues.simulated_bench import OkxBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s


@pytest.fixture
async def bench() -> AsyncIterator[OkxBench]:
    """An exchange and a venue on it."""
    async with OkxBench.running() as made:
        yield made


async def test_a_notice_that_the_connection_will_close_brings_a_new_one(bench: OkxBench) -> None:
    desk = bench.desk
    notice = {"event": "notice", "code": "64008", "msg": "The connection will soon be closed for a service upgrade."}
    bench.hand.simulation.private.sockets()[0].answer(orjson.dumps(notice))
    await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
    assert "service upgrade" in desk.links[-2][1]
    request = desk.request(Side.BUY, 100)
    await desk.send(bench.venue, request)
    await desk.until(lambda: desk.status(request) is OrderStatus.FILLED)


async def test_one_socket_of_two_that_is_cut_renews_both(bench: OkxBench) -> None:
    desk = bench.desk
    before = set(bench.hand.simulation.private.sockets())
    next(iter(before)).drop()
    await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
    await desk.send(bench.venue, desk.request(Side.BUY, 100))
    stop = desk.request(
        Side.SELL, 100, OrderKind.STOP_MARKET, trigger=FIRST - 100, reduce_only=True, purpose=Purpose.STOP
    )
    await desk.send(bench.venue, stop)
    bench.quote(FIRST - 200)
    await desk.until(lambda: desk.status(stop) is OrderStatus.FILLED)


async def test_a_wrong_passphrase_is_one_sentence(bench: OkxBench) -> None:
    right = bench.access()
    access = Access(right.rest, right.ws, right.api_key, right.secret, exchange="okx", passphrase="wrong")
    venue = CcxtVenue(access, bench.clock)
    try:
        with pytest.raises(VenueRejected, match="passphrase") as refused:
            await venue.open([bench.instrument], [], MiniDesk(bench.instrument, bench.clock))
        assert refused.value.code == "50105"
    finally:
        await venue.close()


async def test_contracts_of_another_size_are_not_traded(bench: OkxBench) -> None:
    other = replace(bench.instrument, lot_size=bench.instrument.lot_size * 10)
    venue = CcxtVenue(bench.access(), bench.clock)
    try:
        with pytest.raises(VenueRejected, match="a lot is"):
            await venue.open([other], [], MiniDesk(other, bench.clock))
    finally:
        await venue.close()


async def test_an_id_that_is_too_long_is_refused_and_nothing_is_sent(bench: OkxBench) -> None:
    bench.desk._name = "desk-" * 8
    request = bench.desk.request(Side.BUY, 100)
    order = await bench.desk.send(bench.venue, request)
    assert order.status is OrderStatus.REJECTED
    assert bench.hand.simulation.exchange.orders == {}


async def test_orders_of_other_programs_have_a_name_and_can_be_cancelled_by_it(bench: OkxBench) -> None:
    foreign = NewOrder(
        symbol=BTC.symbol, client_id="", side=Side.BUY, kind=OrderKind.LIMIT, lots=100, price=FIRST - 100
    )
    theirs = bench.hand.simulation.exchange.place(foreign)
    (held,) = (await bench.venue.report(bench.since)).orders
    assert (held.client_id, held.venue_id) == (f"okx:{theirs.order_id}", str(theirs.order_id))
    await bench.venue.cancel_all(BTC.symbol)
    assert (await bench.venue.report(bench.since)).orders == ()


async def test_a_position_of_a_contract_that_is_not_traded_is_named(bench: OkxBench) -> None:
    exchange = bench.hand.simulation.exchange
    bench.hand.quote(340_000, instrument=next(i for i in exchange.instruments.values() if i.symbol != BTC.symbol))
    exchange.place(NewOrder(symbol="ETH/USDT:USDT", client_id="x", side=Side.BUY, kind=OrderKind.MARKET, lots=10))
    (held,) = (await bench.venue.report(bench.since)).positions
    assert (held.symbol, held.lots) == ("ETH-USDT-SWAP", 0)
