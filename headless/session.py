"""Which engine and which simulated exchange run for a data directory, and how they are started.

`run/session.json` names the newest demo's folder and the two process ids. Children get sessions of their own, so that
closing the terminal leaves them alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from headless.birth import process_birth

LAST_BYTES = 16_384
STARTS = "-- starts --"

DEMO_SETTINGS: dict[str, object] = {
    # A demo shows the whole way of an order within minutes: one-minute decisions, exits wide enough to pay their costs,
    # and no waiting for a record that a made-up market cannot earn.
    "timeframe_ms": 60_000,
    "stop_atr": 8.0,
    "target_ratio": 3.0,
    "record_trades": 1_000_000,
    "cooldown_ms": 300_000,
}


class Process(msgspec.Struct, frozen=True, array_like=True):
    """A process by id and birth, see `headless.birth`."""

    pid: int
    birth: str


NOBODY = Process(0, "")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What was started last.

    Attributes:
        folder: data directory of the engine.
        engine: the engine's process.
        simulator: the simulated exchange's, process id 0 where there is none.
        mode: demo, paper or live.
        simulate: what the simulated exchange was told to play.
    """

    folder: str
    engine: Process
    simulator: Process = NOBODY
    mode: str = ""
    simulate: tuple[str, ...] = ()


def lives(process: Process) -> bool:
    """The very process still runs."""
    return process.pid > 0 and process_birth(process.pid) == process.birth


def read_session(file: Path) -> Session | None:
    """The newest session, or None."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Session)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_session(file: Path, session: Session) -> None:
    """Keep a session for the next station, atomically."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(session))
    fresh.replace(file)


def spawn(arguments: list[str], log: Path, output: Path | None = None, tell: str = "") -> Process:
    """Start ``python -m ARGUMENTS`` in a session of its own; stderr goes to `log`, stdout to `output` (mode 0600).

    A line in the log parts what this child says from what the one before it said.

    `tell` is written to its stdin: the way for secrets, which belong neither on a command line nor in an environment. The
    child's environment is ours without the secrets that may be in it.
    """
    from storage.keys.environment import without_secrets

    out = os.open(output or log, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if output else os.O_APPEND), 0o600)
    err = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(err, f"{STARTS}\n".encode())
        child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE if tell else subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=without_secrets(os.environ),
        )
    finally:
        os.close(out)
        os.close(err)
    if child.stdin is not None:
        child.stdin.write(tell.encode())
        child.stdin.close()
    return Process(child.pid, process_birth(child.pid) or "")


def stop(process: Process) -> None:
    """Ask a process of ours to end."""
    if lives(process):
        os.kill(process.pid, signal.SIGTERM)


def last_line(log: Path) -> str:
    """The last sentence a child left in its log, without its prefix."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        if line == STARTS:  # what came before belongs to an earlier run
            return ""
        if line.startswith(("engine: ", "simulator: ")):
            return line.partition(": ")[2]
    return ""
