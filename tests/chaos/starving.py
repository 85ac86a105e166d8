"""How long a process wanted a core and had none: on a busy machine that is no fault of the engine's."""

from __future__ import annotations

from pathlib import Path


def starved_s(pid: int) -> float:
    """Seconds that a process's threads have waited in the run queue so far; 0.0 where the system does not tell."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(file.read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended meanwhile
    return total / 1e9
