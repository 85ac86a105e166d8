"""The signals screen by its keys: lists, filters, why and why not, approving only what is chosen."""

from __future__ import annotations

import msgspec
import pytest

from engine.ledger import Trail
from engine.model import command as c
from engine.model.signal import SignalStatus
from engine.model.vote import Score, Stance, Vote, VoteStatus, abstention
from engine.view import empty_desk
from station.actions import ON_SIGNALS, of_place
from station.past_signals import STATUSES, contract_of, signal_of
from station.screens.confirm import Confirm
from station.screens.help import Help
from station.screens.leave import Leave
from station.screens.search import Search
from station.screens.signals import SignalsScreen
from tests.station.fake_source import FakeSource
from tests.station.past_sample import Past, open_trail, past_signals, rich_past
from tests.station.test_positions_screen import opened, painted, settle
from tests.widgets.coin_table import symbol_of
from tests.widgets.desk_sample import NOW, sample_desk
from widgets import format as fmt
from widgets.candidates_panel import CandidatesPanel
from widgets.panel import Panel
from widgets.stoppers_panel import StoppersPanel
from widgets.story_panel import StoryPanel

FIRST, SECOND, TRADED, REFUSED = 46, 47, 38, 43
ASKS: dict[str, c.Command] = {
    "approve": c.ApproveSignal(signal_id=FIRST),
    "reject": c.RejectSignal(signal_id=FIRST),
    "pause": c.SetPaused(paused=True),
    "mode": c.SetAutonomy(autonomy=c.Autonomy.AUTO),
}
DIALOGS: dict[str, type] = {"kill": Confirm, "filter": Search, "help": Help, "quit": Leave}
MODES = {"desk", "backtest", "positions", "signals", "models", "ai", "settings"}
OTHERS = {"panel", "previous_panel", "maximise", "theme", "palette", "status"}


def test_every_key_of_the_screen_is_expected_to_do_something() -> None:
    assert {a.id for a in of_place(ON_SIGNALS)} - MODES == set(ASKS) | set(DIALOGS) | OTHERS


async def test_keys_ask_the_engine() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, SignalsScreen, "4") as (pilot, _):
        for action in of_place(ON_SIGNALS):
            if action.id in ASKS:
                await pilot.press(action.key)
                await settle(pilot)
                assert source.asked.pop() == ASKS[action.id]


async def test_keys_open_their_dialogs_and_escape_leaves_them() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, SignalsScreen, "4") as (pilot, screen):
        for action in of_place(ON_SIGNALS):
            if action.id in DIALOGS:
                await pilot.press(action.key)
                await pilot.pause()
                assert isinstance(pilot.app.screen, DIALOGS[action.id])
                await pilot.press("escape")
                await pilot.pause()
                assert pilot.app.screen_stack[1:] == [screen]
        assert source.asked == []


async def test_only_the_chosen_signal_is_approved() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, SignalsScreen, "4") as (pilot, screen):
        await pilot.press("down", "a")
        await settle(pilot)
        assert source.asked == [c.ApproveSignal(signal_id=SECOND)]
        await pilot.press("down")
        await settle(pilot)
        assert screen.chosen is not None
        assert screen.chosen.status is SignalStatus.SENT
        for key in ("a", "r"):
            await pilot.press(key)
            await settle(pilot)
        assert len(source.asked) == 1
        assert any("does not wait" in one.message for one in pilot.app._notifications)


async def test_without_a_waiting_signal_approve_says_so() -> None:
    source = FakeSource(empty_desk())
    async with opened(source, SignalsScreen, "4") as (pilot, _):
        await pilot.press("a")
        await pilot.pause()
        assert [one.message for one in pilot.app._notifications] == ["Approve: no signal waits"]
        assert source.asked == []


async def test_the_replicas_signals_and_the_past_are_one_list_of_which_each_is_there_once() -> None:
    desk = sample_desk(NOW)
    again = past_signals(5)
    live = desk.signals[TRADED]
    twice = msgspec.structs.replace(again[0], signal_id=live.id, symbol=live.symbol, status="sent")
    async with opened(FakeSource(desk, past=Past(signals=[twice, *again])), SignalsScreen, "4") as (_, screen):
        panel = screen.query_one(CandidatesPanel)
        assert panel.title_text.startswith("Signals 17  2 waiting 4:12")
        rows = painted(screen, CandidatesPanel).splitlines()[2:]
        assert [row.split()[1] for row in rows[:3]] == ["NEAR", "BNB", "LINK"]
        assert sum("BTC" in row and "filled" in row for row in rows) == 1


async def test_older_signals_come_page_by_page() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), SignalsScreen, "4") as (pilot, screen):
        for _ in range(6):
            await pilot.press("end")
            await settle(pilot)
        assert [args.get("before") for name, args in past.asked if name == "signals"] == [None, "100", "200", "300"]
        assert screen.query_one(CandidatesPanel).title_text.startswith("Signals 332 ")
        assert screen.chosen is not None
        assert screen.chosen.id == past_signals()[-1].signal_id


async def test_statuses_in_turn() -> None:
    async with opened(FakeSource(past=rich_past()), SignalsScreen, "4") as (pilot, screen):
        for words, statuses in (*STATUSES[1:], STATUSES[0]):
            await pilot.press("s")
            await settle(pilot)
            assert screen._shown
            assert {signal.status for signal in screen._shown} <= statuses
            assert words in screen.query_one(CandidatesPanel).title_text


async def test_one_symbol_and_all_again() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), SignalsScreen, "4") as (pilot, screen):
        every = len(screen._shown)
        assert every == 112  # the replica's and one page
        await pilot.press("slash", *"BTC", "enter")
        await settle(pilot)
        assert {signal.symbol for signal in screen._shown} == {symbol_of("BTC")}
        assert ("signals", symbol_of("BTC")) in [(name, args.get("symbol")) for name, args in past.asked]
        await pilot.press("slash")
        await settle(pilot)
        assert len(screen._shown) == every


def choose(screen: SignalsScreen, signal_id: int) -> None:
    screen.query_one(CandidatesPanel)._touched = True
    screen.query_one(CandidatesPanel).put_cursor(str(signal_id))


async def test_why_not_says_how_far_off_it_was() -> None:
    async with opened(FakeSource(past=rich_past()), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, REFUSED)
        await settle(pilot)
        story = painted(screen, StoryPanel)
        assert "Why not: 1 failed, 5 passed" in story
        assert "● candidate → ✗ gates → ✓ risk → · forecast → · votes → · order → · fill → · outcome" in story
        row = next(line for line in story.splitlines() if "✗ FAIL" in line)
        assert row.split()[2:] == ["spread", "4.1", "bp", "<=", "3.0", "bp", "▕████████▏", "137", "%"]
        assert "the spread is too wide" in story
        assert "No order was sent." in story
        assert "No trade: spread 4.1 bp > 3.0 bp." in story


async def test_why_goes_on_to_order_fill_and_outcome() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        story = painted(screen, StoryPanel)
        assert "✓ order → ✓ fill → +2.68" in story
        assert "+80 ms  acknowledged  exchange order 880001" in story
        assert "won +2.68  closed 20May 13:56 after 41m" in story
        assert [args for name, args in past.asked if name == "trail"].count({"signal": TRADED}) == 1


async def test_an_open_trade_tells_what_it_makes_now() -> None:
    desk = sample_desk(NOW)
    btc = symbol_of("BTC")
    desk.apply(msgspec.structs.replace(desk.positions[btc], origin=f"signal:{TRADED}"))
    past = Past(trails={("signal", TRADED): open_trail()})
    async with opened(FakeSource(desk, past=past), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        assert "still open: net +15.40 now" in painted(screen, StoryPanel)


async def test_votes_are_told_one_by_one() -> None:
    desk = sample_desk(NOW)
    votes = (
        Vote(
            voter="gpt", model="gpt-5.1-mini", status=VoteStatus.OK, stance=Stance.LONG, confidence=82, latency_ms=640,
            cost=120_000, reasons=("funding is flat and the news is quiet",), flags=("RSI 71 is 58",),
        ),
        abstention("claude", "claude", "no answer in 15 s"),
    )  # fmt: skip
    gates = tuple(
        msgspec.structs.replace(gate, verdict=gate.verdict.PASS, value="LONG 1 of 2") if gate.name == "votes" else gate
        for gate in desk.signals[TRADED].gates
    )
    desk.apply(msgspec.structs.replace(desk.signals[TRADED], gates=gates))
    trail = Trail(position=None, orders=(), fills=(), accepted={}, votes=votes)
    past = Past(trails={("signal", TRADED): trail})
    async with opened(FakeSource(desk, past=past), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        story = painted(screen, StoryPanel)
        assert "▲ LONG" in story
        assert "82  0.6s  0.0012 USD  gpt-5.1-mini" in story
        assert "funding is flat and the news is quiet" in story
        assert "contradicts its prompt: RSI 71 is 58" in story
        assert "no answer in 15 s" in story


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (False, ["The votes are judged when their horizon has passed."]),
        (
            True,
            ["the price moved -0.80 %", "would have made -0.92 %", "gpt ✗ wrong", "claude ✓ right", "ensemble ✗ wrong"],
        ),
    ],
)
async def test_what_became_of_a_candidate_is_told_though_it_was_not_taken(words: list[str], *, judged: bool) -> None:
    desk = sample_desk(NOW)
    votes = tuple(
        Vote(voter=name, model="m", status=VoteStatus.OK, stance=stance, confidence=80, reasons=("a", "b", "c"))
        for name, stance in (("gpt", Stance.LONG), ("claude", Stance.SHORT))
    )
    scores = tuple(
        Score(
            signal_id=TRADED, symbol=desk.signals[TRADED].symbol, bar_time=0, voter=name, stance=stance, confidence=80.0,
            candidate=1, move=-0.008, hit=stance is Stance.SHORT, brier=0.1, net=-0.0092, followed=True, at=NOW,
        )
        for name, stance in (
            ("gpt", Stance.LONG), ("claude", Stance.SHORT), ("ensemble", Stance.LONG), ("strategies", Stance.LONG),
        )
    )  # fmt: skip
    gates = tuple(
        msgspec.structs.replace(gate, verdict=gate.verdict.FAIL, value="no two agree") if gate.name == "votes" else gate
        for gate in desk.signals[TRADED].gates
    )
    refused = msgspec.structs.replace(
        desk.signals[TRADED], gates=gates, status=SignalStatus.REFUSED, reason="votes no two agree", client_id=""
    )
    desk.apply(refused)
    trail = Trail(position=None, orders=(), fills=(), accepted={}, votes=votes, scores=scores if judged else ())
    past = Past(trails={("signal", TRADED): trail})
    async with opened(FakeSource(desk, past=past), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        story = painted(screen, StoryPanel)
        assert "No order was sent." in story
        assert "No trade: votes no two agree." in story
        for word in words:
            assert word in story


async def test_a_candidate_that_the_side_change_ended_says_so_and_shows_its_late_votes() -> None:
    desk = sample_desk(NOW)
    gates = tuple(
        msgspec.structs.replace(gate, verdict=gate.verdict.SKIPPED, value="", reason="the side changed")
        if gate.name == "votes"
        else gate
        for gate in desk.signals[TRADED].gates
    )
    ended = msgspec.structs.replace(
        desk.signals[TRADED], gates=gates, status=SignalStatus.REFUSED, reason="votes the side changed", client_id=""
    )
    desk.apply(ended)
    votes = (Vote(voter="gpt", model="m", status=VoteStatus.OK, stance=Stance.LONG, confidence=80, reasons=("late",)),)
    trail = Trail(position=None, orders=(), fills=(), accepted={}, votes=votes)
    past = Past(trails={("signal", TRADED): trail})
    async with opened(FakeSource(desk, past=past), SignalsScreen, "4", (200, 60)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        story = painted(screen, StoryPanel)
        assert "not: refused" in story
        assert "gpt" in story
        assert "late" in story


async def test_what_stops_us_most_is_counted_over_the_list() -> None:
    async with opened(FakeSource(past=rich_past()), SignalsScreen, "4") as (pilot, screen):
        counts = painted(screen, StoppersPanel).splitlines()
        assert counts[0].startswith(f"What stops us most of the last {len(screen._shown)}")
        failed = [int(line.split()[-2]) for line in counts[2:] if line.strip()]
        assert failed == sorted(failed, reverse=True)
        assert len(failed) >= 4
        await pilot.press("s", "s")  # traded ones failed at none
        await settle(pilot)
        assert "No gate failed among them." in painted(screen, StoppersPanel)


def test_a_row_of_the_past_has_the_ticks_of_its_contract() -> None:
    row = past_signals(1)[0]
    desk = sample_desk(NOW)
    known = desk.instruments[row.symbol]
    assert row.stop is not None
    for contract in (known, contract_of(row)):
        signal = signal_of(row, contract if contract is known else None)
        assert signal.price * contract.tick_size == row.price
        assert abs(signal.stop * contract.tick_size - row.stop) <= contract.tick_size
        assert signal.lots * contract.lot_size == row.quantity
        assert fmt.price(contract, signal.price).replace(",", "") == f"{row.price:f}"


async def test_empty_places_have_a_sentence_and_trouble_is_told() -> None:
    async with opened(FakeSource(empty_desk()), SignalsScreen, "4") as (pilot, screen):
        assert "No signal yet." in painted(screen, CandidatesPanel)
        assert "Every gate of the chosen signal" in " ".join(painted(screen, StoryPanel).split())
        assert "the gates that stopped them" in " ".join(painted(screen, StoppersPanel).split())
        await pilot.press("s")
        await settle(pilot)
        assert "No signal is waiting. s takes another status" in painted(screen, CandidatesPanel)
    past = Past()
    past.trouble = "The journal could not be read: the disk is gone."
    async with opened(FakeSource(empty_desk(), past=past), SignalsScreen, "4") as (_, screen):
        assert "the disk is gone" in painted(screen, CandidatesPanel)


@pytest.mark.parametrize("size", [(60, 20), (120, 40), (200, 60)])
async def test_tab_reaches_every_panel_and_each_can_be_alone(size: tuple[int, int]) -> None:
    async with opened(FakeSource(past=rich_past()), SignalsScreen, "4", size) as (pilot, screen):
        seen = set()
        for _ in screen.PANELS:
            await pilot.press("tab")
            await pilot.pause()
            focused = screen.focused
            assert focused is not None
            assert focused.region.height > 2
            seen.add(focused)
            await pilot.press("z")
            await pilot.pause()
            assert [p for p in screen.query(Panel) if p.region.height > 1] == [focused]
            assert focused.region.width == size[0]
            await pilot.press("z")
            await pilot.pause()
        assert len(seen) == len(screen.PANELS)


async def test_a_long_story_is_scrolled() -> None:
    async with opened(FakeSource(past=rich_past()), SignalsScreen, "4", (80, 24)) as (pilot, screen):
        choose(screen, TRADED)
        await settle(pilot)
        story = screen.query_one(StoryPanel)
        assert "OUTCOME" not in painted(screen, StoryPanel)
        story.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "OUTCOME" in painted(screen, StoryPanel)
        await pilot.press("home")
        await pilot.pause()
        assert "● candidate" in painted(screen, StoryPanel)
