"""``trefoil data`` against a simulated exchange of its own process, and with good and bad files."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from engine.bars import Bars, aggregate
from engine.errors import BadInput, VenueError
from headless.options import read_addresses
from headless.session import Process, lives, spawn, stop
from station.commands.data import app
from storage.candles import ParquetCandles
from storage.home import Home
from tests.e2e.rig import until
from tests.engine.history.exchange import BEGIN, MINUTE, rows, taken, walk, without

KEY = ("binance", "BTC/USDT:USDT", MINUTE)
BTC_1M = ("download", "binance", "BTC/USDT:USDT", "1m")
PATIENCE_S = 60.0


def table(bars: Bars) -> pa.Table:
    names = ("open", "high", "low", "close", "volume")
    return pa.table({"timestamp": bars.open_time} | {name: getattr(bars, name) for name in names})


def parquet(file: Path, bars: Bars) -> Path:
    pq.write_table(table(bars), file)
    return file


def csv(file: Path, bars: Bars) -> Path:
    pc.write_csv(table(bars), file)
    return file


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    return {"TREFOIL_HOME": str(home.root)}


def run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environment)


def sentence(result: Result, kind: type[Exception] = BadInput) -> str:
    """The one sentence of a failed command, which `station.cli.main` prints before it exits with 1."""
    assert isinstance(result.exception, kind), (result.output, result.exception)
    assert result.stdout == ""
    text = str(result.exception)
    assert "\n" not in text
    return text


# import


def test_a_file_is_imported_listed_and_imported_again(home: Home, environment: dict[str, str], tmp_path: Path) -> None:
    bars = walk(3_000)
    file = parquet(tmp_path / "binance_usdm_BTCUSDT_1m_2025-05.parquet", without(bars, (10, 13), (20, 21)))
    done = run(environment, "import", str(file), "--venue", "binance", "--timeframe", "1m")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "2,996 bars kept as binance BTC/USDT:USDT 1m, 2025-05-01 00:00 to 2025-05-03 01:59 UTC",
        "gap: 3 bars missing from 2025-05-01 00:10 to 2025-05-01 00:13 UTC",
        "gap: 1 bars missing from 2025-05-01 00:20 to 2025-05-01 00:21 UTC",
    ]
    changed = replace(bars, volume=bars.volume + 1)[5:15]
    done = run(environment, "import", str(csv(tmp_path / "x.csv", changed)), "--venue", "binance", "--symbol", KEY[1])
    assert done.exit_code == 0
    kept = ParquetCandles(home.candles).read(*KEY)
    assert rows(kept) == [*rows(bars[:5]), *rows(changed), *rows(without(bars, (20, 21))[15:])]
    listed = run(environment, "list")
    assert listed.stdout.splitlines() == [
        "venue    symbol         timeframe  first (UTC)       last (UTC)         bars  gaps  missing",
        "binance  BTC/USDT:USDT  1m         2025-05-01 00:00  2025-05-03 01:59  2,999     1        1",
    ]
    assert json.loads(run(environment, "list", "--json").stdout) == {
        "series": [
            {
                "venue": "binance",
                "symbol": "BTC/USDT:USDT",
                "timeframe": "1m",
                "first": BEGIN,
                "last": BEGIN + 2_999 * MINUTE,
                "bars": 2_999,
                "gaps": 1,
                "missing": 1,
            }
        ]
    }


def test_an_empty_list_says_so(environment: dict[str, str]) -> None:
    assert run(environment, "list").stdout == "nothing yet; see trefoil data download --help\n"
    assert json.loads(run(environment, "list", "--json").stdout) == {"series": []}


def test_many_gaps_are_counted(environment: dict[str, str], tmp_path: Path) -> None:
    bars = without(walk(100), *((i, i + 2) for i in range(10, 90, 10)))
    done = run(environment, "import", str(parquet(tmp_path / "BTCUSDT_1m.parquet", bars)))
    assert done.stdout.splitlines()[0].startswith("84 bars kept as imported BTC/USDT:USDT 1m, ")
    assert done.stdout.splitlines()[6:] == ["gap: 3 more with 6 bars missing"]


def test_a_repair_is_asked_for_and_said(home: Home, environment: dict[str, str], tmp_path: Path) -> None:
    bars = walk(50)
    order = [0, 1, 2, 2, 4, 3, *range(5, 50)]
    file = csv(tmp_path / "BTCUSDT.csv", Bars(*(getattr(bars, n)[order] for n in Bars.__dataclass_fields__)))
    assert "the same open time stands twice" in sentence(run(environment, "import", str(file)))
    assert list(home.candles.iterdir()) == []
    done = run(environment, "import", str(file), "--repair")
    assert done.stdout.splitlines()[:2] == [
        "repaired: 1 rows were out of order (the first is row 6): sorted by open time",
        "repaired: 1 rows stood twice (the first is row 4): the copies were dropped",
    ]
    assert rows(ParquetCandles(home.candles).read("imported", *KEY[1:])) == rows(bars)
    report = json.loads(run(environment, "import", str(file), "--repair", "--json").stdout)
    assert report["repairs"] == [
        {"what": "sorted", "rows": 1, "first_row": 6},
        {"what": "duplicates", "rows": 1, "first_row": 4},
    ]
    assert (report["bars"], report["first"], report["gaps"]) == (50, BEGIN, [])


@pytest.mark.parametrize(
    ("name", "begin", "step", "arguments", "said"),
    [
        ("none.csv", 0, 0, [], "none.csv - there is no such file"),
        ("x.csv", BEGIN, MINUTE, [], "--symbol: x.csv - the file's name tells no symbol; give one"),
        ("BTCUSDT.csv", BEGIN, MINUTE, ["--timeframe", "5m"], "--timeframe: 5m - the bars of BTCUSDT.csv are 1m"),
        ("BTCUSDT.csv", BEGIN, MINUTE, ["--timeframe", "7m"], "timeframe: 7m - use one of 1m, 3m, 5m"),
        ("BTCUSDT.csv", BEGIN, 7 * MINUTE, [], "BTCUSDT.csv timeframe: 420000 ms - use one of 1m, 3m, 5m"),
        ("BTCUSDT.csv", BEGIN + 1, MINUTE, [], f"BTCUSDT.csv row 1 timestamp: {BEGIN + 1} - bars must open at whole"),
        ("BTCUSDT.csv", BEGIN // 1000, 60, [], "BTCUSDT.csv row 1 timestamp: 1746057600 - timestamps are milliseconds"),
        ("BTCUSDT.csv", BEGIN, MINUTE, ["--venue", "../x"], "venue: ../x - use lower case letters"),
        ("BTCUSDT.csv", BEGIN, MINUTE, ["--symbol", "BTC"], "symbol: BTC - use the unified form"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    home: Home,
    environment: dict[str, str],
    tmp_path: Path,
    name: str,
    begin: int,
    step: int,
    arguments: list[str],
    said: str,
) -> None:
    file = tmp_path / name
    if begin:
        csv(file, walk(5, begin, step_ms=step))
    assert said in sentence(run(environment, "import", str(file), *arguments))
    assert list(home.candles.iterdir()) == []


# download


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """A simulated exchange in a process of its own that serves 80,000 bars of history."""
    folder = tmp_path_factory.mktemp("exchange")
    file = parquet(folder / "BTCUSDT_1m.parquet", walk(80_010))
    arguments = ["station.cli", "simulate", "--replay", str(file), "--warm", "80000"]
    process = spawn(arguments, folder / "simulator.log", folder / "simulator.json")
    yield process, folder / "simulator.json"
    stop(process)
    os.waitpid(process.pid, 0)
    assert not lives(process)


@pytest.fixture
def online(served: tuple[Process, Path], environment: dict[str, str]) -> dict[str, str]:
    """Environment in which Binance's public data comes from the simulated exchange."""
    addresses = asyncio.run(read_addresses(served[1]))
    return {**environment, "TREFOIL_FEED__REST": addresses.rest, "TREFOIL_FEED__WS": addresses.ws}


def faults(online: dict[str, str], **body: object) -> None:
    """Change the faults of the simulated exchange."""
    address = online["TREFOIL_FEED__REST"] + "/sim/faults"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        assert answer.status == 200


def test_a_download_is_kept_and_the_next_one_asks_only_for_the_rest(home: Home, online: dict[str, str]) -> None:
    done = run(online, *BTC_1M, "--from", "2025-05-01", "--to", "2025-05-03")
    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines() == [
        "binance BTC/USDT:USDT 1m: 2,880 bars, 2,880 of them new, 2025-05-01 00:00 to 2025-05-02 23:59 UTC"
    ]
    done = run(online, *BTC_1M, "--from", "2025-05-01", "--to", "2025-05-04", "--json")
    assert json.loads(done.stdout) == {
        "venue": "binance",
        "symbol": "BTC/USDT:USDT",
        "timeframe": "1m",
        "bars": 4_320,
        "fetched": 1_440,
        "first": BEGIN,
        "last": BEGIN + 4_319 * MINUTE,
        "gaps": [],
    }
    assert rows(ParquetCandles(home.candles).read(*KEY)) == rows(walk(80_010)[:4_320])


@pytest.mark.parametrize("venue", ["okx", "bybit"])
@pytest.mark.parametrize(("timeframe", "minutes"), [("1m", 1), ("1d", 1_440)])
def test_every_exchange_has_the_same_bars(
    home: Home, online: dict[str, str], venue: str, timeframe: str, minutes: int
) -> None:
    arguments = ("download", venue, KEY[1], timeframe, "--from", "2025-05-01", "--to", "2025-05-03")
    done = run(online, *arguments)
    assert done.exit_code == 0, done.exception
    count = 2_880 // minutes
    assert done.stdout.startswith(f"{venue} BTC/USDT:USDT {timeframe}: {count:,} bars, {count:,} of them new")
    expected = aggregate(walk(80_010)[:2_880], minutes * MINUTE)
    assert rows(ParquetCandles(home.candles).read(venue, KEY[1], minutes * MINUTE)) == rows(expected)


def test_a_download_without_an_end_takes_every_closed_bar(home: Home, online: dict[str, str]) -> None:
    done = run(online, *BTC_1M[:3], "1h", "--from", "2025-06-24", "--json")
    report = json.loads(done.stdout)
    # the market stands at 2025-06-25 13:20: the bar of 13:00 is open, and 12:00 closed long ago
    assert (report["first"], report["last"]) == (1_750_723_200_000, 1_750_852_800_000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["download", "kraken", "BTC/USDT:USDT", "1m", "--from", "2025-05-01"], "venue: kraken - use one of binance"),
        ([*BTC_1M[:3], "7m", "--from", "2025-05-01"], "timeframe: 7m - use one of 1m, 3m"),
        ([*BTC_1M, "--from", "soon"], "--from: soon - use an ISO date or time"),
        ([*BTC_1M, "--from", "2025-05-01", "--to", "x"], "--to: x - use an ISO date or time"),
        (
            [*BTC_1M, "--from", "2025-05-02", "--to", "2025-05-01"],
            "--from: 2025-05-02 - it must be before --to (2025-05-01)",
        ),
        ([*BTC_1M[:2], "FOO/USDT:USDT", "1m", "--from", "2025-05-01"], "symbol: FOO/USDT:USDT - binance lists BTC/"),
    ],
)
def test_what_cannot_be_downloaded_is_one_sentence(online: dict[str, str], arguments: list[str], said: str) -> None:
    assert sentence(run(online, *arguments)).startswith(said)


def test_an_exchange_out_of_reach_is_one_sentence(environment: dict[str, str]) -> None:
    nobody = {**environment, "TREFOIL_FEED__REST": "http://127.0.0.1:9", "TREFOIL_FEED__WS": "ws://127.0.0.1:9"}
    sentence(run(nobody, *BTC_1M, "--from", "2025-05-01"), VenueError)


def test_through_the_whole_command_line_a_failure_is_one_line_and_exit_1(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "station.cli", "data", "import", str(tmp_path / "none.csv")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    file = tmp_path / "none.csv"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"trefoil: candle file: {file} - there is no such file\n"


def test_trouble_is_said_while_it_is_waited_out(online: dict[str, str]) -> None:
    faults(online, add=["server-error:path=klines,method=any,when=before,count=1"])
    done = run(online, *BTC_1M, "--from", "2025-05-01", "--to", "2025-05-02", "--json")
    faults(online, clear=True)
    assert json.loads(done.stdout)["bars"] == 1_440
    assert done.stderr.strip().endswith("; again in 1 s")


def test_a_time_before_the_market_is_said(online: dict[str, str]) -> None:
    done = run(online, *BTC_1M, "--from", "2025-01-01", "--to", "2025-01-02")
    assert (done.exit_code, done.stdout) == (0, "binance has no 1m bars of BTC/USDT:USDT in that time\n")


def test_wrong_use_is_exit_code_2(environment: dict[str, str]) -> None:
    for arguments in (BTC_1M, ("download",), ("import",), ("list", "--what"), ("forget",)):
        assert run(environment, *arguments).exit_code == 2


def test_a_damaged_month_is_said_and_downloaded_again(home: Home, online: dict[str, str]) -> None:
    arguments = (*BTC_1M, "--from", "2025-05-01", "--to", "2025-05-02", "--json")
    run(online, *arguments)
    file = home.candles / "binance" / "BTC_USDT_USDT" / "1m" / "2025-05.parquet"
    file.write_bytes(file.read_bytes()[:-50])
    done = run(online, *arguments)
    assert json.loads(done.stdout)["fetched"] == 1_440
    assert done.stderr.startswith(f"candle file {file}: it is damaged (")


@pytest.mark.slow
def test_ctrl_c_keeps_what_came_and_the_same_command_goes_on(home: Home, online: dict[str, str]) -> None:
    command = [*BTC_1M, "--from", "2025-05-01", "--to", "2025-06-25"]
    faults(online, add=["delay:path=klines,ms=300"])
    child = subprocess.Popen(
        [sys.executable, "-c", "from station.commands.data import app; app()", *command],
        env={**os.environ, **online},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    store = ParquetCandles(home.candles)
    asyncio.run(until(lambda: len(store.read(*KEY)) > 0 or child.poll() is not None, "nothing was kept"))
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted; what came is kept, and the same command goes on from there"
    assert "Traceback" not in err
    faults(online, clear=True)
    kept = store.read(*KEY)
    assert rows(kept) == rows(walk(80_010)[: len(kept)])
    assert 0 < len(kept) < 79_200
    end = kept.open_time[-1] + 100 * MINUTE  # far enough to see it go on
    text = str(end.astype("datetime64[ms]"))
    done = run(online, *command[:-1], text, "--json")
    assert json.loads(done.stdout)["fetched"] == 99
    assert rows(store.read(*KEY)) == rows(taken(walk(80_010), walk(80_010).open_time < end))
