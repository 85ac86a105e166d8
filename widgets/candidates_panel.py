"""All candidates: those that wait first, then newest first into the past, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from engine.model.signal import Signal, SignalStatus
from widgets import format as fmt
from widgets.closed_panel import when
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.gate_words import failures
from widgets.line import Line, Piece, say, sentences
from widgets.signals_panel import SOON_MS, STATUS_TONES, gate_count
from widgets.tones import side_arrow, side_tone

NEAR_THE_END = 10
REASON = 24
KEPT = 5_000
COLUMNS = (
    Column("UTC", 5, 0, right=False),
    Column("symbol", 8, 0, right=False),
    Column("wants", 6, 0, right=False),
    Column("gates", 5, 2),
    Column("became", 12, 0, right=False),
    Column("stopped by", 12, 1, right=False),
    Column("board", 6, 5),
    Column("reason", REASON, 6, right=False),
)


def cells_of(signal: Signal, now: int) -> list[Piece]:
    """A candidate's cells."""
    side = signal.action.side
    failed = failures(signal)
    status: Piece = (signal.status.value, STATUS_TONES.get(signal.status, "text"))
    if signal.status is SignalStatus.WAITING:
        left = signal.expires - now
        status = (f"WAITS {fmt.countdown(left)}", "alarm" if left < SOON_MS else "warn bold")
    refused = signal.reason if signal.status is SignalStatus.REFUSED else ""
    more = f" +{len(failed) - 1}" if len(failed) > 1 else ""
    return [
        (fmt.clock(signal.at, seconds=False) if now - signal.at < fmt.DAY_MS else when(signal.at)[:5], "dim"),
        (fmt.base_of(signal.symbol), "strong"),
        (f"{side_arrow(side)}{signal.action.value.upper()}", f"{side_tone(side)} bold"),
        (gate_count(signal), "loss" if failed else "dim"),
        status,
        (f"{failed[0][: 12 - len(more)]}{more}" if failed else refused, "loss" if failed else "dim"),
        (f"{signal.score:+.2f}", "dim"),
        (signal.reason, "dim"),
    ]


class CandidatesPanel(CursorPanel):
    """The list; the row under the cursor is explained beside it."""

    class Moved(Message):
        """The cursor came to a signal."""

        def __init__(self, signal_id: int) -> None:
            self.signal_id = signal_id
            super().__init__()

    class Wanted(Message):
        """The end is near: older ones are wanted, where there are still as many as `known`."""

        def __init__(self, known: int) -> None:
            self.known = known
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._signals: Sequence[Signal] = ()
        self._now = 0
        self._done = False
        self._said = ""
        self._filter = ""
        self._touched = False
        self._made: dict[int, tuple[Signal, int, Line]] = {}

    def show(self, signals: Sequence[Signal], now: int, *, done: bool, said: str, only: str) -> None:
        """Show signals.

        Args:
            signals: in the order of the list.
            now: ms UTC, for what waits.
            done: there is nothing older.
            said: why nothing more came, or empty.
            only: what is filtered by, in words; empty for all.
        """
        self._signals, self._now, self._done, self._said, self._filter = signals, now, done, said, only
        self.update()

    def first_again(self) -> None:
        """The cursor goes with the first row until somebody moves it."""
        self._touched = False

    def moved(self, key: str) -> None:
        """Tell of it, and ask for more near the end."""
        self._touched = True
        self.post_message(self.Moved(int(key)))
        if not self._done and self._keys.index(key) >= len(self._keys) - NEAR_THE_END:
            self.post_message(self.Wanted(len(self._signals)))

    def chosen(self, key: str) -> None:
        """A click or Enter."""
        self._touched = True
        self.post_message(self.Moved(int(key)))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and a row each."""
        only = f"{self._filter} " if self._filter else ""
        signals = self._signals
        waiting = [s for s in signals if s.status is SignalStatus.WAITING]
        title: list[Piece] = [("Signals ", "text"), (only, "accent")]
        if signals:
            title.append((f"{len(signals):,}{'' if self._done else '+'}", "strong"))
        if waiting:
            left = min(s.expires for s in waiting) - self._now
            title.append((f"  {len(waiting)} waiting {fmt.countdown(left)}", "warn bold"))
        self.retitle(*title)
        if not signals:
            self.place([], height)
            return sentences(self._nothing(), width, "warn" if self._said else "dim")
        if not self._touched or self.cursor not in {str(s.id) for s in signals}:
            self._cursor = str(signals[0].id)
            self._touched = False
        rest = width - sum(column.width + 1 for column in COLUMNS[:-1])
        columns = (*COLUMNS[:-1], COLUMNS[-1]._replace(width=max(REASON, rest)))
        chosen = kept(columns, width)
        rows: list[Row] = [(str(s.id), self._line(s, columns, chosen, width)) for s in signals]
        if self._said:
            rows.append(("", say(self._said, "warn")))
        elif not self._done:
            rows.append(("", say("older ones come as you scroll down", "dim")))
        shown = self.place(rows, height, [header(columns, chosen)])
        if not self._done and not self._said and len(rows) < height:
            self.post_message(self.Wanted(len(self._signals)))
        return shown

    def _nothing(self) -> str:
        if self._said:
            return self._said
        if not self._done:
            return "Asking the engine for older signals ..."
        if self._filter:
            return f"No signal is {self._filter}. s takes another status, / another symbol."
        return "No signal yet. One comes when a board's score crosses its threshold at a closed bar."

    def _line(self, signal: Signal, columns: Sequence[Column], chosen: list[int], width: int) -> Line:
        known = self._made.get(signal.id)
        if known is None or known[0] is not signal or known[1] != width or signal.status is SignalStatus.WAITING:
            known = (signal, width, row(columns, chosen, cells_of(signal, self._now)))
            if len(self._made) > KEPT:
                self._made.clear()
            self._made[signal.id] = known
        return known[2]
