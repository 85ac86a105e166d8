"""The command palette: every action of the table, every theme and every symbol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from station.actions import of_place
from station.screens.acting import Acting
from station.themes import NAMES


class Actions(Provider):
    """Searches the table of actions and the symbols of the desk."""

    def _desk(self) -> Acting | None:
        return self.screen if isinstance(self.screen, Acting) else None

    async def discover(self) -> Hits:
        """All actions of the screen."""
        desk = self._desk()
        if desk is not None:
            for action in of_place(desk.PLACE):
                yield DiscoveryHit(f"{action.label}  ({action.shown})", partial(desk.do, action.id), help=action.help)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """Actions and symbols that fit."""
        desk = self._desk()
        if desk is None:
            return
        matcher = self.matcher(query)
        for action in of_place(desk.PLACE):
            text = f"{action.label}  ({action.shown})"
            score = max(matcher.match(text), matcher.match(action.help) / 2)
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(desk.do, action.id), help=action.help)
        for name in NAMES:
            text = f"Theme {name}"
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(desk.wear, name), help="These colours, kept.")
        for symbol in desk.symbols():
            score = matcher.match(symbol)
            if score > 0:
                yield Hit(score, matcher.highlight(symbol), partial(desk.choose, symbol), help="Show this symbol.")
