"""A panel with a cursor over rows, moved by keys and mouse."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click

from widgets.line import Line
from widgets.row_cursor import RowCursor

Row = tuple[str, Line]
"""Key of the thing a line belongs to (empty: a line that cannot be chosen) and the line."""


class CursorPanel(RowCursor):
    """Rows of which one has the cursor; a row may span several lines with the same key.

    A subclass hands its rows to `place` from `lay_out`, and answers `chosen(key)` for Enter or a click and, if it
    wants, `moved(key)` for each move.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Choose", show=False)]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._keys: list[str] = []
        self._cursor = ""
        self._top = 0
        self._on_screen: list[str] = []

    @property
    def cursor(self) -> str:
        """Key of the row under the cursor, or empty."""
        return self._cursor

    def chosen(self, key: str) -> None:
        """Enter or a click on a row."""

    def moved(self, key: str) -> None:
        """The cursor came to a row."""

    def place(self, rows: list[Row], height: int, header: list[Line] | None = None) -> list[Line]:
        """The lines that are on screen: `header` stays, the rows scroll so that the cursor's row is seen."""
        head = header or []
        room = max(0, height - len(head))
        self._keys = list(dict.fromkeys(key for key, _ in rows if key))
        if self._cursor not in self._keys:
            self._cursor = self._keys[0] if self._keys else ""
        mine = [index for index, (key, _) in enumerate(rows) if key and key == self._cursor]
        if mine:
            self._top = min(max(self._top, mine[-1] - room + 1), mine[0])
        self._top = max(0, min(self._top, len(rows) - room))
        seen = rows[self._top : self._top + room]
        self._on_screen = [""] * len(head) + [key for key, _ in seen]
        under = "cursor" if self.has_focus else "marked"
        return head + [
            line._replace(under=line.under or under) if key and key == self._cursor else line for key, line in seen
        ]

    def put_cursor(self, key: str) -> None:
        """Move the cursor to a row without telling anyone."""
        if key != self._cursor:
            self._cursor = key
            self.update()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        if not self._keys:
            return
        index = self._keys.index(self._cursor) if self._cursor in self._keys else 0
        key = self._keys[max(0, min(len(self._keys) - 1, index + step))]
        if key != self._cursor:
            self._cursor = key
            self.moved(key)
            self.update()

    def action_page(self, step: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(step * max(1, self.content_size.height - 1))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first (-1) or the last (+1) row."""
        self.action_move(side * len(self._keys))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self._cursor:
            self.chosen(self._cursor)

    def on_click(self, event: Click) -> None:
        """Choose the row that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y < len(self._on_screen):
            return
        key = self._on_screen[offset.y]
        if key:
            self._cursor = key
            self.chosen(key)
            self.update()
