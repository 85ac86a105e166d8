"""The engine's forecaster: which models serve, and how they do is kept beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.forecast.shelf import Kept, Shelf
from engine.forecast.shipped import FOLDER

if TYPE_CHECKING:
    # onnxruntime comes with it: imported only where there is a model
    from engine.forecast.live import LiveForecaster

KEEP_S = 30.0


class Forecasting:
    """The models in use for an engine's symbols.

    Args:
        folder: ``models`` of the data directory.
        generated: the simulated exchange makes the prices: models that come with the package serve where no other does.
        told: hears of files that are no models, and of models that are demoted.
    """

    def __init__(self, folder: Path, *, generated: bool, told: Callable[[str], None]) -> None:
        self._shelf = Shelf(folder, FOLDER if generated else None)
        self._told = told
        self._live: LiveForecaster | None = None

    @property
    def trusted(self) -> bool:
        """Some model may be listened to."""
        return self._live is not None and self._live.trusted

    async def load(self, symbols: Sequence[str], timeframe_ms: int) -> LiveForecaster | None:
        """The forecaster of these symbols; None where there is no model. Files that are not right are told of."""
        self._live = await asyncio.to_thread(self._load, symbols, timeframe_ms)
        return self._live

    def _load(self, symbols: Sequence[str], timeframe_ms: int) -> LiveForecaster | None:
        try:
            kept, wrong = self._shelf.kept()
        except BadInput as error:
            self._told(str(error))
            return None
        for sentence in wrong:
            self._told(sentence)
        chosen = {symbol: one for symbol in symbols if (one := self._choose(kept, symbol, timeframe_ms)) is not None}
        if not chosen:
            return None
        from engine.forecast.inference import Model
        from engine.forecast.live import LiveForecaster, Serving

        serving = {}
        for symbol, one in chosen.items():
            try:
                serving[symbol] = Serving(Model.load(one.path), one.standing)
            except BadInput as error:
                self._told(str(error))
        return LiveForecaster(serving, self._told) if serving else None

    def _choose(self, kept: Sequence[Kept], symbol: str, timeframe_ms: int) -> Kept | None:
        fitting = [one for one in kept if (one.header.symbol, one.header.timeframe_ms) == (symbol, timeframe_ms)]
        promoted = [one for one in fitting if one.standing.promoted]
        shipped = [one for one in fitting if one.path.parent == FOLDER]
        return next(iter(promoted + shipped), None)

    async def run(self) -> None:
        """Keep how the models do, now and then, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what has changed."""
        changes = self._live.changes() if self._live is not None else {}
        if changes:
            await asyncio.to_thread(self._shelf.record, changes)
