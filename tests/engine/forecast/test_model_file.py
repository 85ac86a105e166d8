"""A model file is whole and unchanged, or it is refused with a sentence."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.errors import BadInput
from engine.forecast.inference import Model, checked_forecast, forecast_all
from engine.forecast.model_file import SUFFIX, Header, decode, encode, read
from engine.forecast.shipped import FOLDER
from tests.engine.forecast.series import walk

FILE = min(FOLDER.glob(f"*{SUFFIX}"))
WHOLE = FILE.read_bytes()
MINUTE = 60_000


def shipped() -> tuple[Header, bytes]:
    return decode(WHOLE, FILE.name)


def test_a_file_says_everything_again() -> None:
    header, net = shipped()
    assert encode(header, net) == WHOLE
    assert read(FILE) == (header, net)
    assert "simulated" in header.source
    assert header.note == "trained on the simulated exchange's own prices: for the demo only"
    assert len(header.columns) == 5


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(WHOLE) - 1))
def test_a_truncated_file_is_refused(cut: int) -> None:
    with pytest.raises(BadInput, match="model file"):
        decode(WHOLE[:cut], "cut")


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_an_edited_file_is_refused(at: int, bit: int) -> None:
    edited = bytearray(WHOLE)
    edited[at] ^= 1 << bit
    with pytest.raises(BadInput, match="model file"):
        decode(bytes(edited), "edited")


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("config.json", "{}")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (pickle.dumps({"weights": [1, 2]}), "a pickle, archive or other foreign file"),
        (archive(), "a pickle, archive or other foreign file"),
        (shipped()[1], "not a Trefoil model"),
        (b"", "not a Trefoil model"),
        (WHOLE + b"\0", "its SHA-256 does not fit"),
    ],
    ids=["pickle", "archive", "net alone", "empty", "longer"],
)
def test_foreign_files_are_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        Model.of(data, "given")
    assert sentence in str(caught.value)


def test_features_of_another_version_are_refused() -> None:
    header, net = shipped()
    other = msgspec.structs.replace(header, features_version=header.features_version + 1)
    with pytest.raises(BadInput, match="its features are of another version"):
        decode(encode(other, net), "other")


def test_a_net_of_another_shape_is_refused() -> None:
    header, net = shipped()
    recipe = msgspec.structs.replace(header.recipe, window=30)
    with pytest.raises(BadInput, match="does not take windows of 30 x 5"):
        Model.of(encode(msgspec.structs.replace(header, recipe=recipe), net), "other")


def test_what_is_no_net_is_refused() -> None:
    header, _ = shipped()
    with pytest.raises(BadInput, match="its net cannot be loaded"):
        Model.of(encode(header, b"no net at all"), "other")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read(tmp_path / "none")


@pytest.mark.parametrize(("symbol", "frame"), [("DOGE/USDT:USDT", MINUTE), (shipped()[0].symbol, 15 * MINUTE)])
def test_a_model_of_another_symbol_or_timeframe_is_refused(symbol: str, frame: int) -> None:
    with pytest.raises(BadInput, match="the bars are"):
        checked_forecast(Model.load(FILE), walk(500), symbol, frame)


def minutes(n: int, seed: int = 1) -> Bars:
    bars = walk(n, seed)
    return Bars(bars.open_time[0] + np.arange(n) * MINUTE, bars.open, bars.high, bars.low, bars.close, bars.volume)


def test_a_forecast_of_the_right_bars() -> None:
    model, bars = Model.load(FILE), minutes(500)
    made = checked_forecast(model, bars, model.header.symbol, MINUTE)
    assert made.low < made.value < made.high
    assert (made.bar_time, made.horizon_ms) == (int(bars.open_time[-1]), MINUTE)
    assert made.model == model.header.id
    assert made.trusted is model.header.trusted
    assert bool(made.reason) is not made.trusted
    # more history before it changes nothing
    again = model.forecast(bars[-model.needed :])
    assert again is not None
    assert again.value == pytest.approx(made.value, rel=1e-6)


def test_many_at_once_are_what_each_is_alone() -> None:
    model = Model.load(FILE)
    wanted = [(model, minutes(300, seed), "") for seed in range(5)]
    together = forecast_all([*wanted, (model, minutes(20), "")])
    assert together[-1] is None
    for (_, bars, _), one in zip(wanted, together[:-1], strict=True):
        alone = model.forecast(bars)
        assert one is not None
        assert alone is not None
        assert one.value == pytest.approx(alone.value, rel=1e-5, abs=1e-9)


def test_a_hole_in_the_window_gives_no_forecast() -> None:
    model, bars = Model.load(FILE), minutes(300)
    times = bars.open_time.copy()
    times[-10:] += 5 * MINUTE
    holed = Bars(times, bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert model.forecast(holed) is None
    with pytest.raises(BadInput, match="without a hole"):
        checked_forecast(model, holed, model.header.symbol, MINUTE)


def test_a_distrust_given_later_is_carried() -> None:
    made = Model.load(FILE).forecast(minutes(300), reason="drift: too far")
    assert made is not None
    assert (made.trusted, made.reason) == (False, "drift: too far")
