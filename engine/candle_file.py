"""Candle files: Parquet or CSV, checked whole before a single bar is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from engine.bars import Bars, Floats, Ints
from engine.errors import BadInput
from engine.model.market import TIMEFRAMES

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
FIRST_MS = 1_000_000_000_000  # 2001-09-09: anything smaller is seconds
LAST_MS = 10_000_000_000_000  # 2286-11-20: anything larger is microseconds
NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing bars: open time of the first one missing, of the next one there, and how many; ms UTC."""

    begin: int
    end: int
    missing: int


class Repair(msgspec.Struct, frozen=True):
    """One thing that was mended on reading.

    Attributes:
        what: "sorted" (rows that stood before an earlier row) or "duplicates" (repeated rows that were dropped).
        rows: how many rows.
        first_row: the first of them, counted from 1 as in the file.
    """

    what: str
    rows: int
    first_row: int

    def sentence(self) -> str:
        """For a person."""
        if self.what == "sorted":
            return f"{self.rows} rows were out of order (the first is row {self.first_row}): sorted by open time"
        return f"{self.rows} rows stood twice (the first is row {self.first_row}): the copies were dropped"


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A checked file. `symbol` is the unified symbol its name suggests, or None; `repairs` is empty unless asked for."""

    path: Path
    bars: Bars
    timeframe_ms: int
    gaps: tuple[Gap, ...]
    symbol: str | None
    repairs: tuple[Repair, ...] = ()


def read_candles(path: Path, *, repair: bool = False) -> CandleFile:
    """Read and check a candle file; raises BadInput naming row, field and value. Rows count from 1.

    Missing bars are no error: they are reported as `gaps`.

    Args:
        path: Parquet or CSV with `COLUMNS`; timestamp is the open time in ms UTC.
        repair: mend what can be mended without guessing: sort rows, and drop rows that repeat another in every field.
            Everything else is refused all the same.
    """
    rows = _Rows(path.name, _table(path))
    repairs = rows.repair() if repair else ()
    rows.check_order()
    rows.check_prices()
    times = rows.times
    timeframe = _timeframe(times)
    steps = np.diff(times)
    rows.refuse("timestamp", times, _after(steps % timeframe != 0), f"bars must lie on a grid of {timeframe} ms")
    bars = Bars(times, *rows.columns)
    return CandleFile(path, bars, timeframe, gaps_of(times, timeframe), symbol_of(path), repairs)


def gaps_of(times: Ints, timeframe_ms: int) -> tuple[Gap, ...]:
    """The holes between sorted open times (ms UTC) that lie on one grid of `timeframe_ms`."""
    steps = np.diff(times)
    return tuple(
        Gap(int(times[i]) + timeframe_ms, int(times[i + 1]), int(steps[i]) // timeframe_ms - 1)
        for i in np.flatnonzero(steps > timeframe_ms)
    )


def symbol_of(path: Path) -> str | None:
    """The unified symbol in a file name like ``binance_usdm_BTCUSDT_1m_2025-05.parquet``, or None."""
    found = re.search(r"(?:^|_)([A-Z0-9]{2,15}?)(USDT|USD)(?:_|\.|$)", path.name)
    return f"{found.group(1)}/USDT:USDT" if found else None


def _table(path: Path) -> dict[str, np.ndarray]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    if not path.is_file():
        raise BadInput("candle file", path, "there is no such file")
    try:
        table = csv.read_csv(path) if path.suffix.lower() == ".csv" else parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            "candle file", path.name, f"it cannot be read as Parquet or CSV, or is cut short ({reason})"
        ) from error
    twice = [name for name in COLUMNS if table.column_names.count(name) > 1]
    if twice:
        raise BadInput(f"{path.name} columns", ", ".join(table.column_names), f"{twice[0]} stands twice; drop one")
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise BadInput(
            f"{path.name} columns",
            ", ".join(table.column_names),
            f"missing {', '.join(missing)}; needs {', '.join(COLUMNS)}",
        )
    for name in COLUMNS:
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise BadInput(f"{path.name} column {name}", kind, "its values must be numbers")
    return {name: table[name].to_numpy() for name in COLUMNS}


class _Rows:
    """The rows of a file on their way to bars; knows where each stood, so that a refusal names the file's own row."""

    def __init__(self, name: str, table: dict[str, np.ndarray]) -> None:
        self.name = name
        self._stood: Ints | None = None
        n = len(table["timestamp"])
        if n < 2:
            raise BadInput(f"{name} rows", n, "at least two bars are needed")
        for column in COLUMNS:
            values = table[column]
            if values.dtype.kind == "f":
                self.refuse(column, values, ~np.isfinite(values), "must be a number; fill or drop the row")
        stamps = table["timestamp"]
        self._check_unit(stamps)
        if stamps.dtype.kind == "f":
            self.refuse("timestamp", stamps, stamps != np.floor(stamps), "timestamps are whole milliseconds")
        # copies where needed: what Arrow hands out may be read-only
        self.times: Ints = np.array(stamps, dtype=np.int64)
        self.columns: list[Floats] = [np.array(table[column], dtype=np.float64) for column in COLUMNS[1:]]

    def refuse(self, field: str, values: np.ndarray, wrong: np.ndarray, remedy: str) -> None:
        """Raise BadInput for the first wrong row, if there is one."""
        if not wrong.any():
            return
        i = int(wrong.argmax())
        raise BadInput(f"{self.name} row {self._row(i)} {field}", values[i], remedy)

    def repair(self) -> tuple[Repair, ...]:
        """Sort rows, then drop rows that repeat the one before in every field; says what was done."""
        done: list[Repair] = []
        backwards = self.times < np.maximum.accumulate(self.times)
        if backwards.any():
            done.append(Repair("sorted", int(backwards.sum()), int(backwards.argmax()) + 1))
            self._take(np.argsort(self.times, kind="stable"))
        again = _after(np.logical_and.reduce([np.diff(column) == 0 for column in (self.times, *self.columns)]))
        if again.any():
            copies = np.flatnonzero(again)
            first = min(self._row(int(i)) for i in copies)
            self._take(np.flatnonzero(~again))
            done.append(Repair("duplicates", len(copies), first))
            if len(self.times) < 2:
                raise BadInput(f"{self.name} rows", len(self.times), "at least two bars are needed")
        return tuple(done)

    def check_order(self) -> None:
        """Times rise, and none stands twice."""
        steps = np.diff(self.times)
        twice = _after(steps == 0)
        if twice.any():
            i = int(twice.argmax())
            same = all(column[i] == column[i - 1] for column in self.columns)
            remedy = "the same open time stands twice; drop one"
            if not same:
                remedy += f" (row {self._row(i - 1)} has other values)"
            self.refuse("timestamp", self.times, twice, remedy)
        self.refuse("timestamp", self.times, _after(steps < 0), "rows must be sorted by open time")

    def check_prices(self) -> None:
        """Each bar is possible."""
        open_, high, low, close, volume = self.columns
        for name, values in zip(COLUMNS[1:5], self.columns[:4], strict=True):
            self.refuse(name, values, values <= 0, "prices must be positive")
        self.refuse("volume", volume, volume < 0, "volume cannot be negative")
        self.refuse("high", high, high < np.maximum(open_, close), "high must not be below open or close")
        self.refuse("low", low, low > np.minimum(open_, close), "low must not be above open or close")

    def _check_unit(self, stamps: np.ndarray) -> None:
        unit = "timestamps are milliseconds since 1970 UTC; these look like"
        self.refuse("timestamp", stamps, stamps < FIRST_MS, f"{unit} seconds")
        self.refuse("timestamp", stamps, stamps >= LAST_MS, f"{unit} microseconds or finer")

    def _row(self, i: int) -> int:
        return (i if self._stood is None else int(self._stood[i])) + 1

    def _take(self, order: Ints) -> None:
        self.times = self.times[order]
        self.columns = [column[order] for column in self.columns]
        self._stood = order if self._stood is None else self._stood[order]


def _after(steps: np.ndarray) -> np.ndarray:
    """A mask over steps between rows as a mask over the rows they lead to."""
    return np.concatenate(([False], steps))


def _timeframe(times: Ints) -> int:
    """The step that nearly all bars have: a stray row must not set the grid. With many holes, the shortest usual one."""
    steps = np.diff(times)
    shortest = int(steps.min())
    if (steps == shortest).mean() >= NEARLY_ALL:
        return shortest
    values, counts = np.unique(steps, return_counts=True)
    usual = np.isin(values, list(TIMEFRAMES.values()))
    if usual.any():
        values, counts = values[usual], counts[usual]
        if counts.max() < NEARLY_ALL * len(steps):
            return int(values[0])
    return int(values[counts.argmax()])
