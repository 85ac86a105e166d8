"""The station's end: starts the research process when it is first needed, and again when it died."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.backtest.view import StrategyView
from engine.errors import TrefoilError
from headless.research import protocol as p
from headless.research.source import unheard

LINE_BYTES = 64 << 20
GRACE_S = 2.0
START_S = 60.0
CLOSE_S = 2.0
LAST_BYTES = 8_192
DIED = "The research process ended unexpectedly; what was asked is not done."


class _Waiting(msgspec.Struct):
    """A call that was not answered yet."""

    answer: asyncio.Future[p.Answer]
    told: Callable[[p.News], None]
    cancelled: bool = False


class ResearchClient:
    """A `headless.research.source.ResearchSource` over a child process. Single-threaded: use it on one loop.

    Args:
        home: data directory of the process; None for the platform's own.
        log: the process's stderr goes there.
        grace_s: how long a cancelled run may go on before its process is killed, seconds.
    """

    def __init__(self, home: Path | None, log: Path, *, grace_s: float = GRACE_S) -> None:
        self._home = home
        self._log = log
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._hello: asyncio.Future[p.Hello] | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._last = 0
        self._running = 0

    @property
    def pid(self) -> int:
        """Of the process; 0 where none runs."""
        return self._process.pid if self._process is not None else 0

    def now(self) -> int:
        """Wall time, ms UTC."""
        return time.time_ns() // 1_000_000

    async def strategies(self) -> tuple[StrategyView, ...]:
        """All strategies; starts the process where none runs."""
        return (await self._ready()).strategies

    async def ask(self, ask: p.Ask, told: Callable[[p.News], None] = unheard) -> p.Answer:
        """Ask for something; `told` hears how it goes on."""
        try:
            await self._ready()
        except TrefoilError as error:
            return p.Refused(str(error))
        self._last += 1
        number = self._last
        waiting = _Waiting(asyncio.get_running_loop().create_future(), told)
        self._waiting[number] = waiting
        if isinstance(ask, p.Start | p.HoldAgainstLuck):
            self._running = number
        try:
            self._write(p.Call(number, ask))
            return await waiting.answer
        finally:
            self._waiting.pop(number, None)

    async def cancel(self) -> None:
        """Ask the run to stop; where it does not within the grace, kill its process."""
        waiting = self._waiting.get(self._running)
        if waiting is None:
            return
        waiting.cancelled = True
        self._write(p.Cancel(self._running))
        await asyncio.wait((waiting.answer,), timeout=self._grace_s)
        if not waiting.answer.done():
            await self._kill()

    async def close(self) -> None:
        """End the process: its input ends, and if it goes on all the same it is killed."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), CLOSE_S)
        except TimeoutError:
            await self._kill()
        if self._reading is not None:
            await self._reading

    async def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        if self._reading is not None:
            await self._reading

    def _write(self, frame: p.Call | p.Cancel) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(p.encode(frame))

    async def _ready(self) -> p.Hello:
        async with self._starting:
            if self._process is None:
                await self._spawn()
        hello = self._hello
        if hello is None:
            raise TrefoilError(DIED)
        try:
            async with asyncio.timeout(START_S):
                return await asyncio.shield(hello)
        except TimeoutError as error:
            raise TrefoilError(
                f"The research process did not start within {START_S:.0f} s; see {self._log}."
            ) from error

    async def _spawn(self) -> None:
        environ = dict(os.environ)
        if self._home is not None:
            environ["TREFOIL_HOME"] = str(self._home)
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "headless.research",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env=environ,
                    limit=LINE_BYTES,
                    start_new_session=True,
                )
        except OSError as error:
            raise TrefoilError(f"The research process cannot be started: {error.strerror or error}.") from error
        self._hello = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(self._process, self._hello))

    async def _read(self, process: asyncio.subprocess.Process, hello: asyncio.Future[p.Hello]) -> None:
        """Hand out answers until the process ends; then everything that waits is told so."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            word = p.decode_word(line)
            if isinstance(word, p.Hello):
                hello.set_result(word)
                continue
            waiting = self._waiting.get(word.id)
            if waiting is None or waiting.answer.done():
                continue
            if isinstance(word, p.Told):
                waiting.told(word.news)
            else:
                waiting.answer.set_result(word.answer)
        await process.wait()
        self._process, self._hello = None, None
        reason = self._reason()
        if not hello.done():
            hello.set_exception(TrefoilError(f"The research process did not start: {reason or f'see {self._log}'}"))
            hello.exception()
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_result(
                    p.Stopped((), "Cancelled: its process was ended.") if waiting.cancelled else p.Refused(DIED)
                )

    def _reason(self) -> str:
        """The sentence the process left, if any."""
        try:
            lines = self._log.read_bytes()[-LAST_BYTES:].decode(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.partition(": ")[2] for line in reversed(lines[-1:]) if line.startswith("research: ")), "")
