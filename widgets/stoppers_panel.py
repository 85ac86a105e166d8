"""What stops us most: of the newest candidates, how many failed at each gate."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.signal import Signal
from widgets import format as fmt
from widgets.gate_words import Stopper, stoppers, traded
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel
from widgets.spark import bar

NAME, COUNT, ALONE = 12, 5, 9


def stopper_line(one: Stopper, most: int, width: int) -> Line:
    """A gate with its bar, its count and how often it alone was in the way."""
    room = width - NAME - COUNT - ALONE - 1
    pieces: list[Piece] = [(fmt.left(one.name, NAME), "text")]
    if room >= 4:
        pieces.append((bar(one.failed / most, room) + " ", "loss"))
    pieces.append((f"{one.failed:>{COUNT},}", "strong"))
    pieces.append((f"{one.alone:>{ALONE},}" if one.alone else " " * (ALONE - 1) + "·", "warn" if one.alone else "dim"))
    return Line(tuple(pieces))


class StoppersPanel(Panel, can_focus=True):
    """The counts."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._signals: Sequence[Signal] = ()
        self._rows: list[Stopper] = []

    def show(self, signals: Sequence[Signal]) -> None:
        """Count these; cheap when they are the ones counted before."""
        if signals is self._signals and self._title:
            return
        self._signals = signals
        self._rows = stoppers(signals)
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The gates, most failures first."""
        count = len(self._signals)
        self.retitle(("What stops us most ", "text"), (f"of the last {count:,}" if count else "", "dim"))
        if not count:
            return sentences("Once there are candidates, the gates that stopped them are counted here.", width)
        sent = traded(self._signals)
        head: list[Piece] = [
            (f"{sent:,} traded", "profit bold" if sent else "text"),
            (f" ({sent / count * 100:.0f} %)", "dim"),
        ]
        if not self._rows:
            return [Line(tuple(head)), *sentences("No gate failed among them.", width)]
        title = f"{'failed':>{COUNT + 3}}{'alone':>{ALONE - 2}}"
        gap = width - sum(len(text) for text, _ in head) - len(title)
        if gap > 0:
            head += [(" " * gap, "text"), (title, "dim")]
        most = self._rows[0].failed
        return [Line(tuple(head)), *(stopper_line(one, most, width) for one in self._rows[: height - 1])]
