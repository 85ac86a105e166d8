"""Typing secrets: every field is hidden, and what was typed leaves only wrapped so that nothing prints it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from headless.settings import Hidden
from station.screens.dialog import Dialog


class KeyEntry(Dialog[tuple[Hidden, ...]]):
    """Dismisses with what was typed into the fields, in their order.

    Args:
        title: of the box.
        detail: one sentence: what becomes of it.
        parts: names of the fields.
    """

    DEFAULT_CSS = """
    KeyEntry > .box { width: 70; }
    KeyEntry Label { color: $foreground 60%; margin: 1 0 0 0; }
    KeyEntry Input, KeyEntry Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
    KeyEntry Input:focus { background: $primary 35%; }
    KeyEntry #wrong { color: $text-warning; height: auto; }
    """

    def __init__(self, title: str, detail: str, parts: tuple[str, ...]) -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._parts = parts

    def compose(self) -> ComposeResult:
        """A hidden field a part."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            box.border_subtitle = "Tab field  Enter next, then keep  Esc back"
            yield Static(self._detail, markup=False)
            for number, part in enumerate(self._parts):
                yield Label(part)
                yield Input(password=True, id=f"part{number}")
            yield Static(id="wrong", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The next field, or all of it."""
        fields = list(self.query(Input))
        empty = next((field for field in fields if not field.value.strip()), None)
        place = fields.index(event.input)
        if empty is not None:
            target = empty if place == len(fields) - 1 else fields[place + 1]
            if target is not event.input or not event.value.strip():
                self.query_one("#wrong", Static).update(f"{self._parts[fields.index(empty)]} is still empty.")
            target.focus()
            return
        typed = tuple(Hidden(field.value.strip()) for field in fields)
        self._clear()
        self.dismiss(typed)

    def action_leave(self) -> None:
        """Nothing was typed."""
        self._clear()
        super().action_leave()

    def _clear(self) -> None:
        """The fields forget at once."""
        for field in self.query(Input):
            with field.prevent(Input.Changed):
                field.value = ""
