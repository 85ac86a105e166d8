"""Closed positions, newest first; older ones are asked for as one comes near the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from textual.message import Message

from engine.ledger import PositionRow
from widgets import format as fmt
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, say, sentences
from widgets.position_words import cash, mean, plain, who
from widgets.tones import side_arrow, side_tone, side_word, signed_tone

COLUMNS = (
    Column("closed UTC", 11, 0, right=False),
    Column("", 2, 0, right=False),
    Column("symbol", 8, 0, right=False),
    Column("side", 5, 1, right=False),
    Column("size", 10, 5),
    Column("entry", 11, 3),
    Column("exit", 11, 3),
    Column("held", 5, 6),
    Column("net", 10, 0),
    Column("fees", 8, 7),
    Column("funding", 8, 8),
    Column("lev", 4, 10),
    Column("opened by", 22, 9, right=False),
)
NEAR_THE_END = 10


def when(at: int) -> str:
    """``21 Nov 14:02`` in eleven characters: ``21Nov 14:02``."""
    return f"{datetime.fromtimestamp(at / 1_000, UTC):%d%b %H:%M}"


def cells_of(one: PositionRow) -> list[Piece]:
    """A closed position's cells."""
    closed = one.closed or one.opened
    return [
        (when(closed), "dim"),
        (side_arrow(one.side), f"{side_tone(one.side)} bold"),
        (fmt.base_of(one.symbol), "strong"),
        (side_word(one.side), side_tone(one.side)),
        (plain(one.entered), "text"),
        (mean(one.entry), "text"),
        (mean(one.exit) if one.exit is not None else fmt.UNKNOWN, "text"),
        (fmt.age(closed - one.opened), "dim"),
        (cash(one.net), f"{signed_tone(float(one.net))} bold"),
        (cash(-one.fees), "dim"),
        (cash(one.funding), "dim"),
        (f"{one.leverage}x", "dim"),
        (who(one.origin), "dim"),
    ]


class ClosedPanel(CursorPanel):
    """The closed positions."""

    class Moved(Message):
        """The cursor came to a closed position."""

        def __init__(self, position_id: int) -> None:
            self.position_id = position_id
            super().__init__()

    class Wanted(Message):
        """The end is near: older ones are wanted."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._rows: Sequence[PositionRow] = ()
        self._done = False
        self._said = ""
        self._only = ""
        self._made: dict[tuple[int, int], Line] = {}

    @property
    def position_id(self) -> int | None:
        """Id of the position under the cursor."""
        return int(self.cursor) if self.cursor else None

    def show(self, rows: Sequence[PositionRow], *, done: bool, said: str, only: str) -> None:
        """Show rows, newest first.

        Args:
            rows: closed positions.
            done: there is nothing older.
            said: why nothing more came, or empty.
            only: the one symbol wanted, or empty.
        """
        self._rows, self._done, self._said, self._only = rows, done, said, only
        self._made.clear()
        self.update()

    def moved(self, key: str) -> None:
        """Tell of it, and ask for more near the end."""
        self.post_message(self.Moved(int(key)))
        if not self._done and self._keys.index(key) >= len(self._keys) - NEAR_THE_END:
            self.post_message(self.Wanted())

    def chosen(self, key: str) -> None:
        """A click or Enter."""
        self.post_message(self.Moved(int(key)))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and a row each; the last line says whether there is more."""
        of = f" of {fmt.base_of(self._only)}" if self._only else ""
        if not self._rows:
            self.retitle((f"Closed{of}", "text"))
            self.place([], height)
            nothing = f"No closed position{of} yet." if self._done else "Asking the engine for closed positions ..."
            return sentences(self._said or nothing, width, "warn" if self._said else "dim")
        net = sum(float(one.net) for one in self._rows)
        won = sum(one.net > 0 for one in self._rows)
        count = f"{len(self._rows):,}{'' if self._done else '+'}"
        self.retitle(
            (f"Closed{of} ", "text"), (count, "strong"),
            (f"  {fmt.signed(net, 2, sign=True)}", f"{signed_tone(net)} bold"),
            (f"  won {won / len(self._rows) * 100:.0f} %", "dim"),
        )  # fmt: skip
        chosen = kept(COLUMNS, width)
        rows: list[Row] = [(str(one.id), self._line(one, chosen, width)) for one in self._rows]
        if self._said:
            rows.append(("", say(self._said, "warn")))
        elif not self._done:
            rows.append(("", say("older ones come as you scroll down", "dim")))
        return self.place(rows, height, [header(COLUMNS, chosen)])

    def _line(self, one: PositionRow, chosen: list[int], width: int) -> Line:
        line = self._made.get((one.id, width))
        if line is None:
            line = self._made[one.id, width] = row(COLUMNS, chosen, cells_of(one))
        return line
