"""At the door of OKX and Bybit: keys that only read stay outside, and the stream is up when all of it is heard."""

from __future__ import annotations

import pytest

from engine.errors import VenueRejected
from engine.simulator.rights import Rights
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.venues.mini_desk import MiniDesk
from tests.engine.venues.simulated_bench import BybitBench, OkxBench, SimulatedBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s


@pytest.mark.parametrize("exchange_bench", [OkxBench, BybitBench])
async def test_a_key_that_may_not_trade_is_refused_at_the_door(exchange_bench: type[SimulatedBench]) -> None:
    async with exchange_bench.running() as bench:
        bench.grant(Rights(trade=False))
        venue = CcxtVenue(bench.access(), bench.clock)
        try:
            with pytest.raises(VenueRejected, match="may not trade") as refused:
                await venue.open([bench.instrument], [], MiniDesk(bench.instrument, bench.clock))
            assert refused.value.code == "permission"
        finally:
            await venue.close()


class Listener(MiniDesk):
    """Notes which channels the exchange had subscribers for whenever the stream came up."""

    def __init__(self, bench: SimulatedBench) -> None:
        super().__init__(bench.instrument, bench.clock)
        self._private = bench.hand.simulation.private
        self.heard: list[set[str]] = []

    def link(self, name: str, *, up: bool, reason: str) -> None:
        if up:
            self.heard.append(self._private.channels())
        super().link(name, up=up, reason=reason)


@pytest.mark.parametrize(
    ("exchange_bench", "channels"),
    [
        (OkxBench, {"okx:orders", "okx:orders-algo", "okx:balance_and_position"}),
        (BybitBench, {"bybit:order", "bybit:execution", "bybit:position", "bybit:wallet"}),
    ],
)
async def test_the_stream_is_up_when_every_channel_is_heard(
    exchange_bench: type[SimulatedBench], channels: set[str]
) -> None:
    async with exchange_bench.running() as bench:
        await bench.venue.close()
        listener, venue = Listener(bench), CcxtVenue(bench.access(), bench.clock)
        try:
            await venue.open([bench.instrument], [], listener)
            for times in range(1, 4):
                await listener.until(lambda times=times: len(listener.heard) >= times)  # type: ignore[misc] # a lambda
                bench.cut_user_stream()
        finally:
            await venue.close()
        assert listener.heard[:3] == [channels] * 3
