"""What every panel with a cursor hears: keys, wheel, and coming into and going out of focus."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Blur, Focus, MouseScrollDown, MouseScrollUp

from widgets.panel import Panel


class RowCursor(Panel, can_focus=True):
    """A panel over rows of which one has the cursor; a subclass says what moving means."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
    ]

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.action_move(-1)

    def on_focus(self, _event: Focus) -> None:
        """The cursor brightens."""
        self.update()

    def on_blur(self, _event: Blur) -> None:
        """The cursor fades."""
        self.update()
