"""History that comes page by page from the engine, newest first, as a person scrolls towards the past."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from engine.errors import TrefoilError
from headless.source import Source

T = TypeVar("T", bound=msgspec.Struct)
PAGE = 100


class _Page(msgspec.Struct, Generic[T]):
    """What the engine answers."""

    rows: list[T]
    next: str | None


class Pages(Generic[T]):
    """Rows of one kind of history.

    Attributes:
        rows: those that have come, newest first.
        done: there is nothing older.
        trouble: why the last page did not come, in one sentence; empty when it did.

    Args:
        source: where to ask.
        name: orders, fills, positions, signals ... as the engine calls it.
        kind: what a row is decoded to.
        size: rows a page.
    """

    def __init__(self, source: Source, name: str, kind: type[T], size: int = PAGE) -> None:
        self._source = source
        self._name = name
        self._decoder: msgspec.json.Decoder[_Page[T]] = msgspec.json.Decoder(_Page[kind])  # type: ignore[valid-type]  # a type made at run time
        self._size = size
        self._cursor: str | None = None
        self._asking = False
        self._turn = 0
        self.symbol = ""
        self.rows: list[T] = []
        self.done = False
        self.trouble = ""

    @property
    def asking(self) -> bool:
        """A page is on its way."""
        return self._asking

    def forget(self, symbol: str | None = None) -> None:
        """Begin again at the newest page; `symbol` is what is wanted from now on (empty: all), None leaves it."""
        self._turn += 1
        self._asking = False
        self._cursor = None
        self.rows = []
        self.done = False
        self.trouble = ""
        if symbol is not None:
            self.symbol = symbol

    async def more(self) -> bool:
        """Ask for the next page; whether anything changed. Asking twice at once is asking once."""
        if self._asking or self.done:
            return False
        turn = self._turn
        self._asking = True
        args: dict[str, str | int | float | None] = {"limit": self._size, "before": self._cursor}
        if self.symbol:
            args["symbol"] = self.symbol
        try:
            page = self._decoder.decode(await self._source.query(self._name, args))
        except TrefoilError as error:
            if turn == self._turn:
                self._asking = False
                self.trouble = str(error)
            return turn == self._turn
        if turn != self._turn:
            return False
        self._asking = False
        self.trouble = ""
        self.rows += page.rows
        self._cursor = page.next
        self.done = page.next is None
        return True

    async def renew(self, key: str) -> bool:
        """Take in what is newer than the rows there are, or changed among the newest page.

        Args:
            key: the field that tells rows apart.
        """
        if self._asking:
            return False
        if not self.rows:
            return await self.more()
        turn = self._turn
        args: dict[str, str | int | float | None] = {"limit": self._size}
        if self.symbol:
            args["symbol"] = self.symbol
        try:
            page = self._decoder.decode(await self._source.query(self._name, args))
        except TrefoilError as error:
            self.trouble = str(error)
            return True
        if turn != self._turn:
            return False
        fresh = {getattr(row, key) for row in page.rows}
        older = [row for row in self.rows if getattr(row, key) not in fresh]
        if len(older) == len(self.rows) and page.next is not None:
            # Nothing of what is here is on the newest page: there may be a gap between.
            self.forget()
            self.rows, self._cursor = page.rows, page.next
            return True
        changed = page.rows + older != self.rows
        self.rows = page.rows + older
        self.trouble = ""
        return changed
