"""Processes of their own: started, found, killed, started again, stopped."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.errors import TrefoilError
from headless.address import EngineAddress, find_engine, process_birth
from headless.client import EngineClient
from headless.launch import Launched, launch, stop_process
from tests.headless.control import short_folder, until

NEVER_READY_S = 0.2


@asynccontextmanager
async def small_engine(run: Path) -> AsyncIterator[Launched[EngineAddress]]:
    argv = [sys.executable, "-m", "tests.headless.small_engine", str(run)]
    launched = await launch(argv, log=run / "logs" / "engine.log", ready=lambda: find_engine(run))
    try:
        yield launched
    finally:
        if launched.process.poll() is None:
            launched.process.kill()
        launched.process.wait()


@pytest.mark.slow
async def test_a_killed_engine_is_followed_by_the_next_on_the_same_socket() -> None:
    with short_folder() as folder:
        async with small_engine(folder) as first:
            assert first.address.pid == first.pid
            assert os.getsid(first.pid) == first.pid != os.getsid(0)
            client = EngineClient(first.address.socket)
            async with client.running():
                await until(client, lambda: client.connected)
                assert client.desk.status.epoch == first.pid
                os.kill(first.pid, signal.SIGKILL)
                await until(client, lambda: not client.connected and client.trouble != "")
                first.process.wait()  # the socket closes a moment before the process is dead
                assert find_engine(folder) is None
                assert Path(first.address.socket).exists()
                async with small_engine(folder) as second:
                    await until(client, lambda: client.connected)
                    assert client.desk.status.epoch == second.pid != first.pid
                    await stop_process(second.pid, second.address.birth)
                    assert second.process.wait() == 0
                    await until(client, lambda: not client.connected)
                assert not Path(first.address.socket).exists()
        log = (folder / "logs" / "engine.log").read_text()
        assert log.splitlines() == ["listening", "listening", '{"still_announced": false}']


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("print('noise'); print('disk full - make room', file=__import__('sys').stderr); raise SystemExit(3)", "exit code 3): disk full - make room"),
        ("raise SystemExit(0)", "exit code 0): it said nothing"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    ],
)  # fmt: skip
async def test_an_early_end_is_told_with_its_last_words(tmp_path: Path, code: str, sentence: str) -> None:
    log = tmp_path / "logs" / "engine.log"
    log.parent.mkdir()
    log.write_text("words of yesterday\n")
    with pytest.raises(TrefoilError) as told:
        await launch([sys.executable, "-c", code], log=log, ready=lambda: None)
    assert sentence in str(told.value)
    assert "yesterday" not in str(told.value)
    assert str(log) in str(told.value)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrefoilError, match="nothing-of-the-kind cannot be started"):
        await launch([str(tmp_path / "nothing-of-the-kind")], log=tmp_path / "log", ready=lambda: None)


async def test_what_is_never_ready_is_told_and_asked_to_stop(tmp_path: Path) -> None:
    born: list[tuple[int, str]] = []

    def ready() -> None:
        for name in tmp_path.glob("*.pid"):
            pid = int(name.stem)
            birth = process_birth(pid)
            if birth is not None and not born:
                born.append((pid, birth))

    code = f"import os, time; open('{tmp_path}/' + str(os.getpid()) + '.pid', 'w').close(); time.sleep(600)"
    # Under load the program may not even have begun within the time; then there is nobody to follow, so try again.
    while not born:
        with pytest.raises(TrefoilError, match="was not ready within"):
            await launch([sys.executable, "-S", "-c", code], log=tmp_path / "log", ready=ready, timeout_s=NEVER_READY_S)
    await stop_process(*born[0])
    assert process_birth(born[0][0]) != born[0][1]


async def test_output_goes_to_a_private_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "engine.log"
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); sys.stdin.read()"
    launched = await launch(
        [sys.executable, "-c", code],
        log=log,
        ready=lambda: True if log.exists() and log.read_text().count("\n") == 2 else None,
    )
    launched.process.wait()
    assert log.read_text() == "out\nerr\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_stopping_spares_a_later_process_with_the_same_id() -> None:
    await stop_process(os.getpid(), "another birth")


async def test_a_process_that_does_not_stop_is_told(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    log = tmp_path / "log"
    launched = await launch(
        [sys.executable, "-S", "-c", code], log=log, ready=lambda: True if "deaf" in log.read_text() else None
    )
    birth = process_birth(launched.pid)
    assert birth is not None
    try:
        with pytest.raises(TrefoilError, match="still runs"):
            await stop_process(launched.pid, birth, timeout_s=0.1)
    finally:
        launched.process.kill()
        launched.process.wait()
