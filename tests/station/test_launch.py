"""Which engine a station shows: attach, revive, begin anew, or a sentence; on real processes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import BadInput
from headless.session import NOBODY, Process, Session, lives, read_session, spawn, stop, write_session
from station import launch
from storage.home import Home

PLAIN = ["--seed", "1", "--speed", "1"]
ENDS_S = 60.0
REPLAY = ["--seed", "1", "--speed", "max", "--replay", "/x.parquet"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[Process]:
    """A process that lives."""
    process = spawn(["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "somebody.log")
    yield process
    if lives(process):
        end(process)


def end(process: Process) -> None:
    stop(process)
    ended(process)


def words(process: Process) -> list[str]:
    """Its command line; a process that has only just begun has none yet."""
    found: list[str] = []
    while not found:
        assert lives(process)
        found = psutil.Process(process.pid).cmdline()
    return found


def ended(process: Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(process.pid).wait(ENDS_S)
    assert not lives(process)


def known(home: Home, engine: Process, simulator: Process, mode: str = "demo", simulate: list[str] = PLAIN) -> Session:
    session = Session(
        folder=str(home.root / "before"), engine=engine, simulator=simulator, mode=mode, simulate=tuple(simulate)
    )
    write_session(home.run / "session.json", session)
    return session


def demo(home: Home, arguments: list[str]) -> launch.Launch:
    return launch.demo(home, arguments, plain=arguments == PLAIN, lockstep=False)


@pytest.mark.parametrize("asked", [PLAIN, REPLAY])
def test_a_demo_that_plays_what_is_asked_for_is_shown(home: Home, somebody: Process, asked: list[str]) -> None:
    session = known(home, somebody, somebody, simulate=asked)
    found = demo(home, asked)
    found.begin()
    assert (found.folder, found.mode) == (Path(session.folder), "demo")
    assert read_session(home.run / "session.json") == session


def test_any_demo_that_runs_will_do_for_one_who_asks_for_nothing(home: Home, somebody: Process) -> None:
    session = known(home, somebody, somebody, simulate=REPLAY)
    assert demo(home, PLAIN).folder == Path(session.folder)


def test_a_demo_that_plays_something_else_is_not_taken_for_it(home: Home, somebody: Process) -> None:
    known(home, somebody, somebody)
    with pytest.raises(
        BadInput, match=r"--replay /x\.parquet - one runs already with --seed 1 --speed 1; trefoil attach"
    ):
        demo(home, REPLAY)
    assert not (home.root / "demo").exists()


def test_the_engine_of_a_living_exchange_is_revived(home: Home, somebody: Process) -> None:
    session = known(home, NOBODY, somebody)
    Home(Path(session.folder)).create()
    found = demo(home, PLAIN)
    assert found.folder == Path(session.folder)
    found.begin()
    after = read_session(home.run / "session.json")
    assert after is not None
    assert (after.folder, after.simulator, after.simulate) == (session.folder, somebody, tuple(PLAIN))
    told = json.loads(words(after.engine)[-1])
    assert (told["home"], told["mode"], told["simulator"]) == (
        session.folder,
        "demo",
        f"{session.folder}/simulator.json",
    )
    end(after.engine)


def test_another_market_is_a_demo_of_its_own_and_ends_the_one_before(home: Home, somebody: Process) -> None:
    session = known(home, NOBODY, somebody, simulate=REPLAY)
    found = demo(home, PLAIN)
    assert found.folder != Path(session.folder)
    assert lives(somebody)  # until it is begun nothing has changed
    found.begin()
    ended(somebody)
    after = read_session(home.run / "session.json")
    assert after is not None
    assert (after.folder, after.mode, after.simulate) == (str(found.folder), "demo", tuple(PLAIN))
    assert json.loads(words(after.engine)[-1])["home"] == after.folder
    assert words(after.simulator)[-len(PLAIN) - 3 :] == ["simulate", *PLAIN, "--unheard", "600.0"]
    end(after.engine)
    end(after.simulator)


def test_a_wrong_setting_is_told_before_the_screen(home: Home) -> None:
    home.config.write_text("[trading]\nrisk_fractoin = 1\n")
    with pytest.raises(BadInput, match="risk_fractoin"):
        launch.paper(home)


def test_a_paper_engine_is_left_alone_by_a_demo_and_found_by_the_next_station(home: Home, somebody: Process) -> None:
    session = known(home, somebody, NOBODY, mode="paper", simulate=[])
    assert launch.paper(home).folder == Path(session.folder)
    assert demo(home, PLAIN).folder.parent == home.root / "demo"
    assert lives(somebody)
