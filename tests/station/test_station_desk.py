"""Every action of the table does what it says, at every size, with and without an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from engine.errors import BadInput
from engine.model import command as c
from engine.model.order import OrderKind, Side
from engine.view import StatusView, empty_desk
from station.actions import ACTIONS, ON_DESK, of_place
from station.app import StationApp
from station.keymap import read_keys
from station.preview import Draft, preview
from station.screens.confirm import Confirm
from station.screens.desk import DeskScreen
from station.screens.help import Help
from station.screens.leave import Leave
from station.screens.protect import Protect
from station.screens.search import Search
from station.screens.ticket import Ticket
from station.screens.why import Why
from tests.station.fake_source import FakeSource
from tests.widgets.desk_sample import NOW, sample_desk
from widgets.banner import ModeBanner
from widgets.candle_chart import CandleChart
from widgets.panel import Panel

HELD = next(iter(sample_desk(NOW).positions))
WAITING = sample_desk(NOW).waiting()[0].id


def station(source: FakeSource, symbol: str = HELD, **keys: str) -> StationApp:
    return StationApp(source, keys=keys, theme="", symbol=symbol)


def text_of(app: StationApp) -> str:
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines[:height])[: (width + 1) * height * 2]


ASKS: dict[str, c.Command] = {
    "close": c.ReducePosition(symbol=HELD),
    "half": c.ReducePosition(symbol=HELD, percent=50),
    "flip": c.FlipPosition(symbol=HELD),
    "cancel_all": c.CancelAll(),
    "approve": c.ApproveSignal(signal_id=WAITING),
    "reject": c.RejectSignal(signal_id=WAITING),
    "pause": c.SetPaused(paused=True),
    "mode": c.SetAutonomy(autonomy=c.Autonomy.OBSERVE),
}
SCREENS: dict[str, type] = {
    "buy": Ticket,
    "sell": Ticket,
    "protect": Protect,
    "flatten": Confirm,
    "kill": Confirm,
    "why": Why,
    "search": Search,
    "help": Help,
    "quit": Leave,
}
MODES = {"backtest", "models", "positions", "signals", "ai", "settings"}
LOCAL = {
    "outside",
    "release",
    "next_symbol",
    "previous_symbol",
    "longer",
    "shorter",
    "zoom_in",
    "zoom_out",
    "back",
    "forth",
    "newest",
    "crosshair",
    "overlays",
    "panel",
    "previous_panel",
    "maximise",
    "theme",
    "palette",
}


def test_every_action_of_the_table_is_expected_to_do_something() -> None:
    assert {a.id for a in of_place(ON_DESK)} - MODES == set(ASKS) | set(SCREENS) | LOCAL


@pytest.mark.parametrize("name", sorted(ASKS))
async def test_a_key_asks_the_engine(name: str) -> None:
    source = FakeSource()
    source.desk.status = _status(source, autonomy="auto")
    action = next(a for a in ACTIONS if a.id == name)
    async with station(source).run_test(size=(120, 40)) as pilot:
        await pilot.press(action.key.split(",")[0])
        await pilot.pause()
        assert source.asked == [ASKS[name]]


def _status(source: FakeSource, **changes: object) -> StatusView:
    return msgspec.structs.replace(source.desk.status, **changes)


@pytest.mark.parametrize("name", sorted(SCREENS))
async def test_a_key_opens_its_screen_and_escape_leaves_it(name: str) -> None:
    source = FakeSource()
    action = next(a for a in ACTIONS if a.id == name)
    app = station(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(action.key)
        await pilot.pause()
        assert isinstance(app.screen, SCREENS[name])
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, DeskScreen)
        assert source.asked == []


async def alone(pilot: Pilot[None], desk: DeskScreen) -> list[Widget]:
    """The panels that are seen after the key."""
    await pilot.press("z")
    await pilot.pause()
    return [panel for panel in desk.query(Panel) if panel.size.height > 1]


def crosshair(desk: DeskScreen) -> bool:
    return desk.query_one("#chart", CandleChart).crosshair_on


async def test_local_keys_change_what_is_looked_at() -> None:
    source = FakeSource()
    app = station(source)
    async with app.run_test(size=(120, 40)) as pilot:
        desk = app.screen
        assert isinstance(desk, DeskScreen)
        symbols = desk.symbols()
        await pilot.press("full_stop")
        assert desk.symbol == symbols[(symbols.index(HELD) + 1) % len(symbols)]
        await pilot.press("comma")
        assert desk.symbol == HELD
        before = desk.timeframe_ms
        await pilot.press("right_square_bracket")
        assert desk.timeframe_ms > before
        await pilot.press("left_square_bracket")
        assert desk.timeframe_ms == before
        desk._paint()
        await pilot.press("g")
        assert crosshair(desk)
        await pilot.press("g")
        assert not crosshair(desk)
        theme = app.theme
        await pilot.press("t")
        assert app.theme != theme
        assert await alone(pilot, desk) == [desk.focused]
        assert desk.query_one(ModeBanner).region.height == 1
        assert len(await alone(pilot, desk)) == 7
        focused = desk.focused
        await pilot.press("tab")
        assert desk.focused is not focused


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 30), (200, 60)])
async def test_every_panel_that_tab_reaches_can_be_alone(size: tuple[int, int]) -> None:
    app = station(FakeSource())
    async with app.run_test(size=size) as pilot:
        desk = app.screen
        assert isinstance(desk, DeskScreen)
        seen: set[Widget | None] = set()
        for _ in range(10 if size[0] >= 160 else 6):
            await pilot.press("tab")
            await pilot.pause()
            assert desk.focused is not None
            assert desk.focused.region.height > 2
            seen.add(desk.focused)
            assert await alone(pilot, desk) == [desk.focused]
            assert desk.focused.region.width == size[0]
            assert desk.focused.region.height > size[1] - 6
            await alone(pilot, desk)
        assert len(seen) == (10 if size[0] >= 160 else 6)


async def test_the_palette_knows_every_action() -> None:
    from station.palette import Actions

    app = station(FakeSource())
    async with app.run_test(size=(120, 40)):
        found = [hit.help async for hit in Actions(app.screen).discover()]
        assert found == [a.help for a in of_place(ON_DESK)]


@pytest.mark.parametrize("key", ["c", "h", "f", "a", "R", "b"])
async def test_what_is_not_possible_says_why_and_asks_nothing(key: str) -> None:
    source = FakeSource(empty_desk())
    app = station(source, "BTC/USDT:USDT")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, DeskScreen)
        assert len(app._notifications) == 1
        assert source.asked == []


async def test_the_ticket_sends_what_it_showed() -> None:
    source = FakeSource()
    app = station(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b")
        await pilot.pause()
        ticket = app.screen
        assert isinstance(ticket, Ticket)
        shown = ticket._preview()
        assert shown.errors == {}
        await pilot.press("enter")
        await pilot.pause()
        (order,) = source.asked
        assert isinstance(order, c.PlaceOrder)
        grid = source.desk.instruments[HELD]
        assert (order.side, order.kind, order.symbol) == (Side.BUY, OrderKind.MARKET, HELD)
        assert order.quantity == grid.lot_size * shown.lots


async def test_a_live_order_needs_a_second_enter_and_a_live_flatten_the_word() -> None:
    source = FakeSource(sample_desk(NOW, mode="live"))
    app = station(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert source.asked == []
        await pilot.press("enter")
        await pilot.pause()
        assert len(source.asked) == 1
        await pilot.press("X")
        await pilot.pause()
        await pilot.press("y", "enter")
        await pilot.pause()
        assert len(source.asked) == 1
        await pilot.press("X")
        await pilot.pause()
        await pilot.press(*"FLATTEN", "enter")
        await pilot.pause()
        assert source.asked[1:] == [c.FlattenAll()]


async def test_quitting_detaches_or_stops() -> None:
    for key, stopped in (("d", False), ("s", True)):
        source = FakeSource()
        app = station(source)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("q")
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
        assert source.stopped is stopped


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30), (120, 30), (120, 40), (200, 30), (200, 60)])
async def test_every_size_shows_what_keeps_money_safe(size: tuple[int, int]) -> None:
    source = FakeSource()
    app = station(source)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = text_of(app)
        assert "DEMO" in text
        assert "equity" in text
        assert "Positions" in text
        assert HELD.split("/")[0] in text
        assert "Too small for a chart" not in text


async def test_a_terminal_too_small_says_so() -> None:
    app = station(FakeSource())
    async with app.run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        assert "too small" in text_of(app)


async def test_the_engine_starts_when_the_first_frame_is_there() -> None:
    seen: list[str] = []
    app = StationApp(
        FakeSource(), keys={}, theme="", symbol=HELD, begin=lambda: seen.append(app.call_from_thread(text_of, app))
    )
    async with app.run_test(size=(120, 40)) as pilot:
        while not seen:
            await pilot.pause()
        await pilot.pause()
        assert len(seen) == 1
        assert "DEMO" in seen[0]


async def test_an_engine_that_cannot_be_started_ends_the_station(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    app = StationApp(FakeSource(), keys={}, theme="", symbol=HELD, begin=full)
    async with app.run_test(size=(120, 40)) as pilot:
        while app.return_code is None:
            await pilot.pause()
    assert app.return_code == 1
    assert "the engine cannot be started: [Errno 28] No space left on device" in capsys.readouterr().err


async def test_trouble_and_a_lost_engine_are_said() -> None:
    source = FakeSource(empty_desk(), connected=False, trouble="The disk is full; free some space.")
    app = station(source, "")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "The disk is full" in text_of(app)
    source = FakeSource(connected=False)
    app = station(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "LOST" in text_of(app).upper()


def test_a_key_map_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    assert read_keys(file) == {}
    file.write_text('status = "b"\n')  # buys on the desk, and is free where statuses are
    assert read_keys(file) == {"status": "b"}
    file.write_text('buy = "ctrl+b"\n')
    assert read_keys(file) == {"buy": "ctrl+b"}
    for text, said in (
        ('byu = "b"', "byu"),
        ('buy = "s"', "already belongs to"),
        ('positions = "4"', "already belongs to"),
        ("buy = 1", "a key is a text"),
        ("=", "TOML"),
    ):
        file.write_text(text)
        with pytest.raises(BadInput, match=said):
            read_keys(file)


def test_a_preview_is_computed_by_hand() -> None:
    desk = sample_desk(NOW)
    view = desk.instruments["BTC/USDT:USDT"]
    tick, entry = view.tick_size, desk.quotes["BTC/USDT:USDT"].ask
    stop, target = entry - 1_000, entry + 3_000
    draft = Draft(1, f"{view.lot_size * 10}", "", f"{tick * stop}", f"{tick * target}", market=True)
    seen = preview(draft, view, desk)
    notional = entry * 10 * view.unit
    fee = notional * view.taker_ppm // 1_000_000
    assert seen.errors == {}
    assert (seen.entry, seen.lots, seen.notional) == (entry, 10, notional)
    assert abs(seen.fee - fee) <= 1
    assert seen.risk == 1_000 * 10 * view.unit + 2 * seen.fee
    wrong = preview(Draft(1, "0.00001", "", f"{tick * target}", "x", market=True), view, desk)
    assert set(wrong.errors) == {"quantity", "stop", "target"}


def test_the_station_loads_only_light_parts() -> None:
    heavy = [
        "ccxt",
        "numpy",
        "talib",
        "numba",
        "sqlalchemy",
        "pyarrow",
        "aiohttp",
        "tensorflow",
        "pydantic",
        "engine.core",
        "storage",
    ]
    code = f"import sys, station.app, headless.client; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
