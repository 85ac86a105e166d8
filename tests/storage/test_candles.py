"""Closed bars on disk: nothing is lost, doubled or half-written, and a damaged month is set aside and said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.candle_file import gaps_of
from engine.errors import BadInput, InvariantBroken
from engine.history.series import DAY_MS
from storage.candles import ParquetCandles, Stored, month_of
from tests.engine.history.exchange import BEGIN, MINUTE, rows, taken, walk, without

KEY = ("binance", "BTC/USDT:USDT", MINUTE)
FOLDER = Path("binance", "BTC_USDT_USDT", "1m")
HOUR = 60 * MINUTE
WRITES = st.lists(st.sets(st.integers(0, 99), min_size=1, max_size=40), max_size=4)


@settings(max_examples=25, deadline=None)
@given(WRITES)
def test_writes_merge_in_any_order_and_the_newest_wins(writes: list[set[int]]) -> None:
    begin = BEGIN + 31 * DAY_MS - 50 * HOUR  # the month changes at the middle
    expected: dict[float, tuple[float, ...]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = ParquetCandles(Path(folder))
        for number, slots in enumerate(writes):
            bars = taken(walk(100, begin, seed=number, step_ms=HOUR), np.array(sorted(slots), dtype=np.int64))
            store.write("binance", "BTC/USDT:USDT", HOUR, bars)
            store.write("binance", "BTC/USDT:USDT", HOUR, bars)
            expected |= {row[0]: row for row in rows(bars)}
        found = store.read("binance", "BTC/USDT:USDT", HOUR)
        assert rows(found) == [expected[at] for at in sorted(expected)]
        assert {month_of(int(at)) for at in found.open_time} == {f.stem for f in Path(folder).rglob("*.parquet")}
        gaps = gaps_of(found.open_time, HOUR)
        about = [
            Stored("binance", "BTC/USDT:USDT", HOUR, int(found.open_time[0]), int(found.open_time[-1]), len(found),
                   len(gaps), sum(gap.missing for gap in gaps))
        ] if len(found) else []  # fmt: skip
        assert list(store.stored()) == about


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (0, None, 0, 3_000),
        (BEGIN + 7 * MINUTE, None, 7, 3_000),
        (BEGIN + 7 * MINUTE + 1, BEGIN + 20 * MINUTE, 8, 20),
        (0, BEGIN, 0, 0),
        (BEGIN + 3_000 * MINUTE, None, 3_000, 3_000),
        (BEGIN - DAY_MS, BEGIN + 9 * DAY_MS, 0, 3_000),
    ],
)
def test_a_part_is_read_by_open_time(tmp_path: Path, since: int, until: int | None, first: int, last: int) -> None:
    bars, store = walk(3_000), ParquetCandles(tmp_path)
    store.write(*KEY, bars)
    assert rows(store.read(*KEY, since, until)) == rows(bars[first:last])


def test_nothing_is_there_before_anything_was_written(tmp_path: Path) -> None:
    store = ParquetCandles(tmp_path / "none")
    assert len(store.read(*KEY)) == 0
    assert store.stored() == ()
    store.write(*KEY, Bars.empty())
    assert not (tmp_path / "none").exists()


def test_the_same_bars_again_do_not_touch_the_file(tmp_path: Path) -> None:
    bars, store = walk(100), ParquetCandles(tmp_path)
    store.write(*KEY, bars)
    file = tmp_path / FOLDER / "2025-05.parquet"
    before = file.stat()
    store.write(*KEY, bars[10:20])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    store.write(*KEY, replace(bars, volume=bars.volume + 1)[10:20])
    assert file.stat().st_ino != before.st_ino


def test_every_series_is_listed_with_its_holes(tmp_path: Path) -> None:
    store = ParquetCandles(tmp_path)
    store.write("okx", "ETH/USDT", HOUR, walk(10, step_ms=HOUR))
    store.write(*KEY, without(walk(31 * 1_440 + 10), (5, 7), (31 * 1_440 - 1, 31 * 1_440 + 3)))
    store.write("binance", "BTC/USDT:USDT", HOUR, walk(2, step_ms=HOUR))
    (tmp_path / "binance" / "notes").mkdir()
    (tmp_path / "binance" / "BTC_USDT_USDT" / "7m").mkdir()
    (tmp_path / FOLDER / "copy of 2025-05.parquet").write_bytes(b"")
    last = BEGIN + (31 * 1_440 + 9) * MINUTE
    assert store.stored() == (
        Stored("binance", "BTC/USDT:USDT", MINUTE, BEGIN, last, 31 * 1_440 + 4, 2, 6),
        Stored("binance", "BTC/USDT:USDT", HOUR, BEGIN, BEGIN + HOUR, 2, 0, 0),
        Stored("okx", "ETH/USDT", HOUR, BEGIN, BEGIN + 9 * HOUR, 10, 0, 0),
    )


@pytest.mark.parametrize(
    ("venue", "symbol", "timeframe_ms", "sentence"),
    [
        ("../etc", "BTC/USDT:USDT", MINUTE, "venue: ../etc - use lower case letters, digits, - and _"),
        ("Binance", "BTC/USDT:USDT", MINUTE, "venue: Binance - use lower case"),
        ("", "BTC/USDT:USDT", MINUTE, "venue:  - use lower case"),
        ("binance", "BTCUSDT", MINUTE, "symbol: BTCUSDT - use the unified form, e.g. BTC/USDT:USDT"),
        ("binance", "../..", MINUTE, "symbol: ../.. - use the unified form"),
        ("binance", "BTC/US DT", MINUTE, "symbol: BTC/US DT - use the unified form"),
        ("binance", "BTC/USDT:USDT", 7_000, "timeframe: 7000 ms - use one of 1m, 3m"),
    ],
)
def test_names_that_cannot_be_kept_are_refused(
    tmp_path: Path, venue: str, symbol: str, timeframe_ms: int, sentence: str
) -> None:
    store = ParquetCandles(tmp_path)
    for act in (
        lambda: store.read(venue, symbol, timeframe_ms),
        lambda: store.write(venue, symbol, timeframe_ms, walk(2)),
    ):
        with pytest.raises(BadInput) as error:
            act()
        assert str(error.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("order", [[1, 0], [0, 0]], ids=["out of order", "twice"])
def test_bars_out_of_order_are_a_broken_invariant(tmp_path: Path, order: list[int]) -> None:
    with pytest.raises(InvariantBroken, match="out of order"):
        ParquetCandles(tmp_path).write(*KEY, taken(walk(2), np.array(order)))
    with pytest.raises(InvariantBroken, match="off the 60000 ms grid"):
        ParquetCandles(tmp_path).write(*KEY, walk(2, begin=BEGIN + 1))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[300] ^= 0xFF
    file.write_bytes(bytes(data))


def _other_month(file: Path) -> None:
    file.write_bytes((file.parent / "2025-06.parquet").read_bytes())


def _shuffled(file: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.take(pa.array([1, 0, *range(2, len(table))])), file)


def _no_column(file: Path) -> None:
    pq.write_table(pq.read_table(file).drop_columns(["volume"]), file)


def _other_type(file: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.set_column(0, "timestamp", table["timestamp"].cast(pa.float64())), file)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (_cut, ""),
    (_flip, ""),
    (_empty, ""),
    (_other_month, "its bars are not of this month"),
    (_shuffled, "its bars are out of order"),
    (_no_column, "volume"),
    (_other_type, "a column has another type"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
def test_a_damaged_month_is_set_aside_said_and_can_be_had_again(
    tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    bars, told = walk(32 * 1_440), list[str]()
    store = ParquetCandles(tmp_path, told.append)
    store.write(*KEY, bars)
    file = tmp_path / FOLDER / "2025-05.parquet"
    damage(file)
    data = file.read_bytes()
    assert rows(store.read(*KEY)) == rows(bars[31 * 1_440 :])
    assert len(told) == 1
    assert told[0].startswith(f"candle file {file}: it is damaged (")
    assert reason in told[0]
    assert told[0].endswith(") and was set aside as 2025-05.parquet.damaged; download that month again")
    assert file.with_name("2025-05.parquet.damaged").read_bytes() == data
    store.write(*KEY, bars)
    assert rows(store.read(*KEY)) == rows(bars)
    assert len(told) == 1


def test_without_a_listener_damage_is_an_error_once(tmp_path: Path) -> None:
    store = ParquetCandles(tmp_path)
    file = tmp_path / FOLDER / "2025-05.parquet"
    for number in ("", "-2"):
        store.write(*KEY, walk(5))
        _empty(file)
        with pytest.raises(BadInput, match=rf"set aside as 2025-05\.parquet\.damaged{number};"):
            store.stored() if number else store.read(*KEY)
        assert len(store.read(*KEY)) == 0


def test_a_disk_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "binance").write_text("in the way")
    with pytest.raises(BadInput, match=r"^candle folder: .* - it cannot be written: Not a directory"):
        ParquetCandles(tmp_path).write(*KEY, walk(2))


def test_a_month_half_written_by_a_process_that_died_is_not_read(tmp_path: Path) -> None:
    bars, store = walk(50), ParquetCandles(tmp_path)
    store.write(*KEY, bars[:20])
    half = tmp_path / FOLDER / "2025-05.new"
    half.write_bytes((tmp_path / FOLDER / "2025-05.parquet").read_bytes()[:99])
    assert rows(store.read(*KEY)) == rows(bars[:20])
    assert store.stored()[0].bars == 20
    store.write(*KEY, bars[20:])
    assert rows(store.read(*KEY)) == rows(bars)
    assert not half.exists()


WRITER = """
import sys
from pathlib import Path
from storage.candles import ParquetCandles
from tests.engine.history.exchange import walk
store = ParquetCandles(Path(sys.argv[1]))
versions = [walk(20_000, seed=seed) for seed in (1, 2)]
print("begin", flush=True)
while True:
    for bars in versions:
        store.write("binance", "BTC/USDT:USDT", 60_000, bars)
        print("kept", flush=True)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_the_old_month_or_the_new_one(tmp_path: Path) -> None:
    versions = [rows(walk(20_000, seed=seed)) for seed in (1, 2)]
    store = ParquetCandles(tmp_path)
    for visit in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
        )
        with child:
            assert child.stdout is not None
            for _ in range(2 + visit % 2):
                child.stdout.readline()
            # readers meanwhile see whole months, too
            assert rows(store.read(*KEY)) in versions
            child.send_signal(signal.SIGKILL)
        assert rows(store.read(*KEY)) in versions
        store.write(*KEY, walk(20_000, seed=1))  # the lock went with the process


@pytest.mark.slow
def test_two_writers_of_one_series_lose_nothing(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from storage.candles import ParquetCandles
from tests.engine.history.exchange import walk
store, bars = ParquetCandles(Path(sys.argv[1])), walk(200)
for i in range(int(sys.argv[2]), 200, 2):
    store.write("binance", "BTC/USDT:USDT", 60_000, bars[i : i + 1])
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": "."}
    children = [subprocess.Popen([*command, first], env=environment) for first in ("0", "1")]
    assert [child.wait(60) for child in children] == [0, 0]
    assert rows(ParquetCandles(tmp_path).read(*KEY)) == rows(walk(200))
