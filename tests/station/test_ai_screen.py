"""The AI screen by its keys: what the voters' past is worth, and who is asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.ai.scores import report
from engine.errors import BadInput
from engine.model import command as c
from engine.model.standing import Report
from engine.model.vote import Score, Stance
from engine.view_board import BallotView, VoteView
from station.app import StationApp
from station.screens.ai import AiScreen
from station.screens.desk import DeskScreen
from tests.station.fake_source import FakeSource
from tests.widgets.coin_table import symbol_of
from tests.widgets.desk_sample import NOW, sample_desk
from widgets.ensemble_panel import EnsemblePanel
from widgets.panel import Panel
from widgets.voter_detail import VoterDetail
from widgets.voters_panel import VotersPanel

BTC = symbol_of("BTC")
VOTERS = ("gpt", "claude", "llama")


def score(signal_id: int, voter: str, *, hit: bool, stance: Stance = Stance.LONG) -> Score:
    return Score(
        signal_id=signal_id, symbol=BTC, bar_time=0, voter=voter, stance=stance, confidence=80.0, candidate=1,
        move=0.01, hit=hit, brier=0.04 if hit else 0.64, net=0.009 if hit else -0.011, followed=True,
        at=signal_id * 60_000, cost=200_000,
    )  # fmt: skip


def past() -> Report:
    """GPT is right two times in three, Claude one in four; llama has no scored vote yet."""
    rows = []
    for i in range(40):
        rows += [score(i, "gpt", hit=i % 3 > 0), score(i, "claude", hit=i % 4 == 0, stance=Stance.SHORT)]
        rows += [score(i, "ensemble", hit=i % 3 > 0), score(i, "strategies", hit=i % 2 == 0)]
    return report(rows)


class Source(FakeSource):
    """Knows the standings."""

    def __init__(self, answer: Report | None) -> None:
        desk = sample_desk(NOW)
        desk.status = replace(desk.status, voters=VOTERS, benched=("llama",))
        votes = (VoteView("gpt", "SIMULATED-gpt", "LONG", 81, "SIMULATED: x", 200, 0, simulated=True),)
        desk.ballots[BTC] = BallotView(symbol=BTC, signal_id=1, side=1, at=NOW, votes=votes, stance="NEUTRAL")
        super().__init__(desk)
        self._answer = answer

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> msgspec.Raw:
        if name != "standings":
            return await super().query(name, args)
        if self._answer is None:
            raise BadInput("query", name, "the engine is still starting")
        return msgspec.Raw(msgspec.json.encode(self._answer))


def painted(screen: AiScreen, kind: type[Panel]) -> str:
    panel = screen.query_one(kind)
    lines = [panel.render_line(y).text for y in range(panel.content_size.height)]
    return "\n".join([panel.title_text, *lines])


async def opened(pilot: Pilot[None]) -> AiScreen:
    await pilot.press("6")
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, AiScreen)
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        screen._paint()
    await pilot.pause()
    return screen


def app(source: FakeSource) -> StationApp:
    return StationApp(source, keys={}, theme="", symbol=None)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_each_voter_has_its_row(size: tuple[int, int]) -> None:
    async with app(Source(past())).run_test(size=size) as pilot:
        screen = await opened(pilot)
        text = painted(screen, VotersPanel)
        rows = {line.split()[0]: line for line in text.splitlines()[2:] if line.strip()}
        assert list(rows)[:2] == ["ensemble", "strategies"]
        assert set(rows) >= {"gpt", "claude", "llama"}
        assert "65 %" in rows["gpt"]
        assert "25 %" in rows["claude"]
        if size[0] >= 120:
            assert "WORSE THAN" in rows["claude"]
            assert "benched" in rows["llama"]
            assert "SIMULATED" in painted(screen, EnsemblePanel)


async def test_the_chosen_voter_is_taken_apart() -> None:
    async with app(Source(past())).run_test(size=(160, 50)) as pilot:
        screen = await opened(pilot)
        await pilot.press("home", "down", "down")  # the ensemble, the strategies, claude
        screen._paint()
        text = painted(screen, VoterDetail)
        assert screen.chosen == "claude"
        for words in ("press b to bench", "Calibration", " 80 %", " 25 %", "-55", "gpt  0 % of 40", "Equity"):
            assert words in text


async def test_b_benches_and_asks_again() -> None:
    source = Source(past())
    async with app(source).run_test(size=(160, 50)) as pilot:
        await opened(pilot)
        await pilot.press("home", "b")  # the ensemble is not to be benched
        await pilot.press("down", "down", "down", "b")
        await pilot.press("down", "b")
        await pilot.app.workers.wait_for_complete()
    assert source.asked == [c.BenchVoter(voter="gpt", benched=True), c.BenchVoter(voter="llama", benched=False)]


async def test_esc_goes_back_to_the_desk() -> None:
    async with app(Source(past())).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DeskScreen)


@pytest.mark.parametrize(("answer", "words"), [(None, "the engine is still starting"), (Report((), (), ()), "llama")])
async def test_nothing_to_show_is_said(answer: Any, words: str) -> None:
    async with app(Source(answer)).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert words in painted(screen, VotersPanel)
