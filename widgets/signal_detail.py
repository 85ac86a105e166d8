"""Every gate of one signal: why, or why not."""

from __future__ import annotations

from engine.model.signal import Gate, Signal, Verdict
from engine.view import InstrumentView
from widgets import format as fmt
from widgets.line import EMPTY, Line, Piece, fit, say, sentences
from widgets.panel import Panel
from widgets.tones import side_arrow, side_tone

MARKS = {
    Verdict.PASS: ("✓ pass", "profit"),
    Verdict.FAIL: ("✗ FAIL", "loss bold"),
    Verdict.SKIPPED: ("– skipped", "warn"),
    Verdict.NOT_ASKED: ("· not asked", "dim"),
}

NAME, VALUE, THRESHOLD = 12, 13, 14


def gate_line(gate: Gate, width: int, *, terse: bool = False) -> list[Line]:
    """A gate's verdict, its value against the threshold, and the reason (on a line of its own where it is narrow).

    A `terse` one keeps the reason to itself where it passed and has no room for it.
    """
    mark, tone = MARKS[gate.verdict]
    pieces: list[Piece] = [
        (fmt.left(mark, 12), tone),
        (fmt.left(gate.name, NAME), "strong" if gate.verdict is Verdict.FAIL else "text"),
        (fmt.fixed(gate.value, VALUE) + " ", "text"),
        (fmt.left(gate.threshold, THRESHOLD) + " ", "dim"),
    ]
    used = 12 + NAME + VALUE + THRESHOLD + 2
    if len(gate.reason) <= width - used:
        pieces.append((gate.reason, "dim"))
        return [Line(tuple(pieces))]
    if terse and gate.verdict is Verdict.PASS:
        return [Line(tuple(pieces))]
    return [Line(tuple(pieces)), *(say(" " * 12 + line.text) for line in sentences(gate.reason, max(10, width - 12)))]


def plan_line(signal: Signal, instrument: InstrumentView | None, width: int) -> Line:
    """Reference price, stop, target and size of the plan."""
    if signal.action.side == 0 or instrument is None:
        return say(f"reference {fmt.price(instrument, signal.price)}", "text")
    risk = abs(signal.price - signal.stop) / signal.price if signal.price else 0.0
    reward = abs(signal.target - signal.price) / signal.price if signal.price else 0.0
    at = f"{fmt.quantity(instrument, signal.lots)} @ {fmt.price(instrument, signal.price)}"
    cells: list[tuple[int, list[Piece]]] = [
        (0, [(at, "strong")]),
        (0, [("stop ", "dim"), (fmt.price(instrument, signal.stop), "stop")]),
        (2, [(f"({fmt.percent(risk, sign=False)})", "stop")]),
        (0, [("target ", "dim"), (fmt.price(instrument, signal.target), "target")]),
        (1, [(f"({fmt.percent(reward, sign=False)})", "target")]),
    ]
    return Line(tuple(fit(cells, width)))


def detail_lines(signal: Signal, instrument: InstrumentView | None, width: int, height: int = 1_000) -> list[Line]:
    """The whole story of a signal; where `height` is short passed gates say less."""
    side = signal.action.side
    lines = [
        Line(
            (
                (f"{side_arrow(side)} {signal.action.value.upper()} ", f"{side_tone(side)} bold"),
                (f"{fmt.base_of(signal.symbol)}  ", "strong"),
                (f"{signal.status.value}  ", "accent"),
                (f"board {signal.score:+.2f}  at {fmt.clock(signal.at)}Z", "dim"),
            )
        ),
        plan_line(signal, instrument, width),
        *sentences(signal.reason, width, "text"),
        EMPTY,
    ]
    gates = [gate_line(gate, width) for gate in signal.gates]
    if len(lines) + sum(len(rows) for rows in gates) > height:
        gates = [gate_line(gate, width, terse=True) for gate in signal.gates]
    if len(lines) + sum(len(rows) for rows in gates) > height:
        gates = [gate_line(gate, width) for gate in signal.gates if gate.verdict is not Verdict.PASS]
        passed = ", ".join(f"{g.name} {g.value}".strip() for g in signal.gates if g.verdict is Verdict.PASS)
        gates.append([EMPTY, say("✓ passed", "profit"), *sentences(passed, width, "text")])
    return lines + [line for rows in gates for line in rows]


class SignalDetail(Panel):
    """Why / why not."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._signal: Signal | None = None
        self._instrument: InstrumentView | None = None

    def show(self, signal: Signal | None, instrument: InstrumentView | None) -> None:
        """Show one signal, or none."""
        self._signal, self._instrument = signal, instrument
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Head, plan, reason, gates."""
        signal = self._signal
        if signal is None:
            self.retitle(("Why", "text"))
            return sentences("No signal chosen. Move to one in Signals and press w.", width)
        passed = sum(gate.verdict is Verdict.PASS for gate in signal.gates)
        failed = sum(gate.verdict is Verdict.FAIL for gate in signal.gates)
        tone = "loss bold" if failed else "profit bold"
        self.subtitle("Esc back")
        self.retitle(("Why ", "text"), (f"{passed} passed, {failed} failed" if failed else f"{passed} passed", tone))
        return detail_lines(signal, self._instrument, width, height)
