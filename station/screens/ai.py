"""The AI screen: how the voters have done, and who is asked."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from engine.errors import TrefoilError
from engine.model import command as c
from engine.model.standing import Report
from headless.source import Source
from station.actions import ON_AI
from station.screens.acting import Acting, bindings
from widgets.ensemble_panel import EnsemblePanel
from widgets.race_panel import RacePanel
from widgets.voter_detail import VoterDetail
from widgets.voters_panel import VotersPanel

REFRESH_S = 15.0
_REPORT = msgspec.json.Decoder(Report)


class AiScreen(Acting):
    """Standings at the left over the curves with and without AI, the chosen voter at the right over the newest votes."""

    PLACE: ClassVar[str] = ON_AI
    PANELS: ClassVar[tuple[str, ...]] = ("#voters", "#detail", "#race", "#newest")
    BINDINGS: ClassVar[list[BindingType]] = bindings(ON_AI)
    CSS_PATH: ClassVar[str] = "ai.tcss"

    def __init__(self, source: Source, keys: dict[str, str], symbol: str | None) -> None:
        super().__init__(source, keys, symbol)
        self._report: Report | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        """Banner, lists, detail, keys."""
        yield from self.framed(
            Vertical(
                VotersPanel(id="voters", classes="panel -shown"),
                RacePanel(id="race", classes="panel"),
                id="left",
                classes="row",
            ),
            Vertical(
                VoterDetail(id="detail", classes="panel -shown"),
                EnsemblePanel(id="newest", classes="panel"),
                id="right",
                classes="row",
            ),
        )

    def on_mount(self) -> None:
        """The report, and again now and then: votes come due with the bars."""
        self._read()
        self.set_interval(REFRESH_S, self._read)

    @property
    def chosen(self) -> str:
        """The voter under the cursor."""
        return self.query_one(VotersPanel).cursor

    def _paint(self) -> None:
        status, report = self.desk.status, self._report
        standings = report.standings if report is not None else ()
        simulated = status.mode == "demo" or any(v.simulated for b in self.desk.ballots.values() for v in b.votes)
        self.query_one(VotersPanel).show(standings, status.voters, status.benched, self._said, simulated=simulated)
        self.query_one(VoterDetail).show(report, self.chosen, benched=self.chosen in status.benched)
        self.query_one(RacePanel).show(report, self.chosen)
        newest = max(self.desk.ballots.values(), key=lambda ballot: ballot.at, default=None)
        self.query_one(EnsemblePanel).show(self.desk, newest.symbol if newest is not None else self.symbol)
        super()._paint()

    @work(group="report", exclusive=True)
    async def _read(self) -> None:
        if not self._source.connected:
            return
        try:
            self._report = _REPORT.decode(await self._source.query("standings", {}))
            self._said = ""
        except TrefoilError as error:
            self._said = str(error)
        self._dirty = True

    def _step_panel(self, by: int) -> None:
        super()._step_panel(by)
        shown = self.PANELS[self._panel]
        self.set_class(shown == "#race", "-race")
        self.set_class(shown == "#newest", "-newest")

    def on_voters_panel_moved(self) -> None:
        """Another voter."""
        self._dirty = True

    def _do_bench(self) -> None:
        status, voter = self.desk.status, self.chosen
        if voter not in status.voters:
            self.say("Bench: choose one of the voters", "warning")
            return
        self.ask(c.BenchVoter(voter=voter, benched=voter not in status.benched))
