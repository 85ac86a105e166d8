"""The command line. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadInput, TrefoilError
from engine.garbage import collect_seldom
from station.commands import backtest, bias, data, db, forecast, journal, keys, vote

if TYPE_CHECKING:
    from collections.abc import Callable

    from station.launch import Launch
    from storage.home import Home

app = typer.Typer(
    name="trefoil",
    help="A terminal trading station for crypto perpetual futures.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(backtest.backtest)
app.command("check-bias")(bias.check_bias)
app.command()(vote.vote)
app.add_typer(data.app)
app.add_typer(db.app)
app.add_typer(forecast.app)
app.add_typer(journal.app)
app.add_typer(keys.app)

Replay = Annotated[Path | None, typer.Option(help="Play this recorded Parquet or CSV candle file.")]
Symbol = Annotated[str | None, typer.Option(help="Play the file as, or trade only, this symbol (BTC/USDT:USDT).")]
Speed = Annotated[str, typer.Option(help="Simulated seconds a second, or max: as fast as the clients follow.")]
Seed = Annotated[int, typer.Option(help="Seed of prices, paths and faults.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Theme = Annotated[str | None, typer.Option(help="Colours: see the station's theme list.")]

MAX = "max"
PLAIN_SPEED, PLAIN_SEED = "1", 1
DEMO_STEPS_PER_BAR = 60
MAX_STEPS_PER_BAR = 4


def parse_speed(text: str) -> float | None:
    """Simulated seconds a second; None is as fast as the clients follow."""
    if text == MAX:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise BadInput("speed", text, "use a positive number or max")
    return speed


@app.callback(invoke_without_command=True)
def trefoil(
    context: typer.Context,
    *,
    theme: Theme = None,
    live: Annotated[str | None, typer.Option(help="Trade real money: binance, okx or bybit.")] = None,
    testnet: Annotated[bool, typer.Option("--testnet", help="With --live: the venue's demo or test network.")] = False,
    endpoint: Annotated[str, typer.Option(hidden=True, help="With --live: a simulated exchange here.")] = "",
    allow_withdrawals: Annotated[
        bool, typer.Option("--allow-withdrawals", help="With --live: even with a key that may withdraw.")
    ] = False,
) -> None:
    """Open the station: live public prices, paper account; with --live a real account."""
    if context.invoked_subcommand is not None:
        return
    from station import launch
    from storage.home import Home

    home = Home.locate().create()
    if live is None:
        if testnet or endpoint or allow_withdrawals:
            given = "--allow-withdrawals" if allow_withdrawals else "--testnet"
            raise BadInput(given, "without --live", f"say which venue: --live binance {given}")
        _open(home, launch.paper, theme)
        return
    from station import live as real
    from station.commands.keys import ask_line, ask_passphrase
    from storage.keys.credentials import Account

    account = Account(live, testnet)

    def confirmed(home: Home) -> Launch:
        """The engine of the real account, after keys and a typed confirmation."""
        return real.prepare(home, account, endpoint, ask_passphrase, ask_line, allow_withdrawals=allow_withdrawals)

    _open(home, confirmed, theme, endpoint)


@app.command()
def demo(
    *,
    replay: Replay = None,
    symbol: Symbol = None,
    speed: Speed = PLAIN_SPEED,
    seed: Seed = PLAIN_SEED,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: run and print a summary.")] = False,
    seconds: Annotated[
        float, typer.Option(min=1.0, help="How long a headless demo runs once it is live, wall seconds.")
    ] = 60.0,
    json: Json = False,
    theme: Theme = None,
) -> None:
    """The station against the built-in simulated exchange: no keys, no network."""
    from station import launch
    from storage.home import Home

    home = Home.locate().create()
    simulate_arguments = _simulate_arguments(replay, symbol, speed, seed)
    plain = simulate_arguments == _simulate_arguments(None, None, PLAIN_SPEED, PLAIN_SEED)
    if replay is not None:
        _check_replay(replay)
    if not headless:
        _open(home, lambda home: launch.demo(home, simulate_arguments, plain=plain, lockstep=speed == MAX), theme)
        return
    import asyncio

    import msgspec

    from headless.demo import run_demo
    from station.old_demos import remove_old_demos

    remove_old_demos(home, time.time())
    folder = launch.fresh_folder(home, "run")
    chosen = (symbol,) if symbol is not None and replay is None else ()
    summary = asyncio.run(
        run_demo(
            folder,
            simulate_arguments,
            seconds=seconds,
            ends=replay is not None,
            lockstep=speed == MAX,
            symbols=chosen,
        )
    )
    text = msgspec.json.encode(summary).decode()
    typer.echo(text if json else msgspec.json.format(text.encode(), indent=2).decode())


@app.command()
def simulate(
    *,
    port: Annotated[int, typer.Option(help="Port; 0 chooses a free one.")] = 0,
    seed: Seed = PLAIN_SEED,
    replay: Replay = None,
    symbol: Symbol = None,
    speed: Speed = PLAIN_SPEED,
    symbols: Annotated[int, typer.Option(help="How many contracts a generated market lists.")] = 32,
    quotes: Annotated[float, typer.Option(help="Quotes a second and symbol of a generated market.")] = 2.0,
    warm: Annotated[int, typer.Option(help="Bars of a replayed file served as history.")] = 0,
    faults: Annotated[list[str] | None, typer.Option(help="A fault, e.g. drop:every=30s; may be repeated.")] = None,
    unheard: Annotated[
        float | None, typer.Option(min=1.0, help="End after so many seconds without a listener.")
    ] = None,
    json: Json = False,
) -> None:
    """Only the simulated exchange; the first line on stdout is JSON with its addresses."""
    from engine.simulator.server import SimulateOptions, main

    rate = parse_speed(speed)
    options = SimulateOptions(port=port, seed=seed, speed=rate, faults=tuple(faults or ()), unheard_s=unheard)
    raise typer.Exit(main(_source(replay, symbol, seed, rate, symbols, quotes, warm), options))


@app.command()
def attach(theme: Theme = None) -> None:
    """A station on the engine that already runs for this data directory."""
    from headless.session import lives, read_session
    from station.launch import running
    from storage.home import Home

    home = Home.locate().create()
    session = read_session(home.run / "session.json")
    if session is None or not lives(session.engine):
        raise BadInput("engine", home.root, "none runs here; start one with trefoil or trefoil demo")
    _open(home, lambda _: running(session), theme)


def _source(
    replay: Path | None, symbol: str | None, seed: int, rate: float | None, symbols: int, quotes: float, warm: int
) -> Any:
    if replay is not None:
        from engine.simulator.replay import ReplayMarket

        steps = (
            MAX_STEPS_PER_BAR if rate is None else max(MAX_STEPS_PER_BAR, int(DEMO_STEPS_PER_BAR * 2 / max(1.0, rate)))
        )
        return ReplayMarket([(replay, symbol)], seed=seed, steps_per_bar=steps, warm=warm)
    from engine.simulator.prices import GeneratedMarket

    return GeneratedMarket(seed, symbols, start=time.time_ns() // 1_000_000, quotes_per_second=quotes)


def _simulate_arguments(replay: Path | None, symbol: str | None, speed: str, seed: int) -> list[str]:
    parse_speed(speed)
    arguments = ["--seed", str(seed), "--speed", speed]
    if replay is not None:
        arguments += ["--replay", str(replay.absolute())]
        if symbol is not None:
            arguments += ["--symbol", symbol]
    return arguments


def _check_replay(replay: Path) -> None:
    from engine.candle_file import read_candles

    read_candles(replay)


def _open(home: Home, find: Callable[[Home], Launch], theme: str | None, endpoint: str = "") -> None:
    """The screen on the socket of an engine that runs, or that starts when the screen is there."""
    from functools import partial

    from engine.view import empty_desk
    from headless.client import EngineClient
    from headless.key_chest import KeyChest
    from headless.models import ForecastCommands
    from headless.research.client import ResearchClient
    from station.app import StationApp
    from station.keymap import read_keys
    from station.theme_file import keep_theme, read_theme
    from station.themes import NAMES
    from storage.home import Home as Homes

    keys = read_keys(home.root / "keys.toml")
    if theme is not None and theme not in NAMES:
        raise BadInput("theme", theme, f"use one of {', '.join(NAMES)}")
    chosen = theme or read_theme(home.config)
    launch = find(home)
    folder = launch.folder
    client = EngineClient(Homes(folder).socket, Homes(folder).engine_log, name="keyboard", desk=empty_desk(launch.mode))
    research = ResearchClient(home.root, home.logs / "research.log")
    models = ForecastCommands(folder)
    settings = KeyChest(home, folder, endpoint=endpoint)
    station = StationApp(
        client,
        keys=keys,
        theme=chosen,
        symbol=None,
        research=research,
        models=models,
        settings=settings,
        keep_theme=partial(keep_theme, home.config),
        begin=launch.begin,
    )
    station.run()
    if station.return_code:
        raise typer.Exit(station.return_code)


def main() -> None:
    """The entry point: one plain sentence and exit code 1 for what a person can mend."""
    collect_seldom()
    try:
        app()
    except* TrefoilError as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        typer.echo(f"trefoil: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
