"""Kept runs, newest first; some can be marked to be compared."""

from __future__ import annotations

from typing import NamedTuple

from textual.message import Message

from engine.backtest.view import RunRow
from widgets import format as fmt
from widgets import run_words as words
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences
from widgets.tones import signed_tone

MOST_MARKED = 4


class Column(NamedTuple):
    """A column; the larger `rank` is left out first."""

    name: str
    width: int
    rank: int


COLUMNS = (
    Column("strategy", 17, 0),
    Column("market", 15, 2),
    Column("period", 24, 6),
    Column("return", 11, 0),
    Column("hold", 11, 5),
    Column("Sharpe", 8, 1),
    Column("max dd", 10, 1),
    Column("trades", 9, 3),
    Column("won", 8, 4),
    Column("p.f.", 7, 5),
    Column("ago", 6, 3),
    Column("rules", 34, 7),
)
LEFT = {"strategy", "market", "period", "rules"}


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that fit in `width` cells beside the mark."""
    kept = list(COLUMNS)
    while sum(column.width for column in kept) > width - 2 and any(column.rank for column in kept):
        kept.remove(max(kept, key=lambda column: column.rank))
    return tuple(kept)


def rules_text(row: RunRow) -> str:
    """What of the request differs from a plain run."""
    request = row.request
    parts = [request.params, request.engine if request.engine != "fast" else ""]
    parts.append(f"exits {request.exits}" if request.exits else "")
    parts += [f"{name} {value}" for name, value in (("stop", request.stop), ("target", request.target)) if value]
    parts.append(f"{request.leverage}x" if request.leverage != "1" else "")
    return " ".join(part for part in parts if part)


def row_line(row: RunRow, now: int, columns: tuple[Column, ...], *, marked: bool) -> Line:
    """A run as a row."""
    m = row.metrics
    cells: dict[str, Piece] = {
        "strategy": (row.strategy, "strong"),
        "market": (f"{fmt.base_of(row.symbol)} {row.timeframe}", "text"),
        "period": (f"{words.day(row.begin)} {words.day(row.end)}", "dim"),
        "return": (words.share(m.total_return), signed_tone(m.total_return)),
        "hold": (words.share(m.buy_and_hold_return), "dim"),
        "Sharpe": (words.ratio(m.sharpe), "text"),
        "max dd": (words.share(-m.max_drawdown), "text"),
        "trades": (f"{m.trades:,}", "text"),
        "won": (words.share(m.win_rate, sign=False, decimals=1), "text"),
        "p.f.": (words.ratio(m.profit_factor), "text"),
        "ago": (fmt.age(now - row.created), "dim"),
        "rules": (rules_text(row), "dim"),
    }
    pieces: list[Piece] = [("● " if marked else "  ", "accent bold")]
    pieces += [(_cell(column, cells[column.name][0]), cells[column.name][1]) for column in columns]
    return Line(tuple(pieces))


def _cell(column: Column, text: str) -> str:
    if column.name in LEFT:
        return fmt.left(text, column.width - 1) + " "
    return fmt.fixed(text, column.width - 1) + " "


class RunsPanel(CursorPanel):
    """The list of runs."""

    class Opened(Message):
        """A person wants to see a run."""

        def __init__(self, run_id: str) -> None:
            self.run_id = run_id
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._rows: tuple[RunRow, ...] = ()
        self._now = 0
        self._loaded = False
        self._marked: list[str] = []
        self._trouble = ""

    @property
    def marked(self) -> tuple[str, ...]:
        """Ids of the marked runs, in the order they were marked."""
        return tuple(self._marked)

    def show(self, rows: tuple[RunRow, ...], now: int) -> None:
        """Show the runs at `now`, ms UTC."""
        self._rows, self._now, self._loaded, self._trouble = rows, now, True, ""
        known = {row.id for row in rows}
        self._marked = [one for one in self._marked if one in known]
        self.update()

    def show_trouble(self, sentence: str) -> None:
        """Why there is no list."""
        self._trouble = sentence
        self.update()

    def mark(self) -> str:
        """Mark the run under the cursor, or take the mark away; a sentence where that is not possible."""
        if not self.cursor:
            return "no run to mark"
        if self.cursor in self._marked:
            self._marked.remove(self.cursor)
        elif len(self._marked) >= MOST_MARKED:
            return f"at most {MOST_MARKED} runs stand side by side"
        else:
            self._marked.append(self.cursor)
        self.update()
        return ""

    def chosen(self, key: str) -> None:
        """Tell of the run."""
        self.post_message(self.Opened(key))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and a row a run."""
        title: list[Piece] = [("History ", "text"), (f"{len(self._rows)}", "strong")]
        if self._marked:
            title.append((f"  {len(self._marked)} marked", "accent"))
        self.retitle(*title)
        if self._trouble:
            return sentences(self._trouble, width, "warn")
        if not self._rows:
            text = "No run is kept yet. Every run that finishes is kept here." if self._loaded else "Loading runs ..."
            return sentences(text, width)
        columns = columns_for(width)
        head = Line((("  ", "dim"), *((_cell(column, column.name), "dim") for column in columns)))
        rows: list[Row] = [
            (row.id, row_line(row, self._now, columns, marked=row.id in self._marked)) for row in self._rows
        ]
        return self.place(rows, height, [head])
