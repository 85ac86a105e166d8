"""Engines are found by their files, and only while they live."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headless.address import (
    ENGINE_FILE,
    SIMULATOR_FILE,
    EngineAddress,
    SimulatorAddress,
    SimulatorKeys,
    _birth_from_ps,
    find_engine,
    find_simulator,
    own_birth,
    process_birth,
    remove_address,
    write_address,
)


def engine(**changed: int | str) -> EngineAddress:
    mine = EngineAddress(pid=os.getpid(), birth=own_birth(), socket="/run/s", mode="paper", started=1)
    return msgspec.structs.replace(mine, **changed)


def simulator() -> SimulatorAddress:
    keys = SimulatorKeys("key", "s3cret")
    return SimulatorAddress(pid=os.getpid(), birth=own_birth(), rest="http://r", ws="ws://w", keys=keys, started=1)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until its stdin is closed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
        yield one


def test_what_was_written_is_found_and_private(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert find_engine(run) is None
    for path in (write_address(run, engine()), write_address(run, simulator())):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find_engine(run) == engine()
    assert find_simulator(run) == simulator()
    assert sorted(path.name for path in run.iterdir()) == [ENGINE_FILE, SIMULATOR_FILE]


def test_keys_keep_their_names_on_disk_and_stay_out_of_logs(tmp_path: Path) -> None:
    text = write_address(tmp_path, simulator()).read_text()
    assert '"keys":{"apiKey":"key","secret":"s3cret"}' in text
    assert "s3cret" not in repr(simulator())


def test_a_dead_process_is_not_found_and_its_file_goes(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    birth = process_birth(child.pid)
    assert birth is not None
    path = write_address(tmp_path, engine(pid=child.pid, birth=birth))
    assert find_engine(tmp_path) is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not reaped: a zombie
    assert find_engine(tmp_path) is None
    assert not path.exists()


def test_a_pid_that_was_used_again_is_not_the_engine(tmp_path: Path) -> None:
    path = write_address(tmp_path, engine(birth="another birth"))
    assert find_engine(tmp_path) is None
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid":"x"}', '{"pid":1}', "\udcff"])
def test_a_foreign_file_is_no_engine_and_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / ENGINE_FILE).write_bytes(content.encode(errors="surrogateescape"))
    assert find_engine(tmp_path) is None
    write_address(tmp_path, engine())
    assert find_engine(tmp_path) == engine()


def test_removing_leaves_a_successors_file(tmp_path: Path) -> None:
    write_address(tmp_path, engine(started=2))
    remove_address(tmp_path, engine())
    assert find_engine(tmp_path) == engine(started=2)
    remove_address(tmp_path, engine(started=2))
    remove_address(tmp_path, engine(started=2))
    assert not (tmp_path / ENGINE_FILE).exists()


def test_births_differ_and_stay(child: subprocess.Popen[bytes]) -> None:
    assert own_birth() == own_birth() != ""
    assert process_birth(child.pid) == process_birth(child.pid) != own_birth()


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="no ps here")
def test_ps_tells_the_living_from_the_dead(child: subprocess.Popen[bytes]) -> None:
    assert _birth_from_ps(child.pid) == _birth_from_ps(child.pid) is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert _birth_from_ps(child.pid) is None
    child.wait()
    assert _birth_from_ps(child.pid) is None
