"""What a venue behind a network must do besides: everything that can go wrong on the way, and what is made of it."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import VenueError, VenueRejected
from engine.model import event as e
from engine.model.order import OrderKind, Purpose
from engine.simulator.rights import Rights
from engine.venues.account_api import Permissions
from engine.venues.exchanges import manners_of
from tests.engine.venues.contract import (
    BUY,
    CANCELED,
    FILLED,
    LIMIT,
    LOST,
    LOTS,
    OPEN,
    REJECTED,
    SELL,
    STOP,
    VenueContract,
)
from tests.engine.venues.hand import FIRST
from tests.engine.venues.mendable import MENDABLE
from tests.engine.venues.remote_bench import KeyBench, RemoteBench


class RemoteVenueContract(VenueContract):
    """A venue behind a network."""

    async def test_an_entry_has_its_leverage_and_isolated_margin(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.cross()
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
        assert bench.margin() == (request.leverage, True)
        again = desk.request(BUY, LOTS, leverage=request.leverage + 2)
        await desk.send(bench.venue, again)
        await desk.until(lambda: desk.status(again) is FILLED)
        assert bench.margin() == (request.leverage + 2, True)

    async def test_a_liquidation_is_told_as_executions_of_somebody_elses_order(self, bench: RemoteBench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        await desk.until(lambda: desk.lots == LOTS)
        bench.quote(FIRST * 6 // 10)  # at three times leverage a third is too much
        await desk.until(lambda: desk.lots == 0, "nobody told of the liquidation")
        assert [(fill.side, fill.lots) for fill in desk.strange] == [(SELL, LOTS)]
        assert (await bench.venue.report(bench.since)).positions == ()

    async def test_a_fill_before_the_ack(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults("delay:when=after,ms=150,path=rder,method=POST")
        sending = asyncio.create_task(desk.send(bench.venue, request))
        await desk.until(lambda: desk.status(request) is FILLED)
        assert not sending.done()
        assert (await sending).status is FILLED
        assert desk.lots == LOTS

    @pytest.mark.parametrize("fault", ["lost-ack:count=1", "server-error:status=503,after,count=1"])
    @pytest.mark.parametrize("price", [FIRST - 100, None], ids=["resting", "filled"])
    async def test_a_lost_answer_is_found_by_asking(self, bench: RemoteBench, fault: str, price: int | None) -> None:
        desk = bench.desk
        request = desk.request(BUY, LOTS, OrderKind.MARKET if price is None else LIMIT, price=price)
        bench.faults(fault, "lose:target=user")
        assert (await desk.send(bench.venue, request)).status is LOST
        bench.calm()
        await bench.venue.query(desk.orders[request.client_id])
        assert desk.status(request) is (FILLED if price is None else OPEN)
        assert bench.accepted(request.client_id) == 1
        await desk.reconcile(bench.venue, bench.since)

    async def test_the_report_has_the_executions_of_an_order_only_the_stream_told_of(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults("lost-ack:count=1")
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
        assert list((await bench.venue.report(bench.since)).fills) == list(desk.fills.values())

    async def test_the_report_has_the_executions_nobody_told_of_as_they_happened(self, bench: RemoteBench) -> None:
        desk = bench.desk
        first = desk.request(SELL, LOTS, LIMIT, price=FIRST + 100)
        second, third = desk.request(BUY, LOTS), desk.request(SELL, LOTS, LIMIT, price=FIRST - 300)
        bench.faults("lost-ack:count=2", "lose:target=user")
        await desk.send(bench.venue, first)
        await desk.send(bench.venue, second)
        bench.quote(FIRST + 100)  # the order sent first is executed last
        orders = [desk.orders[request.client_id] for request in (first, third, second)]
        fills = (await bench.venue.report(bench.since, orders)).fills
        assert [fill.client_id for fill in fills] == [second.client_id, first.client_id]

    async def test_a_report_that_cannot_ask_for_an_order_fails(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults("lost-ack:count=1", "lose:target=user")
        await desk.send(bench.venue, request)
        bench.calm()
        bench.faults("server-error:status=503,method=any,path=/order")
        with pytest.raises(VenueError):
            await bench.venue.report(bench.since, [desk.orders[request.client_id]])

    async def test_a_lost_answer_of_a_stop_is_found_by_asking(self, bench: RemoteBench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        stop = desk.request(SELL, LOTS, STOP, trigger=FIRST - 100, reduce_only=True, purpose=Purpose.STOP)
        bench.faults("lost-ack:count=1", "lose:target=user")
        assert (await desk.send(bench.venue, stop)).status is LOST
        bench.quote(FIRST - 100)  # it works, whatever we know
        bench.calm()
        await bench.venue.query(desk.orders[stop.client_id])
        assert desk.status(stop) is FILLED
        assert desk.lots == 0

    async def test_an_answer_lost_before_it_was_carried_out_is_not_found(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults("server-error:status=503,before,count=1")
        assert (await desk.send(bench.venue, request)).status is LOST
        await bench.venue.query(desk.orders[request.client_id])
        assert desk.status(request) is REJECTED

    async def test_a_lost_answer_to_a_cancel(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        await desk.send(bench.venue, request)
        bench.faults("lost-ack:method=DELETE,count=1", "lose:target=user")
        await desk.cancel(bench.venue, request.client_id)
        bench.calm()
        await bench.venue.query(desk.orders[request.client_id])
        assert desk.status(request) is CANCELED

    async def test_the_venues_own_refusal_passes_through(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults(f"reject:code={bench.codes['margin']}")
        order = await desk.send(bench.venue, request)
        assert (order.status, desk.codes[request.client_id]) == (REJECTED, bench.codes["margin"])

    async def test_an_order_beyond_the_margin_is_refused(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, 900_000, LIMIT, price=FIRST)
        order = await desk.send(bench.venue, request)
        assert (order.status, desk.codes[request.client_id]) == (REJECTED, bench.codes["margin"])
        assert (await bench.venue.report(bench.since)).orders == ()

    @pytest.mark.parametrize("what", MENDABLE)
    async def test_what_a_person_can_mend_ends_the_order_and_says_how(self, bench: RemoteBench, what: str) -> None:
        desk = bench.desk
        for code in MENDABLE[what].get(bench.exchange, ()):
            bench.faults(f"reject:code={code}")
            request = desk.request(BUY, LOTS)
            order = await desk.send(bench.venue, request)
            assert (order.status, desk.codes[request.client_id]) == (REJECTED, code)
            assert manners_of(bench.exchange).codes.advice[code] in order.reason
            bench.calm()

    @pytest.mark.parametrize("fault", ["duplicate:target=user", "reorder:target=user", "delay:target=user,ms=20"])
    async def test_messages_doubled_late_and_out_of_order_count_once(self, bench: RemoteBench, fault: str) -> None:
        desk = bench.desk
        bench.faults(fault)
        first, second = desk.request(BUY, LOTS), desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        for request in (first, second):
            await desk.send(bench.venue, request)
        for _ in range(2):
            bench.quote(FIRST - 101, lots=50)
        await desk.until(lambda: desk.lots >= 2 * LOTS - 50)  # the last message may be held back for ever
        bench.calm()
        await desk.reconcile(bench.venue, bench.since)
        assert desk.status(first) is desk.status(second) is FILLED
        assert sorted(fill.lots for fill in desk.fills.values()) == [50, 50, LOTS]

    async def test_what_was_missed_while_the_stream_was_cut_is_made_up_for(self, bench: RemoteBench) -> None:
        desk = bench.desk
        resting, doomed = (desk.request(BUY, LOTS, LIMIT, price=FIRST - n) for n in (100, 300))
        stop = desk.request(SELL, LOTS, STOP, trigger=FIRST - 200, reduce_only=True, purpose=Purpose.STOP)
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        for request in (resting, doomed, stop):
            await desk.send(bench.venue, request)
        await desk.until(lambda: desk.lots == LOTS)
        bench.cut_user_stream()
        bench.quote(FIRST - 150)
        bench.quote(FIRST - 210)
        await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
        await desk.reconcile(bench.venue, bench.since)
        assert (desk.status(resting), desk.status(doomed), desk.status(stop)) == (FILLED, OPEN, FILLED)
        assert desk.lots == LOTS
        bench.quote(FIRST - 400)
        await desk.until(lambda: desk.status(doomed) is FILLED)  # and the new stream is heard

    async def test_a_stream_that_fell_silent_is_replaced(self, bench: RemoteBench) -> None:
        desk = bench.desk
        bench.faults("half-open:target=user,after=0s,count=1")
        await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
        request = desk.request(BUY, LOTS)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)

    @pytest.mark.parametrize("status", ["rate-limit", "ban"])
    async def test_an_exit_waits_as_long_as_the_venue_asks_and_then_goes_once(
        self, bench: RemoteBench, status: str
    ) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        bench.faults(f"{status}:retry=1,count=1")
        exit_ = desk.request(SELL, LOTS, reduce_only=True)
        await desk.send(bench.venue, exit_)
        await desk.until(lambda: desk.status(exit_) is FILLED)
        assert bench.hits() == 1
        assert bench.accepted(exit_.client_id) == 1

    @pytest.mark.parametrize("status", ["rate-limit", "ban"])
    async def test_an_entry_is_refused_rather_than_late_and_nobody_asks_during_a_ban(
        self, bench: RemoteBench, status: str
    ) -> None:
        desk = bench.desk
        first, second = desk.request(BUY, LOTS), desk.request(BUY, LOTS)
        bench.faults(f"{status}:retry=60")
        assert (await desk.send(bench.venue, first)).status is REJECTED
        bench.calm()
        bench.faults("delay:ms=1")  # counts every request
        assert (await desk.send(bench.venue, second)).status is REJECTED
        exit_ = desk.request(SELL, LOTS, reduce_only=True)
        assert (await desk.send(bench.venue, exit_)).status is REJECTED
        with pytest.raises(VenueError, match=r"(60|59) s"):
            await bench.venue.report(bench.since)
        assert bench.hits() == 0
        assert bench.accepted(first.client_id) + bench.accepted(second.client_id) == 0

    async def test_an_entry_is_not_sent_a_second_after_it_was_decided(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.faults("rate-limit:retry=1,count=1,path=rder")
        order = await desk.send(bench.venue, request)
        assert (order.status, bench.accepted(request.client_id)) == (REJECTED, 0)

    async def test_a_clock_that_is_off_is_measured_again(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.server_clock_off(-60_000)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
        assert bench.accepted(request.client_id) == 1

    async def test_an_entry_whose_clock_took_long_to_measure_is_not_sent_any_more(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        bench.server_clock_off(-60_000)
        bench.faults("delay:ms=200,path=time")  # it is asked three times, and an entry waits half a second
        order = await desk.send(bench.venue, request)
        assert (order.status, bench.accepted(request.client_id)) == (REJECTED, 0)
        again = desk.request(BUY, LOTS)
        await desk.send(bench.venue, again)  # the clock is right now
        await desk.until(lambda: desk.status(again) is FILLED)

    @pytest.mark.parametrize("off_ms", [-60_000, 60_000])
    async def test_the_stream_comes_back_although_the_clock_is_off(self, bench: RemoteBench, off_ms: int) -> None:
        desk, links = bench.desk, len(bench.desk.links)
        bench.server_clock_off(off_ms)
        bench.cut_user_stream()
        await desk.until(lambda: any(up for up, _ in desk.links[links:]), "the stream did not come back")
        request = desk.request(BUY, LOTS)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)

    async def test_funding_arrives_and_the_report_has_the_wallet(self, bench: RemoteBench) -> None:
        desk, before = bench.desk, bench.wallet()
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        await desk.until(lambda: desk.lots == LOTS)
        bench.funding()
        await desk.until(lambda: desk.cash_flow != 0, "no funding")
        fees = sum(fill.fee for fill in desk.fills.values())
        assert before - fees + desk.cash_flow == bench.wallet()
        assert (await bench.venue.report(bench.since)).balance == bench.wallet()

    async def test_funding_missed_while_the_stream_was_cut_is_in_the_reports_balance(self, bench: RemoteBench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        await desk.until(lambda: desk.lots == LOTS)
        before = bench.wallet()
        bench.cut_user_stream()
        bench.funding()
        await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
        assert (await bench.venue.report(bench.since)).balance == bench.wallet() != before

    @pytest.mark.parametrize(("how", "word"), [("key", "API-key"), ("hedge", "one-way")])
    async def test_an_account_that_cannot_be_traded_is_refused_at_the_door(
        self, bench: RemoteBench, how: str, word: str
    ) -> None:
        with pytest.raises(VenueRejected, match=word) as refused:
            await bench.open_wrongly(how)
        assert refused.value.code == bench.codes[how]

    async def test_a_venue_that_is_not_there_refuses_and_is_found_again(self, bench: RemoteBench) -> None:
        desk, request, lost = bench.desk, bench.desk.request(BUY, LOTS), bench.desk.request(BUY, LOTS)
        desk.event(e.OrderLost(at=0, client_id=lost.client_id, reason="the test did not send it"))
        await bench.go_down()
        await bench.venue.query(desk.orders[lost.client_id])
        assert isinstance(desk.events[-1], e.OrderLost)  # nobody answered: nothing is known
        assert desk.status(lost) is LOST
        assert (await desk.send(bench.venue, request)).status is REJECTED  # not LOST: it never left
        with pytest.raises(VenueError):
            await bench.venue.report(bench.since)
        await desk.until(lambda: not desk.links[-1][0])
        await bench.come_back()
        await desk.until(lambda: desk.links[-1][0], "the stream did not come back")
        again = desk.request(BUY, LOTS)
        await desk.send(bench.venue, again)
        await desk.until(lambda: desk.status(again) is FILLED)

    async def test_a_limit_order_can_be_amended(self, bench: RemoteBench) -> None:
        desk, request = bench.desk, bench.desk.request(BUY, LOTS, LIMIT, price=FIRST - 100)
        order = await desk.send(bench.venue, request)
        await bench.venue.amend(order, LOTS // 2, FIRST - 50)
        bench.quote(FIRST - 60)
        await desk.until(lambda: desk.lots == LOTS // 2)
        assert [fill.ticks for fill in desk.fills.values()] == [FIRST - 50]
        with pytest.raises(VenueRejected):
            await bench.venue.amend(order, LOTS, FIRST - 40)

    async def test_everything_of_a_symbol_can_be_cancelled_at_once(self, bench: RemoteBench) -> None:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(BUY, LOTS))
        waiting = [desk.request(BUY, LOTS, LIMIT, price=FIRST - 100 - n) for n in range(3)]
        waiting.append(desk.request(SELL, LOTS, STOP, trigger=FIRST - 300, reduce_only=True, purpose=Purpose.STOP))
        for request in waiting:
            assert (await desk.send(bench.venue, request)).status is OPEN
        await bench.venue.cancel_all(desk.instrument.symbol)
        await desk.until(lambda: all(desk.status(request) is CANCELED for request in waiting))
        assert (await bench.venue.report(bench.since)).orders == ()

    @pytest.mark.parametrize(
        ("rights", "expected"),
        [
            (Rights(), Permissions(read=True, trade=True, withdraw=False, ip_bound=True)),
            (Rights(withdraw=True), Permissions(read=True, trade=True, withdraw=True, ip_bound=True)),
            (Rights(addresses=()), Permissions(read=True, trade=True, withdraw=False, ip_bound=False)),
            (Rights(trade=False), Permissions(read=True, trade=False, withdraw=False, ip_bound=True)),
        ],
        ids=["as advised", "may withdraw", "from everywhere", "reads only"],
    )
    async def test_what_the_key_may_do(self, bench: RemoteBench, rights: Rights, expected: Permissions) -> None:
        bench.grant(rights)
        assert await bench.venue.permissions() == expected

    async def test_a_key_that_only_reads_is_told_so(self, bench: RemoteBench) -> None:
        bench.grant(Rights(trade=False))
        desk, request = bench.desk, bench.desk.request(BUY, LOTS)
        order = await desk.send(bench.venue, request)
        assert (order.status, desk.codes[request.client_id]) == (REJECTED, bench.codes["permission"])


class ListenKeyContract(RemoteVenueContract):
    """A venue whose user stream lives on a key that can expire."""

    @pytest.mark.parametrize("quietly", [False, True], ids=["told", "quietly"])
    async def test_an_expired_listen_key_is_replaced(self, bench: KeyBench, quietly: bool) -> None:  # noqa: FBT001 - a case
        desk = bench.desk
        bench.expire_key(quietly=quietly)
        await desk.until(lambda: [up for up, _ in desk.links][-2:] == [False, True], "the stream did not come back")
        assert "key" in desk.links[-2][1]
        request = desk.request(BUY, LOTS)
        await desk.send(bench.venue, request)
        await desk.until(lambda: desk.status(request) is FILLED)
