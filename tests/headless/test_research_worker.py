"""The research process over real pipes: runs on recorded bars, sentences for bad input, cancel, and a kill in mid-run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from engine.backtest.inputs import from_file
from engine.backtest.run import Backtest
from engine.backtest.view import Request, RunView
from headless.research import protocol as p
from headless.research.client import ResearchClient

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def hours(market_data: Path) -> str:
    return str(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet")


@pytest.fixture(scope="module")
def minutes(market_data: Path) -> str:
    return str(market_data / "candles" / "binance_usdm_ETHUSDT_1m_2024-12_2025-01.parquet")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ResearchClient]:
    home = tmp_path_factory.mktemp("home")
    one = ResearchClient(home, home / "logs" / "research.log")
    yield one
    await one.close()


async def finished(client: ResearchClient, request: Request) -> tuple[RunView, ...]:
    async with asyncio.timeout(TIMEOUT_S):
        answer = await client.ask(p.Start(request))
    assert isinstance(answer, p.Finished), answer
    return answer.runs


async def test_the_process_names_the_strategies_and_their_parameters(client: ResearchClient) -> None:
    strategies = {one.name: one for one in await client.strategies()}
    assert list(strategies) == [
        "supertrend", "rsi-ema", "macd-stochastic", "ichimoku", "bollinger", "ema-cross", "board",
    ]  # fmt: skip
    fast = next(one for one in strategies["ema-cross"].parameters if one.name == "fast")
    assert (fast.default, fast.low, fast.high) == (12, 3, 60)


async def test_a_run_is_the_engine_s_own_result(client: ResearchClient, hours: str) -> None:
    request = Request(strategy="ema-cross", data=hours, params="fast=10 slow=30", begin="2024-06-01")
    (view,) = await finished(client, request)
    market = from_file(Path(hours))
    from engine.backtest.options import params_of

    test = Backtest(market.bars, market.timeframe_ms, symbol=market.symbol, begin=1_717_200_000_000)
    own = test.run("ema-cross", params_of("ema-cross", ["fast=10", "slow=30"]))
    assert view.metrics == own.metrics
    assert len(view.trades) == own.metrics.trades
    assert sum(t.net for t in view.trades) == pytest.approx(own.metrics.final_equity - view.capital, abs=1e-6)
    assert [t.entry_time for t in view.trades] == own.trades["entry_time"].tolist()
    assert max(view.drawdown.values) == pytest.approx(own.metrics.max_drawdown, abs=1e-12)
    assert max(view.equity.values) == own.equity.max()
    assert min(view.equity.values) == own.equity.min()
    assert view.equity.values[-1] == own.equity[-1]
    assert len(view.equity.times) <= 1_000
    assert len(view.candles) <= 1_000
    assert max(bar.high for bar in view.candles) == market.bars.high[test.first :].max()
    assert view.begin == 1_717_200_000_000
    assert view.params["fast"] == 10
    assert view.months.years == (2024, 2025)


async def test_several_strategies_tell_how_far_they_are(client: ResearchClient, hours: str) -> None:
    heard: list[p.News] = []
    async with asyncio.timeout(TIMEOUT_S):
        answer = await client.ask(p.Start(Request(strategy="all", data=hours, end="2024-04-01")), heard.append)
    assert isinstance(answer, p.Finished)
    assert [view.strategy for view in answer.runs][-1] == "board"
    done = [news.done for news in heard if isinstance(news, p.Progress)]
    assert done == sorted(done)
    assert len(done) >= len(answer.runs)


async def test_a_run_is_kept_listed_loaded_compared_and_removed(client: ResearchClient, hours: str) -> None:
    views = await finished(client, Request(strategy="supertrend,bollinger", data=hours, end="2024-06-01"))
    listed = await client.ask(p.ListRuns())
    assert isinstance(listed, p.Runs)
    rows = {row.id: row for row in listed.rows}
    for view in views:
        assert rows[view.id].metrics == view.metrics
        assert rows[view.id].request == msgspec.structs.replace(view.request, strategy=view.strategy)
    ids = tuple(view.id for view in views)
    assert await client.ask(p.Load(ids)) == p.Loaded(views)
    again = await finished(client, views[0].request)
    assert again[0].metrics == views[0].metrics
    assert await client.ask(p.Remove((*ids, again[0].id))) == p.Removed(3)
    listed = await client.ask(p.ListRuns())
    assert isinstance(listed, p.Runs)
    assert not {row.id for row in listed.rows} & {*ids, again[0].id}


async def test_kept_runs_outlive_the_process(tmp_path: Path, hours: str) -> None:
    first = ResearchClient(tmp_path, tmp_path / "research.log")
    (view,) = await finished(first, Request(data=hours))
    await first.close()
    second = ResearchClient(tmp_path, tmp_path / "research.log")
    try:
        assert await second.ask(p.Load((view.id,))) == p.Loaded((view,))
    finally:
        await second.close()


async def test_a_run_is_held_against_luck(client: ResearchClient, hours: str) -> None:
    (view,) = await finished(client, Request(data=hours, end="2024-04-01"))
    heard: list[p.News] = []
    async with asyncio.timeout(TIMEOUT_S):
        answer = await client.ask(p.HoldAgainstLuck(view.id), heard.append)
        again = await client.ask(p.HoldAgainstLuck(view.id))
    assert isinstance(answer, p.AgainstLuck)
    assert answer == again  # the draws are seeded
    luck = answer.luck
    assert luck.total_return is not None
    assert luck.total_return.estimate == pytest.approx(view.metrics.total_return)
    assert luck.total_return.low < luck.total_return.estimate < luck.total_return.high
    assert luck.strangers is not None
    assert luck.strangers.actual == pytest.approx(view.metrics.total_return)
    assert heard
    other = await finished(client, Request(data=hours, end="2024-04-01", params="fast=5 slow=50"))
    more = await client.ask(p.HoldAgainstLuck(view.id))
    assert isinstance(more, p.AgainstLuck)
    assert more.luck.variants == luck.variants + 1
    assert more.luck.expected_best > 0
    assert other[0].metrics != view.metrics


async def test_luck_of_a_run_whose_bars_are_gone_or_changed_is_refused(client: ResearchClient, tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"

    def write(step: int) -> None:
        rows = []
        for i in range(400):
            price = 100 + (i * step % 37)
            rows.append(f"{1_700_000_040_000 + i * 60_000},{price},{price + 1},{price - 1},{price},10\n")
        file.write_text("timestamp,open,high,low,close,volume\n" + "".join(rows), encoding="utf-8")

    write(3)
    (view,) = await finished(client, Request(data=str(file)))
    write(5)
    changed = await client.ask(p.HoldAgainstLuck(view.id))
    assert isinstance(changed, p.Refused)
    assert "not those the run was made with" in changed.text
    file.unlink()
    gone = await client.ask(p.HoldAgainstLuck(view.id))
    assert isinstance(gone, p.Refused)
    assert "no such file" in gone.text


async def test_more_trades_than_a_message_holds_come_by_the_page(client: ResearchClient, minutes: str) -> None:
    (view,) = await finished(client, Request(strategy="macd-stochastic", data=minutes, params=""))
    (busy,) = await finished(client, Request(data=minutes, params="fast=3 slow=5", capital="1000000", fee_bps="0"))
    assert busy.metrics.trades > p.PAGE
    assert len(busy.trades) == p.PAGE
    got = list(busy.trades)
    while len(got) < busy.metrics.trades:
        page = await client.ask(p.MoreTrades(busy.id, len(got)))
        assert isinstance(page, p.Trades)
        assert page.rows
        got += page.rows
    assert len(got) == busy.metrics.trades
    assert sum(t.net for t in got) == pytest.approx(busy.metrics.final_equity - busy.capital, abs=1e-4)
    assert len(view.trades) == min(p.PAGE, view.metrics.trades)


async def test_prices_around_a_trade_are_as_fine_as_the_bars(client: ResearchClient, minutes: str) -> None:
    (view,) = await finished(client, Request(data=minutes))
    assert view.candle_ms > view.timeframe_ms
    trade = view.trades[10]
    begin, end = trade.entry_time - 30 * 60_000, trade.exit_time + 30 * 60_000
    prices = await client.ask(p.Candles(view.id, begin, end, 1_000))
    assert isinstance(prices, p.Prices)
    assert prices.candle_ms == 60_000
    assert (prices.candles[0].open_time, prices.candles[-1].open_time) == (begin, end - 60_000)
    coarse = await client.ask(p.Candles(view.id, begin, end, 10))
    assert isinstance(coarse, p.Prices)
    assert len(coarse.candles) <= 10
    assert max(b.high for b in coarse.candles) == max(b.high for b in prices.candles)


WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "unknown strategy": ({"strategy": "magic"}, "strategy", "use supertrend"),
    "unknown parameter": ({"params": "speed=3"}, "params", "known parameters are"),
    "parameter out of range": ({"params": "fast=1000"}, "params", "use 3 to 60"),
    "parameters for several": ({"strategy": "all", "params": "fast=10"}, "params", "for one strategy"),
    "no number": ({"stop": "two"}, "stop", "must be a number"),
    "not finite": ({"capital": "inf"}, "capital", "must be a number"),
    "stop behind liquidation": ({"stop": "0.2", "leverage": "10"}, "stop", "liquidation comes first"),
    "half a leverage": ({"leverage": "1.5"}, "leverage", "whole number"),
    "unknown engine": ({"engine": "warp"}, "engine", "use fast or faithful"),
    "unknown exits": ({"exits": "maybe"}, "exits", "use none, strategy or fixed"),
    "sizing without amount": ({"sizing": "notional"}, "sizing", "say how much"),
    "no date": ({"begin": "soon"}, "begin", "ISO date"),
    "begin after end": ({"begin": "2025-01-01", "end": "2024-06-01"}, "begin", "must lie before"),
    "period without bars": ({"begin": "2031-01-01"}, "begin", "at least two"),
    "timeframe not a multiple": ({"timeframe": "30m"}, "timeframe", "use a multiple"),
    "unknown timeframe": ({"timeframe": "7m"}, "timeframe", "use one of"),
    "no such file": ({"data": "/nowhere/bars.parquet"}, "data", "there is no such file"),
    "no data": ({"data": ""}, "data", "name a candle file"),
    "nothing stored": ({"data": "binance:BTC/USDT:USDT"}, "data", "nothing is stored"),
    "no funding file": ({"funding": "/nowhere/funding.csv"}, "funding", "there is no such file"),
    "flag": ({"repair": "maybe"}, "repair", "use yes or no"),
    "fee": ({"fee_bps": "900"}, "fee_bps", "use 0 to 500"),
    "tick": ({"tick_size": "-1"}, "tick_size", "positive number"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_bad_input_is_a_sentence_at_its_field(client: ResearchClient, hours: str, case: str) -> None:
    changes, place, words = WRONG[case]
    request = msgspec.structs.replace(Request(data=hours), **changes)
    checked = await client.ask(p.Check(request))
    assert isinstance(checked, p.Checked)
    assert words in checked.errors.get(place, ""), checked.errors
    refused = await client.ask(p.Start(request))
    assert isinstance(refused, p.Refused)
    assert refused.errors == checked.errors


async def test_every_wrong_field_has_its_sentence_at_once(client: ResearchClient, hours: str) -> None:
    checked = await client.ask(p.Check(Request(data=hours, stop="x", fee_bps="y", begin="z", engine="w")))
    assert isinstance(checked, p.Checked)
    assert set(checked.errors) == {"stop", "fee_bps", "begin", "engine"}
    assert checked.series is not None
    assert (checked.series.symbol, checked.series.timeframe) == ("BTC/USDT:USDT", "1h")


async def test_a_good_request_has_no_errors(client: ResearchClient, hours: str) -> None:
    checked = await client.ask(p.Check(Request(data=hours, stop="0.02", target="0.04")))
    assert isinstance(checked, p.Checked)
    assert checked.errors == {}


async def test_too_few_bars_for_the_warm_up(client: ResearchClient, tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    rows = "".join(f"{1_700_000_040_000 + i * 60_000},1,2,0.5,1.5,10\n" for i in range(20))
    file.write_text("timestamp,open,high,low,close,volume\n" + rows, encoding="utf-8")
    checked = await client.ask(p.Check(Request(data=str(file), strategy="ichimoku")))
    assert isinstance(checked, p.Checked)
    assert "ichimoku needs at least" in checked.errors["data"]


async def test_a_run_that_is_not_kept_is_a_sentence(client: ResearchClient) -> None:
    answer = await client.ask(p.Load(("nothing",)))
    assert isinstance(answer, p.Refused)
    assert "run it again" in answer.text


async def begun(client: ResearchClient, request: Request) -> tuple[asyncio.Task[p.Answer], list[p.News]]:
    """A run whose first bars are done."""
    heard: list[p.News] = []
    moving = asyncio.Event()

    def told(news: p.News) -> None:
        heard.append(news)
        if isinstance(news, p.Progress) and "bars" in news.text and "of" in news.text:
            moving.set()

    run = asyncio.create_task(client.ask(p.Start(request), told))
    async with asyncio.timeout(TIMEOUT_S):
        await moving.wait()
    return run, heard


async def test_a_cancel_is_heard_within_a_faithful_run(client: ResearchClient, minutes: str) -> None:
    before = client.pid
    run, _ = await begun(client, Request(strategy="ema-cross,bollinger", data=minutes, engine="faithful"))
    async with asyncio.timeout(TIMEOUT_S):
        await client.cancel()
        answer = await run
    assert isinstance(answer, p.Stopped)
    assert answer.runs == ()
    assert "Cancelled" in answer.text
    assert client.pid == before


async def test_a_run_that_does_not_hear_a_cancel_is_ended(tmp_path: Path, minutes: str) -> None:
    client = ResearchClient(tmp_path, tmp_path / "research.log", grace_s=0.1)
    try:
        run, _ = await begun(client, Request(data=minutes, engine="faithful"))
        os.kill(client.pid, signal.SIGSTOP)
        async with asyncio.timeout(TIMEOUT_S):
            await client.cancel()
            answer = await run
        assert isinstance(answer, p.Stopped)
        assert "ended" in answer.text
        assert client.pid == 0
        assert isinstance(await client.ask(p.ListSeries()), p.Series)  # a new process
    finally:
        await client.close()


async def test_a_killed_process_is_said_and_the_next_run_starts_another(tmp_path: Path, minutes: str) -> None:
    client = ResearchClient(tmp_path, tmp_path / "research.log")
    try:
        run, _ = await begun(client, Request(data=minutes, engine="faithful"))
        killed = client.pid
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(TIMEOUT_S):
            answer = await run
        assert isinstance(answer, p.Refused)
        assert "ended unexpectedly" in answer.text
        (view,) = await finished(client, Request(data=minutes))
        assert view.metrics.trades > 0
        assert client.pid not in {0, killed}
    finally:
        await client.close()


async def test_the_process_ends_with_its_input(tmp_path: Path) -> None:
    client = ResearchClient(tmp_path, tmp_path / "research.log")
    await client.strategies()
    process = client._process
    assert process is not None
    await client.close()
    assert process.returncode == 0


async def test_a_data_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way", encoding="utf-8")
    client = ResearchClient(file, tmp_path / "research.log")
    answer = await client.ask(p.ListSeries())
    assert isinstance(answer, p.Refused)
    assert "TREFOIL_HOME" in answer.text


async def test_a_line_that_is_no_call_is_left_out(tmp_path: Path) -> None:
    client = ResearchClient(tmp_path, tmp_path / "research.log")
    try:
        await client.strategies()
        assert client._process is not None
        assert client._process.stdin is not None
        client._process.stdin.write(b"hello?\n")
        assert isinstance(await client.ask(p.ListSeries()), p.Series)
        assert "not understood" in (tmp_path / "research.log").read_text(encoding="utf-8")
    finally:
        await client.close()


async def test_the_client_loads_nothing_heavy() -> None:
    code = (
        "import sys, headless.research.client; print(*sorted({m.partition('.')[0] for m in sys.modules}), "
        "'engine.strategies' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    loaded = (await process.communicate())[0].decode().split()
    assert loaded[-1] == "False"
    assert not {"numpy", "sqlalchemy", "textual", "talib", "numba", "pyarrow", "storage"} & set(loaded)
