"""The engine's Unix socket: made private, and taken over only from the dead."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

from engine.errors import BadInput, EngineRunning

ANSWER_TIMEOUT_S = 1.0
MAX_PATH_BYTES = 103


async def claim_socket(path: Path) -> socket.socket:
    """Bind a Unix socket (mode 0600) in a directory of our own (mode 0700, made when missing).

    A socket file that a killed process left is replaced; one that somebody answers on is not.

    Raises:
        BadInput: the path is too long for the system, is no socket, or its directory belongs to somebody else.
        EngineRunning: a living engine answers there.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise BadInput("socket path", path, f"choose a shorter directory, at most {MAX_PATH_BYTES} bytes in all")
    _private_directory(path.parent)
    if _is_socket(path):
        if await _answers(path):
            raise EngineRunning(f"another engine answers on {path}; attach to it or stop it first")
        _remove(path)
    return _bound(path)


def _bound(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(os.fspath(path))
        # The directory lets nobody else in, so there is no moment at which the socket is open to others.
        path.chmod(0o600)
    except OSError as error:
        sock.close()
        raise BadInput("socket path", path, f"it cannot be made: {error.strerror}") from error
    sock.setblocking(False)
    return sock


def socket_inode(path: Path) -> int:
    """Which file the socket is, for `release_socket`."""
    return path.lstat().st_ino


def release_socket(path: Path, inode: int) -> None:
    """Remove our socket file; one that another process has put in its place meanwhile stays."""
    try:
        if socket_inode(path) == inode:
            path.unlink()
    except FileNotFoundError:
        return


def _private_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_uid != os.getuid():
            raise BadInput("socket directory", directory, "it belongs to another user; choose one of your own")
        directory.chmod(0o700)
    except OSError as error:
        raise BadInput("socket directory", directory, f"it cannot be made private: {error.strerror}") from error


def _is_socket(path: Path) -> bool:
    """False when nothing is there; raises BadInput for any other kind of file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise BadInput("socket path", path, "a file that is no socket is there; move it away")
    return True


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answers(path: Path) -> bool:
    """Whether a process listens there. A full backlog (no answer in time) counts as one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(probe, os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:
            return True
        return True
