"""``trefoil journal``: what an engine has recorded, and the same day through the backtest engine."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import BadInput
from station.commands.db import Json, Url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.replay.compare import Report
    from engine.replay.recording import Recording
    from storage.home import Home
    from storage.playback import Playback

app = typer.Typer(name="journal", help="What an engine has recorded, and its replay.", no_args_is_help=True)

DAY_MS = 86_400_000
FOREVER = 1 << 62
BASE_MS = 60_000
TOLD_EVERY = 20_000  # entries
TICKS_BEFORE_MS = 2 * DAY_MS  # the clock's events tell the day's first equity and its halts

From = Annotated[
    str | None, typer.Option("--from", help="First market time, ISO, UTC; default: 24 hours before the newest bar.")
]
To = Annotated[str | None, typer.Option("--to", help="End, not included; default: the journal's end.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")]


@app.command()
def replay(
    *,
    begin: From = None,
    end: To = None,
    symbol: Symbols = None,
    slippage_bps: Annotated[
        float,
        typer.Option("--slippage-bps", min=0.0, max=500.0, help="Taken from every fill of the backtest at market."),
    ] = 1.0,
    bars: Annotated[
        bool, typer.Option("--bars/--no-bars", help="Use stored candles for bars no engine saw and within bars.")
    ] = True,
    database: Url = None,
    json: Json = False,
) -> None:
    """Run a recorded period through the faithful backtest engine and show live against backtest, trade by trade.

    Reads only, and works beside a running engine. Each trade that differs says why.
    """
    from engine.history.series import parse_time
    from storage.home import Home

    since = parse_time("--from", begin) if begin is not None else None
    until = parse_time("--to", end) if end is not None else None
    if since is not None and until is not None and since >= until:
        raise BadInput("--from", begin, f"it must be before --to ({end})")
    report = asyncio.run(_replay(Home.locate(), database, since, until, tuple(symbol or ()), slippage_bps, stored=bars))
    if json:
        import msgspec

        from engine.replay.export import values

        typer.echo(msgspec.json.encode(values(report)).decode())
        return
    from station.commands.journal_table import show

    show(report)


@app.command()
def show(
    *,
    begin: Annotated[str | None, typer.Option("--from", help="Received at or after, ISO, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Received before, ISO, UTC.")] = None,
    symbol: Symbols = None,
    database: Url = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, whole.")] = False,
) -> None:
    """Print the events of the journal with what was decided on each, oldest first; silent clock events are left out."""
    from engine.history.series import parse_time
    from storage.home import Home

    since = parse_time("--from", begin) if begin is not None else 0
    until = parse_time("--to", end) if end is not None else FOREVER
    if since >= until:
        raise BadInput("--from", begin, f"it must be before --to ({end})")
    asyncio.run(_show(Home.locate(), database, since, until, frozenset(symbol or ()), json=json))


async def _show(home: Home, url: str | None, since: int, until: int, symbols: frozenset[str], *, json: bool) -> None:
    import msgspec

    from engine.replay.lines import decision_words, event_words, quiet, symbols_of, time_words

    async with _opened(home, url) as playback:
        instruments = {one.symbol: one for event in await playback.started() for one in event.instruments}
        async for entry in playback.between(since, until):
            if quiet(entry) or (symbols and not symbols & symbols_of(entry)):
                continue
            if json:
                typer.echo(msgspec.json.encode({"seq": entry.seq, "event": entry.event, "decisions": entry.decisions}))
                continue
            typer.echo(f"{time_words(entry.event.at)} {entry.seq:>7} {event_words(entry.event, instruments)}")
            for decision in entry.decisions:
                typer.echo(f"{'':>31}  {decision_words(decision, instruments)}")


async def _replay(
    home: Home,
    url: str | None,
    since: int | None,
    until: int | None,
    symbols: tuple[str, ...],
    slippage_bps: float,
    *,
    stored: bool,
) -> Report:
    from engine.replay.compare import replay as run
    from engine.replay.recording import Recording

    async with _opened(home, url) as playback:
        newest = await playback.newest_bar()
        if not newest:
            raise BadInput("journal", playback.where, "no closed bar is recorded in it; let an engine run first")
        begin = max(0, newest - DAY_MS + 1) if since is None else since
        # a replayed demo's market time lies before the time its events were received: then no clock event is left out
        ticks_since = begin - TICKS_BEFORE_MS
        recording = Recording(begin, until, await playback.peak(ticks_since))
        async for entry in playback.entries(ticks_since):
            if not recording.take(entry):
                break
            if recording.entries % TOLD_EVERY == 0 and sys.stderr.isatty():
                typer.echo(f"\r{recording.entries:,} journal entries read", err=True, nl=False)
        recording.done()
        if recording.entries >= TOLD_EVERY and sys.stderr.isatty():
            typer.echo("", err=True)
    _check(recording, symbols)
    if stored:
        _add_stored(home, recording)
    return run(recording, symbols, slippage_bps)


def _check(recording: Recording, symbols: tuple[str, ...]) -> None:
    """A period without bars and a symbol that is not traded are refused."""
    if not recording.days:
        raise BadInput("period", "empty", "the journal has no closed bar in it; choose --from and --to by market time")
    traded = recording.core.state.symbols
    for symbol in symbols:
        if symbol not in traded:
            raise BadInput("--symbol", symbol, f"the journal knows {', '.join(list(traded)[:4])} ...")


def _add_stored(home: Home, recording: Recording) -> None:
    """Missed bars and finer bars, as far as they are on disk and of the market that was recorded."""
    from engine.replay.history import WARM_BARS, agrees, fill, holes, refine
    from storage.candles import ParquetCandles

    store = ParquetCandles(home.candles, lambda sentence: typer.echo(sentence, err=True))
    state = recording.core.state
    venues = ("simulated",) if state.mode == "demo" else (state.venue, f"{state.venue}-testnet", "binance", "simulated")
    for symbol, day in recording.days.items():
        timeframe_ms = day.bars[-1].started.settings.timeframe_ms
        first, last = day.bars[0].bar.open_time, day.bars[-1].bar.open_time
        found = holes(day)
        for venue in venues:
            since = max(0, found[0][0] - WARM_BARS * timeframe_ms) if found else first
            bars = store.read(venue, symbol, timeframe_ms, since, last + timeframe_ms)
            if agrees(day, bars, timeframe_ms):
                fill(symbol, day, bars)
            finer = store.read(venue, symbol, BASE_MS, first, last + timeframe_ms)
            if timeframe_ms > BASE_MS and agrees(day, finer, BASE_MS):
                refine(day, finer)


@asynccontextmanager
async def _opened(home: Home, url: str | None) -> AsyncIterator[Playback]:
    from storage import migrate
    from storage.database import Database
    from storage.playback import Playback

    if url is None and not home.database.exists():
        raise BadInput("database", home.database, "there is none yet; start an engine, or name one with --database")
    database = Database(url or home.database_url)
    try:
        schema = await migrate.revision(database)
        if schema != migrate.newest():
            raise BadInput("schema", schema or "none", f"run trefoil db upgrade first: {migrate.newest()} is needed")
        yield Playback(database)
    finally:
        await database.close()
