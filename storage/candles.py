"""Closed bars on disk: one Parquet file per venue, symbol, timeframe and month (UTC).

``candles/binance/BTC_USDT_USDT/1m/2025-05.parquet``. A file is replaced in one step, so a reader sees the old month or the
new one. Writers of one series (an engine, a download) take turns by a file lock. Every page carries a checksum.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from engine.bars import Bars, Ints
from engine.candle_file import COLUMNS, gaps_of
from engine.errors import BadInput, InvariantBroken
from engine.history.merge import joined, merge, same
from engine.model.market import TIMEFRAMES

if TYPE_CHECKING:
    import pyarrow as pa

GAPS_KEY = b"trefoil.gaps"
MONTH_FILE = re.compile(r"\d{4}-\d{2}\.parquet")
VENUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
SYMBOL = re.compile(r"[^/:_\s.]+/[^/:_\s.]+(:[^/:_\s.]+)?")
NAMES = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}


class Stored(msgspec.Struct, frozen=True):
    """What there is of one series.

    Attributes:
        venue: as it was written.
        symbol: unified symbol.
        timeframe_ms: length of a bar.
        first: open time of the oldest bar, ms UTC.
        last: open time of the newest bar, ms UTC.
        bars: how many.
        gaps: holes between first and last.
        missing: bars missing in them.
    """

    venue: str
    symbol: str
    timeframe_ms: int
    first: int
    last: int
    bars: int
    gaps: int
    missing: int


class ParquetCandles:
    """Implements CandleStore; blocking, so call it from a thread.

    A month file that is damaged is renamed (``.damaged``) and said: to `told`, and reading goes on without that month;
    where there is no `told` by a BadInput with the same sentence.

    Args:
        root: the folder, see `storage.home.Home.candles`.
        told: gets the sentence about a damaged file; the caller fills the hole or shows it.
    """

    def __init__(self, root: Path, told: Callable[[str], None] | None = None) -> None:
        self._root = root
        self._told = told

    def read(self, venue: str, symbol: str, timeframe_ms: int, since: int = 0, until: int | None = None) -> Bars:
        """Stored bars with since <= open time < until (ms UTC; None: to the end), oldest first.

        Raises BadInput for a name that cannot be stored, and for a file that cannot be read.
        """
        folder = self._folder(venue, symbol, timeframe_ms)
        first, last = month_of(since), None if until is None else month_of(until)
        files = [file for file in _months(folder) if file.stem >= first and (last is None or file.stem <= last)]
        parts = [part for file in files if (part := self._read(file, timeframe_ms)) is not None]
        if not parts:
            return Bars.empty()
        bars = parts[0] if len(parts) == 1 else joined(parts)
        begin = int(bars.open_time.searchsorted(since))
        end = len(bars) if until is None else int(bars.open_time.searchsorted(until))
        return bars[begin:end]

    def write(self, venue: str, symbol: str, timeframe_ms: int, bars: Bars) -> None:
        """Merge closed bars in, month by month; the newer version of an open time wins.

        Args:
            venue: lower case name.
            symbol: unified symbol.
            timeframe_ms: length of a bar, one of `engine.model.market.TIMEFRAMES`.
            bars: oldest first, open times whole multiples of `timeframe_ms`, ms UTC.

        Raises:
            BadInput: a name that cannot be stored, or a file that cannot be read or written.
            InvariantBroken: bars out of order or off the grid.
        """
        folder = self._folder(venue, symbol, timeframe_ms)
        if len(bars) == 0:
            return
        if bool((np.diff(bars.open_time) <= 0).any()) or bool((bars.open_time % timeframe_ms != 0).any()):
            raise InvariantBroken(f"bars of {symbol} to be stored are out of order or off the {timeframe_ms} ms grid")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _turn(folder):
                for month, part in _by_month(bars):
                    self._merge(folder / f"{month}.parquet", timeframe_ms, part)
        except OSError as error:
            raise BadInput("candle folder", folder, f"it cannot be written: {error.strerror or error}") from error

    def stored(self) -> tuple[Stored, ...]:
        """Every series there is, by venue, symbol and timeframe; reads only the files' footers."""
        found = []
        for folder in sorted(self._root.glob("*/*/*")):
            timeframe_ms, symbol = TIMEFRAMES.get(folder.name), _symbol(folder.parent.name)
            if timeframe_ms is None or symbol is None:
                continue
            months = [m for file in _months(folder) if (m := self._footer(file)) is not None]
            if months:
                found.append(_stored(folder.parent.parent.name, symbol, timeframe_ms, months))
        return tuple(sorted(found, key=lambda s: (s.venue, s.symbol, s.timeframe_ms)))

    def _folder(self, venue: str, symbol: str, timeframe_ms: int) -> Path:
        if VENUE.fullmatch(venue) is None:
            raise BadInput("venue", venue, "use lower case letters, digits, - and _")
        if SYMBOL.fullmatch(symbol) is None or not symbol.isprintable():
            raise BadInput("symbol", symbol, "use the unified form, e.g. BTC/USDT:USDT")
        if timeframe_ms not in NAMES:
            raise BadInput("timeframe", f"{timeframe_ms} ms", f"use one of {', '.join(TIMEFRAMES)}")
        return self._root / venue / symbol.replace("/", "_").replace(":", "_") / NAMES[timeframe_ms]

    def _merge(self, file: Path, timeframe_ms: int, bars: Bars) -> None:
        known = self._read(file, timeframe_ms) if file.is_file() else None
        merged = bars if known is None else merge(known, bars)
        if known is None or not same(known, merged):
            _write(file, merged, timeframe_ms)

    def _read(self, file: Path, timeframe_ms: int) -> Bars | None:
        import pyarrow as pa
        from pyarrow import parquet

        data = _bytes(file)
        if data is None:
            return None
        try:
            table = parquet.ParquetFile(BytesIO(data), page_checksum_verification=True).read(columns=list(COLUMNS))
            bars = _bars(table)
        except (pa.ArrowException, OSError, KeyError) as error:
            self._set_aside(file, str(error).splitlines()[0])
            return None
        months = bars.open_time[[0, -1]].tolist() if len(bars) else []
        if not months or {month_of(at) for at in months} != {file.stem}:
            self._set_aside(file, "its bars are not of this month")
            return None
        if bool((np.diff(bars.open_time) <= 0).any()) or bool((bars.open_time % timeframe_ms != 0).any()):
            self._set_aside(file, "its bars are out of order")
            return None
        return bars

    def _footer(self, file: Path) -> tuple[int, int, int, int] | None:
        """First, last, bars and gaps of one month."""
        import pyarrow as pa
        from pyarrow import parquet

        try:
            about = parquet.read_metadata(file)
            groups = [about.row_group(i).column(0).statistics for i in range(about.num_row_groups)]
            gaps = int(about.metadata[GAPS_KEY])
            return min(g.min for g in groups), max(g.max for g in groups), about.num_rows, gaps
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            self._set_aside(file, str(error).splitlines()[0])
            return None

    def _set_aside(self, file: Path, reason: str) -> None:
        aside, number = file.with_name(f"{file.name}.damaged"), 1
        while aside.exists():
            number += 1
            aside = file.with_name(f"{file.name}.damaged-{number}")
        try:
            file.rename(aside)
        except FileNotFoundError:  # another process was quicker
            return
        remedy = f"it is damaged ({reason}) and was set aside as {aside.name}; download that month again"
        if self._told is None:
            raise BadInput("candle file", file, remedy)
        self._told(f"candle file {file}: {remedy}")


def month_of(at: int) -> str:
    """The UTC month of a time in ms, like ``2025-05``."""
    return str(np.datetime64(at, "ms").astype("datetime64[M]"))


def _by_month(bars: Bars) -> Iterator[tuple[str, Bars]]:
    months = bars.open_time.astype("datetime64[ms]").astype("datetime64[M]")
    edges = [0, *(np.flatnonzero(np.diff(months).astype(np.int64)) + 1).tolist(), len(bars)]
    for begin, end in pairwise(edges):
        yield str(months[begin]), bars[begin:end]


def _months(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.parquet") if MONTH_FILE.fullmatch(file.name))


def _symbol(folder: str) -> str | None:
    parts = folder.split("_")
    return {2: "{}/{}", 3: "{}/{}:{}"}[len(parts)].format(*parts) if len(parts) in {2, 3} else None


def _stored(venue: str, symbol: str, timeframe_ms: int, months: list[tuple[int, int, int, int]]) -> Stored:
    first, last = months[0][0], months[-1][1]
    between = sum(a[1] + timeframe_ms < b[0] for a, b in pairwise(months))
    bars = sum(month[2] for month in months)
    missing = (last - first) // timeframe_ms + 1 - bars
    return Stored(venue, symbol, timeframe_ms, first, last, bars, sum(m[3] for m in months) + between, missing)


def _bytes(file: Path) -> bytes | None:
    """The file's content, None when it is gone. Read apart from Parquet: a disk that fails says nothing of the file."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput("candle file", file, f"it cannot be read: {error.strerror or error}") from error


def _bars(table: pa.Table) -> Bars:
    times, *columns = (table[name].to_numpy() for name in COLUMNS)
    if times.dtype != np.int64 or any(column.dtype != np.float64 for column in columns):
        raise KeyError("a column has another type")
    return Bars(cast("Ints", times), *columns)


def _write(file: Path, bars: Bars, timeframe_ms: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    gaps = str(len(gaps_of(bars.open_time, timeframe_ms))).encode()
    columns = dict(zip(COLUMNS, (bars.open_time, *(getattr(bars, name) for name in COLUMNS[1:])), strict=True))
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as out:
        parquet.write_table(
            pa.table(columns, metadata={GAPS_KEY: gaps}),
            out,
            compression="zstd",
            use_dictionary=False,
            use_byte_stream_split=list(COLUMNS[1:]),  # floats pack better and faster with their bytes side by side
            write_page_checksum=True,
            store_schema=True,
        )
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One writer of a series at a time; the lock goes with the process."""
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
