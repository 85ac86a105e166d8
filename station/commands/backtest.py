"""``trefoil backtest``: strategies over recorded bars, as a table, JSON, rows of trades, or a report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadInput
from station.commands.chosen_market import Data, Symbol, market_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import TaskID

    from engine.backtest.funding import Funding, Marks
    from engine.backtest.inputs import Market
    from engine.backtest.luck import Luck
    from engine.backtest.rules import Grid, Rules
    from engine.backtest.run import Result
    from engine.bars import Bars
    from engine.strategies.base import Params

ENGINES = ("fast", "faithful")


def backtest(
    strategy: Annotated[str, typer.Argument(help="One name, several with commas, or all.")],
    *,
    data: Data = None,
    symbol: Symbol = None,
    timeframe: Annotated[str | None, typer.Option(help="Bars are put together to this length.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="First bar, ISO date or time, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", help="A parameter, e.g. fast=10; repeatable.")] = None,
    engine: Annotated[str, typer.Option(help="fast, or faithful: the live core over a matching book.")] = "fast",
    exits: Annotated[str | None, typer.Option(help="none, strategy or fixed; default none.")] = None,
    stop: Annotated[float, typer.Option(help="Stop distance, fraction of price; implies fixed exits.")] = 0.0,
    target: Annotated[float, typer.Option(help="Target distance, fraction of price; implies fixed exits.")] = 0.0,
    fee_bps: Annotated[float, typer.Option(help="Taker fee, basis points.")] = 5.0,
    maker_fee_bps: Annotated[float, typer.Option(help="Maker fee, basis points.")] = 2.0,
    slippage_bps: Annotated[float, typer.Option(help="Slippage of each market fill, basis points.")] = 1.0,
    spread_bps: Annotated[float, typer.Option(help="Spread; half of it adds to slippage.")] = 0.0,
    volatility_share: Annotated[float, typer.Option(help="Share of the recent bar range that adds to slippage.")] = 0.0,
    leverage: Annotated[int, typer.Option(help="Isolated margin is notional / leverage.")] = 1,
    maintenance: Annotated[float, typer.Option(help="Maintenance margin rate, fraction.")] = 0.005,
    sizing: Annotated[str, typer.Option(help="equity[:share], notional:N, quantity:N or risk:share.")] = "equity",
    capital: Annotated[float, typer.Option(help="Cash at the start, quote currency.")] = 10_000.0,
    maker_target: Annotated[bool, typer.Option("--maker-target", help="Targets rest in the book.")] = False,
    tick_size: Annotated[str | None, typer.Option(help="Price step; default: that of the data.")] = None,
    lot_size: Annotated[str | None, typer.Option(help="Quantity step; default: as fine as money allows.")] = None,
    min_notional: Annotated[float, typer.Option(help="Smallest order, quote currency.")] = 5.0,
    funding: Annotated[Path | None, typer.Option(help="Funding rates: timestamp, funding_rate.")] = None,
    mark: Annotated[Path | None, typer.Option(help="Mark price bars that value the funding.")] = None,
    detail: Annotated[Path | None, typer.Option(help="Finer bars: what came first within a bar.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Sort rows and drop exact copies, and say so.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    luck: Annotated[bool, typer.Option("--luck", help="How much of it may be luck; some seconds more.")] = False,
    breakdown: Annotated[bool, typer.Option("--breakdown", help="By hour, weekday, month and side.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report.")] = None,
    trades: Annotated[Path | None, typer.Option(help="Write the trades as CSV.")] = None,
) -> None:
    """Run one or more strategies over recorded bars."""
    from engine.backtest.options import names_of, params_of, rules_of

    if engine not in ENGINES:
        raise BadInput("engine", engine, f"use {' or '.join(ENGINES)}")
    names = names_of(strategy)
    if len(names) > 1 and (values or trades is not None):
        raise BadInput("strategy", strategy, "--set and --trades are for one strategy")
    rules = rules_of(
        exits=exits, stop=stop, target=target, fee_bps=fee_bps, maker_fee_bps=maker_fee_bps, slippage_bps=slippage_bps,
        spread_bps=spread_bps, volatility_share=volatility_share, leverage=leverage, maintenance=maintenance,
        sizing=sizing, capital=capital, maker_target=maker_target,
    )  # fmt: skip
    params = params_of(names[0], values or ())
    market = market_of(data, symbol, timeframe, repair=repair)
    _check(market, names, params)
    test = _prepare(
        market,
        rules,
        _grid(market, tick_size, lot_size, min_notional),
        (begin, end),
        _funding(funding),
        _marks(mark),
        _bars(detail),
    )
    warn_first_run()
    began = time.perf_counter()
    results = [_run(test, name, params, engine) for name in names]
    elapsed = (time.perf_counter() - began) * 1000
    lucks: list[Luck | None] = _lucks(results) if luck else [None for _ in results]
    _write(results, lucks, trades, report)
    _tell(results, lucks, elapsed, json=json, parted=breakdown)


def _check(market: Market, names: Sequence[str], params: Params | None) -> None:
    """Enough bars for every strategy, or BadInput; what was noticed while reading is said."""
    from engine.backtest.options import check_warm

    for name in names:
        check_warm(name, params, len(market.bars), market.source)
    for note in market.notes:
        typer.echo(note, err=True)


def _prepare(
    market: Market,
    rules: Rules,
    grid: Grid,
    span: tuple[str | None, str | None],
    funding: Funding | None,
    marks: Marks | None,
    detail: Bars | None,
) -> Any:
    from engine.backtest.run import Backtest
    from engine.history.series import parse_time

    begin, end = (
        parse_time(name, text) if text is not None else None
        for name, text in zip(("--from", "--to"), span, strict=True)
    )
    if begin is not None and end is not None and begin >= end:
        raise BadInput("--from", span[0], f"must lie before --to ({span[1]})")
    return Backtest(
        market.bars,
        market.timeframe_ms,
        rules,
        symbol=market.symbol,
        grid=grid,
        funding=funding,
        marks=marks,
        detail=detail,
        begin=begin,
        end=end,
    )


def _grid(market: Market, tick_size: str | None, lot_size: str | None, min_notional: float) -> Grid:
    from engine.backtest.rules import grid_from

    return grid_from(market.bars, tick_size, lot_size, min_notional)


def _funding(path: Path | None) -> Funding | None:
    from engine.backtest.funding import read_funding

    return read_funding(path) if path is not None else None


def _marks(path: Path | None) -> Marks | None:
    from engine.backtest.funding import read_marks

    return read_marks(path) if path is not None else None


def _bars(path: Path | None) -> Bars | None:
    from engine.candle_file import read_candles

    return read_candles(path).bars if path is not None else None


def warn_first_run() -> None:
    """Say that the first run compiles, where it does."""
    from engine.backtest.compiled import is_compiled

    if not is_compiled():
        typer.echo("compiling the engine, once for this machine (about 15 s) ...", err=True)


def _run(test: Any, name: str, params: Any, engine: str) -> Result:
    if engine == "fast":
        return test.run(name, params)  # type: ignore[no-any-return] # Backtest is imported where it is made
    from engine.backtest.faithful import run_faithful

    return run_faithful(test, name, params)


def _lucks(results: list[Result]) -> list[Luck | None]:
    from rich.console import Console
    from rich.progress import Progress

    from engine.backtest.luck import luck_of
    from engine.backtest.watch import Watch

    with Progress(console=Console(stderr=True), transient=True) as bar:
        found = []
        for result in results:
            task = bar.add_task(f"luck of {result.name}", total=None)

            def tell(done: int, total: int, task: TaskID = task) -> None:
                """Progress of one result."""
                bar.update(task, completed=done, total=total)

            found.append(luck_of(result, watch=Watch(tell)))
        return found


def _write(results: list[Result], lucks: list[Luck | None], trades: Path | None, report: Path | None) -> None:
    if trades is not None:
        from engine.backtest.export import write_trades

        write_trades(results[0], trades)
    if report is not None:
        from engine.backtest.report import write_report

        write_report(results, report, lucks)


def _tell(results: list[Result], lucks: list[Luck | None], elapsed: float, *, json: bool, parted: bool) -> None:
    if json:
        typer.echo(_json(results, lucks, elapsed, parted=parted))
        return
    from rich.console import Console

    from engine.backtest.breakdown import breakdown
    from engine.backtest.luck_words import sentences
    from engine.backtest.table import show, show_parts

    console = Console()
    show(console, results)
    for result, luck in zip(results, lucks, strict=True):
        if parted:
            show_parts(console, result.name, breakdown(result))
        if luck is not None:
            console.print(f"\n{result.name}: skill or luck", style="bold", highlight=False)
            for sentence in sentences(luck):
                console.print(sentence, highlight=False)
    console.print(f"{elapsed:,.1f} ms", style="dim", highlight=False)


def _json(results: list[Result], lucks: list[Luck | None], elapsed: float, *, parted: bool) -> str:
    import msgspec

    from engine.backtest.breakdown import breakdown
    from engine.backtest.export import summary

    rows = []
    for result, luck in zip(results, lucks, strict=True):
        row = summary(result, elapsed / len(results))
        if luck is not None:
            row["luck"] = luck
        if parted:
            row["breakdown"] = breakdown(result)
        rows.append(row)
    return msgspec.json.encode(rows[0] if len(rows) == 1 else {"runs": rows}).decode()
