"""A run against luck: each figure with the range that chance alone would give it, and one plain sentence."""

from __future__ import annotations

from typing import NamedTuple

from engine.backtest.view import LuckView
from widgets import run_words as words
from widgets.line import EMPTY, Line, Piece, sentences
from widgets.panel import Panel
from widgets.tones import signed_tone

SURE = 0.95
LEAST_BAR = 20


class Row(NamedTuple):
    """A figure in its range.

    Attributes:
        name: of the figure.
        value: of the run.
        low: 95 % (or 90 %) of the others lie between this
        high: and this.
        middle: what the others have in the middle; None where that is the value itself.
        text: value and range for a person.
        note: what that means.
        good: the run is better than chance.
    """

    name: str
    value: float
    low: float
    high: float
    middle: float | None
    text: str
    note: str
    good: bool


def rows_of(luck: LuckView) -> list[Row]:
    """The figures that are known."""
    rows = []
    for name, found, text, fails in (
        ("return", luck.total_return, words.share, "lose"),
        ("Sharpe", luck.sharpe, words.ratio, "have one of 0 or below"),
    ):
        if found is not None:
            span = f"{text(found.estimate)}   95 %: {text(found.low)} to {text(found.high)}"
            note = f"{_part(found.not_positive)} of histories redrawn from its own bars {fails}"
            good = found.not_positive <= 1 - SURE
            rows.append(Row(name, found.estimate, found.low, found.high, None, span, note, good))
    s = luck.strangers
    if s is not None:
        span = f"{words.share(s.actual)}   90 %: {words.share(s.p05)} to {words.share(s.p95)}"
        note = f"better than {_part(s.percentile)} of {s.samples:,} strategies with the same trades at random times"
        rows.append(Row("random entries", s.actual, s.p05, s.p95, s.median, span, note, s.percentile >= SURE))
    o = luck.orders
    if o is not None:
        span = f"{words.share(-o.actual)}   90 %: {words.share(-o.p95)} to {words.share(-o.p05)}"
        note = f"deeper than in {_part(o.percentile)} of {o.samples:,} other orders of the same trades; be ready for {words.share(-o.p95)}"
        rows.append(Row("drawdown", -o.actual, -o.p95, -o.p05, -o.median, span, note, o.percentile <= SURE))
    return rows


def _part(value: float) -> str:
    return words.share(value, sign=False, decimals=0)


def verdict(luck: LuckView) -> tuple[str, bool]:
    """One sentence, and whether it speaks for the run."""
    reasons = []
    if luck.total_return is None or luck.strangers is None:
        return "There are too few bars or trades to tell this result from luck.", False
    if luck.total_return.estimate <= 0.0:
        return "It lost money: there is no gain to hold against luck.", False
    if luck.total_return.not_positive > 1 - SURE:
        reasons.append("its own bars, drawn again, lose too often")
    if luck.strangers.percentile < SURE:
        reasons.append("random entries do as well")
    if luck.deflated is None or luck.deflated < SURE:
        count = luck.variants
        reasons.append(
            "its Sharpe ratio is not above chance" if count == 1 else f"the best of {count} tries would look like this"
        )
    if reasons:
        return f"This result cannot be told from luck: {', '.join(reasons)}.", False
    return "This result is more than luck by every test here. That says nothing about costs and days to come.", True


def range_pieces(row: Row, low: float, high: float, width: int) -> list[Piece]:
    """A range on an axis of `width` cells from `low` to `high`: ┊ zero, ├─┤ range, │ middle, ● the run."""
    span = (high - low) or 1.0

    def at(value: float) -> int:
        return max(0, min(width - 1, round((value - low) / span * (width - 1))))

    cells: list[Piece] = [(" ", "text")] * width
    for place in range(at(row.low), at(row.high) + 1):
        cells[place] = ("─", "dim")
    if low <= 0.0 <= high:
        cells[at(0.0)] = ("┊", "text")
    cells[at(row.low)], cells[at(row.high)] = ("├", "dim"), ("┤", "dim")
    if row.middle is not None:
        cells[at(row.middle)] = ("┼", "dim")
    cells[at(row.value)] = ("●", f"{signed_tone(row.value)} bold")
    return cells


class LuckPanel(Panel):
    """The panel."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._luck: LuckView | None = None
        self._said = ""

    def show(self, luck: LuckView | None, said: str = "") -> None:
        """Show what is known, or the sentence why nothing is."""
        self._luck, self._said = luck, said
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The verdict, then the ranges with a sentence each."""
        luck = self._luck
        self.retitle(("Against luck", "text"))
        if luck is None:
            return sentences(self._said or "Whether a run could be luck stands here when a run is done.", width)
        text, good = verdict(luck)
        lines = [*sentences(text, width, "profit" if good else "warn"), EMPTY]
        for row in rows_of(luck):
            lines.append(Line(((f"{row.name:<16}", "strong"), (row.text, "text"))))
            room = min(100, width)
            if room >= LEAST_BAR:
                low, high = min(row.low, row.value, 0.0), max(row.high, row.value, 0.0)
                lines.append(Line(tuple(range_pieces(row, low, high, room))))
            lines += [*sentences(row.note, width, "dim"), EMPTY]
        if luck.probable is not None:
            lines.append(Line((("Sharpe above 0  ", "strong"), (f"{_part(luck.probable)} probable", "text"))))
        if luck.deflated is not None and luck.variants > 1:
            note = (
                f"{luck.variants:,} different runs were tried on these bars; by luck the best of so many shows a Sharpe "
                f"ratio of {luck.expected_best:.2f}; this one is above that with a probability of {_part(luck.deflated)}."
            )
            lines += sentences(note, width, "dim")
        return lines if len(lines) <= height else [lines[0], *(line for line in lines[1:] if line is not EMPTY)]
