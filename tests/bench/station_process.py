"""The real station in a terminal of its own, as a child on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path


class StationProcess:
    """A `trefoil` command on a pseudo-terminal of 120 x 40."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        self.began = time.perf_counter()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.environ |= {"TREFOIL_HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.environ.pop("NO_COLOR", None)
            os.execv(sys.executable, [sys.executable, "-m", "station.cli", *arguments])
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read_until(self, text: bytes, seconds: float) -> float:
        """Seconds from the start until `text` is on the terminal; raises TimeoutError."""
        seen = b""
        while time.perf_counter() - self.began < seconds:
            seen = (seen + self.drain(0.02))[-200_000:]
            if text in seen:
                return time.perf_counter() - self.began
        raise TimeoutError(f"{text!r} did not show in {seconds} s")

    @property
    def terminal(self) -> int:
        """The file descriptor to read the screen from."""
        return self._terminal

    def drain(self, wait: float) -> bytes:
        """What the terminal printed."""
        ready, _, _ = select.select([self._terminal], [], [], wait)
        if not ready:
            return b""
        try:
            return os.read(self._terminal, 65536)
        except OSError:
            return b""

    def close(self) -> None:
        """Close the terminal (SIGHUP) and collect the child."""
        os.close(self._terminal)
        os.waitpid(self.pid, 0)
