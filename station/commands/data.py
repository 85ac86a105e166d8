"""``trefoil data``: history of a market on disk, from an exchange or from a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import BadInput
from engine.model.market import TIMEFRAMES

if TYPE_CHECKING:
    from engine.candle_file import Gap
    from engine.history.download import Downloaded, Progress
    from engine.history.series import Series, Span
    from storage.candles import ParquetCandles, Stored
    from storage.home import Home

app = typer.Typer(name="data", help="Market history on disk.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

VENUES = ("binance", "okx", "bybit")
NAMES = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}
SETTLED_MS = 5_000  # a bar that ended less than this ago may still be corrected
INTERRUPTED = 130
GAPS_SHOWN = 5


@app.command()
def download(
    venue: Annotated[str, typer.Argument(help="Exchange: binance, okx or bybit.")],
    symbol: Annotated[str, typer.Argument(help="Unified symbol, e.g. BTC/USDT:USDT.")],
    timeframe: Annotated[str, typer.Argument(help=f"One of {', '.join(TIMEFRAMES)}.")],
    *,
    begin: Annotated[str, typer.Option("--from", help="First open time, ISO date or time, UTC.")],
    end: Annotated[str | None, typer.Option("--to", help="End, not included; default: the newest closed bar.")] = None,
    json: Json = False,
) -> None:
    """Bring an exchange's closed bars to disk.

    What is there already is not asked for again, so the same command goes on where it was interrupted.
    """
    from engine.history.series import Series, Span, parse_time
    from storage.home import Home

    if venue not in VENUES:
        raise BadInput("venue", venue, f"use one of {', '.join(VENUES)}")
    span = Span(parse_time("--from", begin), parse_time("--to", end) if end is not None else 1 << 62)
    if span.begin >= span.end:
        raise BadInput("--from", begin, f"it must be before --to ({end})")
    series = Series(venue, symbol, _milliseconds(timeframe))
    home = Home.locate().create()
    try:
        done = asyncio.run(_download(home, series, span))
    except KeyboardInterrupt:
        typer.echo("interrupted; what came is kept, and the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _tell_downloaded(series, done, json=json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV: timestamp (ms UTC), open, high, low, close, volume.")],
    *,
    symbol: Annotated[str | None, typer.Option(help="Unified symbol; default: what the file's name says.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="What the bars must be; default: what they are.")] = None,
    venue: Annotated[str, typer.Option(help="Where they are kept; an exchange's name mixes them with its own.")] = (
        "imported"
    ),
    repair: Annotated[bool, typer.Option("--repair", help="Sort rows and drop exact copies, and say so.")] = False,
    json: Json = False,
) -> None:
    """Keep the bars of a file: checked whole first; of an open time that is known already the file's bar wins."""
    from engine.candle_file import read_candles

    read = read_candles(file, repair=repair)
    found = symbol or read.symbol
    if found is None:
        raise BadInput("--symbol", file.name, "the file's name tells no symbol; give one, e.g. BTC/USDT:USDT")
    name = NAMES.get(read.timeframe_ms)
    if name is None:
        raise BadInput(f"{file.name} timeframe", f"{read.timeframe_ms} ms", f"use one of {', '.join(TIMEFRAMES)}")
    if timeframe is not None and _milliseconds(timeframe) != read.timeframe_ms:
        raise BadInput("--timeframe", timeframe, f"the bars of {file.name} are {name}")
    first = int(read.bars.open_time[0])
    if first % read.timeframe_ms:
        raise BadInput(f"{file.name} row 1 timestamp", first, f"bars must open at whole multiples of {name} UTC")
    _store().write(venue, found, read.timeframe_ms, read.bars)
    if json:
        _print_json(
            {
                "venue": venue,
                "symbol": found,
                "timeframe": name,
                "bars": len(read.bars),
                "first": first,
                "last": int(read.bars.open_time[-1]),
                "gaps": _gap_rows(read.gaps),
                "repairs": [{"what": r.what, "rows": r.rows, "first_row": r.first_row} for r in read.repairs],
            }
        )
        return
    for mended in read.repairs:
        typer.echo(f"repaired: {mended.sentence()}")
    span = _span_text(first, int(read.bars.open_time[-1]))
    typer.echo(f"{len(read.bars):,} bars kept as {venue} {found} {name}, {span}")
    _tell_gaps(read.gaps)


@app.command("list")
def list_(*, json: Json = False) -> None:
    """What is on disk."""
    found = _store().stored()
    if json:
        _print_json({"series": [_stored_row(one) for one in found]})
        return
    if not found:
        typer.echo("nothing yet; see trefoil data download --help")
        return
    typer.echo(_table(found))


async def _download(home: Home, series: Series, span: Span) -> Downloaded:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"asking {series.venue}", total=None)
        said = ""

        def tell(progress: Progress) -> None:
            nonlocal said
            if progress.waiting and progress.waiting != said:
                console.print(progress.waiting, highlight=False, markup=False)
            said = progress.waiting
            text = f"{series.symbol} {NAMES[series.timeframe_ms]}"
            bar.update(task, description=text, completed=progress.done, total=progress.total)

        return await _fetch(home, series, span, tell)


async def _fetch(home: Home, series: Series, span: Span, tell: Callable[[Progress], None]) -> Downloaded:
    from engine.feeds.ccxt_feed import CcxtFeed
    from engine.history.download import download as bring
    from engine.history.series import Span as Part
    from engine.runtime import SystemClock
    from engine.venues.ccxt_client import Access
    from headless.config import read_config
    from storage.candles import ParquetCandles

    config = read_config(home.config)
    store = ParquetCandles(home.candles, _warn)
    feed = CcxtFeed(Access(config.feed.rest, config.feed.ws, exchange=series.venue), SystemClock())
    try:
        symbols = [instrument.symbol for instrument in await feed.instruments()]
        if series.symbol not in symbols:
            raise BadInput("symbol", series.symbol, f"{series.venue} lists {', '.join(symbols[:4])} ...")
        until = min(span.end, await feed.server_time() - SETTLED_MS)
        return await bring(feed, store, series, Part(span.begin, until), tell)
    finally:
        await feed.close()


def _store() -> ParquetCandles:
    from storage.candles import ParquetCandles
    from storage.home import Home

    return ParquetCandles(Home.locate().create().candles, _warn)


def _warn(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _milliseconds(timeframe: str) -> int:
    if timeframe not in TIMEFRAMES:
        raise BadInput("timeframe", timeframe, f"use one of {', '.join(TIMEFRAMES)}")
    return TIMEFRAMES[timeframe]


def _tell_downloaded(series: Series, done: Downloaded, *, json: bool) -> None:
    name = NAMES[series.timeframe_ms]
    if json:
        _print_json(
            {
                "venue": series.venue,
                "symbol": series.symbol,
                "timeframe": name,
                "bars": done.bars,
                "fetched": done.fetched,
                "first": done.first,
                "last": done.last,
                "gaps": _gap_rows(done.gaps),
            }
        )
        return
    if done.bars == 0:
        typer.echo(f"{series.venue} has no {name} bars of {series.symbol} in that time")
        return
    span = _span_text(done.first, done.last)
    typer.echo(f"{series.venue} {series.symbol} {name}: {done.bars:,} bars, {done.fetched:,} of them new, {span}")
    _tell_gaps(done.gaps)


def _tell_gaps(gaps: Iterable[Gap]) -> None:
    from engine.history.series import time_text

    gaps = list(gaps)
    for gap in gaps[:GAPS_SHOWN]:
        typer.echo(f"gap: {gap.missing:,} bars missing from {time_text(gap.begin)} to {time_text(gap.end)} UTC")
    if len(gaps) > GAPS_SHOWN:
        rest = gaps[GAPS_SHOWN:]
        typer.echo(f"gap: {len(rest):,} more with {sum(gap.missing for gap in rest):,} bars missing")


def _gap_rows(gaps: Iterable[Gap]) -> list[dict[str, int]]:
    return [{"begin": gap.begin, "end": gap.end, "missing": gap.missing} for gap in gaps]


def _stored_row(one: Stored) -> dict[str, str | int]:
    return {
        "venue": one.venue,
        "symbol": one.symbol,
        "timeframe": NAMES[one.timeframe_ms],
        "first": one.first,
        "last": one.last,
        "bars": one.bars,
        "gaps": one.gaps,
        "missing": one.missing,
    }


def _table(found: Iterable[Stored]) -> str:
    from engine.history.series import time_text

    rows = [("venue", "symbol", "timeframe", "first (UTC)", "last (UTC)", "bars", "gaps", "missing")]
    rows += [
        (
            one.venue,
            one.symbol,
            NAMES[one.timeframe_ms],
            time_text(one.first),
            time_text(one.last),
            f"{one.bars:,}",
            f"{one.gaps:,}",
            f"{one.missing:,}",
        )
        for one in found
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numbers = range(5, 8)
    return "\n".join(
        "  ".join(
            text.rjust(width) if i in numbers else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _span_text(first: int, last: int) -> str:
    from engine.history.series import time_text

    return f"{time_text(first)} to {time_text(last)} UTC"


def _print_json(value: dict[str, object]) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())
