"""Which models serve an engine, and that how they do is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.bars import Bars
from engine.forecast.model_file import SUFFIX, decode
from engine.forecast.shelf import Shelf
from engine.forecast.shipped import FOLDER
from headless.forecasting import Forecasting
from tests.engine.forecast.series import walk

FILE = min(FOLDER.glob(f"*{SUFFIX}"))
HEADER, _ = decode(FILE.read_bytes(), FILE.name)
MINUTE = 60_000
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")


def minutes(n: int) -> Bars:
    bars = walk(n)
    return Bars(bars.open_time[0] + np.arange(n) * MINUTE, bars.open, bars.high, bars.low, bars.close, bars.volume)


async def test_generated_prices_are_served_by_the_shipped_models(tmp_path: Path) -> None:
    made = await Forecasting(tmp_path, generated=True, told=print).load(SYMBOLS, MINUTE)
    assert made is not None
    assert made.symbols == SYMBOLS[:2]


async def test_recorded_and_real_prices_are_not(tmp_path: Path) -> None:
    for frame in (MINUTE, 15 * MINUTE):
        assert await Forecasting(tmp_path, generated=False, told=print).load(SYMBOLS, frame) is None


async def test_a_promoted_model_serves_a_real_market(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(HEADER, FILE.read_bytes())
    forecasting = Forecasting(tmp_path, generated=False, told=print)
    assert await forecasting.load(SYMBOLS, MINUTE) is None
    shelf.promote(HEADER.id)
    made = await forecasting.load(SYMBOLS, MINUTE)
    assert made is not None
    assert made.symbols == (HEADER.symbol,)
    assert forecasting.trusted is HEADER.trusted


async def test_live_scores_are_kept_beside_the_model(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(HEADER, FILE.read_bytes())
    shelf.promote(HEADER.id)
    forecasting = Forecasting(tmp_path, generated=False, told=print)
    made = await forecasting.load(SYMBOLS, MINUTE)
    assert made is not None
    bars = minutes(220)
    for i in range(200, 220):
        made.forecast(HEADER.symbol, bars[: i + 1])
    await forecasting.flush()
    kept = shelf.find(HEADER.id).standing
    assert (kept.live.scored, kept.promoted) == (19, True)


async def test_broken_files_are_told_of_and_stop_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / f"bad{SUFFIX}").write_bytes(FILE.read_bytes()[:-1])
    made = await Forecasting(tmp_path, generated=True, told=told.append).load(SYMBOLS, MINUTE)
    assert made is not None
    assert len(told) == 1
    assert "it was cut short or changed" in told[0]
