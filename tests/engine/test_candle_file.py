"""Candle files: good ones are read to the last bit, bad ones are refused whole with row, field and value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.candle_file import Gap, read_candles, symbol_of
from engine.errors import BadInput

T0 = 1_750_000_020_000
HEAD = "timestamp,open,high,low,close,volume"
Rows: TypeAlias = list[list[Any]]
GOOD: Rows = [[T0 + i * 60_000, 10.0, 12.0, 9.0, 11.0, 1.5] for i in range(4)]


def csv(path: Path, rows: Rows, head: str = HEAD) -> Path:
    lines = [head, *(",".join(str(value) for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def parquet(path: Path, rows: Rows) -> Path:
    columns = list(zip(*rows, strict=True))
    pq.write_table(pa.table(dict(zip(HEAD.split(","), map(list, columns), strict=True))), path)
    return path


def plain(bars: Bars) -> Rows:
    return [[bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in bars]


def changed(row: int, column: int, value: object) -> Rows:
    rows = [list(values) for values in GOOD]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize("write", [csv, parquet])
def test_a_good_file_is_read(tmp_path: Path, write: Callable[[Path, Rows], Path]) -> None:
    path = write(tmp_path / f"binance_usdm_BTCUSDT_1m_2025-05.{write.__name__}", GOOD)
    file = read_candles(path)
    assert plain(file.bars) == GOOD
    assert (file.timeframe_ms, file.gaps, file.symbol, file.path) == (60_000, (), "BTC/USDT:USDT", path)


def test_recorded_files_are_good(market_data: Path, recorded: Callable[[str], Bars]) -> None:
    name = "okx_swap_LTCUSDT_5m_2022-05_2022-08"
    file = read_candles(market_data / "candles" / f"{name}.parquet")
    expected = recorded(name)
    assert file.timeframe_ms == 300_000
    for column in ("open_time", "open", "high", "low", "close", "volume"):
        assert getattr(file.bars, column).tolist() == getattr(expected, column).tolist()


def test_gaps_are_named_and_kept(tmp_path: Path, market_data: Path) -> None:
    rows = [*GOOD[:2], *([[T0 + i * 60_000, 10.0, 12.0, 9.0, 11.0, 0.0] for i in (5, 6, 8)])]
    file = read_candles(csv(tmp_path / "x.csv", rows))
    assert file.gaps == (
        Gap(T0 + 2 * 60_000, T0 + 5 * 60_000, 3),
        Gap(T0 + 7 * 60_000, T0 + 8 * 60_000, 1),
    )
    assert len(file.bars) == 5
    holes = read_candles(market_data / "candles" / "bitfinex_spot_BTCUSD_1m_2016-02.parquet").gaps
    assert sum(gap.missing for gap in holes) == 10_615


BAD_ROWS = [
    (changed(1, 1, "nan"), "bad.csv row 2 open: nan - must be a number; fill or drop the row"),
    (changed(3, 4, "inf"), "bad.csv row 4 close: inf - must be a number; fill or drop the row"),
    (changed(2, 5, ""), "bad.csv row 3 volume: nan - must be a number; fill or drop the row"),
    (changed(0, 0, 1_750_000_020), "bad.csv row 1 timestamp: 1750000020 - timestamps are milliseconds since 1970 UTC"),
    (changed(2, 0, T0 + 60_000), f"bad.csv row 3 timestamp: {T0 + 60_000} - the same open time stands twice; drop one"),
    (changed(3, 0, T0 + 30_000), f"bad.csv row 4 timestamp: {T0 + 30_000} - rows must be sorted by open time"),
    (changed(1, 1, 0.0), "bad.csv row 2 open: 0.0 - prices must be positive"),
    (changed(1, 3, -9.0), "bad.csv row 2 low: -9.0 - prices must be positive"),
    (changed(2, 5, -1.0), "bad.csv row 3 volume: -1.0 - volume cannot be negative"),
    (changed(0, 2, 10.5), "bad.csv row 1 high: 10.5 - high must not be below open or close"),
    (changed(3, 3, 10.5), "bad.csv row 4 low: 10.5 - low must not be above open or close"),
    (changed(3, 0, T0 + 200_000), f"bad.csv row 4 timestamp: {T0 + 200_000} - bars must lie on a grid of 60000 ms"),
    (GOOD[:1], "bad.csv rows: 1 - at least two bars are needed"),
    (changed(1, 1, "ten"), "bad.csv column open: string - its values must be numbers"),
    (changed(1, 0, "2025-05-01"), "bad.csv column timestamp: string - its values must be numbers"),
    (changed(1, 0, ""), "bad.csv row 2 timestamp: nan - must be a number; fill or drop the row"),
    (changed(1, 0, T0 + 60_000.5), f"bad.csv row 2 timestamp: {T0 + 60_000.5} - timestamps are whole milliseconds"),
    (changed(2, 0, 1e300), "bad.csv row 3 timestamp: 1e+300 - timestamps are milliseconds since 1970 UTC; these look"),
    (
        changed(2, 0, -5),
        "bad.csv row 3 timestamp: -5 - timestamps are milliseconds since 1970 UTC; these look like sec",
    ),
    (changed(0, 0, T0 * 1_000), f"bad.csv row 1 timestamp: {T0 * 1_000} - timestamps are milliseconds since 1970 UTC"),
    (
        [*GOOD[:2], [T0 + 60_000, 10.0, 12.0, 9.0, 11.0, 9.0], *GOOD[2:]],
        f"bad.csv row 3 timestamp: {T0 + 60_000} - the same open time stands twice; drop one (row 2 has other values)",
    ),
]


@pytest.mark.parametrize(("rows", "sentence"), BAD_ROWS, ids=[case[1][:40] for case in BAD_ROWS])
def test_a_bad_row_is_named(tmp_path: Path, rows: Rows, sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        read_candles(csv(tmp_path / "bad.csv", rows))
    assert str(error.value).startswith(sentence)


def test_parquet_is_checked_alike(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"bad\.parquet row 2 open: nan - must be a number"):
        read_candles(parquet(tmp_path / "bad.parquet", changed(1, 1, math.nan)))
    with pytest.raises(BadInput, match=r"bad\.parquet row 3 close: nan - must be a number"):
        read_candles(parquet(tmp_path / "bad.parquet", changed(2, 4, None)))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "short.csv", [row[:5] for row in GOOD], "timestamp,open,high,low,close")
    with pytest.raises(
        BadInput, match=r"short\.csv columns: timestamp, open, high, low, close - missing volume; needs"
    ):
        read_candles(path)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("time,open,high,low,close,volume", "x.csv columns: time, open, high, low, close, volume - missing timestamp;"),
        ("Timestamp,Open,High,Low,Close,Volume", "x.csv columns: Timestamp, Open, High, Low, Close, Volume - missing"),
        ("timestamp,open,open,low,close,volume", "x.csv columns: timestamp, open, open, low, close, volume - open st"),
        ("1,2,3,4,5,6", "x.csv columns: 1, 2, 3, 4, 5, 6 - missing timestamp, open, high, low, close, volume; needs"),
    ],
)
def test_wrong_column_names_are_listed(tmp_path: Path, head: str, sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        read_candles(csv(tmp_path / "x.csv", GOOD, head))
    assert str(error.value).startswith(sentence)


def test_a_row_with_too_few_fields_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^candle file: x\.csv - it cannot be read .* Expected 6 columns, got 5"):
        read_candles(csv(tmp_path / "x.csv", [*GOOD[:2], GOOD[2][:5], GOOD[3]]))


def test_more_columns_and_whole_numbers_are_welcome(tmp_path: Path) -> None:
    rows = [[i, *map(int, row[:5]), row[5], "x"] for i, row in enumerate(GOOD)]
    file = read_candles(csv(tmp_path / "x.csv", rows, f"row,{HEAD},note"))
    assert plain(file.bars) == GOOD


@pytest.mark.parametrize(
    ("minutes", "timeframe"),
    [
        ([0, 1, 2, 3, 7, 8, 20], 1),
        ([0, 2, 4, 6, 7, 9, 11], 1),  # a market where many minutes saw no trade
        ([*range(0, 300, 5)], 5),
        ([*range(0, 300, 5), 600, 605], 5),
        ([*range(0, 60_480, 10_080)], 10_080),  # weeks: no timeframe of ours, but a good file
    ],
)
def test_the_timeframe_is_the_step_of_nearly_all_bars(tmp_path: Path, minutes: list[int], timeframe: int) -> None:
    file = read_candles(csv(tmp_path / "x.csv", [[T0 + m * 60_000, *GOOD[0][1:]] for m in minutes]))
    assert file.timeframe_ms == timeframe * 60_000
    assert sum(gap.missing for gap in file.gaps) == (minutes[-1] - minutes[0]) // timeframe + 1 - len(minutes)


def test_a_stray_row_is_named_and_does_not_set_the_grid(tmp_path: Path) -> None:
    minutes = sorted([*range(0, 300, 5), 151])
    with pytest.raises(
        BadInput, match=rf"row 32 timestamp: {T0 + 151 * 60_000} - bars must lie on a grid of 300000 ms"
    ):
        read_candles(csv(tmp_path / "x.csv", [[T0 + m * 60_000, *GOOD[0][1:]] for m in minutes]))


# Repair


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 11), min_size=0, max_size=8), st.randoms(use_true_random=False))
def test_a_repair_gives_back_what_was_shuffled_and_doubled(copies: list[int], random: Random) -> None:
    good = [[T0 + i * 60_000, 10.0 + i, 30.0, 9.0, 11.0, i / 7] for i in range(12)]
    rows = [*good, *(good[i] for i in copies)]
    random.shuffle(rows)
    with TemporaryDirectory() as folder:
        path = csv(Path(folder) / "x.csv", rows)
        file = read_candles(path, repair=True)
        assert plain(file.bars) == good
        assert {r.what: r.rows for r in file.repairs}.get("duplicates", 0) == len(copies)
        times = [row[0] for row in rows]
        late = [i for i, at in enumerate(times) if at < max(times[: i + 1])]
        sorted_ = next((r for r in file.repairs if r.what == "sorted"), None)
        assert (sorted_ is None) == (not late)
        if sorted_ is not None:
            assert (sorted_.rows, sorted_.first_row) == (len(late), late[0] + 1)
        again = read_candles(csv(Path(folder) / "y.csv", plain(file.bars)), repair=True)
        assert (again.repairs, plain(again.bars)) == ((), good)


def test_a_repair_says_what_it_did_in_rows_of_the_file(tmp_path: Path) -> None:
    path = csv(tmp_path / "x.csv", [GOOD[0], GOOD[2], GOOD[1], GOOD[1], GOOD[3], GOOD[1]])
    assert [repair.sentence() for repair in read_candles(path, repair=True).repairs] == [
        "3 rows were out of order (the first is row 3): sorted by open time",
        "2 rows stood twice (the first is row 4): the copies were dropped",
    ]
    assert read_candles(csv(tmp_path / "y.csv", GOOD), repair=True).repairs == ()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [GOOD[2], GOOD[0], GOOD[1], [T0 + 120_000, 10.0, 12.0, 9.0, 11.0, 9.0]],
            f"x.csv row 4 timestamp: {T0 + 120_000} - the same open time stands twice; drop one (row 1 has other values)",
        ),
        (
            [GOOD[1], [*GOOD[0][:2], 10.5, *GOOD[0][3:]]],
            "x.csv row 2 high: 10.5 - high must not be below open or close",
        ),
        ([GOOD[1], [T0, 0.0, *GOOD[0][2:]], GOOD[1]], "x.csv row 2 open: 0.0 - prices must be positive"),
        ([GOOD[1], [T0, "nan", *GOOD[0][2:]]], "x.csv row 2 open: nan - must be a number; fill or drop the row"),
        ([GOOD[1], [T0 // 1000, *GOOD[0][1:]]], f"x.csv row 2 timestamp: {T0 // 1000} - timestamps are milliseconds"),
        ([GOOD[0], GOOD[0]], "x.csv rows: 1 - at least two bars are needed"),
        (
            [GOOD[3], GOOD[0], GOOD[1], [T0 + 90_000, *GOOD[0][1:]], GOOD[2]],
            f"x.csv row 4 timestamp: {T0 + 90_000} - bars must lie on a grid of 60000 ms",
        ),
    ],
)
def test_what_cannot_be_mended_without_guessing_is_refused_all_the_same(
    tmp_path: Path, rows: Rows, sentence: str
) -> None:
    with pytest.raises(BadInput) as error:
        read_candles(csv(tmp_path / "x.csv", rows), repair=True)
    assert str(error.value).startswith(sentence)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none\\.csv - there is no such file"):
        read_candles(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["cut.parquet", "cut.csv", "empty.csv", "noise.parquet"])
def test_a_file_that_is_cut_short_or_no_table_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "cut.parquet":
        path.write_bytes(parquet(tmp_path / "whole.parquet", GOOD).read_bytes()[:-20])
    elif name == "cut.csv":
        text = csv(tmp_path / "whole.csv", GOOD).read_text(encoding="utf-8")
        path.write_text(text[:-12], encoding="utf-8")
    else:
        path.write_bytes(b"" if name == "empty.csv" else bytes(range(256)))
    with pytest.raises(BadInput, match="it cannot be read as Parquet or CSV, or is cut short"):
        read_candles(path)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("binance_usdm_BTCUSDT_1m_2025-05.parquet", "BTC/USDT:USDT"),
        ("1000PEPEUSDT.csv", "1000PEPE/USDT:USDT"),
        ("spot_BTCUSD_1h_2018_2022.parquet", "BTC/USDT:USDT"),
        ("candles.csv", None),
        ("my_data.parquet", None),
    ],
)
def test_the_name_may_tell_the_symbol(name: str, symbol: str | None) -> None:
    assert symbol_of(Path(name)) == symbol
