"""Where deciding functions put their decisions: each is applied to the state at once, in order."""

from __future__ import annotations

from engine.core.apply import apply_decision
from engine.core.state import State
from engine.model.decision import CommandAnswered, Decision, Level, Noted, PlanSet, SymbolHeld, TimerSet


class Deck:
    """The decisions of one event. `emit` is the only way a deciding function changes anything."""

    __slots__ = ("decisions", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.decisions: list[Decision] = []

    def emit(self, decision: Decision) -> None:
        """Decide: apply to the state and keep for the journal."""
        apply_decision(self.state, decision)
        self.decisions.append(decision)

    def note(self, level: Level, text: str, symbol: str = "") -> None:
        """A line for the log."""
        self.emit(Noted(level=level, text=text, symbol=symbol))

    def timer(self, timer: str, after_ms: int) -> None:
        """Come back to `timer` in `after_ms` of wall time."""
        self.emit(TimerSet(timer=timer, deadline=self.state.now + after_ms))

    def hold(self, symbol: str, reason: str) -> None:
        """Stop automatic trading of a symbol, or give it back (empty reason)."""
        if self.state.symbols[symbol].held != reason:
            self.emit(SymbolHeld(symbol=symbol, reason=reason))

    def plan(self, symbol: str, stop: int | None, target: int | None) -> None:
        """Set where the position of a symbol is protected."""
        s = self.state.symbols[symbol]
        if (s.plan_stop, s.plan_target) != (stop, target):
            self.emit(PlanSet(symbol=symbol, stop=stop, target=target))

    def answer(self, command_id: str, *, ok: bool, text: str) -> None:
        """The result of a command."""
        self.emit(CommandAnswered(command_id=command_id, ok=ok, text=text))
