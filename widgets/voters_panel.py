"""The voters, the ensemble and the strategies alone, each with what its past is worth."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from engine.model.standing import Standing
from widgets import format as fmt
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences
from widgets.tones import signed_tone

COLUMNS = (
    Column("voter", 11, 0, right=False),
    Column("votes", 6, 0),
    Column("right", 6, 0),
    Column("95 %", 9, 2),
    Column("Brier", 6, 1),
    Column("followed", 8, 4),
    Column("earned", 9, 1),
    Column("cost", 8, 3),
    Column("a hit", 8, 5),
    Column("", 17, 0, right=False),
)


def remark(one: Standing | None, *, benched: bool) -> Piece:
    """What must not be overlooked about a voter."""
    if benched:
        return "benched", "warn"
    if one is not None and one.worse_than_chance:
        return "WORSE THAN CHANCE", "loss bold"
    return "", "dim"


def spent(one: Standing) -> str:
    """What its scored votes cost; ``>`` where the cost of some is not known."""
    if one.unpriced and not one.cost:
        return "unknown"
    return f"{'>' if one.unpriced else ''}${one.cost / 1e8:.3f}" if one.cost else fmt.UNKNOWN


def standing_cells(one: Standing, *, benched: bool) -> list[Piece]:
    """A voter's cells, for all columns."""
    known = one.votes > 0
    return [
        (one.voter, "strong"),
        (f"{one.votes:,}", "text"),
        (f"{one.accuracy * 100:.0f} %" if known else fmt.UNKNOWN, "text"),
        (f"{one.low * 100:.0f}-{one.high * 100:.0f} %" if known else fmt.UNKNOWN, "dim"),
        (f"{one.brier:.3f}" if known else fmt.UNKNOWN, "text"),
        (f"{one.followed:,}", "dim"),
        (fmt.percent(one.earned), signed_tone(one.earned)),
        (spent(one), "warn" if one.unpriced else "dim"),
        (f"${one.cost_per_hit / 1e8:.4f}" if one.cost and one.cost_per_hit else fmt.UNKNOWN, "dim"),
        remark(one, benched=benched),
    ]


def unscored_cells(voter: str, *, benched: bool) -> list[Piece]:
    """A configured voter without a scored vote."""
    blank: Piece = (fmt.UNKNOWN, "dim")
    return [(voter, "strong"), ("0", "dim"), *([blank] * 7), remark(None, benched=benched)]


class VotersPanel(CursorPanel):
    """The list."""

    class Moved(Message):
        """Another voter is chosen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Sequence[Standing], tuple[str, ...], tuple[str, ...], str, bool] | None = None
        self._touched = False

    def show(
        self,
        standings: Sequence[Standing],
        voters: tuple[str, ...],
        benched: tuple[str, ...],
        trouble: str = "",
        *,
        simulated: bool = False,
    ) -> None:
        """Show these; `trouble` is why they did not come, or empty; `simulated`: heuristics answer, and it says so."""
        shown = (standings, voters, benched, trouble, simulated)
        if shown != self._shown:
            self._shown = shown
            self.update()

    def moved(self, key: str) -> None:
        """Another voter; until then the cursor is on the first row, whatever comes there."""
        self._touched = True
        self.post_message(self.Moved())

    def chosen(self, key: str) -> None:
        """Another voter, by Enter or mouse."""
        self._touched = True
        self.post_message(self.Moved())

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A row a voter, a sentence where there is none."""
        standings, voters, benched, trouble, simulated = self._shown or ((), (), (), "", False)
        scored = sum(one.votes for one in standings if one.voter not in {"ensemble", "strategies"})
        label: tuple[Piece, ...] = (("  SIMULATED", "warn bold"),) if simulated else ()
        self.retitle(("Voters ", "text"), (f"{scored:,} votes scored", "dim"), *label)
        if trouble:
            return self.place([], height, sentences(trouble, width, "loss"))
        if not standings and not voters:
            text = (
                "No voter is configured and no vote was ever scored. Two of GPT, Claude and a local model are needed."
            )
            return self.place([], height, sentences(text, width))
        columns = kept(COLUMNS, width)
        known = {one.voter for one in standings}
        rows: list[Row] = [
            (one.voter, row(COLUMNS, columns, standing_cells(one, benched=one.voter in benched))) for one in standings
        ]
        rows += [
            (name, row(COLUMNS, columns, unscored_cells(name, benched=name in benched)))
            for name in voters
            if name not in known
        ]
        if not self._touched:
            self._cursor = rows[0][0]
        return self.place(rows, height, [header(COLUMNS, columns)])
