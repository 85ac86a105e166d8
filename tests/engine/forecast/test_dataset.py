"""Samples: what they look at, what came, and bars that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from engine.bars import Bars
from engine.errors import BadInput
from engine.forecast.dataset import dataset, windows
from engine.forecast.recipe import Recipe
from tests.engine.forecast.series import HOUR, SYMBOL, TINY, samples, walk


def test_a_sample_is_made_at_a_close_and_scored_later() -> None:
    bars = walk(200)
    data = samples(bars, replace(TINY, horizon=3))
    row = int(data.rows[10])
    assert data.target[10] == pytest.approx(np.log(bars.close[row + 3] / bars.close[row]))
    assert int(data.rows[-1]) == 196
    window = windows(data.columns, data.rows[10:11], 6)[0]
    np.testing.assert_allclose(window, data.columns[row - 5 : row + 1], rtol=1e-6)


def test_windows_and_outcomes_never_span_a_hole() -> None:
    bars = walk(300)
    keep = np.r_[0:150, 155:300]
    holed = Bars(*(getattr(bars, name)[keep] for name in ("open_time", "open", "high", "low", "close", "volume")))
    whole, cut = samples(bars), samples(holed)
    length = TINY.window + TINY.horizon
    for row in cut.rows.tolist():
        times = holed.open_time[row - TINY.window + 1 : row + TINY.horizon + 1]
        assert np.all(np.diff(times) == HOUR)
    assert len(whole) - len(cut) == 5 + length - 1


def altered(field: str, at: int, value: float) -> Bars:
    bars = walk(300)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    columns[field][at] = value
    return Bars(bars.open_time, **columns)


def constant() -> Bars:
    bars = walk(300)
    flat = np.full(300, 100.0)
    return Bars(bars.open_time, flat, flat, flat, flat, bars.volume)


@pytest.mark.parametrize(
    ("bars", "sentence"),
    [
        (altered("close", 7, float("nan")), "bar 8 close: nan - prices must be positive numbers"),
        (altered("open", 0, 0.0), "bar 1 open: 0.0 - prices must be positive numbers"),
        (altered("high", 299, float("inf")), "bar 300 high: inf - prices must be positive numbers"),
        (altered("volume", 3, -1.0), "bar 4 volume: -1.0 - volume must be a number, 0 or more"),
        (constant(), "the price hardly ever moves"),
        (walk(12), "12 - too few for windows of 6 bars and a horizon of 1"),
        (walk(1), "1 - too few"),
        (Bars.empty(), "0 - too few"),
    ],
)
def test_bars_that_teach_nothing_are_refused(bars: Bars, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        dataset(bars, SYMBOL, HOUR, TINY)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 1),
        ("horizon", 0),
        ("epochs", 0),
        ("batch", 0),
        ("patience", 0),
        ("seed", -1),
        ("rate", float("nan")),
        ("rate", 0.0),
        ("level", 1.0),
        ("dropout", 1.0),
        ("units", ()),
        ("units", (100, 0)),
    ],
)
def test_a_recipe_out_of_range_names_itself(name: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"^{name}: "):
        replace(Recipe(), **{name: value}).checked()
