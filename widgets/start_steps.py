"""Named progress of the engine's start; the panel goes away when the engine is ready."""

from __future__ import annotations

from engine.view import Desk, StepView
from widgets.line import EMPTY, Line, say, sentences
from widgets.panel import Panel
from widgets.spark import bar

NAME = 18


def step_line(step: StepView, width: int, *, current: bool) -> Line:
    """A step with its bar: done, under way, or to come."""
    done = step.total > 0 and step.done >= step.total
    sign, tone = ("✓", "profit") if done else ("▸", "accent bold") if current else ("·", "dim")
    share = step.done / step.total if step.total else 0.0
    count = f" {step.done}/{step.total}" if step.total > 1 else ""
    size = max(4, min(40, width - NAME - 4 - 10))
    return Line(
        (
            (f" {sign} ", tone),
            (step.name[:NAME].ljust(NAME), "text" if done or current else "dim"),
            (" " + bar(share, size), "up" if done else "accent"),
            (count.ljust(10), "dim"),
        )
    )


class StartSteps(Panel):
    """Shows itself until the engine is ready."""

    DEFAULT_CSS = """
    StartSteps { height: auto; max-height: 14; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._steps: tuple[StepView, ...] = ()

    def show(self, desk: Desk) -> None:
        """Show the newest state of the start; hides the panel when it is over."""
        status = desk.status
        if self.display == status.ready:
            self.display = not status.ready
        if status.ready or (status.steps == self._steps and self._title):
            return
        taller = len(status.steps) != len(self._steps)
        self._steps = status.steps
        if taller:
            self.refresh(layout=True)
        self.update()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line a step and a sentence."""
        return max(3, len(self._steps) + 2)

    def lay_out(self, width: int, height: int) -> list[Line]:
        """One line a step."""
        steps = self._steps
        done = sum(step.total > 0 and step.done >= step.total for step in steps)
        self.retitle(("Starting ", "text"), (f"{done} of {len(steps)}" if steps else "...", "accent bold"))
        if not steps:
            return sentences("Waiting for the engine's first word.", width)
        current = next((s.name for s in steps if not (s.total > 0 and s.done >= s.total)), "")
        lines = [step_line(step, width, current=step.name == current) for step in steps]
        if height > len(lines) + 1:
            waits = next((f" {step.name}: {step.waits}; trying again" for step in steps if step.waits), "")
            lines += [EMPTY, say(waits, "warn") if waits else say(" Charts draw as soon as their history is here.")]
        return lines
