"""The station's way to the models: ``trefoil forecast`` in a child process, for a station loads neither numpy nor TensorFlow."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from engine.errors import TrefoilError
from engine.forecast.view import ModelView, TrainingView

LINE_BYTES = 16 << 20


class ModelsFailed(TrefoilError):
    """What was asked of the models could not be done; one sentence."""


class ModelSource(Protocol):
    """What the Models screen lives on. Every call raises ModelsFailed with a sentence for a person."""

    async def models(self) -> tuple[ModelView, ...]:
        """Newest first."""
        ...

    async def act(self, verb: str, model: str) -> None:
        """`verb` is promote, demote or remove."""
        ...

    async def train(self, arguments: Sequence[str], told: Callable[[TrainingView], None]) -> str:
        """Train with these arguments of ``trefoil forecast train``; the new model's id."""
        ...

    def cancel(self) -> None:
        """Stop the training and keep its best."""
        ...


class ForecastCommands:
    """A `ModelSource` over child processes.

    Args:
        home: data directory whose models they are.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._training: asyncio.subprocess.Process | None = None

    async def models(self) -> tuple[ModelView, ...]:
        """Newest first."""
        process = await self._start("list", "--json")
        out, errors = await process.communicate()
        if process.returncode:
            raise ModelsFailed(_sentence(errors))
        return tuple(msgspec.json.decode(out, type=list[ModelView]))

    async def act(self, verb: str, model: str) -> None:
        """Promote, demote or remove."""
        process = await self._start(verb, model, "--json")
        _, errors = await process.communicate()
        if process.returncode:
            raise ModelsFailed(_sentence(errors))

    async def train(self, arguments: Sequence[str], told: Callable[[TrainingView], None]) -> str:
        """Train; the new model's id."""
        process = self._training = await self._start("train", *arguments, "--lines", "--json")
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            answer = asyncio.create_task(process.stdout.read())
            last = b""
            async for line in process.stderr:
                if line.startswith(b"{"):
                    told(msgspec.json.decode(line, type=TrainingView))
                elif line.strip():
                    last = line
            out = await answer
            if await process.wait():
                raise ModelsFailed(_sentence(last))
            return str(msgspec.json.decode(out)["model"])
        finally:
            self._training = None
            if process.returncode is None:
                process.kill()

    def cancel(self) -> None:
        """Ctrl-C, as at a terminal."""
        if self._training is not None and self._training.returncode is None:
            self._training.send_signal(signal.SIGINT)

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "station.cli",
            "forecast",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "TREFOIL_HOME": str(self._home)},
            start_new_session=True,
            limit=LINE_BYTES,
        )


def _sentence(errors: bytes) -> str:
    """The last line a command said, without the program's name."""
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("trefoil: ") if lines else "the command ended without a word"
