"""Two to four runs side by side: their growth as curves, their numbers in columns with the best one marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.backtest.view import Curve, RunView
from widgets import format as fmt
from widgets import run_words as words
from widgets.chart_canvas import Canvas
from widgets.chart_scale import scale_for
from widgets.curve_paint import draw_axis, draw_curve, draw_name, draw_times, lowest_highest
from widgets.line import EMPTY, Line, Piece, sentences
from widgets.panel import Panel

TONES = ("accent", "overlay-0", "overlay-2", "overlay-1")
LABEL = 15
CURVE_LEAST = 6


class Figure(NamedTuple):
    """A row: its name, its text, what it is judged by (None: it is not), and whether less is better."""

    name: str
    text: Callable[[RunView], str]
    value: Callable[[RunView], float | None] | None = None
    less: bool = False


FIGURES = (
    Figure("return", lambda r: words.share(r.metrics.total_return), lambda r: r.metrics.total_return),
    Figure("hold", lambda r: words.share(r.hold.total_return)),
    Figure("Sharpe", lambda r: words.ratio(r.metrics.sharpe), lambda r: r.metrics.sharpe),
    Figure("Sortino", lambda r: words.ratio(r.metrics.sortino), lambda r: r.metrics.sortino),
    Figure("max drawdown", lambda r: words.share(-r.metrics.max_drawdown), lambda r: r.metrics.max_drawdown, less=True),
    Figure("Calmar", lambda r: words.ratio(r.metrics.calmar), lambda r: r.metrics.calmar),
    Figure("trades", lambda r: f"{r.metrics.trades:,}"),
    Figure("won", lambda r: words.share(r.metrics.win_rate, sign=False, decimals=1), lambda r: r.metrics.win_rate),
    Figure("profit factor", lambda r: words.ratio(r.metrics.profit_factor), lambda r: r.metrics.profit_factor),
    Figure("average trade", lambda r: words.share(r.metrics.avg_trade), lambda r: r.metrics.avg_trade),
    Figure("worst trade", lambda r: words.share(r.metrics.worst), lambda r: r.metrics.worst),
    Figure("in market", lambda r: words.share(r.metrics.exposure, sign=False, decimals=1)),
    Figure("fees", lambda r: words.cash(r.metrics.fees), lambda r: r.metrics.fees, less=True),
    Figure("liquidations", lambda r: f"{r.metrics.liquidations:,}", lambda r: r.metrics.liquidations, less=True),
)


def best_of(figure: Figure, runs: Sequence[RunView]) -> int | None:
    """Which run has the best value; None where it is not judged, not known, or the same for all."""
    if figure.value is None:
        return None
    known = [(value, at) for at, run in enumerate(runs) if (value := figure.value(run)) is not None]
    if len(known) < 2 or len({value for value, _ in known}) == 1:
        return None
    return (min(known) if figure.less else max(known, key=lambda pair: (pair[0], -pair[1])))[1]


def heads(runs: Sequence[RunView]) -> list[tuple[str, Callable[[RunView], str]]]:
    """The rows that tell the runs apart, those that are the same for all left out but the strategy."""
    rows: list[tuple[str, Callable[[RunView], str]]] = [
        ("", lambda r: r.strategy),
        ("market", lambda r: f"{fmt.base_of(r.symbol)} {words.timeframe(r.timeframe_ms)}"),
        ("from", lambda r: words.day(r.begin)),
        ("to", lambda r: words.day(r.end)),
        ("parameters", lambda r: words.params_text(used_params(r))),
        ("exits", lambda r: r.request.exits or ("fixed" if r.request.stop or r.request.target else "none")),
        ("engine", lambda r: r.request.engine),
    ]
    return [row for at, row in enumerate(rows) if at == 0 or len({row[1](run) for run in runs}) > 1]


def used_params(run: RunView) -> dict[str, float]:
    """Those that had a say: stops and targets only where the strategy's own were used."""
    unused = () if run.request.exits == "strategy" else ("stop_atr", "target_ratio")
    return {name: value for name, value in run.params.items() if name not in unused}


def growth(run: RunView) -> Curve:
    """Equity as a fraction won or lost."""
    return Curve(run.equity.times, tuple(value / run.capital - 1.0 for value in run.equity.values))


def table_lines(runs: Sequence[RunView], width: int) -> list[Line]:
    """The numbers in columns."""
    size = max(10, min(24, (width - LABEL) // len(runs)))
    lines = []
    for name, text in heads(runs):
        pieces: list[Piece] = [(fmt.left(name, LABEL), "dim")]
        pieces += [_head(text(run), size, at, first=not name) for at, run in enumerate(runs)]
        lines.append(Line(tuple(pieces)))
    for figure in FIGURES:
        best = best_of(figure, runs)
        pieces = [(fmt.left(figure.name, LABEL), "dim")]
        for at, run in enumerate(runs):
            mark = "*" if at == best else " "
            pieces.append((fmt.fixed(figure.text(run) + mark, size), "strong" if at == best else "text"))
        lines.append(Line(tuple(pieces)))
    return lines


def _head(text: str, size: int, at: int, *, first: bool) -> Piece:
    """A cell above the numbers; the first row also numbers the runs as their curves are."""
    said = f"{at + 1} {text}" if first else text
    return fmt.fixed(fmt.left(said, size - 2).strip(), size), f"{TONES[at]} bold" if first else "text"


def curve_lines(runs: Sequence[RunView], width: int, height: int) -> list[Line]:
    """Growth of all runs over the time of all of them."""
    curves = [growth(run) for run in runs]
    low, high = lowest_highest(curves)
    begin, end = min(run.begin for run in runs), max(run.end for run in runs)
    plot = width - 10
    scale = scale_for(low, high, height - 1, [])
    canvas = Canvas(width, height)
    draw_axis(canvas, scale, plot, lambda value: words.share(value, decimals=0))
    for curve, tone in zip(curves, TONES, strict=False):
        draw_curve(canvas, curve, scale, begin, end, plot, tone)
        canvas.settle_dots()
    for at, (curve, tone) in enumerate(zip(curves, TONES, strict=False), 1):
        draw_name(canvas, curve, scale, begin, end, plot, f"{at}", f"{tone} bold")
    draw_times(canvas, begin, end, plot, height - 1)
    return [canvas.line(row) for row in range(height)]


class RunCompare(Panel):
    """The comparison."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._runs: tuple[RunView, ...] = ()

    @property
    def runs(self) -> tuple[RunView, ...]:
        """What is compared."""
        return self._runs

    def show(self, runs: tuple[RunView, ...]) -> None:
        """Compare up to four runs."""
        self._runs = runs[: len(TONES)]
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Curves where there is room, then the table."""
        runs = self._runs
        if not runs:
            self.retitle(("Side by side", "text"))
            return sentences("Mark two to four runs with Space, then press c: they stand here side by side.", width)
        self.retitle(("Side by side ", "text"), (f"{len(runs)}", "strong"), ("  * best", "dim"))
        table = table_lines(runs, width)
        room = height - len(table) - 1
        if room < CURVE_LEAST or width < 40:
            return table
        return [*table, EMPTY, *curve_lines(runs, width, room)]
