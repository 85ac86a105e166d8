"""What a strategy is: one file with parameters, a settle length, a wanted side and an exit rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Bars, Floats
from engine.errors import BadInput

Sides: TypeAlias = NDArray[np.int8]
Exits: TypeAlias = tuple[Floats, Floats]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters every strategy has: stop in ATR(14), target in stops."""

    stop_atr: float = 2.0
    target_ratio: float = 2.0


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed values of a parameter, both ends included; `step` is how finely an optimiser looks."""

    low: float
    high: float
    step: float


EXIT_RANGES = {"stop_atr": Range(0.5, 20.0, 0.5), "target_ratio": Range(0.5, 10.0, 0.5)}


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy as the rest of the program sees it.

    Attributes:
        name: its name everywhere.
        params: the parameter class; `params()` are the defaults.
        ranges: allowed values by parameter.
        warmup: bars at the front that have no answer yet.
        settle: bars after which a rolling window and the whole history agree.
        wanted: side per bar, int8[n] of -1, 0, +1; 0 while warming up.
    """

    name: str
    params: type[Params]
    ranges: Mapping[str, Range]
    warmup: Callable[[Any], int]
    settle: Callable[[Any], int]
    wanted: Callable[[Bars, Any], Sides]

    def exits(self, bars: Bars, params: Params) -> Exits:
        """Stop and target distance per bar, quote currency, NaN while warming up."""
        return atr_exits(bars, params)

    def make(self, **values: float) -> Params:
        """Checked parameters from numbers; raises BadInput naming the field, the value and what is allowed."""
        kinds = self._kinds()
        for name, value in values.items():
            if name not in kinds:
                raise BadInput(f"{self.name}.{name}", value, f"known parameters are {', '.join(kinds)}")
            self._check(name, kinds[name], value)
        return self.validate(
            self.params(**{name: int(v) if kinds[name] is int else float(v) for name, v in values.items()})
        )

    def validate(self, params: Params) -> Params:
        """`params` themselves; raises BadInput naming the first field out of its range, its value and what is allowed."""
        self.validated((params,))
        return params

    def validated(self, many: Sequence[Params]) -> Mapping[str, tuple[float, ...]]:
        """The values of each field of `many`; raises as `validate`. A value that many of them have is looked at once."""
        for kind in set(map(type, many)) - {self.params}:
            wrong = next(params for params in many if type(params) is kind)
            raise BadInput(self.name, wrong, f"give {self.params.__name__}")
        kinds, values = self._kinds(), zip(*map(msgspec.structs.astuple, many), strict=True)
        columns = dict(zip(kinds, values, strict=False))  # there are no columns where there are no parameters
        for name, column in columns.items():
            for value in set(column):
                self._check(name, kinds[name], value)
        for fast, slow in zip(columns.get("fast", ()), columns.get("slow", ()), strict=True):
            if fast >= slow:
                raise BadInput(f"{self.name}.fast", fast, f"use less than slow ({slow})")
        return columns

    def _kinds(self) -> Mapping[str, Any]:
        return _kinds_of(self.params)

    def _check(self, name: str, kind: type, value: float) -> None:
        allowed = self.ranges[name]
        if not allowed.low <= value <= allowed.high:
            raise BadInput(f"{self.name}.{name}", value, f"use {allowed.low:g} to {allowed.high:g}")
        if kind is int and int(value) != value:
            raise BadInput(f"{self.name}.{name}", value, f"use a whole number, {allowed.low:g} to {allowed.high:g}")


@cache
def _kinds_of(params: type[Params]) -> Mapping[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(params)}


def atr_exits(bars: Bars, params: Params) -> Exits:
    """Stop at `stop_atr` average true ranges, target at `target_ratio` stops."""
    stop = indicators.atr(bars) * params.stop_atr
    return stop, stop * params.target_ratio


def sides_of(long: NDArray[np.bool_], short: NDArray[np.bool_]) -> Sides:
    """+1 where long, -1 where short, else 0."""
    return long.view(np.int8) - short.view(np.int8)
