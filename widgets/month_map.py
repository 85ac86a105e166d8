"""Returns by month as a heat map: the colour says how much, the sign says it without colour."""

from __future__ import annotations

from typing import ClassVar

from textual.geometry import Size

from engine.backtest.view import MonthsView
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel
from widgets.tones import COMPONENTS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS = (0.0, 0.02, 0.05, 0.10)
"""From which return, fraction, a stronger colour begins."""
SHADES = (14, 28, 45, 65)


def heat(value: float | None) -> str:
    """The tone of a month's return."""
    if value is None or value == 0.0:
        return "text"
    strength = sum(abs(value) > step for step in STEPS)
    return f"heat-{'up' if value > 0 else 'down'}-{strength}"


def cell(value: float | None, width: int) -> str:
    """A return in percent in exactly `width` characters, with as many decimals as fit."""
    if value is None:
        return " " * width
    for decimals in (1, 0):
        rounded = round(value * 100, decimals) or 0.0
        text = f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"
        if len(text) < width:
            break
    return text.rjust(width)


def _css() -> str:
    shades = [("up", "$success", i, p) for i, p in enumerate(SHADES, 1)]
    shades += [("down", "$error", i, p) for i, p in enumerate(SHADES, 1)]
    return "\n".join(
        f"MonthMap > .tone--heat-{side}-{i} {{ color: $foreground; background: {colour} {percent}%; }}"
        for side, colour, i, percent in shades
    )


class MonthMap(Panel):
    """A row a year, a column a month, and the year's own return."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS) | {
        f"tone--heat-{side}-{strength}" for side in ("up", "down") for strength in range(1, len(SHADES) + 1)
    }
    DEFAULT_CSS = _css()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._months: MonthsView | None = None

    def show(self, months: MonthsView | None) -> None:
        """Show the months of a run, or that there is none."""
        self._months = months
        self.refresh(layout=True)
        self.update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A header and a row a year."""
        return 1 + (len(self._months.years) if self._months is not None else 1)

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and the newest years that fit."""
        months = self._months
        if months is None:
            self.retitle(("Months", "text"))
            return sentences("Returns by month stand here when a run is done.", width)
        known = [value for row in months.months for value in row if value is not None]
        won = sum(value > 0 for value in known)
        self.retitle(("Months ", "text"), (f"{won} of {len(known)} up", "strong"), ("  %", "dim"))
        size = max(4, min(8, (width - 5) // 13))
        head: list[Piece] = [("     ", "dim"), *((name.rjust(size)[:size], "dim") for name in MONTHS)]
        head.append(("year".rjust(size + 1), "dim"))
        lines = [Line(tuple(head))]
        rows = list(zip(months.years, months.months, months.totals, strict=True))
        for year, row, total in rows[-max(1, height - 1) :]:
            pieces: list[Piece] = [(f"{year} ", "dim")]
            pieces += [(cell(value, size), heat(value)) for value in row]
            pieces += [(" ", "text"), (cell(total, size), f"{heat(total)} bold")]
            lines.append(Line(tuple(pieces)))
        return lines
