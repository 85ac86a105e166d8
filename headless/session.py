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

DEMO_SETTINGS: dict[str, object] = {
    # A demo shows the whole way of an order within minutes: one-minute decisions, exits wide enough to pay their costs,
    # and no waiting for a record that a made-up market cannot earn.
    "timeframe_ms": 60_000,
    "stop_atr": 8.0,
    "target_ratio": 3.0,
    "record_trades": 1_000_000,
    "cooldown_ms": 300_000,
}


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What was started last.

    Attributes:
        folder: data directory of the engine.
        engine: process id and start ticks of the engine.
        simulator: of the simulated exchange, (0, 0) where there is none.
    """

    folder: str
    engine: tuple[int, int]
    simulator: tuple[int, int] = (0, 0)


def started_at(pid: int) -> int:
    """Start time of a living process in clock ticks (guards against reused ids), 0 where it does not live."""
    if pid <= 0:
        return 0
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return _started_elsewhere(pid)
    state, *rest = stat.rpartition(")")[2].split()
    return 0 if state in {"Z", "X"} else int(rest[18])


def _started_elsewhere(pid: int) -> int:
    if Path("/proc/self/stat").exists():
        return 0
    out = subprocess.run(  # noqa: S603 - fixed command, a number as its argument
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return hash(out) & 0x7FFFFFFF if out else 0


def lives(process: tuple[int, int]) -> bool:
    """The very process still runs."""
    pid, ticks = process
    return pid > 0 and started_at(pid) == ticks != 0


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


def spawn(arguments: list[str], log: Path, output: Path | None = None) -> tuple[int, int]:
    """Start ``python -m ARGUMENTS`` in a session of its own; stderr goes to `log`, stdout to `output` (mode 0600)."""
    out = os.open(output or log, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if output else os.O_APPEND), 0o600)
    err = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    finally:
        os.close(out)
        os.close(err)
    return child.pid, started_at(child.pid)


def stop(process: tuple[int, int]) -> None:
    """Ask a process of ours to end."""
    if lives(process):
        os.kill(process[0], signal.SIGTERM)


def last_line(log: Path) -> str:
    """The last sentence a child left in its log, without its prefix."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    said = [line for line in lines[-50:] if line.startswith(("engine: ", "simulator: "))]
    return said[-1].partition(": ")[2] if said else ""
