"""One voter in depth: is it as often right as it says, who says the same as whom, and what its word would have earned."""

from __future__ import annotations

from engine.model.standing import Report, Standing
from engine.model.vote import ENSEMBLE, STRATEGIES
from widgets import format as fmt
from widgets.line import EMPTY, Line, Piece, say, sentences
from widgets.panel import Panel
from widgets.reliability import LEAST_HEIGHT, LEAST_WIDTH, reliability_lines
from widgets.spark import bar
from widgets.tones import signed_tone

NAME = 10
BAR = 20
JUDGED = 30
PLOT_WIDTH, PLOT_HEIGHT = 64, 20
LIST_WIDTH = 38
BELOW = 17
"""Lines that what stands below the calibration takes."""


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
                    (f"{group.votes:,} vote{'s' if group.votes != 1 else ''}", "dim"),
                )
            )
        )
    return lines


def agreement_lines(report: Report, voter: str) -> list[Line]:
    """How often others said the same."""
    lines: list[Line] = []
    for pair in report.agreements:
        if voter not in {pair.first, pair.second} and voter != ENSEMBLE:
            continue
        names = (
            f"{pair.first} and {pair.second}"
            if voter == ENSEMBLE
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


def matrix_lines(report: Report, chosen: str) -> list[Line]:
    """Of each two voters, how often they said the same of a candidate; the chosen one's row and column stand out."""
    names = list(dict.fromkeys(name for pair in report.agreements for name in (pair.first, pair.second)))
    if len(names) < 2:
        return []
    same = {frozenset((pair.first, pair.second)): pair for pair in report.agreements}
    head: list[Piece] = [
        (" " * NAME, "dim"),
        *((f"{name[:8]:>9}", "strong" if name == chosen else "dim") for name in names),
    ]
    lines = [Line(tuple(head))]
    for row in names:
        pieces: list[Piece] = [(fmt.left(row, NAME), "strong" if row == chosen else "text")]
        for column in names:
            pair = same.get(frozenset((row, column)))
            if row == column or pair is None or not pair.both:
                pieces.append((f"{'·' if row == column else '-':>9}", "faint"))
                continue
            tone = "accent bold" if chosen in {row, column} else "text"
            pieces.append((f"{pair.same * 100:>7.0f} %", tone))
        lines.append(Line(tuple(pieces)))
    return lines


def earned_line(one: Standing, report: Report) -> Line:
    """What trading by its word alone would have made, beside what the ensemble made."""
    ends = {curve.voter: curve.points[-1][1] - 1.0 for curve in report.curves if curve.points}
    gain = ends.get(one.voter)
    pieces: list[Piece] = [("Equity by its word alone  ", "text")]
    pieces.append((fmt.percent(gain), f"{signed_tone(gain)} bold") if gain is not None else ("-", "dim"))
    pieces.append((f"  {one.followed:,} followed", "dim"))
    return Line(tuple(pieces))


def answers_lines(report: Report, voter: str, width: int) -> list[Line]:
    """How often it answered when it was asked, and why not; none for who is never asked."""
    one = next((answers for answers in report.answers if answers.voter == voter), None)
    if one is None:
        return []
    gave = one.asked - one.abstained
    why = f"  abstained {one.abstained:,} times, most often: {one.why}" if one.abstained else ""
    tone = "warn" if one.abstained * 10 > one.asked else "dim"
    head = "Answered when it was asked  "
    counts = f"{gave:,} of {one.asked:,}"
    if len(head) + len(counts) + len(why) <= width:
        return [Line(((head, "text"), (counts, "strong"), (why, tone)))]
    return [Line(((head, "text"), (counts, "strong"))), *(sentences(why.strip(), width, tone) if why else [])]


def weight_line(one: Standing) -> Line:
    """How much its confidence counts among the votes, and why."""
    why = f"{one.votes:,} of {JUDGED} votes scored" if one.votes < JUDGED else f"0.25 / its Brier score {one.brier:.3f}"
    return Line((("Counts in the consensus  ", "text"), (f"x {one.weight:.2f}", "strong"), (f"  {why}", "dim")))


def beside(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Two blocks of lines next to each other; the left one gets `width` cells."""
    out: list[Line] = []
    for place in range(max(len(left), len(right))):
        first = left[place].pieces if place < len(left) else ()
        second = right[place].pieces if place < len(right) else ()
        gap = width - sum(len(text) for text, _ in first)
        out.append(Line((*first, (" " * max(0, gap), "text"), *second)))
    return out


class VoterDetail(Panel, can_focus=True):
    """The chosen voter."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Report | None, str, bool] = (None, "", False)

    def show(self, report: Report | None, voter: str, *, benched: bool = False) -> None:
        """Show one voter of a report."""
        if (report, voter, benched) != self._shown:
            self._shown = (report, voter, benched)
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Calibration, agreement, equity."""
        report, voter, benched = self._shown
        self.retitle((voter or "Voter", "text"))
        one = next((x for x in report.standings if x.voter == voter), None) if report is not None else None
        if report is None or one is None:
            text = (
                "A vote is scored once its horizon has passed: it was right where the price moved its way by more than "
                "the costs."
            )
            asked = answers_lines(report, voter, width) if report is not None else []
            return [*sentences(text, width), *([EMPTY, *asked] if asked else [])]
        lines: list[Line] = []
        if one.worse_than_chance:
            cure = "." if voter in {ENSEMBLE, STRATEGIES} else ": press b to bench it."
            cure = ", and not asked: b asks it again." if benched else cure
            lines += [*sentences(f"Right less often than a coin{cure}", width, "loss bold"), EMPTY]
        if voter != STRATEGIES:
            agreed = agreement_lines(report, voter)
            spare = height - len(lines) - len(one.calibration) - 1 - BELOW
            tight = spare < LEAST_HEIGHT <= spare + len(agreed) + 2  # the matrix tells the same
            below = BELOW - (len(agreed) + 2 if tight else 0)
            lines += [*self._calibration(one, width, height - len(lines), below), EMPTY]
            if agreed and voter != ENSEMBLE and not tight:
                lines += [say("Says the same as", "accent"), *agreed, EMPTY]
        matrix = matrix_lines(report, voter)
        if matrix and len(lines) + len(matrix) + 3 <= height:
            lines += [say("Who says the same as whom", "accent"), *matrix, EMPTY]
        elif voter == ENSEMBLE:
            lines += [say("Who says the same", "accent"), *agreement_lines(report, voter), EMPTY]
        if voter not in {ENSEMBLE, STRATEGIES}:
            lines += [*answers_lines(report, voter, width), weight_line(one)]
        return [*lines, earned_line(one, report)]

    def _calibration(self, one: Standing, width: int, height: int, below: int) -> list[Line]:
        """The curve with its numbers beside or below it; the numbers alone where `below` it is too little room."""
        title = say("Calibration: as often right as it says?", "accent")
        listed = calibration_lines(one, min(width, LIST_WIDTH + BAR))
        if not one.calibration:
            return [title, *listed]
        if width >= PLOT_WIDTH + LIST_WIDTH and height >= LEAST_HEIGHT + below:
            plot = reliability_lines(one.calibration, PLOT_WIDTH - 3, min(PLOT_HEIGHT, height - below))
            return [title, *beside(plot, calibration_lines(one, LIST_WIDTH), PLOT_WIDTH)]
        room = height - len(listed) - below
        if width >= LEAST_WIDTH and room >= LEAST_HEIGHT:
            return [title, *reliability_lines(one.calibration, min(PLOT_WIDTH, width), min(PLOT_HEIGHT, room)), *listed]
        return [title, *listed]
