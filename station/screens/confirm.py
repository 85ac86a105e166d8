"""A question before what cannot be taken back; on LIVE the word must be typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from station.screens.dialog import Dialog


class Confirm(Dialog[bool]):
    """Dismisses with True only when the person said yes.

    Args:
        title: what is about to happen.
        detail: what it means right now, in one sentence.
        word: typed to confirm on LIVE; empty asks for y.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say('yes')", "Yes", show=False),
        Binding("n", "say('no')", "No", show=False),
    ]

    def __init__(self, title: str, detail: str, word: str = "") -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._word = word

    def compose(self) -> ComposeResult:
        """Question and, on LIVE, the field for the word."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Static(self._detail, markup=False)
            if self._word:
                yield Label(f"Type {self._word} and press Enter; Esc goes back.")
                yield Input()
            else:
                yield Label("[b]y[/b] yes   [b]n[/b] or [b]Esc[/b] no")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The typed word decides."""
        self.dismiss(event.value.strip() == self._word)

    def action_say(self, answer: str) -> None:
        """Yes or no, where no word is asked for."""
        if not self._word:
            self.dismiss(answer == "yes")
