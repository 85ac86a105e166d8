"""A recorded market through simulator, engine and station at maximum speed: all three tell the truth of the file."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from engine.candle_file import read_candles
from engine.model import decision as d
from engine.model import event as e
from engine.model.settings import Settings
from engine.ports import Entry
from engine.readings import HistoryReadings
from headless.client import EngineClient
from headless.session import DEMO_SETTINGS
from station.app import StationApp
from storage import codec
from storage.database import Database
from storage.tables import journal
from tests.e2e.nursery import Engine
from tests.e2e.rig import Rig, rig, until
from widgets.banner import ModeBanner

FILE = "binance_usdm_BTCUSDT_1m_2025-05.parquet"
BARS = 900
SYMBOL = "BTC/USDT:USDT"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def recorded(market_data: Path, tmp_path: Path) -> Path:
    target = tmp_path / FILE
    pq.write_table(pq.read_table(market_data / "candles" / FILE).slice(0, BARS), target)
    return target


def arguments(file: Path) -> list[str]:
    return ["--replay", str(file), "--speed", "max", "--seed", "3"]


async def played(one: Rig, client: EngineClient) -> None:
    """Until the file is played and the engine has dealt with all of it."""
    one.start(lockstep=True)
    await until(lambda: client.connected and client.desk.status.ready, "not ready")
    for _ in range(2_000):
        if (await one.state())["ended"]:
            break
        await asyncio.sleep(0.05)
    assert (await one.state())["ended"]
    assert (await one.state())["waits_timed_out"] == 0


async def entries(one: Rig) -> list[Entry]:
    """The whole journal."""
    database = Database(one.home.database_url)
    try:
        async with database.connect() as connection:
            rows = (await connection.execute(select(journal).order_by(journal.c.seq))).all()
        return [codec.decode(row.seq, row.payload, row.crc) for row in rows]
    finally:
        await database.close()


async def margin_balance(one: Rig) -> Decimal:
    """Equity from the exchange's signed history alone: deposits, realised profit, fees, funding, open profit."""
    trades = await one.signed("/fapi/v1/userTrades", symbol="BTCUSDT", limit=1000)
    income = await one.signed("/fapi/v1/income", limit=1000)
    positions = await one.signed("/fapi/v3/positionRisk")
    total = Decimal(10_000)
    total += sum((Decimal(t["realizedPnl"]) - Decimal(t["commission"]) for t in trades), Decimal(0))
    total += sum((Decimal(i["income"]) for i in income if i["incomeType"] == "FUNDING_FEE"), Decimal(0))
    return total + sum((Decimal(p["unRealizedProfit"]) for p in positions), Decimal(0))


def story(found: list[Entry]) -> list[tuple[Any, ...]]:
    """Signals, orders and executions without ids of the run and without wall time."""
    out: list[tuple[Any, ...]] = []
    for entry in found:
        if isinstance(entry.event, e.OrderFilled):
            f = entry.event.fill
            out.append(("fill", f.client_id.split("-", 1)[1], f.side, f.ticks, f.lots, f.fee, f.venue_time))
        for decision in entry.decisions:
            if isinstance(decision, d.SignalDecided):
                s = decision.signal
                out.append(("signal", s.bar_time, s.action, s.status, s.price, s.stop, s.target, s.lots))
            elif isinstance(decision, d.SubmitOrder):
                r = decision.approved.request
                out.append(("order", r.client_id.split("-", 1)[1], r.kind, r.side, r.lots, r.trigger))
    return out


async def test_the_file_the_exchange_the_engine_and_the_station_agree(recorded: Path, tmp_path: Path) -> None:
    async with rig(tmp_path / "demo", arguments(recorded)) as one:
        client = EngineClient(one.home.socket, one.folder / "engine.log")
        app = StationApp(client, keys={}, theme="", symbol=None)
        async with app.run_test(size=(120, 40)) as pilot:
            await played(one, client)
            venue = await one.state()
            equity = Decimal(venue["margin_balance"])
            await until(lambda: Decimal(client.desk.account.equity) / 10**8 == equity, "the replica's equity differs")
            assert abs(await margin_balance(one) - equity) < Decimal("0.01")
            assert Decimal(client.desk.account.cash) / 10**8 == Decimal(venue["wallet"])
            await until(lambda: f"{equity:,.2f}" in banner(app), "the banner shows another equity")
            lots = {p["symbol"]: p["lots"] for p in venue["positions"]}
            assert {name: p.lots for name, p in client.desk.positions.items()} == lots
            await pilot.pause()

        found = await entries(one)
        bars = [entry.event for entry in found if isinstance(entry.event, e.BarClosed)]
        file = read_candles(recorded)
        assert [b.bar for b in bars] == list(file.bars)
        assert any(isinstance(entry.event, e.OrderFilled) for entry in found)

        settings = msgspec.convert(DEMO_SETTINGS, Settings)
        history = HistoryReadings({SYMBOL: file.bars}, settings)
        for i, bar in enumerate(bars[1:], 2):
            assert bar.readings == history.read(SYMBOL, file.bars[:i]).sides, f"bar {i}"


def stopped(engine: Engine) -> bool:
    return engine.poll() is not None


def banner(app: StationApp) -> str:
    widget = app.screen.query_one(ModeBanner)
    return "".join(segment.text for segment in widget.render_line(0))


async def test_the_same_seed_tells_the_same_story(recorded: Path, tmp_path: Path) -> None:
    stories = []
    for name in ("first", "second"):
        async with rig(tmp_path / name, arguments(recorded)) as one, one.client() as client:
            await played(one, client)
            assert (await client.stop_engine()).ok
            assert one.engine is not None
            await until(partial(stopped, one.engine), "it did not stop")
            stories.append(story(await entries(one)))
    assert stories[0] == stories[1]
    assert {kind for kind, *_ in stories[0]} == {"signal", "order", "fill"}
