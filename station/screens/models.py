"""The Models screen: forecasters against naive guesses, live and out of sample; train, promote, demote."""

from __future__ import annotations

import shlex
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.errors import TrefoilError
from engine.forecast.view import ModelView, TrainingView
from headless.models import ModelSource
from station.screens.confirm import Confirm
from widgets.model_detail import ModelDetail
from widgets.models_panel import ModelsPanel

KEYS = "n Train   u Use   d Distrust   D Delete   x Stop training   r Read again   Tab Panel   Esc Desk"
ASK = "candle file or VENUE:SYMBOL, then options, e.g.  BTC_1h.parquet --features full --epochs 20"
BAR = 24


def progress_text(training: TrainingView) -> str:
    """``epoch 3/20 ━━━━    loss 1.0021, best 0.9987, at most 40 s left``."""
    share = (training.epoch - 1 + training.part) / training.epochs
    filled = round(share * BAR)
    best = f", best {training.best:.4f}" if training.best is not None else ""
    minutes, seconds = divmod(round(training.left_s), 60)
    left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    bar = "━" * filled + "┄" * (BAR - filled)
    return f"epoch {training.epoch}/{training.epochs} {bar} loss {training.loss:.4f}{best}, at most {left} left"


class ModelsScreen(Screen[None]):
    """A list and the chosen model's details.

    Args:
        source: of the models.
    """

    CSS_PATH = "models.tcss"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [(0, "-narrow"), (110, "-normal")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,1", "leave", "Desk", show=False),
        Binding("n", "train", "Train", show=False),
        Binding("u", "act('promote')", "Use", show=False),
        Binding("d", "act('demote')", "Distrust", show=False),
        Binding("D", "delete", "Delete", show=False),
        Binding("x", "stop", "Stop", show=False),
        Binding("r", "read", "Read again", show=False),
    ]

    def __init__(self, source: ModelSource) -> None:
        super().__init__()
        self._source = source
        self._models: tuple[ModelView, ...] = ()
        self._training = False

    def compose(self) -> ComposeResult:
        """List, details, the field of a new training, what is going on, keys."""
        with Horizontal(id="models-row"):
            yield ModelsPanel(id="models")
            yield ModelDetail(id="model")
        yield Input(placeholder=ASK, id="train")
        yield Static("", id="going-on", markup=False)
        yield Static(KEYS, id="model-keys", markup=False)

    def on_mount(self) -> None:
        """Read the models."""
        self.query_one(ModelsPanel).focus()
        self._read()

    def on_screen_resume(self) -> None:
        """The engine may have scored more meanwhile."""
        self._read()

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        try:
            self._models = await self._source.models()
        except TrefoilError as error:
            self._say(str(error))
            return
        panel = self.query_one(ModelsPanel)
        panel.show(self._models)
        self._detail(panel.cursor)

    def _detail(self, model: str) -> None:
        chosen = next((one for one in self._models if one.model == model), None)
        self.query_one(ModelDetail).show(chosen)

    def _say(self, text: str) -> None:
        self.query_one("#going-on", Static).update(text)

    def on_models_panel_moved(self, event: ModelsPanel.Moved) -> None:
        """Another model's details."""
        self._detail(event.model)

    # What is done

    def action_leave(self) -> None:
        """Back to the desk, or out of the field."""
        if isinstance(self.focused, Input):
            self._close_field()
        else:
            self.app.pop_screen()

    def _close_field(self) -> None:
        self.remove_class("-asking")
        self.query_one(ModelsPanel).focus()

    def action_read(self) -> None:
        """Read the models again."""
        self._read()

    def action_act(self, verb: str) -> None:
        """Promote or demote the model under the cursor."""
        model = self.query_one(ModelsPanel).cursor
        if model:
            self._act(verb, model)

    def action_delete(self) -> None:
        """Delete the model under the cursor; asks first."""
        model = self.query_one(ModelsPanel).cursor

        def sure(yes: object) -> None:
            if yes:
                self._act("remove", model)

        if model:
            self.app.push_screen(
                Confirm("Delete model", f"Delete the model {model}? Its file and its live record go."), sure
            )

    @work(group="act")
    async def _act(self, verb: str, model: str) -> None:
        said = {
            "promote": f"{model} is in use from the engine's next start on.",
            "demote": f"{model} is no longer trusted from the engine's next start on.",
            "remove": f"{model} is deleted.",
        }
        try:
            await self._source.act(verb, model)
        except TrefoilError as error:
            self._say(str(error))
            return
        self._say(said[verb])
        self._read()

    def action_train(self) -> None:
        """Ask what to train on."""
        if self._training:
            self._say("A training runs already; x stops it and keeps its best.")
            return
        self.add_class("-asking")
        self.query_one("#train", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Train with what was written."""
        try:
            words = shlex.split(event.value)
        except ValueError as error:
            self._say(f"{error}: close the quotation")
            return
        self._close_field()
        if words:
            self._train(words)

    @work(group="train", exclusive=True)
    async def _train(self, words: list[str]) -> None:
        self._training = True
        self._say("Starting TensorFlow ...")
        try:
            model = await self._source.train(["--data", *words], lambda now: self._say(progress_text(now)))
        except TrefoilError as error:
            self._say(str(error))
        else:
            self._say(f"{model} is trained; u puts it to use.")
            self._read()
        finally:
            self._training = False

    def action_stop(self) -> None:
        """Stop the training; its best epoch is kept."""
        if self._training:
            self._say("Stopping; the best epoch so far is kept ...")
            self._source.cancel()
        else:
            self._say("No training runs.")
