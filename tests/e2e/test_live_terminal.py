"""The first live start as a person sees it: a real terminal, the typed words, the LIVE banner, and no secret in any byte of it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from headless.session import lives
from station.live import folder_of
from storage.home import Home
from tests.e2e.rig import rig, until
from tests.e2e.test_live import (
    BINANCE,
    PASSPHRASE,
    SIMULATE,
    configure,
    engine_of,
    keep_keys,
    none_of,
    revealed,
    written,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROWS, COLUMNS = 40, 120
_CONTROL = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[@-_]")


class Terminal:
    """A program on a terminal of its own; `heard` is every byte it wrote."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.heard = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "station.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def _read(self) -> None:
        try:
            self.heard += os.read(self._ours, 65_536)
        except OSError:  # the other end is closed: how Linux tells the end
            asyncio.get_running_loop().remove_reader(self._ours)

    @property
    def text(self) -> str:
        """What it wrote, without the control sequences."""
        return _CONTROL.sub(b"", self.heard).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    async def says(self, words: str, since: int = 0) -> None:
        try:
            await until(lambda: words in self.text[since:], words)
        except TimeoutError:
            raise AssertionError(f"{words!r} was not said; it said last: {self.text[-3_000:]!r}") from None

    def close(self) -> None:
        """Nothing of it goes on."""
        asyncio.get_running_loop().remove_reader(self._ours)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


async def test_the_first_live_start_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home = Home(tmp_path / "home").create()
    async with rig(tmp_path / "exchange", SIMULATE) as one:
        credentials = keep_keys(home, one)
        configure(home)
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        environment = inherited | {
            "TREFOIL_HOME": str(home.root),
            "TREFOIL_VAULT_PASSPHRASE": PASSPHRASE.reveal(),
            "TERM": "xterm-256color",
        }
        arguments = ["--live", "binance", "--endpoint", one.addresses.rest]
        wrong = Terminal(arguments, environment)
        try:
            await wrong.says("Type BINANCE LIVE to go on")
            wrong.type("yes\r")
            await wrong.says("type BINANCE LIVE exactly; nothing was started")
            await until(lambda: wrong.process.poll() == 1, "it did not end")
        finally:
            wrong.close()
        assert not (folder_of(home, BINANCE) / "run" / "session.json").exists()
        terminal = Terminal(arguments, environment)
        try:
            await terminal.says("REAL MONEY on binance")
            await terminal.says("Type BINANCE LIVE to go on")
            terminal.type("BINANCE LIVE\r")
            await terminal.says("▌LIVE▐")
            await terminal.says("approve")
            await terminal.says("Positions 0")
            seen = len(terminal.text)
            terminal.type("7")
            await terminal.says("In force", seen)
            await terminal.says("binance", seen)
            terminal.type("q")
            await terminal.says("stop the engine")
            terminal.type("s")
            await until(lambda: terminal.process.poll() == 0, "the station did not end")
            secrets = tuple(s for s in (*revealed(credentials), PASSPHRASE.reveal()) if s)
            none_of(secrets, terminal.heard + wrong.heard, "the terminal")
            engine = engine_of(folder_of(home, BINANCE))
            await until(lambda: not lives(engine), "the engine did not stop")
            for name, content in written(tmp_path / "home").items():
                none_of(secrets, content, name)
        finally:
            terminal.close()
