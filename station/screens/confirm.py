"""A question before what cannot be taken back; on LIVE the word must be typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label

from station.screens.dialog import Dialog


class Confirm(Dialog[bool]):
    """Dismisses with True only when the person said yes.

    Args:
        title: what is about to happen.
        detail: what it means right now, in one sentence.
        word: typed to confirm on LIVE; empty asks for y.
    """

    def __init__(self, title: str, detail: str, word: str = "") -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._word = word

    def compose(self) -> ComposeResult:
        """Question and, on LIVE, the field for the word."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Label(self._detail)
            if self._word:
                yield Label(f"Type {self._word} and press Enter; Esc goes back.")
                yield Input()
            else:
                yield Label("[b]y[/b] yes   [b]n[/b] or [b]Esc[/b] no")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The typed word decides."""
        self.dismiss(event.value.strip() == self._word)

    def key_y(self) -> None:
        """Yes."""
        if not self._word:
            self.dismiss(result=True)

    def key_n(self) -> None:
        """No."""
        if not self._word:
            self.dismiss(result=False)
