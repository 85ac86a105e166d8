"""Which process is which: a process id may be used again, the moment of its birth may not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_DEAD_STATES = frozenset("ZX")
_PS_TIMEOUT_S = 5.0


def process_birth(pid: int) -> str | None:
    """What tells this process from a later one with the same id; None when it is dead (or a zombie)."""
    if Path("/proc/self/stat").exists():
        return _birth_from_proc(pid)
    return _birth_from_ps(pid)


def own_birth() -> str:
    """`process_birth` of this process."""
    return process_birth(os.getpid()) or ""


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
