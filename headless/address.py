"""Where running engines and simulators are found: one small file each in the run directory.

A file names its process by id and by birth, so that a process id that was used again is not taken for the engine. Files
are written whole (renamed into place) with mode 0600, and removed when the process they name is gone.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path
from typing import TypeVar

import msgspec

ENGINE_FILE = "engine.json"
SIMULATOR_FILE = "simulator.json"
_PS_TIMEOUT_S = 5.0
_DEAD_STATES = frozenset("ZX")


class EngineAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A running engine. `socket` is its control socket's path, `started` ms UTC, `birth` from `process_birth`."""

    pid: int
    birth: str
    socket: str
    mode: str
    started: int


class SimulatorKeys(msgspec.Struct, frozen=True, rename="camel"):
    """The account the simulated exchange made for this run."""

    api_key: str
    secret: str

    def __repr__(self) -> str:
        return "SimulatorKeys(...)"


class SimulatorAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A running simulator: base URLs of its REST and WebSocket services and the keys of its account."""

    pid: int
    birth: str
    rest: str
    ws: str
    keys: SimulatorKeys
    started: int


_FILES: dict[type[EngineAddress | SimulatorAddress], str] = {
    EngineAddress: ENGINE_FILE,
    SimulatorAddress: SIMULATOR_FILE,
}

A = TypeVar("A", EngineAddress, SimulatorAddress)


def process_birth(pid: int) -> str | None:
    """What tells this process from a later one with the same id; None when it is dead (or a zombie)."""
    if Path("/proc/self/stat").exists():
        return _birth_from_proc(pid)
    return _birth_from_ps(pid)


def own_birth() -> str:
    """`process_birth` of this process."""
    return process_birth(os.getpid()) or ""


def write_address(run: Path, address: EngineAddress | SimulatorAddress) -> Path:
    """Announce a process; replaces an older announcement. Raises OSError when the directory cannot be written."""
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = run / _FILES[type(address)]
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(address))
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path


def find_engine(run: Path) -> EngineAddress | None:
    """The engine that runs on this directory, or None; a stale file is removed."""
    return _find(run, EngineAddress)


def find_simulator(run: Path) -> SimulatorAddress | None:
    """The simulator that runs on this directory, or None; a stale file is removed."""
    return _find(run, SimulatorAddress)


def remove_address(run: Path, address: EngineAddress | SimulatorAddress) -> None:
    """Take the announcement back, unless another process has replaced it."""
    path = run / _FILES[type(address)]
    written = _read(path, EngineAddress) if isinstance(address, EngineAddress) else _read(path, SimulatorAddress)
    if written == address:
        path.unlink(missing_ok=True)


def _find(run: Path, kind: type[A]) -> A | None:
    path = run / _FILES[kind]
    address = _read(path, kind)
    if address is None:
        return None
    birth = process_birth(address.pid)
    if birth is None or birth != address.birth:
        remove_address(run, address)
        return None
    return address


def _read(path: Path, kind: type[A]) -> A | None:
    """None when there is no file or it is not one of ours; the next process to start replaces it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _birth_from_proc(pid: int) -> str | None:
    """Boot id and start time in clock ticks since boot (fields 3 and 22 of proc(5) stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name is in brackets and may hold spaces and brackets itself.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD_STATES else f"{boot}:{fields[19]}"


def _birth_from_ps(pid: int) -> str | None:
    """State and start time as ps prints them (macOS)."""
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    env = {"LC_ALL": "C", "TZ": "UTC"}
    answer = subprocess.run(  # noqa: S603 - a fixed command with a number
        command, capture_output=True, text=True, timeout=_PS_TIMEOUT_S, check=False, env=env
    )
    state, _, start = answer.stdout.strip().partition(" ")
    return " ".join(start.split()) if start and state[0] not in _DEAD_STATES else None
