"""The learning curve of a model, and of a training while it runs: losses by epoch, the kept one marked."""

from __future__ import annotations

from collections.abc import Sequence

from engine.forecast.view import ModelView, TrainingView
from widgets import format as fmt
from widgets.chart_canvas import Canvas
from widgets.chart_scale import nice_ticks, scale_for
from widgets.line import EMPTY, Line, Piece, fit, say, sentences
from widgets.panel import Panel

Curve = Sequence[tuple[int, float, float]]
AXIS = 9
LEAST_ROWS = 4
ROWS_A_TICK = 3
TRAINING, VALIDATION = "dim", "accent"


def curve_lines(curve: Curve, width: int, rows: int) -> list[Line]:
    """Losses in `width` x `rows` cells: a legend, the curves with their axis, the epochs.

    Each is drawn against its own first epoch: training and validation part differ in how much the market moved, and with it
    in the level of their losses, which says nothing.
    """
    if len(curve) < 2:
        return [say("The learning curve has one epoch.")] if curve else []
    best = min(curve, key=lambda point: point[2])
    cells: list[tuple[int, list[Piece]]] = [
        (1, [("━ validation", VALIDATION)]),
        (2, [("━ training", TRAINING)]),
        (0, [(f"● kept: epoch {best[0]} of {curve[-1][0]}", "strong")]),
        (3, [(f"loss {best[2]:.4f}", "text")]),
        (4, [("against the first epoch", "dim")]),
    ]
    return [Line(tuple(fit(cells, width))), *_plot(curve, best[0], width, max(LEAST_ROWS, rows - 1))]


def _plot(curve: Curve, kept: int, width: int, height: int) -> list[Line]:
    rows, plot = height - 1, max(4, width - AXIS)
    began = curve[0]
    curve = [(at, loss / began[1] - 1.0, validation / began[2] - 1.0) for at, loss, validation in curve]
    losses = [value for _, *both in curve for value in both]
    scale = scale_for(min(losses), max(losses), rows, [])
    canvas = Canvas(width, height)
    last = 2 * plot - 1
    across = [round(i * last / (len(curve) - 1)) for i in range(len(curve))]
    for tick in nice_ticks(scale.low, scale.high, max(1, rows // ROWS_A_TICK), 1e-6):
        canvas.write(plot, scale.row(tick), f"┤{fmt.percent(tick)}", "dim")
    for row in range(rows):
        canvas.put_if_blank(plot, row, "│", "faint")
    for column, tone in ((1, TRAINING), (2, VALIDATION)):
        canvas.curve([(x, scale.dot(point[column])) for x, point in zip(across, curve, strict=True)], tone)
    canvas.settle_dots()
    mark = next(i for i, point in enumerate(curve) if point[0] == kept)
    at = across[mark] // 2
    canvas.put(at, scale.row(curve[mark][2]), "●", "strong")
    for row in range(rows):
        canvas.put_if_blank(at, row, "┊", "faint")
    first, final = str(curve[0][0]), str(curve[-1][0])
    canvas.write(0, rows, first, "dim")
    canvas.write(plot - len(final), rows, final, "dim")
    if len(first) + 1 < at < plot - len(final) - len(str(kept)) - 1:
        canvas.write(at, rows, str(kept), "strong")
    return [canvas.line(row) for row in range(height)]


def step_words(training: TrainingView) -> str:
    """``epoch 3/20, loss 1.0021, best 0.9987, at most 40 s left``."""
    best = f", best {training.best:.4f}" if training.best is not None else ""
    minutes, seconds = divmod(round(training.left_s), 60)
    left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"epoch {training.epoch}/{training.epochs}, loss {training.loss:.4f}{best}, at most {left} left"


def progress_bar(training: TrainingView, width: int) -> list[Piece]:
    """How much of all epochs is done, as a line."""
    share = (training.epoch - 1 + training.part) / training.epochs
    filled = round(max(0.0, min(1.0, share)) * width)
    return [("━" * filled, "accent"), ("┄" * (width - filled), "faint")]


class ModelCurve(Panel):
    """The curve of the chosen model; while a training runs, its own."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._model: ModelView | None = None
        self._training: TrainingView | None = None
        self._course: list[tuple[int, float, float]] = []

    def show(self, model: ModelView | None) -> None:
        """Show another model's."""
        self._model = model
        self.update()

    def train(self, training: TrainingView | None) -> None:
        """Follow a training; None: it is over."""
        if training is None or (self._training is not None and training.epoch < self._training.epoch):
            self._course.clear()
        self._training = training
        if training is not None and training.validation is not None:
            self._course.append((training.epoch, training.loss, training.validation))
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The curve in all the room there is."""
        training = self._training
        if training is not None:
            self.retitle(("Training ", "text"), (f"epoch {training.epoch} of {training.epochs}", "accent bold"))
            head = [Line(tuple(progress_bar(training, width))), *sentences(step_words(training), width, "text"), EMPTY]
            if len(self._course) < 2:
                return [*head, say("The curve begins with the second epoch.")]
            return head + curve_lines(self._course, width, height - len(head))
        self.retitle(("Learning curve ", "text"), (self._model.model if self._model is not None else "", "strong"))
        return curve_lines(self._model.curve, width, height) if self._model is not None else []
