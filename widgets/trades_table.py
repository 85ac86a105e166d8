"""All trades of a run as rows: only those on screen are made, however many there are."""

from __future__ import annotations

from textual.events import Click
from textual.message import Message

from engine.backtest.view import RunView, TradeView
from widgets.line import Line, say, sentences
from widgets.row_cursor import RowCursor
from widgets.tones import signed_tone
from widgets.trade_words import columns_for, header, row_line


class TradesTable(RowCursor):
    """The trades; the row under the cursor is the one the chart shows."""

    class Chosen(Message):
        """The cursor came to a trade, counted from 0."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    class Missing(Message):
        """Trades from this one on are on screen and not here yet."""

        def __init__(self, first: int) -> None:
            self.first = first
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._run: RunView | None = None
        self._trades: list[TradeView] = []
        self._cursor = 0
        self._top = 0
        self._asked = 0

    @property
    def cursor(self) -> int:
        """The trade under the cursor, counted from 0."""
        return self._cursor

    @property
    def trade(self) -> TradeView | None:
        """The trade under the cursor, where it is here."""
        return self._trades[self._cursor] if self._cursor < len(self._trades) else None

    @property
    def trades(self) -> list[TradeView]:
        """Those that are here, from the first on."""
        return self._trades

    def show(self, run: RunView | None) -> None:
        """Show a run's trades from the first on."""
        self._run = run
        self._trades = list(run.trades) if run is not None else []
        self._cursor = self._top = self._asked = 0
        self.update()

    def add(self, run_id: str, first: int, trades: tuple[TradeView, ...]) -> None:
        """More trades of the run that is shown; others are left out."""
        if self._run is not None and self._run.id == run_id and first == len(self._trades):
            self._trades += trades
            self._asked = 0
            self.update()

    @property
    def _count(self) -> int:
        return self._run.metrics.trades if self._run is not None else 0

    def put(self, index: int) -> None:
        """Move the cursor and tell of it."""
        after = max(0, min(self._count - 1, index))
        if after != self._cursor and self._count:
            self._cursor = after
            self.post_message(self.Chosen(after))
            self.update()

    def action_move(self, step: int) -> None:
        """By rows."""
        self.put(self._cursor + step)

    def action_page(self, step: int) -> None:
        """By a screenful."""
        self.put(self._cursor + step * max(1, self.content_size.height - 2))

    def action_edge(self, side: int) -> None:
        """To the first (-1) or the last (+1)."""
        self.put(0 if side < 0 else self._count - 1)

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and the rows on screen."""
        run = self._run
        if run is None:
            self.retitle(("Trades", "text"))
            return sentences("The trades stand here when a run is done.", width)
        if not self._count:
            self.retitle(("Trades ", "text"), ("0", "strong"))
            return sentences(
                "It did not trade: the wanted side never changed in this period, or the size was below the minimum.",
                width,
            )
        net = run.metrics.final_equity - run.capital
        self.retitle(("Trades ", "text"), (f"{self._count:,}", "strong"), (f"  {net:+,.2f}", signed_tone(net)))
        room = max(1, height - 1)
        self._top = min(max(self._top, self._cursor - room + 1), self._cursor, max(0, self._count - room))
        columns = columns_for(width)
        lines = [header(columns)]
        under = "cursor" if self.has_focus else "marked"
        for index in range(self._top, min(self._count, self._top + room)):
            if index < len(self._trades):
                line = row_line(run, index + 1, self._trades[index], columns)
            else:
                line = say(f"{index + 1:>6,} ...", "dim")
                self._ask()
            lines.append(line._replace(under=under) if index == self._cursor else line)
        return lines

    def _ask(self) -> None:
        first = len(self._trades)
        if self._asked != first:
            self._asked = first
            self.post_message(self.Missing(first))

    def on_click(self, event: Click) -> None:
        """Choose the row that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y >= 1:
            self.put(self._top + offset.y - 1)
