"""A replayed day as a table for people: live, backtest, difference, reason."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.history.series import time_text
from engine.model.instrument import Instrument
from engine.model.money import Money, to_decimal
from engine.replay.compare import Report, Row
from engine.replay.export import price
from engine.replay.trip import Trip
from engine.replay.words import clock

PIPE_WIDTH = 200  # where no terminal says how wide it is


def show(report: Report, console: Console | None = None) -> None:
    """Print the table, the totals and what the differences come from."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "dim"))
    table.add_column("symbol", no_wrap=True)
    table.add_column("live", min_width=34)
    table.add_column("backtest", min_width=34)
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column("reason", ratio=1)
    for row in report.rows:
        table.add_row(*_cells(row, report.instruments[row.symbol]))
    console.print(_head(report), highlight=False)
    if report.rows:
        console.print(table, highlight=False)
    for line in _totals(report):
        console.print(line, highlight=False)


def _head(report: Report) -> str:
    missed = f", {report.missed:,} of them from stored candles" if report.missed else ""
    return (
        f"{report.mode} on {report.venue}, {time_text(report.begin)} to {time_text(report.end)} UTC (market time): "
        f"{report.bars:,} bars{missed}, slippage {report.slippage_bps:g} bp"
    )


def _cells(row: Row, instrument: Instrument) -> tuple[Text | str, ...]:
    return (
        instrument.base,
        _trip(row.live, instrument),
        _trip(row.replayed, instrument),
        _money(row.difference.total),
        Text(row.reason),
    )


def _trip(trip: Trip | None, instrument: Instrument) -> Text:
    if trip is None:
        return Text("-")
    side = "long" if trip.side > 0 else "short"
    begin = (
        f"{side} {instrument.quantity(trip.lots)} {clock(trip.opened)} @ {price(trip.entry_value, trip, instrument)}"
    )
    end = (
        f"open, worth {_money(trip.net)}"
        if trip.open
        else f"{trip.ended.value} {clock(trip.closed)} @ {price(trip.exit_value, trip, instrument)} {_money(trip.net)}"
    )
    return Text(f"{begin}\n{end}")


def _money(money: Money) -> str:
    return f"{to_decimal(money):+,.2f}"


def _totals(report: Report) -> list[str]:
    totals = report.totals
    if not report.rows:
        return ["No trade, neither live nor in the backtest."]
    line = (
        f"live {totals.live} trades {_money(totals.live_net)}, backtest {totals.replayed} trades "
        f"{_money(totals.replayed_net)}, difference {_money(totals.difference)}; {totals.matched} belong together"
    )
    parts = [f"{name} {_money(money)} ({count})" for name, (count, money) in totals.causes.items()]
    return [line, f"by reason: {', '.join(parts)}"]
