"""One model: its verdict, its scores beside the naive guesses', how sure its direction is, and its live record."""

from __future__ import annotations

import datetime as dt

from engine.forecast.share import wilson
from engine.forecast.view import ModelView, ScoresView
from widgets import format as fmt
from widgets.columns import Column, header, kept, row
from widgets.interval_strip import Interval, axis, span_of, strip
from widgets.line import EMPTY, Line, Piece, fit, say, sentences
from widgets.model_curve import curve_lines
from widgets.scroll_panel import ScrollPanel
from widgets.spark import bar
from widgets.tones import signed_tone

COLUMNS = (
    Column("forecaster", 11, 0, right=False),
    Column("RMSE", 8, 0),
    Column("model by", 8, 2),
    Column("MAE", 8, 4),
    Column("RMSE price", 10, 5),
    Column("direction", 9, 0),
    Column("95 %", 13, 3),
    Column("after fees", 10, 1),
)
CURVE_ROWS = 9
DIRECTION_ONLY = "majority"
NAME = 12
LEAST_STRIP, MOST_STRIP = 20, 72
SHARE = 7
COVERED = 20


def score_cells(name: str, scores: ScoresView, ours: ScoresView) -> list[Piece]:
    """One forecaster in `COLUMNS`; `model by` says how much larger (smaller: below nought) the model's error is."""
    interval, profit = scores.direction_interval, scores.profit
    errors: list[Piece] = [
        (f"{scores.rmse_return:.4%}", "text"),
        _against(scores, ours) if name != "model" else ("", "dim"),
        (f"{scores.mae_return:.4%}", "text"),
        (f"{scores.rmse:,.6g}", "text"),
    ]
    if name == DIRECTION_ONLY:
        errors = [(fmt.UNKNOWN, "dim")] * 4
    return [
        (name, "strong" if name == "model" else "text"),
        *errors,
        (f"{scores.direction:.1%}" if scores.direction is not None else fmt.UNKNOWN, "text"),
        (f"{interval[0]:.1%}-{interval[1]:.1%}" if interval is not None else fmt.UNKNOWN, "dim"),
        (fmt.percent(profit, decimals=1), signed_tone(profit)) if profit is not None else (fmt.UNKNOWN, "dim"),
    ]


def _against(scores: ScoresView, ours: ScoresView) -> Piece:
    if scores.rmse_return <= 0.0:
        return fmt.UNKNOWN, "dim"
    share = ours.rmse_return / scores.rmse_return - 1.0
    return fmt.percent(share), "profit" if share < 0.0 else "loss" if share > 0.0 else "dim"


def direction_lines(model: ModelView, width: int) -> list[Line]:
    """The shares of right directions with their 95 % intervals, on one axis around a coin's."""
    cells = min(MOST_STRIP, width - NAME - SHARE - 1)
    named = {"model": model.scores, **model.baselines}
    found: list[tuple[str, float, Interval, str]] = [
        (name, scores.direction, scores.direction_interval, "accent" if name == "model" else "dim")
        for name, scores in named.items()
        if scores.direction is not None and scores.direction_interval is not None
    ]
    live = model.live
    if live.moved:
        moved = live.moved / model.horizon
        share = live.hits / live.moved
        found.insert(1, ("live", share, wilson(share * moved, moved), "profit" if share > 0.5 else "warn"))
    if not found or cells < LEAST_STRIP:
        return []
    span = span_of(interval for _, _, interval, _ in found)
    lines = [Line(((f"{'direction':<{NAME}}", "dim"), *axis(span, cells)))]
    for name, share, interval, tone in found:
        label: Piece = (f"{name:<{NAME}}", "strong" if name in {"model", "live"} else "text")
        lines.append(Line((label, *strip(share, interval, span, cells, tone), (f"{share:>{SHARE}.1%}", "text"))))
    return lines


def live_lines(model: ModelView, width: int) -> list[Line]:
    """What has come due live, beside what was promised."""
    live = model.live
    if not live.scored:
        return sentences("Live: nothing has come due yet.", width)
    inside, mean = live.inside / live.scored, live.error / live.scored
    hit = f"{live.hits / live.moved:.1%} of {live.moved:,} directions right; " if live.moved else ""
    lines = sentences(f"Live: {hit}{inside:.1%} of {live.scored:,} within the interval.", width, "text")
    if not model.error_limit:
        return lines
    promised = f"validation {model.error_mean:.2f}, distrusted above {model.error_limit:.2f}"
    filled = bar(mean / model.error_limit, COVERED)
    tone = "profit" if mean <= model.error_mean else "warn" if mean <= model.error_limit else "loss"
    words: list[tuple[int, list[Piece]]] = [
        (0, [(f"{'error':<{NAME - 1}}", "dim")]),
        (2, [(filled, tone), ("▏", "dim")]),
        (0, [(f"{mean:.2f} volatilities", "text")]),
        (1, [(promised, "dim")]),
    ]
    lines.append(Line(tuple(fit(words, width, 1))))
    return lines if promised in lines[-1].text else lines + sentences(promised, width)


def detail_lines(model: ModelView, width: int, *, curve: bool = True) -> list[Line]:
    """Everything about a model, top first; its learning curve too where it has no panel of its own."""
    chosen = kept(COLUMNS, width)
    named = {"model": model.scores, **model.baselines}
    lines = sentences(model.reason, width, "profit" if model.trusted else "warn")
    if model.note:
        lines += sentences(model.note, width, "accent")
    lines += [EMPTY, header(COLUMNS, chosen)]
    lines += [row(COLUMNS, chosen, score_cells(name, scores, model.scores)) for name, scores in named.items()]
    lines += [EMPTY, *direction_lines(model, width), EMPTY, *live_lines(model, width)]
    lines += sentences(
        f"Out of sample: {model.samples:,} forecasts; the {model.level:.0%} interval held {model.coverage:.1%}.", width
    )
    if curve:
        lines += [EMPTY, *curve_lines(model.curve, width, CURVE_ROWS)]
    bars = "bar" if model.horizon == 1 else "bars"
    lines += [EMPTY, say("Made of", "dim")]
    lines += sentences(f"{model.source}, {day(model.begin)} to {day(model.end)}", width, "text")
    return lines + sentences(
        f"preset {model.preset}, features {model.features}, {model.horizon} {bars} ahead, trained {day(model.created)}",
        width,
    )


def day(at: int) -> str:
    """``2024-01-31``, UTC."""
    return dt.datetime.fromtimestamp(at / 1_000, tz=dt.UTC).strftime("%Y-%m-%d")


class ModelDetail(ScrollPanel):
    """The details of one model."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._model: ModelView | None = None
        self._curve = True

    def show(self, model: ModelView | None, *, curve: bool = True) -> None:
        """Show another model; `curve`: its learning curve too."""
        if (model.model if model is not None else "") != (self._model.model if self._model is not None else ""):
            self.to_top()
        self._model, self._curve = model, curve
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The lines that are on screen."""
        model = self._model
        if model is None:
            self.retitle(("Model", "text"))
            return self.window(sentences("No model is chosen.", width), height)
        word = "in use" if model.promoted else "not in use"
        self.retitle((f"{model.model} ", "strong"), (f"{model.symbol} {model.timeframe} ", "text"), (word, "dim"))
        return self.window(detail_lines(model, width, curve=self._curve), height)
