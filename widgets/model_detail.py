"""One model: its verdict, its scores beside the naive guesses', its live record and its learning curve."""

from __future__ import annotations

from engine.forecast.view import ModelView, ScoresView
from widgets import format as fmt
from widgets.chart_canvas import Canvas
from widgets.chart_scale import scale_for
from widgets.columns import Column, header, kept, row
from widgets.line import EMPTY, Line, Piece, fit, say, sentences
from widgets.scroll_panel import ScrollPanel
from widgets.tones import signed_tone

COLUMNS = (
    Column("forecaster", 12, 0, right=False),
    Column("RMSE", 9, 0),
    Column("MAE", 9, 3),
    Column("RMSE price", 11, 4),
    Column("direction", 9, 0),
    Column("95 %", 15, 2),
    Column("after fees", 10, 1),
)
CURVE_ROWS = 8
DIRECTION_ONLY = "majority"


def score_cells(name: str, scores: ScoresView) -> list[Piece]:
    """One forecaster in `COLUMNS`."""
    interval, profit = scores.direction_interval, scores.profit
    errors = [f"{scores.rmse_return:.4%}", f"{scores.mae_return:.4%}", f"{scores.rmse:,.6g}"]
    if name == DIRECTION_ONLY:
        errors = [fmt.UNKNOWN] * 3
    return [
        (name, "strong" if name == "model" else "text"),
        *((text, "text") for text in errors),
        (f"{scores.direction:.1%}" if scores.direction is not None else fmt.UNKNOWN, "text"),
        (f"{interval[0]:.1%}-{interval[1]:.1%}" if interval is not None else fmt.UNKNOWN, "dim"),
        (fmt.percent(profit, decimals=1), signed_tone(profit)) if profit is not None else (fmt.UNKNOWN, "dim"),
    ]


def curve_lines(curve: tuple[tuple[int, float, float], ...], width: int, rows: int = CURVE_ROWS) -> list[Line]:
    """Losses of training (grey) and validation by epoch; the kept epoch is named."""
    if len(curve) < 2:
        return [say("The learning curve has one epoch.")] if curve else []
    losses = [value for _, *both in curve for value in both]
    scale = scale_for(min(losses), max(losses), rows, [])
    canvas = Canvas(width, rows)
    plot = max(2, width - 9)
    for column, tone in ((1, "dim"), (2, "accent")):
        points = [(i * (2 * plot - 1) // (len(curve) - 1), scale.dot(point[column])) for i, point in enumerate(curve)]
        canvas.curve(points, tone)
    canvas.settle_dots()
    for r in (0, rows - 1):
        canvas.write(plot + 1, r, f"{scale.price_at(r):.4f}", "dim")
    best = min(curve, key=lambda point: point[2])
    cells: list[tuple[int, list[Piece]]] = [
        (2, [("loss by epoch", "dim")]),
        (1, [("━ validation", "accent")]),
        (1, [("━ training", "dim")]),
        (0, [(f"kept: epoch {best[0]} of {len(curve)}", "text")]),
    ]
    return [Line(tuple(fit(cells, width))), *(canvas.line(r) for r in range(rows))]


def detail_lines(model: ModelView, width: int) -> list[Line]:
    """Everything about a model, top first."""
    chosen = kept(COLUMNS, width)
    named = {"model": model.scores, **model.baselines}
    live = model.live
    tone = "profit" if model.trusted else "warn"
    lines = sentences(model.reason, width, tone)
    if model.note:
        lines += sentences(model.note, width, "accent")
    lines += [EMPTY, header(COLUMNS, chosen)]
    lines += [row(COLUMNS, chosen, score_cells(name, scores)) for name, scores in named.items()]
    lines += sentences(
        f"{model.samples:,} forecasts out of sample; the {model.level:.0%} interval held {model.coverage:.1%}", width
    )
    if live.scored:
        hit = f"{live.hits / live.moved:.1%} of {live.moved} directions right, " if live.moved else ""
        text = f"Live: {hit}{live.inside / live.scored:.1%} of {live.scored} within the interval"
        lines += sentences(text, width, "text")
    else:
        lines += sentences("Live: nothing has come due yet.", width)
    lines += [EMPTY, *curve_lines(model.curve, width), EMPTY]
    days = f"{fmt_day(model.begin)} to {fmt_day(model.end)}"
    return lines + sentences(f"{model.preset}, {model.features}; {model.source}; {days}", width)


def fmt_day(at: int) -> str:
    """``2024-01-31``, UTC."""
    import datetime as dt

    return dt.datetime.fromtimestamp(at / 1_000, tz=dt.UTC).strftime("%Y-%m-%d")


class ModelDetail(ScrollPanel):
    """The details of one model."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._model: ModelView | None = None

    def show(self, model: ModelView | None) -> None:
        """Show another model."""
        if model != self._model:
            self._model = model
            self.to_top()
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The lines that are on screen."""
        model = self._model
        if model is None:
            self.retitle(("Model", "text"))
            return self.window(sentences("No model is chosen.", width), height)
        word = "in use" if model.promoted else "not in use"
        self.retitle((f"{model.model} ", "strong"), (f"{model.symbol} {model.timeframe} ", "text"), (word, "dim"))
        return self.window(detail_lines(model, width), height)
