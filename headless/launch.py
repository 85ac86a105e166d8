"""Start an engine or a simulator as a process of its own, wait until it is there, and stop one.

The process gets its own session, so neither closing the terminal nor the end of its starter reaches it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from engine.errors import TrefoilError
from headless.address import process_birth

T = TypeVar("T")

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
LAST_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class Launched(Generic[T]):
    """A process that is ready: what `ready` gave, and its handle (keep it while the process may end before you)."""

    address: T
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


async def launch(
    argv: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], T | None],
    timeout_s: float = READY_TIMEOUT_S,
    env: Mapping[str, str] | None = None,
) -> Launched[T]:
    """Start `argv` detached and wait until `ready` gives something (`find_engine`, `find_simulator`).

    Args:
        argv: program and arguments.
        log: where its output is appended; made with mode 0600.
        ready: asked again and again; cheap.
        timeout_s: how long to wait, seconds.
        env: the whole environment, or None for this process's own.

    Raises:
        TrefoilError: it cannot be started, ended early (with the last line of its log), or was not ready in time (and
            was asked to stop).
    """
    process, start = _spawn(argv, log, env)
    try:
        async with asyncio.timeout(timeout_s):
            while (address := ready()) is None:
                if process.poll() is not None:
                    raise TrefoilError(_ended(argv, process.returncode, _last_line(log, start), log))
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        process.terminate()
        said = _last_line(log, start)
        raise TrefoilError(
            f"{_name(argv)} was not ready within {timeout_s:g} s and was asked to stop"
            f"{f'; its last words: {said}' if said else ''} (see {log})"
        ) from None
    return Launched(address, process)


async def stop_process(pid: int, birth: str, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Ask a process to end (SIGTERM) and wait until it is gone; one that is gone already is fine.

    Args:
        pid: its id.
        birth: from its address file, so that no later process with the same id is hit.
        timeout_s: how long to wait, seconds.

    Raises:
        TrefoilError: it still runs after `timeout_s`, or belongs to somebody else.
    """
    if process_birth(pid) != birth:
        return
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise TrefoilError(f"process {pid} belongs to another user and cannot be stopped from here") from None
    try:
        async with asyncio.timeout(timeout_s):
            while process_birth(pid) == birth:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TrefoilError(f"process {pid} still runs {timeout_s:g} s after it was asked to stop") from None


def _spawn(argv: Sequence[str], log: Path, env: Mapping[str, str] | None) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where in the log its output begins.

    Not asyncio's subprocess: that kills its child when the event loop's transport goes.
    """
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            start = file.tell()
            process = subprocess.Popen(  # noqa: S603 - argv comes from the command line's own code
                argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env, start_new_session=True
            )
    except OSError as error:
        raise TrefoilError(f"{_name(argv)} cannot be started: {error}") from error
    return process, start


def _last_line(log: Path, start: int) -> str:
    """The last line that is not empty among what was written since `start`."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - LAST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _ended(argv: Sequence[str], code: int, said: str, log: Path) -> str:
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"{_name(argv)} ended at its start ({how}): {said or 'it said nothing'} (see {log})"


def _name(argv: Sequence[str]) -> str:
    """The program as a person knows it: the module of ``python -m module``, else the program's own name."""
    if "-m" in argv[1:-1]:
        return argv[argv.index("-m") + 1]
    return Path(argv[0]).name
