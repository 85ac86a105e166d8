"""What the AI voters say of a symbol; where none is configured, that and what it takes."""

from __future__ import annotations

from engine.view import Desk
from widgets.line import EMPTY, Line, sentences
from widgets.panel import Panel


def ensemble_lines(voters: tuple[str, ...], width: int, *, forecaster: bool, live: bool) -> list[Line]:
    """The sentences that stand where votes would: which gates are skipped, and what would ask them."""
    verdict = "FAIL on live" if live else "SKIPPED"
    lines: list[Line] = []
    if voters:
        lines += sentences(f"Voters: {', '.join(voters)}", width, "text")
        lines += sentences("Asked when a candidate passes the free gates.", width)
    else:
        lines += sentences("No voter is configured.", width, "strong")
        lines += sentences(f"The votes gate is {verdict}.", width, "warn")
        lines += sentences("Needs keys of at least two of GPT, Claude and a local model: two agreeing votes.", width)
    if not forecaster:
        lines.append(EMPTY)
        lines += sentences(f"No forecaster: the forecast gate is {verdict}.", width)
    return lines


class EnsemblePanel(Panel, can_focus=True):
    """The voters' panel."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[tuple[str, ...], bool, bool] = ((), False, False)

    def show(self, desk: Desk, symbol: str) -> None:
        """Show what voters there are for `symbol`."""
        status = desk.status
        shown = (status.voters, status.forecaster, status.mode == "live")
        if shown != self._shown or not self._title:
            self._shown = shown
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Sentences."""
        voters, forecaster, live = self._shown
        word = f"{len(voters)} voters" if voters else "votes FAIL" if live else "votes SKIPPED"
        self.retitle(("Ensemble ", "text"), (word, "text" if voters else "warn bold"))
        return ensemble_lines(voters, width, forecaster=forecaster, live=live)
