"""One voter in depth: is it as often right as it says, whom does it agree with, and what would its word have earned."""

from __future__ import annotations

from engine.model.standing import Report, Standing
from widgets import format as fmt
from widgets.line import EMPTY, Line, Piece, say, sentences
from widgets.panel import Panel
from widgets.spark import bar, sparkline
from widgets.tones import signed_tone

NAME = 11
BAR = 20


def calibration_lines(one: Standing, width: int) -> list[Line]:
    """What it said against how often it was right, a line for each bin."""
    room = max(4, min(BAR, width - 34))
    lines = [say("said   was right", "dim")]
    for group in one.calibration:
        gap = group.accuracy - group.confidence
        lines.append(
            Line(
                (
                    (f"{group.confidence * 100:>3.0f} %  ", "text"),
                    (f"{group.accuracy * 100:>3.0f} % ", "strong"),
                    (bar(group.accuracy, room), "accent"),
                    (f" {gap * 100:+4.0f} ", signed_tone(gap) if abs(gap) >= 0.1 else "dim"),
                    (f"{group.votes:,} votes", "dim"),
                )
            )
        )
    return lines


def agreement_lines(report: Report, voter: str) -> list[Line]:
    """How often others said the same."""
    lines: list[Line] = []
    for pair in report.agreements:
        if voter not in {pair.first, pair.second} and voter != "ensemble":
            continue
        names = (
            f"{pair.first} and {pair.second}"
            if voter == "ensemble"
            else pair.second
            if voter == pair.first
            else pair.first
        )
        pieces: tuple[Piece, ...] = (
            (f"{names}  ", "text"),
            (f"{pair.same * 100:.0f} %", "strong"),
            (f" of {pair.both:,}", "dim"),
        )
        lines.append(Line(pieces))
    return lines


def curve_lines(report: Report, width: int) -> list[Line]:
    """What following each would have made of 1, side by side."""
    room = width - NAME - 10
    lines: list[Line] = []
    for one in report.curves:
        if not one.points:
            continue
        gain = one.points[-1][1] - 1.0
        pieces: list[Piece] = [(fmt.left(one.voter, NAME), "text"), (f"{fmt.percent(gain):>8} ", signed_tone(gain))]
        if room >= 8:
            pieces.append((sparkline([value for _, value in one.points], room), signed_tone(gain)))
        lines.append(Line(tuple(pieces)))
    return lines


class VoterDetail(Panel, can_focus=True):
    """The chosen voter."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Report | None, str] = (None, "")

    def show(self, report: Report | None, voter: str) -> None:
        """Show one voter of a report."""
        if (report, voter) != self._shown:
            self._shown = (report, voter)
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Calibration, agreement, equity."""
        report, voter = self._shown
        self.retitle((voter or "Voter", "text"))
        one = next((x for x in report.standings if x.voter == voter), None) if report is not None else None
        if report is None or one is None:
            return sentences("A vote is scored once its horizon has passed: it was right where the price moved its way by "
                             "more than the costs.", width)  # fmt: skip
        lines: list[Line] = []
        if one.worse_than_chance:
            lines += [*sentences("Right less often than a coin: press b to bench it.", width, "loss bold"), EMPTY]
        if voter != "strategies":
            lines += [say("Calibration", "accent"), *calibration_lines(one, width), EMPTY]
            agreed = agreement_lines(report, voter)
            if agreed:
                lines += [say("Says the same as", "accent"), *agreed, EMPTY]
        lines += [say("Equity by each word alone (all in, one after another; no forecast)", "accent")]
        return [*lines, *curve_lines(report, width)]
