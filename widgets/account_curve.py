"""The account's equity over the last day or week, up to this moment."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backtest.view import Curve
from engine.ledger import EquityRow
from engine.model.money import MONEY_SCALE, Money
from widgets import format as fmt
from widgets.chart_canvas import Canvas
from widgets.chart_scale import scale_for
from widgets.curve_paint import draw_axis, draw_curve, draw_times, lowest_highest
from widgets.line import Line, Piece, fit, sentences
from widgets.panel import Panel
from widgets.tones import signed_tone

LEAST_WIDTH, LEAST_HEIGHT = 24, 4
WHOLE = 20.0
"""From this range on, quote currency, the axis needs no decimals."""


def deepest_fall(values: Sequence[float]) -> float:
    """The largest fall from a peak before it, a fraction of the peak."""
    peak, worst = 0.0, 0.0
    for value in values:
        peak = max(peak, value)
        if peak > 0.0:
            worst = max(worst, (peak - value) / peak)
    return worst


def curve_of(rows: Sequence[EquityRow], equity: Money, now: int) -> Curve:
    """Rows (newest first, as history gives them) and the equity of this moment as a curve."""
    points = [(one.at, float(one.equity)) for one in reversed(rows)]
    if equity and (not points or now > points[-1][0]):
        points.append((now, equity / MONEY_SCALE))
    return Curve(tuple(at for at, _ in points), tuple(value for _, value in points))


def curve_lines(curve: Curve, width: int, height: int) -> list[Line]:
    """The curve in `width` x `height` cells, the level it began at dotted."""
    low, high = lowest_highest((curve,))
    rows = height - 1
    scale = scale_for(low, high, rows, [])
    decimals = 0 if scale.high - scale.low >= WHOLE else 2

    def label(value: float) -> str:
        return f"{value:,.{decimals}f}"

    plot = width - max(len(label(scale.low)), len(label(scale.high))) - 1
    canvas = Canvas(width, height)
    begin, end = curve.times[0], curve.times[-1]
    draw_axis(canvas, scale, plot, label, least=10.0**-decimals)
    draw_curve(canvas, curve, scale, begin, end, plot, "up" if curve.values[-1] >= curve.values[0] else "down")
    canvas.settle_dots()
    row = scale.row(curve.values[0])
    for column in range(plot):
        canvas.put_if_blank(column, row, "┄", "faint")
    draw_times(canvas, begin, end, plot, height - 1)
    return [canvas.line(one) for one in range(height)]


class AccountCurve(Panel, can_focus=True):
    """The curve's panel."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._rows: Sequence[EquityRow] = ()
        self._equity: Money = 0
        self._now = 0
        self._span = ""
        self._said = ""

    def show(self, rows: Sequence[EquityRow], equity: Money, now: int, span: str, said: str = "") -> None:
        """Show equity rows, newest first.

        Args:
            rows: of the time that is looked at.
            equity: of this moment, 1e-8 quote units; 0 where it is not known.
            now: ms UTC.
            span: ``day`` or ``week``.
            said: why there are none, or empty.
        """
        self._rows, self._equity, self._now, self._span, self._said = rows, equity, now, span, said
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The curve, or a sentence."""
        curve = curve_of(self._rows, self._equity, self._now)
        if len(curve.times) < 2:
            self.retitle(("Equity ", "text"), (self._span, "strong"))
            nothing = "The equity of each minute is drawn here once the engine has run for two."
            return sentences(self._said or nothing, width, "warn" if self._said else "dim")
        first, last = curve.values[0], curve.values[-1]
        change = last - first
        cells: list[tuple[int, list[Piece]]] = [
            (0, [(f"Equity {self._span} ", "text"), (fmt.signed(change, 2, sign=True), f"{signed_tone(change)} bold")]),
            (1, [(fmt.percent(change / first if first else 0.0), signed_tone(change))]),
            (2, [("fell at most ", "dim"), (fmt.percent(-deepest_fall(curve.values)), "loss")]),
        ]
        self.retitle(*fit(cells, max(8, width - 4)))
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return sentences("Too small for a curve.", width)
        return curve_lines(curve, width, height)
