"""Engines by fork: a process without threads or sockets that has imported everything, and gives birth to them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any


def serve(sock: socket.socket) -> None:
    """Fork an engine for each line on `sock`, and tell of each one's end. Returns when the other side is gone."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ)
    selector.register(read, selectors.EVENT_READ)
    alive: set[int] = set()
    text = b""
    while True:
        for key, _ in selector.select():
            if key.fileobj is not sock:
                os.read(read, 4096)
                for pid, code in _ended(alive):
                    _say(sock, {"ended": pid, "code": code})
                continue
            data = sock.recv(65536)
            if not data:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                return
            text += data
            *lines, text = text.split(b"\n")
            for line in lines:
                pid = _birth(json.loads(line), (sock.fileno(), read, write))
                alive.add(pid)
                _say(sock, {"born": pid})


def _say(sock: socket.socket, what: dict[str, int]) -> None:
    sock.sendall(json.dumps(what).encode() + b"\n")


def _ended(alive: set[int]) -> list[tuple[int, int]]:
    out = []
    for pid in list(alive):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            alive.discard(pid)
            out.append((pid, os.waitstatus_to_exitcode(status)))
    return out


def _birth(told: dict[str, Any], foreign: tuple[int, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in foreign:
            os.close(descriptor)
        code = _engine(told)
    except BaseException:  # noqa: BLE001 - a forked process ends here; what ended it is in its log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _engine(told: dict[str, Any]) -> int:
    from headless import daemon

    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    read, write = os.pipe()
    os.write(write, told.get("stdin", "").encode())  # a line: it fits into the pipe
    os.close(write)
    os.dup2(read, 0)
    sys.stdin = os.fdopen(0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if told["file_limit"]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["file_limit"], told["file_limit"]))
    os.environ["TREFOIL_CRASH"] = told["crash"]
    os.environ.update(told.get("environment", {}))
    sys.argv = ["headless.daemon", json.dumps(told["options"])]
    return daemon.main()


class Nursery:
    """The other side, within an event loop.

    Args:
        sock: to the process that runs `serve`.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def listen(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        text = b""
        while data := await loop.sock_recv(self._sock, 65536):
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                told = json.loads(line)
                if "born" in told:
                    self._end(told["born"])
                    self._born.put_nowait(told["born"])
                else:
                    self._end(told["ended"]).set_result(told["code"])

    async def birth(self, options: dict[str, Any], log: Path, **more: Any) -> int:
        """Start an engine; answers its process id.

        Args:
            options: see `headless.options`.
            log: takes what it says.
            more: ``crash`` point, ``file_limit`` bytes, a line on ``stdin``, variables of the ``environment``.
        """
        told = {"options": options, "log": str(log), "crash": "", "file_limit": 0, **more}
        await asyncio.get_running_loop().sock_sendall(self._sock, json.dumps(told).encode() + b"\n")
        return await self._born.get()

    def alive(self, pid: int) -> bool:
        """It has not ended."""
        return not self._end(pid).done()

    async def end(self, pid: int) -> int:
        """Wait for its end; answers the exit code, negative for a signal."""
        return await asyncio.shield(self._end(pid))

    def _end(self, pid: int) -> asyncio.Future[int]:
        if pid not in self._ends:
            self._ends[pid] = asyncio.get_running_loop().create_future()
        return self._ends[pid]
