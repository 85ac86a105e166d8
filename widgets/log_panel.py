"""The log: newest at the bottom, and it stays where a person has scrolled to."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp

from engine.view import Desk, NoteView
from widgets import format as fmt
from widgets.line import Line, Piece, sentences, wrap_words
from widgets.panel import Panel

TONES = {"info": "text", "good": "profit", "warn": "warn", "alarm": "alarm"}
SIGNS = {"info": " ", "good": "+", "warn": "!", "alarm": "‼"}


def plain(text: str) -> str:
    """``keyboard: paused`` for ``station:keyboard: paused``: whose command it was, without the way it came."""
    return text.removeprefix("station:")


def note_lines(note: NoteView, width: int) -> list[Line]:
    """A note with its time UTC, level sign and symbol; what does not fit goes on, indented."""
    tone = TONES.get(note.level, "text")
    head: list[Piece] = [(fmt.clock(note.at), "dim"), (f" {SIGNS.get(note.level, ' ')} ", tone)]
    used = 8 + 3
    if note.symbol:
        base = fmt.base_of(note.symbol) + " "
        head.append((base, "strong"))
        used += len(base)
    rows = wrap_words(plain(note.text), max(8, width - used)) or [""]
    first = Line((*head, (rows[0], tone)))
    return [first, *(Line(((" " * used, "text"), (row, tone))) for row in rows[1:])]


class LogPanel(Panel, can_focus=True):
    """The log's panel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_log(-1)", "Older", show=False),
        Binding("down", "scroll_log(1)", "Newer", show=False),
        Binding("pageup", "page_log(-1)", "Older page", show=False),
        Binding("pagedown", "page_log(1)", "Newer page", show=False),
        Binding("home", "edge_log(-1)", "Oldest", show=False),
        Binding("end", "edge_log(1)", "Newest", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._notes: list[NoteView] = []
        self._held: int | None = None
        self._seen: tuple[int, int, int] = (-1, -1, -1)
        self._room = 1
        self._wrapped: dict[tuple[int, int], list[Line]] = {}

    def show(self, desk: Desk) -> None:
        """Show the newest notes."""
        notes = desk.notes
        seen = (len(notes), notes[0].seq, notes[-1].seq) if notes else (0, 0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        self._notes = list(notes)
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The last lines, or those a person scrolled to."""
        notes = self._notes
        alarms = sum(note.level == "alarm" for note in notes)
        if alarms:
            self.retitle(("Log ", "text"), (f"{alarms} alarm{'s' if alarms > 1 else ''}", "loss bold"))
        else:
            self.retitle(("Log ", "text"), ("no alarm", "dim"))
        if not notes:
            self.subtitle("")
            return sentences("Nothing has happened yet.", width)
        self._room = height
        end = self._end(len(notes))
        lines: list[Line] = []
        for note in reversed(notes[:end]):
            lines[:0] = self._lines_of(note, width)
            if len(lines) >= height:
                break
        newer = len(notes) - end
        self.subtitle(f"{newer} newer, End to follow" if newer else "")
        return lines[-height:]

    def _end(self, count: int) -> int:
        """How many notes lie up to the bottom line."""
        if self._held is None:
            return count
        index = next((i for i, note in enumerate(self._notes) if note.seq >= self._held), count - 1)
        return index + 1

    def _lines_of(self, note: NoteView, width: int) -> list[Line]:
        key = (note.seq, width)
        known = self._wrapped.get(key)
        if known is None:
            if len(self._wrapped) > 1_000:
                self._wrapped.clear()
            known = self._wrapped[key] = note_lines(note, width)
        return known

    def action_scroll_log(self, step: int) -> None:
        """Move by notes; at the newest the log follows again."""
        count = len(self._notes)
        if not count:
            return
        end = max(min(self._room, count), min(count, self._end(count) + step))
        self._held = None if end == count else self._notes[end - 1].seq
        self.update()

    def action_page_log(self, step: int) -> None:
        """Move by a screenful."""
        self.action_scroll_log(step * max(1, self._room - 1))

    def action_edge_log(self, side: int) -> None:
        """To the oldest (-1) or the newest (+1)."""
        self.action_scroll_log(side * len(self._notes))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Older."""
        event.stop()
        self.action_scroll_log(-2)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Newer."""
        event.stop()
        self.action_scroll_log(2)
