"""Where the profit comes from: by side, weekday and hour of entry, UTC."""

from __future__ import annotations

from engine.backtest.view import BucketView, RunView
from widgets import run_words as words
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel
from widgets.spark import EIGHTHS
from widgets.tones import signed_tone


def bars(rows: tuple[BucketView, ...]) -> list[Piece]:
    """One block a bucket: its height is the size of its profit, its tone the sign; below zero it hangs as ``▔``."""
    most = max((abs(row.net_profit) for row in rows), default=0.0)
    out: list[Piece] = []
    for row in rows:
        if not row.trades or not most:
            out.append(("·", "faint"))
            continue
        level = min(7, int(abs(row.net_profit) / most * 8))
        out.append((EIGHTHS[level], "up" if row.net_profit > 0 else "down"))
    return out


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
        (" best ", "dim"), (best.label, signed_tone(best.net_profit)),
        (" worst ", "dim"), (worst.label, signed_tone(worst.net_profit)),
    ]  # fmt: skip


class BucketBars(Panel):
    """The breakdown of one run."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._run: RunView | None = None

    def show(self, run: RunView | None) -> None:
        """Show a run, or that there is none."""
        self._run = run
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Sides, hours and weekdays."""
        self.retitle(("Entries ", "text"), ("UTC", "dim"))
        run = self._run
        if run is None:
            return sentences("Profit by side, weekday and hour stands here when a run is done.", width)
        lines = [Line((("hour 00 ", "dim"), *bars(run.hours), (" 23", "dim")))]
        lines.append(Line((("        ", "text"), *best_worst(run.hours))))
        lines += [line_of(row, 6, width) for row in run.sides]
        lines += [line_of(row, 6, width) for row in run.weekdays]
        return lines[:height]
