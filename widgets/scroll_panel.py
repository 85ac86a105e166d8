"""A panel whose lines may be more than it has room for: keys and the wheel scroll it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp

from widgets.line import Line
from widgets.panel import Panel


class ScrollPanel(Panel, can_focus=True):
    """A subclass hands all its lines to `window` from `lay_out`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "roll(-1)", "Up", show=False),
        Binding("down", "roll(1)", "Down", show=False),
        Binding("pageup", "roll(-10)", "Page up", show=False),
        Binding("pagedown", "roll(10)", "Page down", show=False),
        Binding("home", "roll(-100000)", "Top", show=False),
        Binding("end", "roll(100000)", "Bottom", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._first = 0
        self._count = 0

    def to_top(self) -> None:
        """Show the first line again."""
        self._first = 0

    def window(self, lines: list[Line], height: int) -> list[Line]:
        """Those that are on screen; the bottom border says how many are below."""
        self._count = len(lines)
        self._first = max(0, min(self._first, len(lines) - height))
        below = len(lines) - self._first - height
        self.subtitle(f"↓ {below} more" if below > 0 else "")
        return lines[self._first : self._first + height]

    def action_roll(self, step: int) -> None:
        """Scroll by lines."""
        before = self._first
        self._first = max(0, min(self._first + step, self._count - self.content_size.height))
        if self._first != before:
            self.update()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.action_roll(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.action_roll(-1)
