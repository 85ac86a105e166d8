"""Engine processes by fork: one process imports what every engine needs, and each engine is a child of it.

An engine started afresh takes 3 s of a core until it is ready, nearly all of it imports. That the program starts from
nothing is what the tests of the command line show.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.chaos.nursery import serve

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = dict(os.environ)  # before any test has changed it for its own engines


class Engine:
    """A child of the nursery, used as a `subprocess.Popen` is."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""
        return self._nursery.end(self.pid, wait=False)

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        code = self._nursery.end(self.pid, wait=True)
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process that imports and forks; it and its children end with this one."""

    def __init__(self) -> None:
        self._sock, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.nursery", str(number)],
                cwd=ROOT,
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        self._text = b""
        self._born: list[int] = []
        self._ended: dict[int, int] = {}
        atexit.register(self.close)

    def close(self) -> None:
        """End it, and with it the engines that still live."""
        self._sock.close()
        self._process.wait()

    def birth(self, options: dict[str, object], log: Path, crash: str = "") -> Engine:
        """A new engine in this process's environment."""
        told = {"options": options, "log": str(log), "crash": crash, "file_limit": 0, "environment": dict(os.environ)}
        self._sock.sendall(json.dumps(told).encode() + b"\n")
        while not self._born:
            self._listen(wait=True)
        return Engine(self, self._born.pop())

    def end(self, pid: int, *, wait: bool) -> int | None:
        """The exit code of a child, None while it lives."""
        self._listen(wait=False)
        while wait and pid not in self._ended:
            self._listen(wait=True)
        return self._ended.get(pid)

    def _listen(self, *, wait: bool) -> None:
        try:
            data = self._sock.recv(65536, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return  # it has nothing to tell
        assert data, f"the nursery has ended with {self._process.wait()}"
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "born" in told:
                self._born.append(told["born"])
            else:
                self._ended[told["ended"]] = told["code"]


@cache
def nursery() -> Nursery:
    """The one of this process."""
    return Nursery()


if __name__ == "__main__":
    from tests.chaos.__main__ import import_everything

    import_everything()
    serve(socket.socket(fileno=int(sys.argv[1])))
