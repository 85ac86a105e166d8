"""Candle files: Parquet or CSV, checked whole before a single bar is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.bars import Bars, Floats, Ints
from engine.errors import BadInput

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
FIRST_MS = 1_000_000_000_000  # 2001-09-09: anything smaller is seconds


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing bars: open time of the first one missing, of the next one there, and how many; ms UTC."""

    begin: int
    end: int
    missing: int


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A checked file. `symbol` is the unified symbol its name suggests, or None."""

    path: Path
    bars: Bars
    timeframe_ms: int
    gaps: tuple[Gap, ...]
    symbol: str | None


def read_candles(path: Path) -> CandleFile:
    """Read and check a candle file; raises BadInput naming row, field and value. Rows count from 1."""
    bars = _checked(path, _table(path))
    steps = np.diff(bars.open_time)
    timeframe = int(steps.min())
    wide = np.flatnonzero(steps != timeframe)
    for i in wide[steps[wide] % timeframe != 0]:
        raise BadInput(
            f"{path.name} row {int(i) + 2} timestamp",
            int(bars.open_time[i + 1]),
            f"bars must lie on a grid of {timeframe} ms; repair or resample the file",
        )
    gaps = tuple(
        Gap(int(bars.open_time[i]) + timeframe, int(bars.open_time[i + 1]), int(steps[i] // timeframe) - 1)
        for i in wide
    )
    return CandleFile(path, bars, timeframe, gaps, symbol_of(path))


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


def _checked(path: Path, table: dict[str, np.ndarray]) -> Bars:
    n = len(table["timestamp"])
    if n < 2:
        raise BadInput(f"{path.name} rows", n, "at least two bars are needed")
    for name in COLUMNS:
        values = table[name].astype(np.float64)
        _refuse(path, name, values, ~np.isfinite(values), "must be a number; fill or drop the row")
    times: Ints = np.array(table["timestamp"], dtype=np.int64)
    columns: list[Floats] = [np.array(table[name], dtype=np.float64) for name in COLUMNS[1:]]
    open_, high, low, close, volume = columns
    _refuse(
        path,
        "timestamp",
        times,
        times < FIRST_MS,
        "timestamps are milliseconds since 1970 UTC; these look like seconds",
    )
    later = np.concatenate(([False], np.diff(times) == 0))
    _refuse(path, "timestamp", times, later, "the same open time stands twice; drop one")
    backwards = np.concatenate(([False], np.diff(times) < 0))
    _refuse(path, "timestamp", times, backwards, "rows must be sorted by open time")
    for name, values in zip(COLUMNS[1:5], columns[:4], strict=True):
        _refuse(path, name, values, values <= 0, "prices must be positive")
    _refuse(path, "volume", volume, volume < 0, "volume cannot be negative")
    _refuse(path, "high", high, high < np.maximum(open_, close), "high must not be below open or close")
    _refuse(path, "low", low, low > np.minimum(open_, close), "low must not be above open or close")
    return Bars(times, open_, high, low, close, volume)


def _refuse(path: Path, name: str, values: np.ndarray, wrong: np.ndarray, remedy: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise BadInput(f"{path.name} row {int(rows[0]) + 1} {name}", values[rows[0]], remedy)
