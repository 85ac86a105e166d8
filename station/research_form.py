"""The setup of a backtest: a line a field, with the sentence about what is wrong right below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static

from engine.backtest.view import Request, SeriesView, StrategyView
from station.research_fields import BY_NAME, FIELDS, MORE, defaults_of, ranges_of, request_of
from widgets.run_words import day


class ResearchForm(Vertical):
    """The fields. Enter in any of them asks to run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Up", show=False),
        Binding("down", "step(1)", "Down", show=False),
        Binding("f2", "choose", "Choose", show=False),
    ]
    DEFAULT_CSS = """
    ResearchForm { border: round $foreground 25%; }
    ResearchForm.-active { border: round $accent; }
    ResearchForm #fields { height: 1fr; scrollbar-size-vertical: 1; }
    ResearchForm .field { height: 1; }
    ResearchForm .field Label { width: 12; color: $foreground 60%; }
    ResearchForm .field Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    ResearchForm .field Input:focus { background: $primary 40%; }
    ResearchForm .field.-wrong Label { color: $text-error; }
    ResearchForm .error { display: none; height: auto; padding: 0 0 0 2; color: $text-error; }
    ResearchForm .error.-shown { display: block; }
    ResearchForm .group { height: 1; color: $foreground 45%; }
    ResearchForm #hint { height: 4; color: $foreground 70%; border-top: solid $foreground 15%; }
    """

    class Changed(Message):
        """A field has another text."""

    class Submitted(Message):
        """Run it."""

    class ChoiceWanted(Message):
        """A person wants to see what a field may be."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._strategies: tuple[StrategyView, ...] = ()
        self._series: SeriesView | None = None
        self._strategy = ""
        self._errors: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._hint = ""
        self._asked = False

    def compose(self) -> ComposeResult:
        """A line a field; the seldom ones below."""
        self.border_title = "Setup"
        plain = Request()
        group = ""
        with VerticalScroll(id="fields", can_focus=False):
            for field in FIELDS:
                if field.group != group and field.group == MORE:
                    yield Static("── more ──", classes="group")
                group = field.group
                with Horizontal(classes="field", id=f"row-{field.name}"):
                    yield Label(field.label)
                    yield Input(
                        getattr(plain, field.name),
                        id=f"field-{field.name}",
                        suggester=SuggestFromList(field.choices) if field.choices else None,
                        select_on_focus=False,
                    )
                yield Static("", id=f"error-{field.name}", classes="error")
        yield Static("", id="hint")

    def know(self, strategies: tuple[StrategyView, ...]) -> None:
        """Which strategies there are."""
        self._strategies = strategies
        names = (*(one.name for one in strategies), "all")
        self._input("strategy").suggester = SuggestFromList(names)
        self._fill_params()

    @property
    def strategies(self) -> tuple[StrategyView, ...]:
        """Those that are known."""
        return self._strategies

    @property
    def request(self) -> Request:
        """What the fields say."""
        return request_of({field.name: self._input(field.name).value for field in FIELDS})

    @property
    def place(self) -> str:
        """Name of the field that has the focus, or empty."""
        focused = self.screen.focused
        return focused.id.removeprefix("field-") if isinstance(focused, Input) and focused.id is not None else ""

    def fill(self, request: Request) -> None:
        """Put a request into the fields."""
        with self.prevent(Input.Changed):
            for field in FIELDS:
                self._input(field.name).value = getattr(request, field.name)
        self._strategy = request.strategy.strip()
        self._asked = False
        if not request.params:
            self._fill_params()
        self.post_message(self.Changed())

    def put(self, name: str, value: str) -> None:
        """Put a text into one field."""
        self._input(name).value = value
        self._input(name).cursor_position = len(value)

    def enter(self, name: str = "") -> None:
        """Go to a field; without a name to the one that was left last, or the first."""
        self.screen.set_focus(self._input(name or FIELDS[0].name))

    def show_check(self, errors: Mapping[str, str], series: SeriesView | None) -> None:
        """What is wrong by field; the field one is typing in is spared until it is left."""
        self._errors, self._series = dict(errors), series
        self._show_errors()

    def show_refusal(self, errors: Mapping[str, str]) -> None:
        """A run was refused: every sentence shows, and the first wrong field has the focus."""
        self._errors, self._asked = dict(errors), True
        self._show_errors()
        first = next((field.name for field in FIELDS if field.name in errors), "")
        if first:
            self.enter(first)

    def _show_errors(self) -> None:
        typing = "" if self._asked else self.place
        seen = {name: text for name, text in self._errors.items() if name != typing and name in BY_NAME}
        for name in {name for name, _ in seen.items() ^ self._seen.items()}:
            text = seen.get(name, "")
            line = self.query_one(f"#error-{name}", Static)
            line.update(Content(text))
            line.set_class(bool(text), "-shown")
            self.query_one(f"#row-{name}").set_class(bool(text), "-wrong")
        self._seen = seen
        self._show_hint()

    def _show_hint(self) -> None:
        name = self.place
        text = BY_NAME[name].hint if name in BY_NAME else ""
        if name == "params":
            text = ranges_of(self._strategies, self._input("strategy").value)
        elif name == "strategy" and self._strategies:
            text = f"{', '.join(one.name for one in self._strategies)}; several with commas, or all."
        elif name in {"data", "begin", "end", "timeframe", ""} and self._series is not None:
            text = series_text(self._series)
        if text != self._hint:
            self._hint = text
            self.query_one("#hint", Static).update(Content(text))

    def _fill_params(self) -> None:
        text = defaults_of(self._strategies, self._input("strategy").value)
        with self.prevent(Input.Changed):
            self._input("params").value = text
        self._input("params").cursor_position = 0

    def _input(self, name: str) -> Input:
        return self.query_one(f"#field-{name}", Input)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another strategy brings its own parameters; every change is checked."""
        event.stop()
        self._asked = False
        if event.input.id == "field-strategy" and event.value.strip() != self._strategy:
            self._strategy = event.value.strip()
            self._fill_params()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter runs."""
        event.stop()
        self.post_message(self.Submitted())

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """The hint follows the focus, and what was left shows its error."""
        self._show_errors()

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        """Outside the fields the hint says which bars they name."""
        self.call_after_refresh(self._show_errors)

    def action_step(self, by: int) -> None:
        """The field above or below."""
        names = [field.name for field in FIELDS]
        at = names.index(self.place) if self.place in names else 0
        self.enter(names[(at + by) % len(names)])

    def action_choose(self) -> None:
        """Ask for a list."""
        if self.place:
            self.post_message(self.ChoiceWanted(self.place))


def series_text(series: SeriesView) -> str:
    """Bars for a person."""
    text = f"{series.symbol} {series.timeframe}, {series.bars:,} bars, {day(series.begin)} to {day(series.end)}"
    return f"{text}, {series.missing:,} missing" if series.missing else text
