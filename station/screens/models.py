"""The Models screen: forecasters against naive guesses, live and out of sample; train, promote, demote."""

from __future__ import annotations

import shlex
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.errors import TrefoilError
from engine.forecast.view import ModelView, TrainingView
from headless.models import ModelSource
from station.screens.confirm import Confirm
from widgets.model_curve import ModelCurve, progress_bar, step_words
from widgets.model_detail import ModelDetail
from widgets.models_panel import ModelsPanel

KEYS = "n Train  u Use  d Distrust  D Delete  x Stop  r Read  Tab Panel  Esc Desk"
ASK = "Train on: candle file or VENUE:SYMBOL, then options"
EXAMPLE = "Enter trains, Esc leaves; e.g. BTC_1h.parquet --features full --epochs 20"
READ_S = 30.0  # live hits are read again so often
BAR = 24


def progress_text(training: TrainingView) -> str:
    """``epoch 3/20 ━━━━    loss 1.0021, best 0.9987, at most 40 s left``."""
    bar = "".join(text for text, _ in progress_bar(training, BAR))
    epoch, _, rest = step_words(training).partition(", ")
    return f"{epoch} {bar} {rest}"


class ModelsScreen(Screen[None]):
    """A list, the chosen model's details and its learning curve, or that of the training that runs.

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
        """List, learning curve, details, the field of a new training, what is going on, keys."""
        with Horizontal(id="models-row"):
            with Vertical(id="models-left"):
                yield ModelsPanel(id="models")
                yield ModelCurve(id="curve")
            yield ModelDetail(id="model")
        field = Input(id="train")
        field.border_title, field.border_subtitle = ASK, EXAMPLE
        yield field
        yield Static("", id="going-on", markup=False)
        yield Static(KEYS, id="model-keys", markup=False)

    def on_mount(self) -> None:
        """Read the models."""
        self.query_one(ModelsPanel).focus()
        self.set_interval(READ_S, self._read_if_seen)

    def _read_if_seen(self) -> None:
        if self.is_current and not self._training:
            self._read()

    def on_resize(self) -> None:
        """A narrow screen has no room for a curve of its own."""
        self._detail(self.query_one(ModelsPanel).cursor)

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
        self.query_one(ModelDetail).show(chosen, curve=self.has_class("-narrow"))
        self.query_one(ModelCurve).show(chosen)

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
            "promote": f"{model} is in use; a running engine takes it up at once.",
            "demote": f"{model} is no longer trusted; a running engine knows it at once.",
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
            model = await self._source.train(["--data", *words], self._told)
        except TrefoilError as error:
            self._say(str(error))
        else:
            self._say(f"{model} is trained; u puts it to use.")
            self._read()
        finally:
            self._training = False
        self.query_one(ModelCurve).train(None)

    def _told(self, now: TrainingView) -> None:
        self._say(progress_text(now))
        self.query_one(ModelCurve).train(now)

    def action_stop(self) -> None:
        """Stop the training; its best epoch is kept."""
        if self._training:
            self._say("Stopping; the best epoch so far is kept ...")
            self._source.cancel()
        else:
            self._say("No training runs.")
