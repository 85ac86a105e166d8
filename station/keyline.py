"""The last line of the desk: the keys of the moment, dimmed where they are not possible, with the reason on press."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from engine.view import Desk
from station.actions import ACTIONS


class KeyLine(Static):
    """Made from the table of actions; as many as the width holds."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $panel; padding: 0 1; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys
        self._shown: object = None

    def show(self, desk: Desk, symbol: str) -> None:
        """Which are possible now."""
        states = tuple((a.id, not a.blocked(desk, symbol)) for a in ACTIONS if a.footer)
        key = (states, desk.status.paused, self.size.width)
        if key == self._shown:
            return
        self._shown = key
        parts: list[Content] = []
        used = 2
        actions = {a.id: a for a in ACTIONS}
        must = {"help", "quit"}
        spare = sum(len(actions[i].shown) + len(actions[i].label) + 3 for i in must)
        for name, possible in states:
            action = actions[name]
            label = "Resume" if name == "pause" and desk.status.paused else action.label
            width = len(self._keys.get(name, action.shown)) + len(label) + 3
            if name not in must and used + width + spare > max(40, self.size.width):
                continue
            used += width
            shown = self._keys.get(name, action.shown)
            if possible:
                parts.append(Content.assemble((shown, "bold $text-accent"), (f" {label}   ", "$foreground")))
            else:
                parts.append(Content.assemble((f"{shown} {label}  ", "$foreground 35%")))
        self.update(Content("").join(parts))
