"""What every venue must do, run against each: inherit `VenueContract` and give it a `bench` fixture.

Venues behind a network inherit `tests.engine.venues.remote_contract.RemoteVenueContract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pytest

from engine.model import event as e
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.ports import Venue
from tests.engine.venues.hand import FIRST
from tests.engine.venues.mini_desk import MiniDesk

LOTS = 100
BUY, SELL = Side.BUY, Side.SELL
LIMIT, POST, STOP, TAKE = (
    OrderKind.LIMIT,
    OrderKind.POST_ONLY,
    OrderKind.STOP_MARKET,
    OrderKind.TAKE_PROFIT_MARKET,
)
OPEN, CANCELING, FILLED, CANCELED, REJECTED, EXPIRED, LOST = (
    OrderStatus.WORKING,
    OrderStatus.CANCELING,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.REJECTED,
    OrderStatus.EXPIRED,
    OrderStatus.UNKNOWN,
)


class Bench(Protocol):
    """A venue on a market that stands at `FIRST` until it is moved."""

    venue: Venue
    desk: MiniDesk
    since: int
    codes: Mapping[str, str]
    """The venue's own codes of the refusals that the tests name."""

    def quote(self, bid: int, lots: int = 10_000) -> None:
        """Move the market: bid, ask one tick above, the size of both."""
        ...

    async def reopen(self) -> None:
        """Close the venue and open another on the same account, as a new engine would."""
        ...


# What Binance says; the paper venue says the same.
CODES = {
    "would take": "-5022",
    "nothing to reduce": "-2022",
    "too small": "-4164",
    "would trigger": "-2021",
    "too large": "-4005",
    "too high": "-4016",
    "too low": "-4024",
    "unknown": "-2011",
    "margin": "-2019",
    "key": "-2015",
    "permission": "-2015",
    "hedge": "hedge",
}


class VenueContract:
    """Every venue."""

    async def test_a_limit_order_rests_and_the_report_shows_it(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        order = await desk.send(bench.venue, request)
        assert order.status is OPEN
        assert order.venue_id
        (held,) = (await bench.venue.report(bench.since)).orders
        assert (held.client_id, held.symbol, held.filled, held.reduce_only) == (
            request.client_id,
            request.symbol,
            0,
            False,
        )
        assert (held.conditional, held.side, held.lots, held.price, held.trigger) == (
            False,
            BUY,
            LOTS,
            FIRST - 100,
            None,
        )

    async def test_a_market_order_executes_with_its_fee(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
        (fill,) = desk.fills.values()
        assert (fill.ticks, fill.lots, fill.side, fill.maker) == (FIRST + 1, LOTS, BUY, False)
        assert fill.fee == fill.ticks * LOTS * desk.instrument.unit * desk.instrument.taker_ppm // 1_000_000
        (position,) = (await bench.venue.report(bench.since)).positions
        assert (position.symbol, position.lots) == (desk.instrument.symbol, LOTS)

    @pytest.mark.parametrize(
        ("side", "lots", "kind", "price", "why"),
        [
            (BUY, LOTS, POST, FIRST + 1, "would take"),
            (SELL, LOTS, OrderKind.MARKET, None, "nothing to reduce"),
            (BUY, 1, LIMIT, 40_000, "too small"),
            (SELL, LOTS, STOP, FIRST + 10, "would trigger"),
            (BUY, 2_000_000, LIMIT, FIRST, "too large"),
            (BUY, LOTS, LIMIT, FIRST * 11 // 10, "too high"),
            (SELL, LOTS, LIMIT, FIRST * 9 // 10, "too low"),
        ],
    )
    async def test_a_refusal_is_final_and_has_the_venues_code(
        self, bench: Bench, side: Side, lots: int, kind: OrderKind, price: int | None, why: str
    ) -> None:
        desk, waits = bench.desk, kind is STOP
        request = desk.request(
            side,
            lots,
            kind,
            price=None if waits else price,
            trigger=price if waits else None,
            reduce_only=price is None,
        )
        await desk.send(bench.venue, request)
        await desk.until(lambda: not desk.orders[request.client_id].open)
        assert (desk.status(request), desk.codes[request.client_id]) == (REJECTED, bench.codes[why])
        report = await bench.venue.report(bench.since)
        assert (report.orders, report.positions) == ((), ())

    async def test_a_post_only_order_rests_and_executes_as_maker(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, POST, price=FIRST - 100)
        assert (await desk.send(bench.venue, request)).status is OPEN
        bench.quote(FIRST - 101)
        await desk.until(lambda: desk.status(request) is FILLED)
        (fill,) = desk.fills.values()
        assert (fill.ticks, fill.maker) == (FIRST - 100, True)
        assert fill.fee == fill.ticks * LOTS * desk.instrument.unit * desk.instrument.maker_ppm // 1_000_000

    async def test_a_partial_fill_leaves_the_rest_working(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        await desk.send(bench.venue, request)
        bench.quote(FIRST - 101, lots=40)
        await desk.until(lambda: desk.lots == 40)
        assert desk.status(request) is OPEN
        assert (await bench.venue.report(bench.since)).orders[0].filled == 40
        bench.quote(FIRST - 101, lots=60)
        await desk.until(lambda: desk.status(request) is FILLED)
        assert [(fill.lots, fill.maker) for fill in desk.fills.values()] == [(40, True), (60, True)]

    async def test_a_partial_fill_can_be_cancelled(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        await desk.send(bench.venue, request)
        bench.quote(FIRST - 101, lots=40)
        await desk.until(lambda: desk.lots == 40)
        await desk.cancel(bench.venue, request.client_id)
        await desk.until(lambda: desk.status(request) is CANCELED)
        await desk.reconcile(bench.venue, bench.since)
        assert desk.lots == 40

    async def test_cancel(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(SELL, LOTS, LIMIT, price=FIRST + 100)
        await desk.send(bench.venue, request)
        assert (await desk.cancel(bench.venue, request.client_id)).status is CANCELED
        bench.quote(FIRST + 500)
        await desk.reconcile(bench.venue, bench.since)
        assert desk.lots == 0

    async def test_a_cancel_that_comes_too_late_is_refused_and_the_order_is_filled(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
        await bench.venue.cancel(desk.orders[request.client_id])
        assert desk.codes[request.client_id] == bench.codes["unknown"]
        assert desk.status(request) is FILLED

    async def test_an_order_that_never_arrived_is_not_found(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        desk.event(e.OrderLost(at=0, client_id=request.client_id, reason="the test did not send it"))
        await bench.venue.query(desk.orders[request.client_id])
        assert isinstance(desk.events[-1], e.OrderNotFound)
        assert desk.status(request) is REJECTED

    async def test_a_conditional_order_that_never_arrived_is_not_found(self, bench: Bench) -> None:
        desk, request = bench.desk, bench.desk.request(SELL, LOTS, STOP, trigger=FIRST - 100, reduce_only=True)
        desk.event(e.OrderLost(at=0, client_id=request.client_id, reason="the test did not send it"))
        await bench.venue.query(desk.orders[request.client_id])
        assert desk.status(request) is REJECTED

    async def test_reduce_only_never_turns_a_position_around(self, bench: Bench) -> None:
        desk = bench.desk
        entry = desk.request(BUY, 40)
        await desk.send(bench.venue, entry)
        exit_ = desk.request(SELL, LOTS, reduce_only=True)
        await desk.send(bench.venue, exit_)
        await desk.until(lambda: desk.lots == 0 and not desk.orders[exit_.client_id].open)
        assert desk.status(exit_) is EXPIRED
        assert (await bench.venue.report(bench.since)).positions == ()

    @pytest.mark.parametrize("price", [FIRST - 100, None], ids=["resting", "filled"])
    async def test_the_same_id_twice_is_one_order(self, bench: Bench, price: int | None) -> None:
        desk = bench.desk
        request = desk.request(BUY, LOTS, OrderKind.MARKET if price is None else LIMIT, price=price)
        end = FILLED if price is None else OPEN
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is end)
        await desk.send(bench.venue, request)
        await bench.venue.query(desk.orders[request.client_id])
        assert desk.status(request) is end
        await desk.reconcile(bench.venue, bench.since)
        assert desk.lots == (LOTS if price is None else 0)
        assert len((await bench.venue.report(bench.since)).orders) == (price is not None)

    @pytest.mark.parametrize(
        ("kind", "side", "trigger", "quote", "price"),
        [
            (STOP, BUY, FIRST - 100, FIRST - 100, FIRST - 100),
            (STOP, BUY, FIRST - 100, FIRST - 900, FIRST - 900),
            (TAKE, BUY, FIRST + 100, FIRST + 150, FIRST + 150),
            (STOP, SELL, FIRST + 100, FIRST + 100, FIRST + 101),
            (TAKE, SELL, FIRST - 100, FIRST - 100, FIRST - 99),
        ],
        ids=["stop", "stop through a gap", "target", "stop of a short", "target of a short"],
    )
    async def test_a_conditional_order_triggers_and_executes_at_market(
        self, bench: Bench, kind: OrderKind, side: Side, trigger: int, quote: int, price: int
    ) -> None:
        desk = bench.desk
        entry = desk.request(side, LOTS)
        await desk.send(bench.venue, entry)
        leg = desk.request(side.opposite, LOTS, kind, trigger=trigger, reduce_only=True, purpose=Purpose.STOP)
        assert (await desk.send(bench.venue, leg)).status is OPEN
        bench.quote(FIRST + (trigger - FIRST) // 2)
        assert (await bench.venue.report(bench.since)).orders[0].client_id == leg.client_id
        bench.quote(quote)
        await desk.until(lambda: desk.status(leg) is FILLED)
        done = [fill for fill in desk.fills.values() if fill.client_id == leg.client_id]
        assert [(fill.ticks, fill.lots, fill.maker) for fill in done] == [(price, LOTS, False)]
        assert desk.lots == 0

    async def test_stop_and_target_protect_together_and_one_ends_the_other(self, bench: Bench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        stop = desk.request(SELL, LOTS, STOP, trigger=FIRST - 100, reduce_only=True, purpose=Purpose.STOP)
        target = desk.request(SELL, LOTS, TAKE, trigger=FIRST + 200, reduce_only=True, purpose=Purpose.TARGET)
        for leg in (stop, target):
            assert (await desk.send(bench.venue, leg)).status is OPEN
        held = (await bench.venue.report(bench.since)).orders
        assert sorted(order.client_id for order in held) == [stop.client_id, target.client_id]
        assert all(order.reduce_only and order.conditional for order in held)
        assert {(order.side, order.lots, order.price, order.trigger) for order in held} == {
            (SELL, LOTS, None, FIRST - 100),
            (SELL, LOTS, None, FIRST + 200),
        }
        bench.quote(FIRST + 200)
        await desk.until(lambda: desk.status(target) is FILLED and desk.status(stop) is EXPIRED)
        assert (await bench.venue.report(bench.since)).orders == ()

    async def test_protection_can_be_cancelled(self, bench: Bench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        stop = desk.request(SELL, LOTS, STOP, trigger=FIRST - 100, reduce_only=True, purpose=Purpose.STOP)
        await desk.send(bench.venue, stop)
        assert (await desk.cancel(bench.venue, stop.client_id)).status is CANCELED
        bench.quote(FIRST - 500)
        await desk.reconcile(bench.venue, bench.since)
        assert desk.lots == LOTS

    async def test_orders_and_position_outlive_the_engine(self, bench: Bench) -> None:
        desk = bench.desk
        entry, more = desk.request(BUY, LOTS), desk.request(BUY, LOTS, LIMIT, price=FIRST - 50)
        stop = desk.request(SELL, LOTS, STOP, trigger=FIRST - 100, reduce_only=True, purpose=Purpose.STOP)
        for request in (entry, more, stop):
            await desk.send(bench.venue, request)
        await desk.until(lambda: desk.lots == LOTS)
        await bench.reopen()
        held = sorted((await bench.venue.report(bench.since)).orders, key=lambda order: order.client_id)
        assert [order.client_id for order in held] == [more.client_id, stop.client_id]
        await desk.reconcile(bench.venue, bench.since)
        bench.quote(FIRST - 60)
        await desk.until(lambda: desk.status(more) is FILLED)
        bench.quote(FIRST - 100)
        await desk.until(lambda: desk.status(stop) is FILLED)
        await desk.reconcile(bench.venue, bench.since)
        assert desk.lots == LOTS
