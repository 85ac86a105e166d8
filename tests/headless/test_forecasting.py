"""Which models serve an engine, that a person's change reaches it while it runs, and that how they do is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np

from engine.bars import Bars
from engine.core.core import Core
from engine.forecast.model_file import SUFFIX, Header, decode, encode
from engine.forecast.shelf import Shelf
from engine.forecast.shipped import FOLDER
from engine.forecast.verdict import RULE
from engine.model import event as e
from engine.model.forecast import ModelInUse
from engine.ports import Entry
from headless.forecasting import Forecasting
from tests.engine.core.scenario import Desk
from tests.engine.forecast.series import walk

FILE = min(FOLDER.glob(f"*{SUFFIX}"))
HEADER, NET = decode(FILE.read_bytes(), FILE.name)
MINUTE = 60_000
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
SYMBOL = HEADER.symbol


def minutes(n: int) -> Bars:
    bars = walk(n)
    return Bars(bars.open_time[0] + np.arange(n) * MINUTE, bars.open, bars.high, bars.low, bars.close, bars.volume)


BARS = minutes(260)


class Engine:
    """A core whose market is at bar `at`, and its forecasting; what is put is processed and committed at once."""

    def __init__(self, folder: Path, core: Core | None = None, *, at: int = 200, generated: bool = False) -> None:
        self.desk = Desk(timeframe_ms=MINUTE)
        if core is not None:
            self.desk.core = core
        self.at = at
        self.told: list[str] = []
        self.changed = asyncio.Event()
        self.forecasting = Forecasting(folder, generated=generated, told=self.tell)

    def tell(self, sentence: str) -> None:
        self.told.append(sentence)
        self.changed.set()

    def put(self, event: e.Event) -> None:
        self.forecasting.committed([Entry(len(self.desk.log), event, self.desk.feed(event))])
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                self.changed.clear()
                await self.changed.wait()

    def now(self) -> int:
        return self.desk.now

    async def start(self) -> None:
        await self.forecasting.load(SYMBOLS, MINUTE)
        self.forecasting.begin(self.desk.core.state, self.put, self, lambda _: BARS[: self.at])
        self.forecasting.catch_up()

    def close_bars(self, count: int) -> None:
        for _ in range(count):
            self.at += 1
            bars = BARS[: self.at]
            said = self.forecasting.forecaster.forecast(SYMBOL, bars)
            bar = next(iter(bars[-1:]))
            self.put(
                e.BarClosed(
                    at=self.desk.now,
                    symbol=SYMBOL,
                    bar=bar,
                    readings=(0,) * 6,
                    stops=(1.0,) * 7,
                    targets=(2.0,) * 7,
                    forecast=said,
                )
            )

    def model(self) -> ModelInUse | None:
        found: ModelInUse | None = self.desk.state.symbols[SYMBOL].model
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.forecasting.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def put(shelf: Shelf, model: str = HEADER.id, *, trusted: bool = True) -> Header:
    verdict = msgspec.structs.replace(
        HEADER.evaluation.verdict,
        trusted=trusted,
        rule=RULE,
        sentence="trusted: by this test" if trusted else "untrusted: by this test",
    )
    evaluation = msgspec.structs.replace(HEADER.evaluation, verdict=verdict)
    header = msgspec.structs.replace(HEADER, id=model, evaluation=evaluation)
    shelf.add(header, encode(header, NET))
    return header


async def served(tmp_path: Path) -> tuple[Shelf, Engine]:
    shelf = Shelf(tmp_path)
    put(shelf)
    shelf.promote(HEADER.id)
    engine = Engine(tmp_path)
    await engine.start()
    return shelf, engine


async def test_generated_prices_are_served_by_the_shipped_models(tmp_path: Path) -> None:
    made = await Forecasting(tmp_path, generated=True, told=print).load(SYMBOLS, MINUTE)
    assert made.symbols == SYMBOLS[:2]
    kept, _ = Shelf(tmp_path, FOLDER).kept()
    assert all(one.standing.promoted and one.standing.round == 0 for one in kept)


async def test_recorded_and_real_prices_are_not(tmp_path: Path) -> None:
    for frame in (MINUTE, 15 * MINUTE):
        assert (await Forecasting(tmp_path, generated=False, told=print).load(SYMBOLS, frame)).symbols == ()


async def test_a_promoted_model_serves_a_real_market(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    put(shelf)
    engine = Engine(tmp_path)
    await engine.start()
    assert engine.forecasting.forecaster.symbols == ()
    assert not engine.forecasting.trusted
    shelf.promote(HEADER.id)
    again = Engine(tmp_path)
    await again.start()
    assert again.forecasting.forecaster.symbols == (SYMBOL,)
    assert again.forecasting.trusted
    assert again.model() == shelf.find(HEADER.id).in_use


async def test_promote_demote_and_remove_reach_an_engine_that_runs(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    put(shelf)
    engine = Engine(tmp_path)
    await engine.start()
    engine.close_bars(1)
    async with engine.running():
        shelf.promote(HEADER.id)
        await engine.until(lambda: engine.model() is not None)
        newest = engine.desk.state.symbols[SYMBOL].forecast
        assert newest is not None  # of the bar that had closed before
        assert newest.bar_time == int(BARS.open_time[engine.at - 1])
        assert newest.trusted
        shelf.demote(HEADER.id, "demoted by a person")
        await engine.until(lambda: not engine.forecasting.trusted)
        newest = engine.desk.state.symbols[SYMBOL].forecast
        assert newest is not None
        assert (newest.trusted, newest.reason) == (False, "demoted by a person")
        engine.close_bars(1)
        said = engine.desk.log[-1][0]
        assert isinstance(said, e.BarClosed)
        assert said.forecast is not None
        assert not said.forecast.trusted
        shelf.promote(HEADER.id)
        await engine.until(lambda: engine.forecasting.trusted)
        shelf.remove(HEADER.id)
        await engine.until(lambda: engine.model() is None)
        assert engine.forecasting.forecaster.symbols == ()
    assert engine.desk.state.symbols[SYMBOL].forecast is None


async def test_another_model_takes_over_while_the_engine_runs(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    put(shelf, "0badcafe", trusted=False)
    async with engine.running():
        shelf.promote("0badcafe")
        await engine.until(lambda: engine.model() == shelf.find("0badcafe").in_use)
    engine.close_bars(1)
    newest = engine.desk.state.symbols[SYMBOL].forecast
    assert newest is not None
    assert (newest.model, newest.trusted, newest.reason) == ("0badcafe", False, "by this test")


async def test_a_journal_replayed_knows_who_spoke_at_each_bar(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    engine.close_bars(3)
    async with engine.running():
        shelf.demote(HEADER.id, "demoted by a person")
        await engine.until(lambda: not engine.forecasting.trusted)
    engine.close_bars(2)
    again = Core()
    for event, decisions in engine.desk.log:
        again.recover(event, decisions)
    assert again.state.symbols[SYMBOL] == engine.desk.state.symbols[SYMBOL]


async def test_live_scores_are_kept_beside_the_model(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    engine.close_bars(20)
    await engine.forecasting.flush()
    kept = shelf.find(HEADER.id).standing
    assert (kept.live.scored, kept.promoted) == (19, True)


async def test_what_waited_over_a_restart_is_scored_and_nothing_is_told_twice(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    engine.close_bars(20)
    told = len(engine.desk.log)
    core = Core.restore(engine.desk.core.snapshot())
    later = Engine(tmp_path, core, at=engine.at + 5)  # five bars closed meanwhile
    await later.start()
    assert len(later.desk.log) == 2  # the desk's own start, and the outcome
    model = later.model()
    assert model is not None
    assert model.live.scored == 20
    await later.forecasting.flush()
    assert shelf.find(HEADER.id).standing.live.scored == 20
    assert told > 20


async def test_a_drift_that_the_shelf_has_not_heard_of_is_still_known(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    engine.close_bars(5)
    known = engine.model()
    assert known is not None
    core = Core.restore(engine.desk.core.snapshot())
    core.state.symbols[SYMBOL].model = msgspec.structs.replace(known, distrusted="drift: far off")
    later = Engine(tmp_path, core, at=engine.at)
    await later.start()
    assert later.model() == core.state.symbols[SYMBOL].model
    later.close_bars(1)
    said = later.desk.log[-1][0]
    assert isinstance(said, e.BarClosed)
    assert said.forecast is not None
    assert said.forecast.reason == "drift: far off"
    await later.forecasting.flush()
    assert shelf.find(HEADER.id).standing.demoted == "drift: far off"


async def test_broken_files_are_told_of_once_and_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / f"bad{SUFFIX}").write_bytes(FILE.read_bytes()[:-1])
    engine = Engine(tmp_path, generated=True)
    await engine.start()
    assert engine.forecasting.forecaster.symbols == SYMBOLS[:2]
    async with engine.running():
        Shelf(tmp_path, FOLDER).demote(HEADER.id, "demoted by a person")
        await engine.until(lambda: (model := engine.model()) is not None and bool(model.distrusted))
    assert len(engine.told) == 1
    assert "it was cut short or changed" in engine.told[0]


async def test_an_index_that_cannot_be_read_leaves_the_models_as_they_are(tmp_path: Path) -> None:
    shelf, engine = await served(tmp_path)
    engine.close_bars(3)
    async with engine.running():
        (shelf.folder / "shelf.json").write_text("{")
        await engine.until(lambda: bool(engine.told))
    assert "model index" in engine.told[0]
    assert engine.forecasting.forecaster.symbols == (SYMBOL,)
    await engine.forecasting.flush()
    assert "how models do cannot be kept" in engine.told[1]
