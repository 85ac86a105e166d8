"""Finished runs kept in the database, with what is needed to show them and to run them again."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import AsyncExitStack

import msgspec

from engine.backtest.inputs import timeframe_name
from engine.backtest.metrics import Metrics
from engine.backtest.view import Request, RunRow, RunView, TradeView
from engine.errors import BadInput, TrefoilError
from headless.research.pictures import Made
from headless.research.protocol import PAGE
from storage.home import Home
from storage.research import Research, Run, opened

KIND = "backtest"


class _Payload(msgspec.Struct, frozen=True):
    """What is kept whole."""

    view: RunView
    trades: tuple[TradeView, ...]


class _Summary(msgspec.Struct, frozen=True):
    """What a list shows."""

    begin: int
    end: int
    metrics: Metrics


class Shelf:
    """Kept runs of one data directory; the database is opened when it is first needed.

    Methods raise TrefoilError where the database cannot be read or written.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stack = AsyncExitStack()
        self._research: Research | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Let the database go."""
        self._research = None
        await self._stack.aclose()

    async def _open(self) -> Research:
        async with self._opening:
            if self._research is None:
                self._research = await self._stack.enter_async_context(opened(self._home))
            return self._research

    async def keep(self, run: Made) -> None:
        """Keep a run under its id."""
        view = run.view
        await (await self._open()).save(
            Run(
                id=view.id,
                kind=KIND,
                name=view.strategy,
                symbol=view.symbol,
                timeframe=timeframe_name(view.timeframe_ms),
                created=view.created,
                params=msgspec.structs.asdict(view.request),
                summary=msgspec.to_builtins(_Summary(view.begin, view.end, view.metrics)),
            ),
            zlib.compress(msgspec.msgpack.encode(_Payload(view, run.trades))),
        )

    async def rows(self, limit: int) -> tuple[RunRow, ...]:
        """The newest runs; those that another version kept in another shape are left out."""
        found = await (await self._open()).list(kind=KIND, limit=limit)
        return tuple(row for run in found if (row := _row(run)) is not None)

    async def load(self, run_id: str) -> Made:
        """A run as it was; BadInput where there is none, or it cannot be read."""
        payload = await (await self._open()).payload(run_id)
        if payload is None:
            raise BadInput("run", run_id, "it is not kept any more; run it again")
        try:
            kept = msgspec.msgpack.decode(zlib.decompress(payload), type=_Payload)
        except (zlib.error, msgspec.DecodeError) as error:
            raise BadInput("run", run_id, "it was kept by another version; run it again") from error
        return Made(msgspec.structs.replace(kept.view, trades=kept.trades[:PAGE]), kept.trades)

    async def remove(self, run_ids: tuple[str, ...]) -> int:
        """Forget runs; says how many there were."""
        return await (await self._open()).remove(*run_ids)

    async def kept(self, run: Made) -> str:
        """Keep a run; empty, or the sentence why it could not be kept."""
        try:
            await self.keep(run)
        except TrefoilError as error:
            return f"This run is not kept: {error}"
        return ""


def _row(run: Run) -> RunRow | None:
    try:
        summary = msgspec.convert(run.summary, _Summary)
        request = msgspec.convert(run.params, Request)
    except msgspec.ValidationError:
        return None
    return RunRow(
        id=run.id,
        strategy=run.name,
        symbol=run.symbol,
        timeframe=run.timeframe,
        created=run.created,
        begin=summary.begin,
        end=summary.end,
        request=request,
        metrics=summary.metrics,
    )
