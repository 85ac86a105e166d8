"""Where the profit comes from: by side, weekday and hour of entry, UTC."""

from __future__ import annotations

from textual.geometry import Size

from engine.backtest.view import BucketView, RunView
from widgets import run_words as words
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel
from widgets.spark import column
from widgets.tones import signed_tone

HEAD, LEAST = 7, 11
"""Columns left of the hours; lines that sides, weekdays and the lowest hours take."""


def hour_lines(rows: tuple[BucketView, ...], width: int, height: int) -> list[Line]:
    """Bars as high as the profit or loss of each hour, its sign below, and the hours.

    Args:
        rows: 24 hours.
        width: cells there are.
        height: lines of the bars alone.
    """
    most = max((abs(row.net_profit) for row in rows), default=0.0)
    each = max(1, min(4, (width - HEAD) // len(rows)))
    columns = [column(abs(row.net_profit) / most if most else 0.0, height) for row in rows]
    lines = []
    for y in range(height):
        head = "hours  " if y == 0 else " " * HEAD
        pieces: list[Piece] = [(head, "dim")]
        pieces += [
            ((glyphs[y] * max(1, each - 1)).ljust(each), "up" if row.net_profit > 0 else "down")
            for row, glyphs in zip(rows, columns, strict=True)
        ]
        lines.append(Line(tuple(pieces)))
    signs = [(_sign(row).ljust(each), signed_tone(row.net_profit)) for row in rows]
    lines.append(Line(((" " * HEAD, "text"), *signs)))
    marks = "".join(row.label.ljust(each * 6) for row in rows[::6])
    lines.append(Line(((f"{'UTC':<{HEAD}}", "dim"), (marks[: width - HEAD], "dim"))))
    return lines


def _sign(row: BucketView) -> str:
    return "·" if not row.trades else "+" if row.net_profit > 0 else "-"


def line_of(row: BucketView, label: int, width: int) -> Line:
    """A bucket as a row: name, count, share won, profit."""
    won = words.share(row.win_rate, sign=False, decimals=0)
    pieces: list[Piece] = [
        (row.label.ljust(label), "text"),
        (f"{row.trades:>7,}", "dim"),
        (f"{won:>7}", "dim"),
        (f"{words.cash(row.net_profit, sign=True):>13}", signed_tone(row.net_profit)),
    ]
    return Line(tuple(pieces if width >= label + 27 else [pieces[0], pieces[3]]))


def best_worst(rows: tuple[BucketView, ...]) -> list[Piece]:
    """The bucket with the most profit and the one with the least."""
    traded = [row for row in rows if row.trades]
    if not traded:
        return []
    best, worst = max(traded, key=lambda r: r.net_profit), min(traded, key=lambda r: r.net_profit)
    return [
        ("  best at ", "dim"), (f"{best.label}h", signed_tone(best.net_profit)),
        ("  worst ", "dim"), (f"{worst.label}h", signed_tone(worst.net_profit)),
    ]  # fmt: skip


class BucketBars(Panel):
    """The breakdown of one run."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._run: RunView | None = None

    def show(self, run: RunView | None) -> None:
        """Show a run, or that there is none."""
        self._run = run
        self.refresh(layout=True)
        self.update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Everything, the hours a line high."""
        return LEAST + 1 if self._run is not None else 2

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Sides, weekdays and hours."""
        run = self._run
        if run is None:
            self.retitle(("Entries", "text"))
            return sentences("Profit by side, weekday and hour stands here when a run is done.", width)
        self.retitle(("Entries", "text"), *best_worst(run.hours))
        lines = [line_of(row, HEAD, width) for row in (*run.sides, *run.weekdays)]
        return [*lines, *hour_lines(run.hours, width, max(1, min(8, height - LEAST)))][:height]
