"""Which bars a command works on: a candle file, or stored history by venue and symbol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import BadInput

if TYPE_CHECKING:
    from engine.backtest.inputs import Market
    from storage.candles import ParquetCandles

Data = Annotated[str | None, typer.Option("--data", help="A candle file, or VENUE:SYMBOL from stored history.")]
Symbol = Annotated[
    str | None, typer.Option("--symbol", help="Stored history of this symbol; with --data: the file is of it.")
]


def market_of(data: str | None, symbol: str | None, timeframe: str | None, *, repair: bool = False) -> Market:
    """The bars of `data`, or stored ones of `symbol`; where neither is given, of the only symbol there is. Raises BadInput."""
    if data is None:
        symbol = symbol or _only()
        return _stored(_venue(symbol), symbol, timeframe)
    market = _named(data, timeframe, repair=repair)
    return market if symbol is None else replace(market, symbol=symbol)


def _named(data: str, timeframe: str | None, *, repair: bool) -> Market:
    from engine.backtest.inputs import from_file

    venue, colon, symbol = data.partition(":")
    if colon and not Path(data).exists() and "/" in symbol and "/" not in venue and "." not in venue:
        return _stored(venue, symbol, timeframe)
    return from_file(Path(data), timeframe, repair=repair)


def _stored(venue: str, symbol: str, timeframe: str | None) -> Market:
    from engine.backtest.inputs import resampled, timeframe_name, timeframe_of

    store = _store()
    kept = sorted(one.timeframe_ms for one in store.stored() if (one.venue, one.symbol) == (venue, symbol))
    if not kept:
        raise BadInput(
            "data", f"{venue}:{symbol}", "nothing is stored; see trefoil data list and trefoil data download"
        )
    wanted = timeframe_of(timeframe) if timeframe is not None else kept[0]
    fitting = [own for own in kept if wanted % own == 0]
    if not fitting:
        raise BadInput("timeframe", timeframe, f"stored are {', '.join(map(timeframe_name, kept))}")
    bars = store.read(venue, symbol, fitting[-1])
    return resampled(bars, fitting[-1], timeframe, symbol, f"{venue}:{symbol}")


def _only() -> str:
    """The one symbol there is stored history of; raises BadInput where there is none or a choice."""
    symbols = sorted({one.symbol for one in _store().stored()})
    if len(symbols) != 1:
        stored = f" (stored: {', '.join(symbols)})" if symbols else ""
        raise BadInput("--data", "not given", f"give a candle file, or --symbol of stored history{stored}")
    return symbols[0]


def _venue(symbol: str) -> str:
    """Under which venue's name bars of a symbol are stored; the first by name where several have it."""
    venues = sorted({one.venue for one in _store().stored() if one.symbol == symbol})
    if not venues:
        raise BadInput("symbol", symbol, "nothing is stored; see trefoil data list and trefoil data download")
    return venues[0]


def _store() -> ParquetCandles:
    from storage.candles import ParquetCandles
    from storage.home import Home

    return ParquetCandles(Home.locate().create().candles, lambda sentence: typer.echo(sentence, err=True))
