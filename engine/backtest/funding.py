"""Funding: rates at their real times, from a file to the kernel's rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.bars import Bars, Floats, Ints
from engine.candle_file import FIRST_MS, LAST_MS
from engine.errors import BadInput

RATE_SCALE = 100_000_000
LARGEST_RATE = 0.05  # Binance caps a rate at 3 %: what is larger is a percentage, not a fraction
OLDEST_MARK_MS = 24 * 3_600_000
COLUMNS = ("timestamp", "funding_rate")


@dataclass(frozen=True, slots=True)
class Funding:
    """m rates: `time` int64[m] ms UTC rising, `rate` float64[m] fractions; a positive rate is paid by longs."""

    time: Ints
    rate: Floats

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def none(cls) -> Funding:
        """No funding."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Marks:
    """Mark prices: `time` int64[k] ms UTC rising, `price` float64[k] quote currency, each good until the next."""

    time: Ints
    price: Floats


def read_funding(path: Path) -> Funding:
    """Read and check a Parquet or CSV file with `COLUMNS`; raises BadInput naming row, field and value."""
    times, rates = _read("funding file", path, COLUMNS)
    _refuse(path.name, "funding_rate", rates, ~np.isfinite(rates), "must be a number")
    _refuse(path.name, "funding_rate", rates, np.abs(rates) > LARGEST_RATE, "rates are fractions: 0.0001 is 1 bp")
    return Funding(times, rates)


def read_marks(path: Path) -> Marks:
    """Read and check the bars of a mark price (``timestamp``, ``open``); raises BadInput naming row, field and value."""
    times, prices = _read("mark price file", path, ("timestamp", "open"))
    _refuse(path.name, "open", prices, ~(np.isfinite(prices) & (prices > 0.0)), "prices must be positive")
    return Marks(times, prices)


def _read(what: str, path: Path, columns: tuple[str, str]) -> tuple[Ints, Floats]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    if not path.is_file():
        raise BadInput(what, path, "there is no such file")
    try:
        table = csv.read_csv(path) if path.suffix.lower() == ".csv" else parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(what, path.name, f"it cannot be read ({str(error).splitlines()[0]})") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        names = ", ".join(table.column_names)
        raise BadInput(f"{path.name} columns", names, f"missing {', '.join(missing)}; needs {', '.join(columns)}")
    for name in columns:
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise BadInput(f"{path.name} column {name}", kind, "its values must be numbers")
    stamps, values = (table[name].to_numpy().astype(np.float64) for name in columns)
    _refuse(path.name, "timestamp", stamps, ~np.isfinite(stamps), "must be a number")
    _refuse(
        path.name, "timestamp", stamps, stamps < FIRST_MS, "timestamps are milliseconds since 1970 UTC, not seconds"
    )
    _refuse(path.name, "timestamp", stamps, stamps >= LAST_MS, "timestamps are milliseconds since 1970 UTC")
    backwards = np.concatenate(([False], np.diff(stamps) <= 0))
    _refuse(path.name, "timestamp", stamps, backwards, "rows must be sorted by time, each time once")
    return stamps.astype(np.int64), values


def _refuse(name: str, field: str, values: Floats, wrong: np.ndarray, remedy: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        value = int(values[row]) if field == "timestamp" and np.isfinite(values[row]) else float(values[row])
        raise BadInput(f"{name} row {row + 1} {field}", value, remedy)


def rows(funding: Funding, bars: Bars, timeframe_ms: int, tick: float, marks: Marks | None = None) -> Ints:
    """The kernel's rows: bar, 1 where it is due at the bar's open, price in ticks, rate in 1e-8; a last row ends them.

    Rates outside the bars, and in holes between them, are left out. A rate that comes within a second of a bar's open is
    due at the open: venues stamp it some milliseconds late. It is valued at the newest of `marks`, where that is no older
    than a day, else at the open of its bar.
    """
    n = len(bars)
    bar = np.searchsorted(bars.open_time, funding.time, side="right") - 1
    inside = bar >= 0
    inside[inside] = funding.time[inside] < bars.open_time[bar[inside]] + timeframe_ms
    bar, time, rate = bar[inside], funding.time[inside], funding.rate[inside]
    price = bars.open[bar]
    if marks is not None and len(marks.time):
        at = np.maximum(np.searchsorted(marks.time, time, side="right") - 1, 0)
        age = time - marks.time[at]
        price = np.where((age >= 0) & (age <= OLDEST_MARK_MS), marks.price[at], price)
    out = np.zeros((len(bar) + 1, 4), dtype=np.int64)
    out[:-1, 0] = bar
    out[:-1, 1] = time - bars.open_time[bar] < 1_000
    out[:-1, 2] = np.rint(price / tick)
    out[:-1, 3] = np.rint(rate * RATE_SCALE)
    out[-1, 0] = n
    return out
