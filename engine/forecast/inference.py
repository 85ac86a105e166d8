"""Forecasts of a trained model, with onnxruntime alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from engine.bars import Bars, Floats
from engine.errors import BadInput
from engine.forecast.dataset import Windows, check_bars
from engine.forecast.features import features, needed, volatility
from engine.forecast.model_file import KEEP, Header, decode, read
from engine.model.forecast import Forecast
from engine.model.market import TIMEFRAMES

FOREIGN = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.NotImplemented,
    native.RuntimeException,
)
QUIET = 4  # fatal messages only: what is wrong we say ourselves
AT_ONCE = 1_024
_TIMEFRAMES = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}


def session(net: bytes, name: str) -> Any:
    """An onnxruntime session on one thread, without its memory arena; raises BadInput for what is no net."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(net, options, providers=["CPUExecutionProvider"])
    except FOREIGN as error:
        raise BadInput("model file", name, f"its net cannot be loaded; {KEEP}") from error


def infer(made: Any, windows: Windows) -> Floats:
    """The net's answers to scaled windows, float64[samples]."""
    name = made.get_inputs()[0].name
    parts = [made.run(None, {name: windows[i : i + AT_ONCE]})[0].reshape(-1) for i in range(0, len(windows), AT_ONCE)]
    return cast("Floats", np.concatenate(parts).astype(np.float64)) if parts else np.empty(0)


class Model:
    """A loaded model.

    Args:
        header: everything about it.
        net: ONNX.
        name: of its file, for sentences.
    """

    def __init__(self, header: Header, net: bytes, name: str) -> None:
        self.header = header
        self._session = session(net, name)
        inputs, wanted = self._session.get_inputs(), [header.recipe.window, len(header.columns)]
        if len(inputs) != 1 or list(inputs[0].shape[1:]) != wanted or len(self._session.get_outputs()) != 1:
            raise BadInput("model file", name, f"its net does not take windows of {wanted[0]} x {wanted[1]}; {KEEP}")

    @classmethod
    def load(cls, path: Path) -> Model:
        """From a file; raises BadInput for what is not a whole, fitting model."""
        return cls(*read(path), path.name)

    @classmethod
    def of(cls, data: bytes, name: str) -> Model:
        """From the bytes of a file, likewise."""
        return cls(*decode(data, name), name)

    @cached_property
    def needed(self) -> int:
        """Bars to give for a forecast that does not depend on where they begin."""
        return needed(self.header.recipe)

    def answers(self, windows: Windows) -> Floats:
        """The net alone: scaled windows to its answers."""
        return infer(self._session, windows)

    def check(self, symbol: str, timeframe_ms: int) -> None:
        """Raises BadInput unless it was trained on this symbol and timeframe."""
        own = self.header
        if (own.symbol, own.timeframe_ms) != (symbol, timeframe_ms):
            made, asked = (
                f"{name} {_TIMEFRAMES.get(milliseconds, f'{milliseconds} ms')}"
                for name, milliseconds in ((own.symbol, own.timeframe_ms), (symbol, timeframe_ms))
            )
            raise BadInput("model", own.id, f"it is of {made}, the bars are {asked}")

    def window(self, bars: Bars) -> tuple[Floats, float, float] | None:
        """The newest scaled window, its close and its volatility; None while there are too few whole bars."""
        recipe = self.header.recipe
        tail = bars[-self.needed :] if len(bars) else bars
        if len(tail) < self.needed:
            return None
        newest = tail.open_time[-recipe.window :]
        if int(newest[-1] - newest[0]) != (recipe.window - 1) * self.header.timeframe_ms:
            return None  # the window spans a hole
        spread = float(volatility(tail.close[-recipe.window - 1 :], recipe.window)[-1])
        rows = self.header.scaler.columns(features(tail, recipe, recipe.window))
        if not (spread > 0.0 and np.isfinite(rows).all()):
            return None
        return rows, float(tail.close[-1]), spread

    def forecast(self, bars: Bars, *, reason: str = "") -> Forecast | None:
        """The forecast at the close of the last bar; None while there are too few whole bars.

        `reason` says why it is not trusted although its evaluation would allow it; empty where there is none.
        """
        return forecast_all([(self, bars, reason)])[0]


def forecast_all(wanted: Sequence[tuple[Model, Bars, str]]) -> list[Forecast | None]:
    """Forecasts of many symbols at once; those of one model are one run of its net."""
    out: list[Forecast | None] = [None] * len(wanted)
    groups: dict[int, list[tuple[int, tuple[Floats, float, float]]]] = {}
    for i, (model, bars, _) in enumerate(wanted):
        found = model.window(bars)
        if found is not None:
            groups.setdefault(id(model), []).append((i, found))
    for members in groups.values():
        model = wanted[members[0][0]][0]
        answers = model.answers(np.stack([rows for _, (rows, _, _) in members]).astype(np.float32))
        closes = np.array([close for _, (_, close, _) in members])
        returns = model.header.scaler.returns(answers, closes)
        for (i, (_, _, spread)), value in zip(members, returns.tolist(), strict=True):
            _, bars, reason = wanted[i]
            if np.isfinite(value):
                out[i] = _forecast(model.header, int(bars.open_time[-1]), value, spread, reason)
    return out


def _forecast(header: Header, bar_time: int, value: float, spread: float, reason: str) -> Forecast:
    recipe, verdict = header.recipe, header.evaluation.verdict
    half = header.half_width * spread * float(np.sqrt(recipe.horizon))
    why = reason or ("" if verdict.stands else verdict.words.removeprefix("untrusted: "))
    return Forecast(
        bar_time=bar_time,
        horizon_ms=recipe.horizon * header.timeframe_ms,
        value=value,
        low=value - half,
        high=value + half,
        level=recipe.level,
        model=header.id,
        trusted=not why,
        reason=why,
    )


def checked_forecast(model: Model, bars: Bars, symbol: str, timeframe_ms: int) -> Forecast:
    """The forecast for a person who asked; raises BadInput for the wrong or too few bars."""
    model.check(symbol, timeframe_ms)
    check_bars(bars, symbol)
    made = model.forecast(bars)
    if made is None:
        raise BadInput(f"{symbol} bars", len(bars), f"the newest {model.needed} must be there without a hole")
    return made
