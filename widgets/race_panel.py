"""What following each word alone would have earned: the ensemble, the strategies without AI, and every voter, as curves."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backtest.view import Curve
from engine.model.standing import Curve as Earned
from engine.model.standing import Report
from engine.model.vote import ENSEMBLE, STRATEGIES
from widgets import format as fmt
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale, scale_for
from widgets.curve_paint import draw_axis, draw_curve, draw_times, lowest_highest
from widgets.line import Line, Piece, say, sentences
from widgets.panel import Panel
from widgets.spark import sparkline
from widgets.tones import signed_tone

NAMES = {ENSEMBLE: "with AI", STRATEGIES: "without AI"}
VOTER_TONES = ("overlay-0", "overlay-1", "overlay-2", "overlay-3")
LABEL = 20
AXIS = 8
LEAST_WIDTH, LEAST_HEIGHT = 56, 8
NOTE = "Each word alone, all in, after costs: compares, foretells nothing"


def name_of(voter: str) -> str:
    """How a curve is called: with AI, without AI, or the voter alone."""
    return NAMES.get(voter, voter)


def tones_of(voters: Sequence[str]) -> dict[str, str]:
    """A tone for each curve, the same whichever of them is in front."""
    single = [voter for voter in voters if voter not in NAMES]
    tones = {voter: VOTER_TONES[place % len(VOTER_TONES)] for place, voter in enumerate(single)}
    return {ENSEMBLE: "accent", STRATEGIES: "text", **tones}


def percent_curve(one: Earned) -> Curve:
    """In per cent of the beginning."""
    first = one.points[0][0] - 1  # it begins with what it had before the first result
    return Curve((first, *(at for at, _ in one.points)), (0.0, *((value - 1.0) * 100.0 for _, value in one.points)))


def rows_of(ends: Sequence[tuple[float, str]], scale: PriceScale) -> dict[str, int]:
    """A row of its own for each label, as near to where its curve ends as the others leave room, highest end on top.

    Args:
        ends: last value and name of each curve.
        scale: of the plot.
    """
    order = sorted(ends, key=lambda end: (-end[0], end[1]))
    rows: dict[str, int] = {}
    free = 0
    for place, (value, name) in enumerate(order):
        left = len(order) - place - 1
        rows[name] = min(max(free, scale.row(value)), scale.rows - 1 - left)
        free = rows[name] + 1
    return rows


def plot_lines(report: Report, chosen: str, width: int, height: int) -> list[Line]:
    """The curves with their names and results at the right, in `width` x `height` cells."""
    curves = {one.voter: percent_curve(one) for one in report.curves if one.points}
    tones = tones_of(list(curves))
    low, high = lowest_highest(tuple(curves.values()))
    scale = scale_for(min(low, 0.0), max(high, 0.0), height - 1, [])
    plot = width - AXIS - LABEL
    begin = min(curve.times[0] for curve in curves.values())
    end = max(curve.times[-1] for curve in curves.values())
    canvas = Canvas(width, height)
    draw_axis(canvas, scale, plot, lambda value: f"{value:+.1f}%", least=0.1)
    front = [voter for voter in curves if voter == chosen]
    for voter in [*(voter for voter in curves if voter != chosen), *front]:
        draw_curve(canvas, curves[voter], scale, begin, end, plot, tones[voter])
    canvas.settle_dots()
    zero = scale.row(0.0)
    for column in range(plot):
        canvas.put_if_blank(column, zero, "┄", "faint")
    ends = [(curve.values[-1], voter) for voter, curve in curves.items()]
    for voter, row in rows_of(ends, scale).items():
        mark = "▶" if voter == chosen else "─"
        canvas.write(plot + AXIS, row, f"{mark} {name_of(voter):<10}", tones[voter])
        gain = curves[voter].values[-1]
        canvas.write(plot + AXIS + 12, row, f"{gain:+7.2f}%", signed_tone(gain))
    draw_times(canvas, begin, end, plot, height - 1)
    return [canvas.line(row) for row in range(height)]


def short_lines(report: Report, width: int) -> list[Line]:
    """The results side by side where there is no room for a plot: a line and a small curve each."""
    room = width - 22
    lines: list[Line] = []
    for one in report.curves:
        if not one.points:
            continue
        gain = one.points[-1][1] - 1.0
        pieces: list[Piece] = [
            (fmt.left(name_of(one.voter), 11), "text"),
            (f"{fmt.percent(gain):>9} ", signed_tone(gain)),
        ]
        if room >= 8:
            pieces.append((sparkline([value for _, value in one.points], min(60, room)), signed_tone(gain)))
        lines.append(Line(tuple(pieces)))
    return lines


def edge(report: Report) -> Piece | None:
    """What asking the voters has added to trading every candidate, in points of per cent."""
    ends = {one.voter: one.points[-1][1] for one in report.curves if one.points}
    if ENSEMBLE not in ends or STRATEGIES not in ends:
        return None
    points = (ends[ENSEMBLE] - ends[STRATEGIES]) * 100.0
    if round(points, 2) == 0.0:
        return "the AI changes nothing", "dim"
    return f"the AI {'gains' if points > 0 else 'costs'} {abs(points):.2f} points", f"{signed_tone(points)} bold"


class RacePanel(Panel, can_focus=True):
    """The curves' panel."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Report | None, str] = (None, "")

    def show(self, report: Report | None, chosen: str) -> None:
        """Show a report's curves, the chosen voter's in front."""
        if (report, chosen) != self._shown:
            self._shown = (report, chosen)
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Curves, or what will make them."""
        report, chosen = self._shown
        known = report is not None and any(one.points for one in report.curves)
        title: list[Piece] = [("With and without AI  ", "text")]
        added = edge(report) if report is not None else None
        if added is not None and width >= 44:
            title.append(added)
        self.retitle(*title)
        if report is None or not known:
            return sentences(
                "What trading by each word alone would have earned is drawn here once votes have come due.", width
            )
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return [*short_lines(report, width)[:height], *sentences(NOTE, width)]
        return [*plot_lines(report, chosen, width, height - 1), say(fmt.left(NOTE, width))]
