"""The last line of a screen: the keys of the moment, dimmed where they are not possible, with the reason on press."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from engine.view import Desk
from station.actions import of_place

GAP = 2
FIRST = ("help", "quit", "desk", "outside", "approve", "flatten", "pause")
"""Never left out for want of room, as long as they are possible."""
TICKETS = ("buy", "sell", "close")
SCREENS = ("backtest", "positions", "signals", "models", "ai", "settings")
ROOM_FOR_SCREENS = 100
"""From this width on what trades comes next, as far as it is possible, and then the ways to the other screens."""


def chosen(states: tuple[tuple[str, bool], ...], sizes: dict[str, int], width: int) -> list[str]:
    """The actions that `width` cells hold, in the table's order.

    Possible ones of `FIRST` have room first, then what trades, the screens, and the others as they stand.
    """
    possible = dict(states)
    order = [name for name in FIRST if possible.get(name)]
    if width >= ROOM_FOR_SCREENS:
        order += [name for name in TICKETS if possible.get(name)] + [name for name in SCREENS if name in possible]
    order += [name for name, _ in states]
    kept: list[str] = []
    left = width
    for name in dict.fromkeys(order):
        if sizes[name] <= left:
            kept.append(name)
            left -= sizes[name] + GAP
    return [name for name, _ in states if name in kept]


class KeyLine(Static):
    """Made from the table of actions; as many as the width holds."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $panel; padding: 0 1; }"

    def __init__(self, keys: dict[str, str], place: str) -> None:
        super().__init__()
        self._footer = tuple(action for action in of_place(place) if action.footer)
        self._keys = keys
        self._shown: object = None
        self._newest: tuple[Desk, str] | None = None

    def show(self, desk: Desk, symbol: str) -> None:
        """Which are possible now."""
        self._newest = desk, symbol
        can = {a.id: not a.blocked(desk, symbol) for a in self._footer}
        states = tuple((a.id, can[a.id]) for a in self._footer if can[a.id] or not a.quiet)
        resumes = desk.status.paused or bool(desk.status.halt)
        width = self.content_size.width
        if (states, resumes, width) == self._shown or not width:
            return
        self._shown = (states, resumes, width)
        words = {a.id: (self._keys.get(a.id, a.shown), a.label) for a in self._footer}
        if resumes:
            words["pause"] = (words["pause"][0], "Resume")
        sizes = {name: len(key) + 1 + len(label) for name, (key, label) in words.items()}
        possible = dict(states)
        parts: list[Content] = []
        for name in chosen(states, sizes, width):
            key, label = words[name]
            if possible[name]:
                parts.append(Content.assemble((key, "bold $text-accent"), (f" {label}", "$foreground")))
            else:
                parts.append(Content.assemble((f"{key} {label}", "$foreground 35%")))
        self.update(Content(" " * GAP).join(parts))

    def on_resize(self) -> None:
        """Lay out again."""
        self._shown = None
        if self._newest is not None:
            self.show(*self._newest)
