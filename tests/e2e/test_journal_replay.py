"""`trefoil journal replay` on real days of the demo: one left alone, one with people in it and a kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from websockets.asyncio.client import connect

from engine.model.command import PlaceOrder, ReducePosition, ReleaseSymbol, SetPaused
from engine.model.order import OrderKind, OrderStatus, Side
from engine.model.signal import SignalStatus
from headless.client import EngineClient
from headless.session import DEMO_SETTINGS
from tests.e2e.rig import PATIENCE_S, Rig, rig, until

FILE = "binance_usdm_BTCUSDT_1m_2025-05.parquet"
SYMBOL = "BTC/USDT:USDT"
MINUTE = 60_000
# A crossing every half hour or so, and nothing but a person, a gate or a fault keeps it from being traded.
BUSY_SETTINGS = {**DEMO_SETTINGS, "strategy": "ema-cross", "min_reward_risk": -10.0, "cooldown_ms": 0}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def recorded(market_data: Path, tmp_path: Path) -> Callable[[int], Path]:
    def cut(bars: int) -> Path:
        target = tmp_path / FILE
        pq.write_table(pq.read_table(market_data / "candles" / FILE).slice(0, bars), target)
        return target

    return cut


async def trefoil(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """The command in a process of its own: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "station.cli",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TREFOIL_HOME": str(folder)},
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def replayed(one: Rig, *arguments: str) -> dict[str, Any]:
    code, out, err = await trefoil(one.folder, "journal", "replay", "--json", "--from", "2025-05-01", *arguments)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


async def test_a_day_left_alone_is_the_same_in_the_backtest(recorded: Callable[[int], Path], tmp_path: Path) -> None:
    simulate = ["--replay", str(recorded(600)), "--speed", "max", "--seed", "3"]
    async with rig(tmp_path / "demo", simulate) as one, one.client() as client:
        one.start(lockstep=True)
        await until(lambda: client.connected and client.desk.status.ready, "not ready")
        for _ in range(1_200):
            if (await one.state())["ended"]:
                break
            await asyncio.sleep(0.05)
        report = await replayed(one, "--slippage-bps", "0")  # beside the running engine
        state = await one.state()
    assert state["waits_timed_out"] == 0
    trades = report["trades"]
    assert report["bars"] == 600
    assert len(trades) >= 3  # the simulated voters let through what they like
    assert report["totals"]["live"] == report["totals"]["backtest"] == report["totals"]["matched"] == len(trades)
    assert {row["cause"] for row in trades} <= {"same", "price"}
    for row in trades:
        live, backtest = row["live"], row["backtest"]
        assert (live["side"], live["entry_time"], live["ended"]) == (
            backtest["side"],
            backtest["entry_time"],
            backtest["ended"],
        )
        assert abs(row["difference"]["entry_bps"]) < 0.5
        gap = row["difference"]
        parts = sum(Decimal(gap[name]) for name in ("entry", "exit", "size", "fees", "funding"))
        assert parts == Decimal(gap["total"]) == Decimal(live["net"]) - Decimal(backtest["net"])
    live_net = Decimal(report["totals"]["live_net"])
    assert abs(live_net - (Decimal(state["margin_balance"]) - 10_000)) < Decimal("0.5")


async def test_people_pauses_and_a_kill_are_the_reasons(recorded: Callable[[int], Path], tmp_path: Path) -> None:
    simulate = ["--replay", str(recorded(2_880)), "--speed", "max", "--seed", "3", "--warm", "400"]
    async with rig(tmp_path / "demo", simulate) as one, one.client() as client:
        await eventful(one, client)
        report = await replayed(one, "--slippage-bps", "0")
        code, table, _ = await trefoil(one.folder, "journal", "replay", "--from", "2025-05-01")
    print(table)
    reasons = [(row["cause"], row["reason"], row["live"], row["backtest"]) for row in report["trades"]]

    def told(cause: str, text: str) -> list[tuple[Any, Any]]:
        return [(live, backtest) for c, reason, live, backtest in reasons if c == cause and text in reason]

    paused = told("person", "entries were paused")
    assert paused
    assert all(live is None for live, _ in paused)
    (by_hand,) = told("person", "opened by a person")
    assert by_hand[0]["opened_by"].startswith("person:")
    assert by_hand[1] is None
    assert told("person", "a person's override")
    down = told("down", "the engine was down")
    assert down
    assert any(live is None for live, _ in down)
    assert report["missed_bars"] > 0
    assert not told("open question", "")
    assert code == 0
    assert "entries were paused" in table


async def eventful(one: Rig, client: EngineClient) -> None:
    """Trade, pause, go on, a person's order, give back, trade, kill -9, 150 bars without an engine, trade."""
    one.start(lockstep=True, settings=BUSY_SETTINGS)
    await ready(one, client)
    await trades(client, 2)
    await ask(client, SetPaused(paused=True))
    await until(lambda: refused(client), "no signal was refused in the pause")
    await ask(client, SetPaused(paused=False))
    await trades(client, 1)
    await holding(one, client)
    await ask(client, ReducePosition(symbol=SYMBOL))
    await until(lambda: SYMBOL not in client.desk.positions, "not closed by hand")
    await ask(client, PlaceOrder(symbol=SYMBOL, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.010")))
    await until(lambda: SYMBOL in client.desk.positions, "not opened by hand")
    await one.pause(still=False)
    await until(lambda: observed(client), "no signal was seen while held")
    if await stands_still(one, client):  # its own stop and target may have closed it
        await ask(client, ReducePosition(symbol=SYMBOL))
        await until(lambda: SYMBOL not in client.desk.positions, "not closed by hand")
    await one.pause(still=False)
    await ask(client, ReleaseSymbol(symbol=SYMBOL))
    await trades(client, 2)
    assert one.engine is not None
    one.engine.send_signal(signal.SIGKILL)
    one.engine.wait()
    await without_engine(one, 150)
    one.start(lockstep=True, settings=BUSY_SETTINGS)
    await ready(one, client)
    await trades(client, 2)
    answer = await client.stop_engine()
    assert answer.ok, answer.text


async def holding(one: Rig, client: EngineClient) -> None:
    """Until there is a position, with the market standing still on it: it cannot be closed before a person is."""
    while not await stands_still(one, client):
        await one.pause(still=False)
        await trades(client, 1)


async def stands_still(one: Rig, client: EngineClient) -> bool:
    """Let the market stand still and the engine deal with all of it; whether there is a position."""
    await one.pause(still=True)

    async def agreed() -> bool:
        venue, desk = await one.state(), client.desk
        dealt_with = desk.boards[SYMBOL].bar_time + 2 * MINUTE > venue["time"]
        waiting = [order for order in desk.orders.values() if order.status is not OrderStatus.WORKING]
        held = {row["symbol"]: row["lots"] for row in venue["positions"]}
        same = held == {name: position.lots for name, position in desk.positions.items()}
        return dealt_with and same and not waiting and venue["open_orders"] == len(desk.orders)

    async with asyncio.timeout(PATIENCE_S):
        while not await agreed():
            await asyncio.sleep(0.02)
    return SYMBOL in client.desk.positions


async def without_engine(one: Rig, bars: int) -> None:
    """Let the market play on for somebody who only listens."""
    ws = one.addresses.ws
    async with connect(f"{ws}/sim/lockstep") as step, connect(f"{ws}/ws/btcusdt@kline_1m") as market:
        await step.send(json.dumps({"ready": True, "bar": 1 << 53, "updates": 1 << 53}))
        closed = 0
        async for message in market:
            closed += json.loads(message)["k"]["x"]
            if closed >= bars:
                return


async def ready(one: Rig, client: EngineClient) -> None:
    engine = one.engine
    assert engine is not None
    await until(
        lambda: client.connected and client.desk.status.pid == engine.pid and client.desk.status.ready, one.log()
    )


async def ask(client: EngineClient, command: Any) -> None:
    answer = await client.ask(command)
    assert answer.ok, answer.text


async def trades(client: EngineClient, count: int) -> None:
    """Until so many more signals have been filled."""
    filled = len(of(client, SignalStatus.FILLED)) + count
    await until(lambda: len(of(client, SignalStatus.FILLED)) >= filled, "no trades")


def of(client: EngineClient, status: SignalStatus) -> list[int]:
    return [one.id for one in client.desk.signals.values() if one.status is status]


def refused(client: EngineClient) -> bool:
    signals = (client.desk.signals[key] for key in of(client, SignalStatus.REFUSED))
    return any(gate.name == "running" and gate.verdict.value == "fail" for one in signals for gate in one.gates)


def observed(client: EngineClient) -> bool:
    return bool(of(client, SignalStatus.OBSERVED))
