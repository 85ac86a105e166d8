"""The last line of the backtest screen: the keys of the place one is in, dimmed where they are not possible."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from station.research_actions import ACTIONS, VIEWS, Action, State

GAP = 2
LAST = ("help", "leave")


def _rank(action: Action, state: State) -> tuple[bool, bool, bool]:
    """What is kept first where there is little room: help and the way out, what is possible, what is of this place."""
    return (action.id not in LAST, bool(action.blocked(state)), action.places == VIEWS)


class ResearchKeys(Static):
    """Made from the table of actions; as many as the width holds, help and the way out always."""

    DEFAULT_CSS = "ResearchKeys { height: 1; background: $panel; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None

    def show(self, state: State) -> None:
        """The keys of a state."""
        width = self.content_size.width
        if (state, width) == self._shown or not width:
            return
        self._shown = (state, width)
        here = [
            action for action in ACTIONS if state.place in action.places and (action.id != "cancel" or state.running)
        ]
        left = width
        kept = []
        for action in sorted(here, key=lambda action: _rank(action, state)):
            size = len(action.shown) + 1 + len(action.label)
            if size <= left:
                kept.append(action)
                left -= size + GAP
        parts = [
            Content.assemble((f"{action.shown} {action.label}", "$foreground 35%"))
            if action.blocked(state)
            else Content.assemble((action.shown, "bold $text-accent"), (f" {action.label}", "$foreground"))
            for action in here
            if action in kept
        ]
        self.update(Content(" " * GAP).join(parts))

    def on_resize(self) -> None:
        """The next showing lays out again."""
        self._shown = None
