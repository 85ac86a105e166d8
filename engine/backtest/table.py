"""Results side by side as a table for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from engine.backtest.breakdown import Breakdown
from engine.backtest.inputs import timeframe_name
from engine.backtest.metrics import Metrics
from engine.backtest.run import Result
from engine.history.series import time_text

FEW_TRADES = 30
BAR_CELLS = 16


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:+,.2f} %"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:,.1f} %"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


ROWS: tuple[tuple[str, Callable[[Metrics], str]], ...] = (
    ("total return", lambda m: _percent(m.total_return)),
    ("buy and hold", lambda m: _percent(m.buy_and_hold_return)),
    ("a year (CAGR)", lambda m: _percent(m.cagr)),
    ("Sharpe", lambda m: _ratio(m.sharpe)),
    ("Sortino", lambda m: _ratio(m.sortino)),
    ("Calmar", lambda m: _ratio(m.calmar)),
    ("max drawdown", lambda m: _share(m.max_drawdown)),
    ("  longest, bars", lambda m: f"{m.max_drawdown_bars:,}"),
    ("trades", lambda m: f"{m.trades:,}"),
    ("win rate", lambda m: _share(m.win_rate)),
    ("profit factor", lambda m: _ratio(m.profit_factor)),
    ("expectancy", lambda m: _money(m.expectancy)),
    ("average trade", lambda m: _percent(m.avg_trade)),
    ("best trade", lambda m: _percent(m.best)),
    ("worst trade", lambda m: _percent(m.worst)),
    ("exposure", lambda m: _share(m.exposure)),
    ("fees", lambda m: _money(m.fees)),
    ("funding paid", lambda m: _money(m.funding)),
    ("liquidations", lambda m: f"{m.liquidations:,}"),
    ("final equity", lambda m: _money(m.final_equity)),
)


# Side by side in 80 columns: what decides between strategies.
COMPARED = ("total return", "Sharpe", "max drawdown", "trades", "win rate", "profit factor", "exposure")
SHORT = {
    "total return": "return",
    "max drawdown": "max dd",
    "profit factor": "p.f.",
    "win rate": "wins",
    "exposure": "in",
}


def show(console: Console, results: Sequence[Result]) -> None:
    """One result with all its metrics, several with the few that decide; below, what one should know before trusting it."""
    test = results[0].backtest
    first, last = int(results[0].times[0]), int(results[0].times[-1]) + test.timeframe_ms
    console.print(
        f"{test.symbol} {timeframe_name(test.timeframe_ms)}  {time_text(first)} to {time_text(last)}  "
        f"{len(results[0].times):,} bars",
        highlight=False,
    )
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    if len(results) == 1:
        _one(out, results[0])
    else:
        _several(out, results)
    console.print(out)
    for sentence in warnings(results):
        console.print(sentence, style="yellow", highlight=False)


def _one(out: Table, result: Result) -> None:
    out.add_column(result.name)
    out.add_column("", justify="right")
    for name, text in ROWS:
        out.add_row(name, text(result.metrics))


def _several(out: Table, results: Sequence[Result]) -> None:
    texts = dict(ROWS)
    out.add_column("strategy", no_wrap=True)
    for name in COMPARED:
        out.add_column(SHORT.get(name, name), justify="right", no_wrap=True)
    for result in sorted(results, key=lambda one: -one.metrics.total_return):
        out.add_row(result.name, *(texts[name](result.metrics) for name in COMPARED))
    hold = results[0].metrics.buy_and_hold_return
    out.add_row("buy and hold", _percent(hold), *("" for _ in COMPARED[1:]), style="dim")


def warnings(results: Sequence[Result]) -> list[str]:
    """Plain sentences: why these results should not be taken at their word."""
    out = []
    few = [f"{r.name} ({r.metrics.trades})" for r in results if r.metrics.trades < FEW_TRADES]
    if few:
        out.append(f"fewer than {FEW_TRADES} trades say little: {', '.join(few)}")
    if len(results[0].backtest.funding) == 1:
        out.append("no funding was given: a position held for days would have paid or received it")
    gone = [r.name for r in results if r.metrics.liquidations]
    if gone:
        out.append(f"liquidated: {', '.join(gone)}")
    return out


def show_parts(console: Console, name: str, parts: Breakdown) -> None:
    """Trades by side, weekday, month and hour; a bar shows what each earned or lost."""
    groups = (("side", parts.sides), ("weekday", parts.weekdays), ("month", parts.months), ("hour, UTC", parts.hours))
    for title, buckets in groups:
        filled = [bucket for bucket in buckets if bucket.trades]
        if not filled:
            console.print(f"{name}: no trades to take apart")
            return
        out = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        out.add_column(title, no_wrap=True)
        for heading in ("trades", "wins", "p.f.", "average", "net"):
            out.add_column(heading, justify="right", no_wrap=True)
        out.add_column("", no_wrap=True)
        largest = max(abs(bucket.net_profit) for bucket in filled) or 1.0
        for bucket in filled:
            length = round(BAR_CELLS * abs(bucket.net_profit) / largest)
            out.add_row(
                bucket.label,
                f"{bucket.trades:,}",
                _share(bucket.win_rate),
                _ratio(bucket.profit_factor),
                _percent(bucket.mean_return),
                _money(bucket.net_profit),
                f"[{'green' if bucket.net_profit > 0 else 'red'}]{('+' if bucket.net_profit > 0 else '-') * length}[/]",
            )
        console.print(f"{name} by {title}", style="bold", highlight=False)
        console.print(out)
