"""A person trades on the exchange's own page: the station says so, and its keys settle it with a real engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from textual.pilot import Pilot

from engine.model.command import Autonomy, SetAutonomy
from engine.model.order import OrderKind
from engine.simulator.signing import sign
from headless.client import EngineClient
from station.app import StationApp
from station.screens.confirm import Confirm
from station.screens.outside import OutsideDialog
from tests.e2e.rig import Rig, rig, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
SIMULATE = ["--symbols", "2", "--speed", "20", "--seed", "9"]


async def by_hand(one: Rig, **params: object) -> dict[str, Any]:
    """An order that is not Trefoil's, through the exchange's REST."""
    query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
    query += f"&signature={sign(one.addresses.keys['secret'], query)}"
    headers = {"X-MBX-APIKEY": one.addresses.keys["apiKey"]}
    async with one.session.post(f"{one.addresses.rest}/fapi/v1/order?{query}", headers=headers) as response:
        told: dict[str, Any] = await response.json()
        assert response.status == 200, told
        return told


async def decide(pilot: Pilot[None], symbol: str, *keys: str) -> None:
    """Open the dialog, walk to what is of `symbol`, press."""
    await pilot.press("O")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, OutsideDialog)
    for _ in range(4):
        if dialog.item is not None and dialog.item.symbol == symbol:
            break
        await pilot.press("down")
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def test_what_a_person_did_at_the_exchange_is_adopted_closed_or_cancelled(tmp_path: Path) -> None:
    async with rig(tmp_path, SIMULATE) as one:
        one.start()
        client = EngineClient(one.home.socket, one.folder / "engine.log")
        app = StationApp(client, keys={}, theme="", symbol=None)
        async with app.run_test(size=(120, 40)) as pilot:
            desk = client.desk
            await until(
                lambda: desk.status.ready and bool(desk.boards.get(BTC) and desk.boards[BTC].stop_ticks), one.log()
            )
            assert (await client.ask(SetAutonomy(autonomy=Autonomy.OBSERVE))).ok
            low = {
                "timeInForce": "GTC",
                "price": f"{desk.instruments[ETH].tick_size * (desk.quotes[ETH].bid * 9 // 10)}",
            }
            await by_hand(
                one, symbol="ETHUSDT", side="BUY", type="LIMIT", quantity="0.100", newClientOrderId="web_1", **low
            )
            for name, quantity in (("BTCUSDT", "0.010"), ("ETHUSDT", "0.200")):
                await by_hand(
                    one, symbol=name, side="BUY", type="MARKET", quantity=quantity, newClientOrderId=f"web_{name}"
                )
            await until(lambda: set(desk.outside) == {BTC, ETH} and "web_1" in desk.outside_orders, "not seen")
            assert [(desk.outside[s].ours, desk.outside[s].theirs) for s in (BTC, ETH)] == [(0, 10), (0, 200)]
            order = desk.outside_orders["web_1"]
            assert (order.symbol, order.side, order.lots) == (ETH, 1, 100)
            assert desk.positions[BTC].stop is None
            assert set(desk.funding) == {BTC, ETH}
            assert all(0 < row.at - desk.status.clock <= 8 * 3_600_000 for row in desk.funding.values())

            await decide(pilot, BTC, "a")
            await until(lambda: desk.positions[BTC].stop_confirmed > 0, "no stop was placed")
            assert desk.positions[BTC].origin == "adopted"
            stops = [o for o in desk.orders.values() if o.symbol == BTC and o.kind is OrderKind.STOP_MARKET]
            assert [(o.lots, o.reduce_only) for o in stops] == [(10, True)]

            await decide(pilot, ETH, "c")
            assert isinstance(app.screen, Confirm)
            await pilot.press("y")
            await until(lambda: ETH not in desk.positions, "the position was not closed")
            await until(lambda: set(desk.outside) == set(), "something is still undecided")

            await decide(pilot, ETH, "c")
            await until(lambda: not desk.outside_orders, "the order was not cancelled")
            state = await one.state()
            assert [p["symbol"] for p in state["positions"]] == [BTC]
            assert state["open_orders"] == 2
