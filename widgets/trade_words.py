"""One trade as a sentence of facts and as a row of a table. Pure."""

from __future__ import annotations

from typing import NamedTuple

from engine.backtest.view import RunView, TradeView
from widgets import format as fmt
from widgets import run_words as words
from widgets.line import Line, Piece, fit
from widgets.tones import side_arrow, side_tone, side_word, signed_tone


class Column(NamedTuple):
    """A column of the table; the larger `rank` is left out first."""

    name: str
    width: int
    rank: int


COLUMNS = (
    Column("#", 6, 4),
    Column("entry", 17, 0),
    Column("side", 8, 0),
    Column("quantity", 11, 7),
    Column("in", 11, 3),
    Column("out", 11, 3),
    Column("held", 9, 5),
    Column("net", 11, 0),
    Column("%", 9, 1),
    Column("MAE", 9, 6),
    Column("MFE", 9, 6),
    Column("reason", 11, 2),
)

REASONS = {"liquidation": "liquidated"}  # what fits in the column


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that fit in `width` cells."""
    kept = list(COLUMNS)
    while sum(column.width for column in kept) > width and any(column.rank for column in kept):
        kept.remove(max(kept, key=lambda column: column.rank))
    return tuple(kept)


def header(columns: tuple[Column, ...]) -> Line:
    """The names above the columns."""
    return Line(tuple((_cell(column, column.name), "dim") for column in columns))


def row_line(run: RunView, number: int, trade: TradeView, columns: tuple[Column, ...]) -> Line:
    """A trade in the table; `number` counts from 1."""
    gain = signed_tone(trade.net)
    pieces: dict[str, Piece] = {
        "#": (f"{number:,}", "dim"),
        "entry": (words.moment(trade.entry_time), "text"),
        "side": (f"{side_arrow(trade.side)} {side_word(trade.side).lower()}", side_tone(trade.side)),
        "quantity": (quantity(run, trade.quantity), "text"),
        "in": (price(run, trade.entry), "text"),
        "out": (price(run, trade.exit), "text"),
        "held": (words.span(trade.exit_time - trade.entry_time), "dim"),
        "net": (words.cash(trade.net, sign=True), gain),
        "%": (words.share(trade.share), gain),
        "MAE": (words.share(-trade.adverse), "dim"),
        "MFE": (words.share(trade.favourable), "dim"),
        "reason": (REASONS.get(trade.reason, trade.reason), "dim"),
    }
    return Line(tuple((_cell(column, pieces[column.name][0]), pieces[column.name][1]) for column in columns))


def _cell(column: Column, text: str) -> str:
    """`text` in the column's width, with a blank on the side it is not aligned to."""
    if column.name in {"entry", "side", "reason"}:
        return " " + fmt.left(text, column.width - 1)
    return fmt.fixed(text, column.width)


def price(run: RunView, value: float) -> str:
    """A price with the run's decimals."""
    return f"{value:,.{run.price_decimals}f}"


def quantity(run: RunView, value: float) -> str:
    """A quantity in at most eight digits."""
    whole = len(f"{int(value)}")
    return f"{value:,.{max(0, min(run.quantity_decimals, 7 - whole))}f}"


def fact_lines(run: RunView, number: int, trade: TradeView, width: int) -> list[Line]:
    """Two lines of facts about a trade; `number` counts from 1."""
    gain = signed_tone(trade.net)
    held = words.span(trade.exit_time - trade.entry_time)
    first: list[tuple[int, list[Piece]]] = [
        (0, [(f"{number:,}/{run.metrics.trades:,}", "dim")]),
        (0, [(f"{side_arrow(trade.side)} {side_word(trade.side)}", f"{side_tone(trade.side)} bold")]),
        (2, [(quantity(run, trade.quantity), "text")]),
        (1, [("in ", "dim"), (price(run, trade.entry), "strong"), (f" {words.moment(trade.entry_time)}", "dim")]),
        (1, [("out ", "dim"), (price(run, trade.exit), "strong"), (f" {words.moment(trade.exit_time)}", "dim")]),
    ]
    second: list[tuple[int, list[Piece]]] = [
        (
            0,
            [
                ("net ", "dim"),
                (words.cash(trade.net, sign=True), f"{gain} bold"),
                (f" {words.share(trade.share)}", gain),
            ],
        ),
        (0, [("by ", "dim"), (trade.reason, "text")]),
        (1, [("MAE ", "dim"), (words.share(-trade.adverse), "loss" if trade.adverse > 0 else "text")]),
        (1, [("MFE ", "dim"), (words.share(trade.favourable), "profit" if trade.favourable > 0 else "text")]),
        (2, [("held ", "dim"), (held, "text")]),
        (3, [("fee ", "dim"), (words.cash(trade.fee), "text")]),
        (4, [("funding ", "dim"), (words.cash(trade.funding, sign=True), "text")]),
    ]
    if width < 78:  # the times' days and hours stand in the table's row
        first[3] = (1, [("in ", "dim"), (price(run, trade.entry), "strong")])
        first[4] = (1, [("out ", "dim"), (price(run, trade.exit), "strong")])
    return [Line(tuple(fit(cells, width))) for cells in (first, second)]
