"""Features know nothing of a later bar, and a window's forecast is the same live as in the history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.forecast.features import NAMES, features, names, needed, volatility
from engine.forecast.inference import Model
from engine.forecast.recipe import Recipe
from engine.forecast.shipped import FOLDER
from tests.engine.forecast.series import planted, walk

RECIPES = [
    Recipe(preset="returns", features="ohlcv"),
    Recipe(preset="returns", features="full"),
    Recipe(preset="reference", features="ohlcv"),
    Recipe(preset="reference", features="full"),
]
N = 420
CHANGES = st.tuples(
    st.integers(1, N - 1), st.sampled_from(["open", "high", "low", "close", "volume"]), st.floats(0.2, 5)
)


def changed(bars: Bars, at: int, field: str, factor: float) -> Bars:
    """The same bars with one value of bar `at` multiplied, and everything after it another walk."""
    later = walk(len(bars), seed=99)
    columns = {}
    for name in ("open", "high", "low", "close", "volume"):
        values = getattr(bars, name).copy()
        values[at + 1 :] = getattr(later, name)[at + 1 :]
        if name == field:
            values[at] *= factor
        columns[name] = values
    return Bars(bars.open_time, **columns)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.preset}-{r.features}")
@settings(max_examples=25, deadline=None)
@given(change=CHANGES)
def test_a_later_bar_changes_no_feature(recipe: Recipe, change: tuple[int, str, float]) -> None:
    bars = walk(N)
    at, field, factor = change
    before = features(bars, recipe)[:at]
    after = features(changed(bars, at, field, factor), recipe)[:at]
    np.testing.assert_array_equal(before, after)


@settings(max_examples=25, deadline=None)
@given(change=CHANGES)
def test_a_later_bar_changes_no_volatility(change: tuple[int, str, float]) -> None:
    bars = walk(N)
    at, field, factor = change
    before = volatility(bars.close, 60)[:at]
    np.testing.assert_array_equal(before, volatility(changed(bars, at, field, factor).close, 60)[:at])


@settings(max_examples=25, deadline=None)
@given(change=CHANGES)
def test_a_later_bar_changes_no_forecast(change: tuple[int, str, float]) -> None:
    model = Model.load(min(FOLDER.glob("*.trefoil-model")))
    bars = walk(N)
    at, field, factor = change
    other = changed(bars, at, field, factor)
    scaler, recipe = model.header.scaler, model.header.recipe
    rows = np.arange(100, max(101, at))
    rows = rows[rows < at]
    index = rows[:, None] + np.arange(1 - recipe.window, 1)
    ours, theirs = (model.answers(scaler.columns(features(b, recipe))[index].astype(np.float32)) for b in (bars, other))
    np.testing.assert_array_equal(ours, theirs)


def test_the_present_bar_does_change_them() -> None:
    bars = walk(N)
    for recipe in RECIPES:
        other = changed(bars, 400, "close", 1.5)
        assert not np.array_equal(features(bars, recipe)[400], features(other, recipe)[400])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.preset}-{r.features}")
def test_enough_bars_settle_the_newest_window(recipe: Recipe) -> None:
    bars = walk(4_000)
    whole = features(bars, recipe)[-recipe.window :]
    tail = features(bars[-needed(recipe) :], recipe)[-recipe.window :]
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(tail, whole, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.preset}-{r.features}")
def test_there_is_a_column_for_each_name(recipe: Recipe) -> None:
    assert features(walk(300), recipe).shape == (300, len(names(recipe)))
    assert len(NAMES["ohlcv"]) == 5
    assert len(NAMES["full"]) == 14


def test_relative_features_mean_the_same_at_any_price() -> None:
    bars = walk(300)
    dear = Bars(bars.open_time, bars.open * 1e4, bars.high * 1e4, bars.low * 1e4, bars.close * 1e4, bars.volume * 7)
    for recipe in RECIPES[:2]:
        np.testing.assert_allclose(features(dear, recipe), features(bars, recipe), rtol=1e-8, atol=1e-10)


def test_features_by_hand() -> None:
    bars = planted(40)
    row = features(bars, RECIPES[0])[30]
    close = bars.close[29]
    wanted = [np.log(bars.open[30] / close), np.log(bars.high[30] / close), np.log(bars.low[30] / close)]
    wanted += [np.log(bars.close[30] / close), np.log1p(bars.volume[30] / bars.volume[11:31].mean())]
    np.testing.assert_allclose(row, wanted, rtol=1e-9, atol=1e-12)


def test_volume_that_stands_still_at_zero_is_a_zero() -> None:
    bars = walk(60)
    still = Bars(bars.open_time, bars.open, bars.high, bars.low, bars.close, np.zeros(60))
    assert features(still, RECIPES[0])[30:, 4].tolist() == [0.0] * 30


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.preset}-{r.features}")
@pytest.mark.parametrize("newest", [1, 60, 300, 299, 1_000])
def test_the_newest_rows_are_the_end_of_all(recipe: Recipe, newest: int) -> None:
    bars = walk(300)
    np.testing.assert_array_equal(features(bars, recipe, newest), features(bars, recipe)[-newest:])


def test_the_volatility_of_the_newest_window_is_that_of_all() -> None:
    close = walk(300).close
    assert volatility(close[-61:], 60)[-1] == volatility(close, 60)[-1]
