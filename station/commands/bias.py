"""``trefoil check-bias``: does a strategy's past know its future?"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import TrefoilError
from station.commands.chosen_market import Data, Symbol, market_of

if TYPE_CHECKING:
    from engine.backtest.bias import BiasReport, Difference
    from engine.backtest.inputs import Market
    from engine.backtest.watch import Watch

BIASED = 1
WRONG_USE = 2
INTERRUPTED = 130
LINES = 5


def check_bias(
    strategy: Annotated[str, typer.Argument(help="One strategy by name, or board.")],
    *,
    data: Data = None,
    symbol: Symbol = None,
    timeframe: Annotated[str | None, typer.Option(help="Bars are put together to this length.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", help="A parameter, e.g. fast=10; repeatable.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every bar, however many there are.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Compute the strategy anew at each close and compare with what the whole history says.

    Exit code 0: no difference; 1: decisions know the future, the bars are named; 2: wrong use; 130: interrupted before
    the end, nothing found so far.
    """
    from engine.backtest.bias import check_bias as check
    from engine.backtest.bias import named_subject
    from engine.backtest.options import check_warm, names_of, params_of
    from engine.errors import BadInput

    began = time.perf_counter()
    try:
        names = names_of(strategy)
        if len(names) != 1:
            raise BadInput("strategy", strategy, "give one")
        params = params_of(names[0], values or ())
        market = market_of(data, symbol, timeframe)
        check_warm(names[0], params, len(market.bars), market.source)
    except TrefoilError as error:
        typer.echo(f"trefoil: {error}", err=True)
        raise typer.Exit(WRONG_USE) from None
    for note in market.notes:
        typer.echo(note, err=True)
    with _watched(f"{names[0]} on {market.source}") as watch:
        report = check(named_subject(names[0], params), market.bars, every=every, watch=watch)
    elapsed = (time.perf_counter() - began) * 1000.0
    _tell(report, market, elapsed, json=json)
    if report.biased:
        raise typer.Exit(BIASED)
    if not report.complete:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _watched(title: str) -> Iterator[Watch]:
    """A progress bar on stderr, and Ctrl-C as a wish to stop after the bar at hand."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from engine.backtest.watch import Watch

    stopped = False

    def stop(number: int, frame: object) -> None:
        """A wish: the check ends after the bar at hand."""
        nonlocal stopped
        stopped = True

    before = signal.signal(signal.SIGINT, stop)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            hear: Callable[[int, int], None] = lambda done, total: bar.update(task, completed=done, total=total)  # noqa: E731 - two names for one thing
            yield Watch(hear, lambda: stopped)
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(report: BiasReport, market: Market, elapsed: float, *, json: bool) -> None:
    if json:
        import msgspec

        found = msgspec.to_builtins(report)
        extra = {"biased": report.biased, "complete": report.complete, "elapsed_ms": round(elapsed, 1)}
        typer.echo(msgspec.json.encode({**found, **extra, "source": market.source}).decode())
        return
    for line in lines_of(report, market.timeframe_ms):
        typer.echo(line)


def lines_of(report: BiasReport, timeframe_ms: int) -> list[str]:
    """The report for a person."""
    how = "every bar" if report.every_bar else "every change of side and drawn bars"
    lines = [f"{report.strategy}: {report.checked:,} of {report.bars:,} bars checked ({how})"]
    if not report.complete:
        lines.append(f"interrupted after {report.checked:,} of the {report.planned:,} bars to check")
    if report.biased:
        lines.append(
            f"BIASED: the side of {report.side_bars:,} and the exits of {report.exit_bars:,} bars were not to be known at "
            f"their close; {report.extra_trades:,} trades are too many, {report.missing_trades:,} are missing"
        )
        lines += [_line(one, timeframe_ms) for one in report.differences[:LINES]]
    else:
        lines.append("no difference: no decision needs a later bar" + ("" if report.complete else ", so far"))
    return lines + _settling(report)


def _line(one: Difference, timeframe_ms: int) -> str:
    from engine.history.series import time_text

    known, history = ("undefined" if value is None else f"{value:g}" for value in (one.known, one.history))
    closes = time_text(one.open_time + timeframe_ms)
    return f"  bar {one.bar:,}, closed {closes} UTC: {one.field} is {history} in the history, {known} at its close"


def _settling(report: BiasReport) -> list[str]:
    settling = report.settling
    if settling.sides is None:
        needed = f"the side still remembers where the data began after {settling.span:,} bars"
    else:
        needed = f"the side needs {settling.sides:,} bars of warm-up"
    declared = "all bars are kept" if settling.declared is None else f"declared are {settling.declared:,}"
    exits = "more" if settling.exits is None else f"{settling.exits:,}"
    lines = [f"{needed}, the exits {exits} ({declared}; {settling.starts:,} starts)"]
    if report.live_differing and not report.biased:
        lines.append(
            f"WARNING: {settling.declared:,} bars are too few: at {report.live_differing:,} of {report.live_bars:,} bars "
            f"live sees another side than the backtest, first at bar {report.live_first:,}"
        )
    return lines
