"""The list of models: which one is in use, what the verdict was, how it does live."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from engine.forecast.view import ModelView
from widgets import format as fmt
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences

COLUMNS = (
    Column("", 1, 0, right=False),
    Column("model", 8, 0, right=False),
    Column("market", 9, 0, right=False),
    Column("verdict", 9, 0, right=False),
    Column("RMSE", 9, 2),
    Column("best guess", 10, 3),
    Column("direction", 9, 1),
    Column("live", 14, 2),
    Column("features", 8, 5, right=False),
    Column("note", 40, 6, right=False),
)
EMPTY_TEXT = (
    "No models yet. Press n to train one: give a candle file, or VENUE:SYMBOL of stored history, and options as "
    "trefoil forecast train takes them. Training needs the extra packages: pip install 'trefoil[train]'."
)


def best_guess(model: ModelView) -> float:
    """The smallest root mean squared error of a baseline, log return."""
    return min((scores.rmse_return for scores in model.baselines.values()), default=0.0)


def cells(model: ModelView) -> list[Piece]:
    """One model in `COLUMNS`; the mark says that it is in use."""
    scores, live = model.scores, model.live
    hit = f"{live.hits / live.moved:.0%} of {live.moved}" if live.moved else fmt.UNKNOWN
    direction = f"{scores.direction:.1%}" if scores.direction is not None else fmt.UNKNOWN
    return [
        ("●" if model.promoted else " ", "accent bold"),
        (model.model, "strong"),
        (f"{fmt.base_of(model.symbol)} {model.timeframe}", "text"),
        ("trusted", "profit") if model.trusted else ("untrusted", "warn"),
        (f"{scores.rmse_return:.4%}", "text"),
        (f"{best_guess(model):.4%}", "dim"),
        (direction, "text"),
        (hit, "text"),
        (model.features, "dim"),
        (model.note, "dim"),
    ]


class ModelsPanel(CursorPanel):
    """The list, newest first."""

    class Moved(Message):
        """The cursor came to another model."""

        def __init__(self, model: str) -> None:
            self.model = model
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._models: tuple[ModelView, ...] | None = None

    def show(self, models: Sequence[ModelView]) -> None:
        """Show these models."""
        self._models = tuple(models)
        self.update()

    def moved(self, key: str) -> None:
        """Tell whoever shows the details."""
        self.post_message(self.Moved(key))

    def chosen(self, key: str) -> None:
        """A click tells it too."""
        self.post_message(self.Moved(key))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Titles and rows, or the sentence that stands for them."""
        models = self._models
        self.retitle(("Models", "text"))
        if models is None:
            return sentences("Reading the models ...", width)
        if not models:
            return sentences(EMPTY_TEXT, width)
        self.retitle(("Models ", "text"), (f"{len(models)}, ● in use", "dim"))
        chosen = kept(COLUMNS, width)
        rows: list[Row] = [(one.model, row(COLUMNS, chosen, cells(one))) for one in models]
        return self.place(rows, height, [header(COLUMNS, chosen)])
