"""Signals: those that wait for a person first, with the time they have left; then the newest."""

from __future__ import annotations

from textual.message import Message

from engine.model.signal import Signal, SignalStatus, Verdict
from engine.view import Desk
from widgets import format as fmt
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences, width_of
from widgets.tones import side_arrow, side_tone

STATUS_TONES = {
    SignalStatus.WAITING: "warn bold",
    SignalStatus.VOTING: "accent",
    SignalStatus.SENT: "accent",
    SignalStatus.FILLED: "profit",
    SignalStatus.REFUSED: "dim",
    SignalStatus.OBSERVED: "text",
    SignalStatus.EXPIRED: "dim",
    SignalStatus.REJECTED: "dim",
}
HINT = "[a]pprove [r]eject [w]hy"
SOON_MS = 30_000


def gate_count(signal: Signal) -> str:
    """Gates passed of those that judged: ``6/6``."""
    passed = sum(gate.verdict is Verdict.PASS for gate in signal.gates)
    judged = passed + sum(gate.verdict is Verdict.FAIL for gate in signal.gates)
    return f"{passed}/{judged}"


def first_failure(signal: Signal) -> str:
    """Name of the first gate that failed, or empty."""
    return next((gate.name for gate in signal.gates if gate.verdict is Verdict.FAIL), "")


def signal_line(signal: Signal, now: int, width: int) -> Line:
    """One signal in one line; the reason takes what room is left."""
    side = signal.action.side
    tone = side_tone(side)
    name = 5 if width < 60 else 8
    waiting = signal.status is SignalStatus.WAITING
    status = signal.status.value
    failed = first_failure(signal)
    pieces: list[Piece] = [
        (fmt.clock(signal.at, seconds=False) + " ", "dim"),
        (fmt.left(fmt.base_of(signal.symbol), name) + " ", "strong"),
        (f"{side_arrow(side)}{signal.action.value.upper():<5} ", f"{tone} bold"),
    ]
    if width >= 44:
        pieces.append((f"{gate_count(signal):>4} ", "loss" if failed else "dim"))
    if waiting:
        left = signal.expires - now
        pieces.append((f"waiting {fmt.countdown(left):>4}", "alarm" if left < SOON_MS else "warn bold"))
        if width - width_of(pieces) > len(HINT):
            pieces.append((" " + HINT, "accent"))
        return Line(tuple(pieces))
    pieces.append((f"{status:<9}", STATUS_TONES[signal.status]))
    reason = signal.reason if width >= 40 and signal.reason != status else failed
    room = width - width_of(pieces)
    if room > 3 and reason:
        pieces.append((fmt.left(reason, room), "dim"))
    return Line(tuple(pieces))


class SignalsPanel(CursorPanel):
    """The list of signals with a cursor; the station acts on `selected`."""

    class Chosen(Message):
        """A person wants to know why."""

        def __init__(self, signal_id: int) -> None:
            self.signal_id = signal_id
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._desk: Desk | None = None
        self._now = 0
        self._cache: dict[int, tuple[Signal, int, Line]] = {}
        self._touched = False

    @property
    def selected(self) -> int | None:
        """Id of the signal under the cursor."""
        return int(self.cursor) if self.cursor else None

    def show(self, desk: Desk, now: int) -> None:
        """Show the newest desk at `now`, ms UTC."""
        self._desk, self._now = desk, now
        self.update()

    def chosen(self, key: str) -> None:
        """Tell of the signal."""
        self._touched = True
        self.post_message(self.Chosen(int(key)))

    def moved(self, key: str) -> None:
        """From now on the cursor stays with its signal; until then it is on the first row."""
        self._touched = True

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Waiting ones, then newest first."""
        signals = list(self._desk.signals.values()) if self._desk else []
        if not signals:
            self.retitle(("Signals", "text"))
            return sentences(
                "No signal yet. One comes when a board's score crosses its threshold at a closed bar.", width
            )
        waiting = sorted((s for s in signals if s.status is SignalStatus.WAITING), key=lambda s: s.expires)
        rest = sorted((s for s in signals if s.status is not SignalStatus.WAITING), key=lambda s: -s.id)
        if waiting:
            left = waiting[0].expires - self._now
            self.retitle(("Signals ", "text"), (f"{len(waiting)} waiting {fmt.countdown(left)}", "warn bold"))
        else:
            self.retitle(("Signals ", "text"), (f"{len(signals)}", "strong"))
        if not self._touched:
            self._cursor = str((waiting or rest)[0].id)
        rows: list[Row] = [(str(s.id), signal_line(s, self._now, width)) for s in waiting]
        rows += [(str(s.id), self._line(s, width)) for s in rest]
        return self.place(rows, height)

    def _line(self, signal: Signal, width: int) -> Line:
        known = self._cache.get(signal.id)
        if known is None or known[0] is not signal or known[1] != width:
            if len(self._cache) > 4 * 100:
                self._cache.clear()
            known = (signal, width, signal_line(signal, self._now, width))
            self._cache[signal.id] = known
        return known[2]
