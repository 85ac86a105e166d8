"""The simulated exchange as a running server, and the command that runs it until a signal."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from engine.errors import BadInput, InvariantBroken
from engine.garbage import pass_over_what_is_loaded
from engine.model.money import Money, to_money
from engine.simulator.bybit_rest import BybitRest
from engine.simulator.bybit_stream_server import BybitStreamServer
from engine.simulator.control import Control
from engine.simulator.faults import Fault
from engine.simulator.market import MarketSource
from engine.simulator.models import LATENCY_S, SimulatedModels
from engine.simulator.models import addresses as model_addresses
from engine.simulator.okx_rest import OkxRest
from engine.simulator.okx_stream_server import OkxStreamServer
from engine.simulator.player import Player
from engine.simulator.rest_binance import RestServer
from engine.simulator.signing import Keys
from engine.simulator.simulation import Simulation
from engine.simulator.sockets import Socket
from engine.simulator.stream_server import StreamServer

DEFAULT_BALANCE: Money = to_money(10_000)
MAX_SPEED = None
LAST_PORT = 65_535
WATCH_S = 0.02


@dataclass
class RunningSimulator:
    """A simulator that serves; `rest` and `ws` are addresses, `keys` sign requests."""

    rest: str
    ws: str
    keys: Keys
    symbols: tuple[str, ...]
    simulation: Simulation
    player: Player
    runner: web.AppRunner
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def addresses(self) -> dict[str, object]:
        """What a client needs, as JSON values."""
        keys = {"apiKey": self.keys.api_key, "secret": self.keys.secret, "passphrase": self.keys.passphrase}
        return {
            "rest": self.rest,
            "ws": self.ws,
            "keys": keys,
            "symbols": list(self.symbols),
            "timeframe_ms": self.simulation.source.timeframe_ms,
            "generated": self.simulation.source.end == 0,
            "models": model_addresses(self.rest),
        }

    async def stop(self) -> None:
        """Stop playing and cut every connection."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for socket in _sockets(self.simulation, "all"):
            socket.drop()
        await self.runner.cleanup()

    async def failed(self) -> None:
        """Wait for the player or the fault watch to fail, and raise what they failed with."""
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


async def serve(
    source: MarketSource,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    speed: float | None = 1.0,
    faults: tuple[str, ...] = (),
    balance: Money = DEFAULT_BALANCE,
) -> RunningSimulator:
    """Start a simulated exchange; playing begins with the first subscriber.

    Args:
        source: the market to play.
        host: address to listen on.
        port: 0 chooses a free one.
        seed: of keys and faults.
        speed: simulated seconds a second; None (`MAX_SPEED`) is as fast as clients follow.
        faults: see `engine.simulator.faults`; raises BadInput when one is wrong.
        balance: wallet balance, 1e-8 USDT.
    """
    if speed is not None and not speed > 0:
        raise BadInput("speed", speed, "use a positive number or max")
    if not 0 <= port <= LAST_PORT:
        raise BadInput("port", port, f"use 1 to {LAST_PORT}, or 0 for a free one")
    simulation = Simulation(source, seed, balance, faults)
    player = Player(simulation, speed)
    runner = web.AppRunner(
        _application(simulation, player, SimulatedModels({} if speed is None else LATENCY_S)),
        access_log=None,
        shutdown_timeout=0.5,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as busy:
        await runner.cleanup()
        raise BadInput("port", port, f"cannot listen on {host}: {busy.strerror}; choose another port") from busy
    bound = runner.addresses[0][1]
    running = RunningSimulator(
        f"http://{host}:{bound}",
        f"ws://{host}:{bound}",
        simulation.keys,
        tuple(simulation.exchange.instruments),
        simulation,
        player,
        runner,
    )
    running.tasks += [asyncio.create_task(player.play()), asyncio.create_task(_strike_by_time(simulation))]
    return running


def _application(simulation: Simulation, player: Player, models: SimulatedModels) -> web.Application:
    rest, streams = RestServer(simulation), StreamServer(simulation)
    okx_rest, okx_streams = OkxRest(simulation), OkxStreamServer(simulation)
    bybit_rest, bybit_streams = BybitRest(simulation), BybitStreamServer(simulation)
    control = Control(simulation, player)
    app = web.Application(client_max_size=1 << 20)
    app.add_routes(models.routes())
    app.add_routes(
        [
            web.get("/sim/state", control.state),
            web.post("/sim/pause", control.pause),
            web.post("/sim/resume", control.resume),
            web.get("/sim/faults", control.faults),
            web.post("/sim/faults", control.change_faults),
            web.get("/sim/lockstep", streams.lockstep),
            web.get("/ws/v5/{kind:public|business|private}", okx_streams.serve),
            web.get("/v5/public/linear", bybit_streams.public),
            web.get("/v5/private", bybit_streams.private),
            web.get("/private/ws", streams.user),
            web.get("/private/ws/{tail:.*}", streams.user),
            web.get("/{category:market|public}/{kind:ws|stream}", streams.market),
            web.get("/{category:market|public}/{kind:ws|stream}/{tail:.*}", streams.market),
            web.get("/{kind:ws|stream}", streams.market),
            web.get("/{kind:ws|stream}/{tail:.*}", streams.plain),
            web.route("*", "/{api:fapi|sapi}/{tail:.*}", rest.handle),
            web.route("*", "/api/v5/{tail:.*}", okx_rest.handle),
            web.route("*", "/v5/{tail:.*}", bybit_rest.handle),
        ]
    )
    return app


def _sockets(simulation: Simulation, target: str) -> list[Socket]:
    found = [*simulation.hub.sockets, *simulation.users.sockets(), *simulation.private.sockets()]
    return [socket for socket in found if target in {"all", socket.target}]


async def _strike_by_time(simulation: Simulation) -> None:
    """Carry out faults that come by wall time (`drop`, `half-open`)."""
    loop = asyncio.get_running_loop()
    due: dict[int, float] = {}
    while True:
        await asyncio.sleep(WATCH_S)
        for fault, live in simulation.switchboard.timed():
            key = id(live)
            if key not in due:
                due[key] = loop.time() + (fault.number("after") or fault.number("every"))
            if loop.time() >= due[key]:
                sockets = _sockets(simulation, fault.values["target"])
                if sockets and live.strikes():
                    _strike(fault, sockets)
                every = fault.number("every")
                due[key] = loop.time() + every if every else float("inf") if live.hits else loop.time()


def _strike(fault: Fault, sockets: list[Socket]) -> None:
    for socket in sockets:
        if fault.kind == "drop":
            socket.drop()
        elif fault.kind == "half-open":
            socket.silence()
        else:
            raise InvariantBroken(f"{fault.kind} does not strike by time")


@dataclass(frozen=True)
class SimulateOptions:
    """What the simulate command is told; see `serve`. It ends after `unheard_s` seconds without a listener; None: never."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    speed: float | None = 1.0
    faults: tuple[str, ...] = ()
    balance: Money = DEFAULT_BALANCE
    unheard_s: float | None = None


def main(source: MarketSource, options: SimulateOptions) -> int:
    """Serve until SIGINT or SIGTERM, or until nobody has listened for long enough; returns the exit code.

    The first line on stdout is JSON with the addresses.
    """
    pass_over_what_is_loaded()
    return asyncio.run(_run(source, options))


async def _unheard(simulation: Simulation, patience: float) -> None:
    """Return once nobody has heard the market for `patience` seconds."""
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while loop.time() - heard < patience:
        await asyncio.sleep(min(1.0, patience / 4))
        if simulation.hub.listening:
            heard = loop.time()


async def _run(source: MarketSource, options: SimulateOptions) -> int:
    running = await serve(
        source,
        host=options.host,
        port=options.port,
        seed=options.seed,
        speed=options.speed,
        faults=options.faults,
        balance=options.balance,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    print(orjson.dumps(running.addresses()).decode(), flush=True)  # noqa: T201 - the contract of the command
    waits: list[asyncio.Task[object]] = [asyncio.create_task(stopped.wait()), asyncio.create_task(running.failed())]
    if options.unheard_s is not None:
        waits.append(asyncio.create_task(_unheard(running.simulation, options.unheard_s)))
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    await running.stop()
    for wait in waits:
        wait.cancel()
    for wait in done:
        wait.result()
    return 0
