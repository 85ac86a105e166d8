"""The simulated exchange's own endpoints, outside any venue's API: state, pause, faults."""

from __future__ import annotations

import msgspec
import orjson
from aiohttp import web

from engine.errors import BadInput
from engine.simulator.faults import parse
from engine.simulator.player import Player
from engine.simulator.simulation import Simulation
from engine.simulator.wire import money_text


class FaultChange(msgspec.Struct, frozen=True):
    """The body of POST /sim/faults: clear first, then add."""

    add: list[str] = []
    clear: bool = False


class Control:
    """Answers them.

    Args:
        simulation: the venue.
        player: what plays the market into it.
    """

    def __init__(self, simulation: Simulation, player: Player) -> None:
        self._sim = simulation
        self._player = player

    async def state(self, _request: web.Request) -> web.Response:
        """GET /sim/state."""
        return _json(state_of(self._sim, self._player))

    async def pause(self, request: web.Request) -> web.Response:
        """POST /sim/pause: the market stands still, requests are still answered."""
        self._player.pause()
        return await self.state(request)

    async def resume(self, request: web.Request) -> web.Response:
        """POST /sim/resume."""
        self._player.resume()
        return await self.state(request)

    async def faults(self, _request: web.Request) -> web.Response:
        """GET /sim/faults: what is on, with hits."""
        return _json({"faults": self._sim.switchboard.report()})

    async def change_faults(self, request: web.Request) -> web.Response:
        """POST /sim/faults with ``{"add": [...], "clear": true}``; refused whole when one is wrong."""
        try:
            change = msgspec.json.decode(await request.read(), type=FaultChange)
            for text in change.add:
                parse(text)
        except (msgspec.DecodeError, BadInput) as wrong:
            return _json({"error": str(wrong)}, 400)
        if change.clear:
            self._sim.switchboard.clear()
        self._sim.switchboard.add(change.add)
        return await self.faults(request)


def state_of(simulation: Simulation, player: Player) -> dict[str, object]:
    """The account and the play so far; money as decimal strings, positions as signed lots and quantity."""
    exchange = simulation.exchange
    positions = [
        {
            "symbol": holding.instrument.symbol,
            "lots": holding.lots,
            "quantity": exchange.wires[holding.instrument.symbol].quantity(holding.lots),
            "cost": money_text(holding.cost),
            "unrealised": money_text(holding.unrealised),
            "mark": exchange.wires[holding.instrument.symbol].price(holding.mark),
            "leverage": holding.leverage,
        }
        for holding in exchange.account.holdings.values()
        if holding.lots
    ]
    return {
        "time": simulation.server_time(),
        "wallet": money_text(exchange.account.wallet),
        "margin_balance": money_text(exchange.account.balance),
        "positions": positions,
        "open_orders": len(exchange.active()),
        "orders": len(exchange.orders),
        "trades": len(exchange.trades),
        "user_events": simulation.users.sent,
        "bars_closed": simulation.bars_closed,
        "steps": simulation.steps_played,
        "faults_hit": simulation.switchboard.hits,
        "waits_timed_out": simulation.lockstep.timeouts + player.slow_waits,
        "started": simulation.started,
        "paused": player.paused,
        "ended": simulation.ended,
    }


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
