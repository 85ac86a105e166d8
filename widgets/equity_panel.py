"""Equity over time beside the market's, and the drawdown hanging below it."""

from __future__ import annotations

from engine.backtest.view import RunView
from widgets import run_words as words
from widgets.chart_canvas import Canvas
from widgets.chart_scale import scale_for
from widgets.curve_paint import draw_axis, draw_curve, draw_depth, draw_name, draw_times, lowest_highest
from widgets.line import Line, Piece, fit, sentences
from widgets.panel import Panel
from widgets.tones import signed_tone

LEAST_WIDTH, LEAST_HEIGHT = 24, 5


def amount(value: float) -> str:
    """Quote currency without decimals, with one where it is small."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"


def equity_lines(run: RunView, width: int, height: int) -> list[Line]:
    """The curves in `width` x `height` cells."""
    low, high = lowest_highest((run.equity, run.held))
    axis = max(len(amount(low)), len(amount(high)), len("-100 %")) + 2
    plot = width - axis
    depth = max(1, (height - 1) // 4)
    rows = height - 1 - depth
    scale = scale_for(low, high, rows, [])
    canvas = Canvas(width, height)
    draw_axis(canvas, scale, plot, amount)
    draw_curve(canvas, run.equity, scale, run.begin, run.end, plot, "accent")
    canvas.settle_dots()
    draw_curve(canvas, run.held, scale, run.begin, run.end, plot, "dim")
    canvas.settle_dots()
    draw_name(canvas, run.held, scale, run.begin, run.end, plot, "hold", "dim")
    draw_name(canvas, run.equity, scale, run.begin, run.end, plot, run.strategy, "accent")
    if scale.inside(run.capital):
        row = scale.row(run.capital)
        for column in range(plot):
            canvas.put_if_blank(column, row, "┄", "faint")
    deepest = run.metrics.max_drawdown
    draw_depth(canvas, run.drawdown, deepest, run.begin, run.end, plot, "down", rows, depth)
    canvas.settle_dots()
    for row in range(depth):
        canvas.put(plot, rows + row, "│", "faint")
    canvas.write(plot, rows, "┤0 %", "dim")
    if depth > 1:
        canvas.write(plot, rows + depth - 1, f"┤{words.share(-deepest, decimals=1)}", "loss")
    draw_times(canvas, run.begin, run.end, plot, height - 1)
    return [canvas.line(row) for row in range(height)]


class EquityPanel(Panel):
    """The curves of one run."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._run: RunView | None = None

    def show(self, run: RunView | None) -> None:
        """Show a run, or that there is none."""
        self._run = run
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The curves, or the sentence that stands for them."""
        run = self._run
        if run is None:
            self.retitle(("Equity", "text"))
            return sentences("The equity curve and its drawdown are drawn here when a run is done.", width)
        total, held = run.metrics.total_return, run.hold.total_return
        cells: list[tuple[int, list[Piece]]] = [
            (0, [("Equity ", "text"), (words.share(total), f"{signed_tone(total)} bold")]),
            (1, [("━ ", "accent"), (run.strategy, "text")]),
            (2, [("━ ", "dim"), ("hold ", "dim"), (words.share(held), signed_tone(held))]),
            (1, [("▼ drawdown ", "down"), (words.share(-run.metrics.max_drawdown), "loss")]),
        ]
        self.retitle(*fit(cells, max(8, width - 4)))
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return sentences("Too small for a curve.", width)
        return equity_lines(run, width, height)
