"""What the forecast commands work on: the recipe, the bars, the samples, and the models that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.errors import BadInput
from station.commands.chosen_market import market_of

if TYPE_CHECKING:
    from engine.backtest.inputs import Market
    from engine.forecast.dataset import Dataset
    from engine.forecast.recipe import Recipe
    from engine.forecast.shelf import Shelf

SIMULATED = "simulated:"
SIMULATED_END = 1_704_067_200_000
SIMULATED_BARS = 20_000


def recipe_of(
    preset: str, features: str, epochs: int, window: int, horizon: int, batch: int, patience: int,
    units: str, rate: float, seed: int,
) -> Recipe:  # fmt: skip
    """The recipe of the options; raises BadInput naming the one that is wrong."""
    from typing import cast

    from engine.forecast.recipe import Recipe

    if preset not in {"returns", "reference"}:
        raise BadInput("preset", preset, "use returns or reference")
    if features not in {"ohlcv", "full"}:
        raise BadInput("features", features, "use ohlcv or full")
    numbers = [part.strip() for part in units.split(",")]
    if not all(part.isdecimal() for part in numbers):
        raise BadInput("units", units, "use whole numbers with commas, e.g. 100,100,50")
    return Recipe(
        preset=cast("Any", preset),
        features=cast("Any", features),
        epochs=epochs,
        window=window,
        horizon=horizon,
        batch=batch,
        patience=patience,
        units=tuple(map(int, numbers)),
        rate=rate,
        seed=seed,
    ).checked()


def bars_of(data: str | None, symbol: str | None, timeframe: str | None, begin: str | None, end: str | None) -> Market:
    """Bars of a file or of the store, cut to the span."""
    from dataclasses import replace

    from engine.history.series import parse_time

    if data is not None and data.startswith(SIMULATED):
        market = _simulated(data.removeprefix(SIMULATED), symbol, timeframe)
    else:
        market = market_of(data, symbol, timeframe)
    for note in market.notes:
        typer.echo(note, err=True)
    times = market.bars.open_time
    first = int(times.searchsorted(parse_time("--from", begin))) if begin is not None else 0
    last = int(times.searchsorted(parse_time("--to", end))) if end is not None else len(times)
    if first >= last:
        raise BadInput("--from", begin or "", f"no bars of {market.source} lie in that span")
    return replace(market, bars=market.bars[first:last])


def _simulated(seed: str, symbol: str | None, timeframe: str | None) -> Market:
    """Minutes of the simulated exchange before the first day of 2024."""
    from engine.backtest.inputs import resampled
    from engine.simulator.prices import GeneratedMarket

    if not seed.isdecimal() or symbol is None:
        raise BadInput("--data", f"{SIMULATED}{seed}", "use simulated:SEED together with --symbol")
    made = GeneratedMarket(int(seed), [symbol], start=SIMULATED_END, history_bars=SIMULATED_BARS)
    return resampled(made.history(symbol), made.timeframe_ms, timeframe, symbol, f"simulated exchange, seed {seed}")


def samples_of(market: Market, recipe: Recipe) -> Dataset:
    """The samples of the bars; raises BadInput for bars that teach nothing."""
    from engine.forecast.dataset import dataset

    return dataset(market.bars, market.symbol, market.timeframe_ms, recipe)


def shelf_here() -> Shelf:
    """The models of this data directory and those that come with the package."""
    from engine.forecast.shelf import Shelf
    from engine.forecast.shipped import FOLDER
    from storage.home import Home

    return Shelf(Home.locate().create().models, FOLDER)


def unfinished_of(shelf: Shelf, market: Market) -> Path:
    """Where a training of this symbol and timeframe keeps what it needs to go on."""
    name = "".join(c if c.isalnum() else "-" for c in market.symbol)
    return shelf.folder / "unfinished" / f"{name}-{frame_name(market.timeframe_ms)}"


def chosen_file(model: str | None, market: Market) -> tuple[Path, str]:
    """A model's file, and why it is not trusted where that was decided later."""
    if model is not None and Path(model).is_file():
        return Path(model), ""
    shelf = shelf_here()
    kept = shelf.find(model) if model is not None else shelf.in_use(market.symbol, market.timeframe_ms)
    if kept is None:
        raise BadInput(
            "model", f"{market.symbol} {frame_name(market.timeframe_ms)}", "none is in use; see trefoil forecast list"
        )
    return kept.path, kept.standing.demoted


def frame_name(milliseconds: int) -> str:
    """``1h``."""
    from engine.backtest.inputs import timeframe_name

    return timeframe_name(milliseconds)
