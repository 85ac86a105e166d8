"""The engine's forecaster: which models serve, also when a person changes that while it runs, and how they do.

What was decided about models stands in the shelf's index; the engine follows it, whoever changes it, and writes how the
models do beside it. The core hears of both as events, so that a replay knows at each bar who spoke and who was trusted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.bars import Bars
from engine.core.state import State
from engine.errors import BadInput
from engine.forecast.live import LiveForecaster
from engine.forecast.shelf import Kept, Shelf
from engine.forecast.shipped import FOLDER
from engine.model.decision import ModelDistrusted
from engine.model.event import BarClosed, Event, ForecasterSet, OutcomesKnown
from engine.model.forecast import ModelInUse
from engine.ports import Clock, Entry

if TYPE_CHECKING:
    # onnxruntime comes with it: imported only where there is a model
    from engine.forecast.inference import Model

LOOK_S = 0.5  # the index is looked at so often
KEEP_S = 5.0


class Forecasting:
    """The models in use for an engine's symbols.

    Args:
        folder: ``models`` of the data directory.
        generated: the simulated exchange makes the prices: models that come with the package serve where no other does.
        told: hears of files that are no models.
    """

    def __init__(self, folder: Path, *, generated: bool, told: Callable[[str], None]) -> None:
        self.forecaster = LiveForecaster()
        self._shelf = Shelf(folder, FOLDER if generated else None)
        self._told = told
        self._symbols: tuple[str, ...] = ()
        self._timeframe_ms = 0
        self._models: dict[Path, Model] = {}
        self._chosen: dict[str, ModelInUse] = {}
        self._stamp = (0, 0, 0)
        self._state = State()
        self._put: Callable[[Event], None] = lambda _: None
        self._clock: Clock | None = None
        self._bars: Callable[[str], Bars] = lambda _: Bars.empty()
        self._dirty: set[str] = set()
        self._said: set[str] = set()

    @property
    def trusted(self) -> bool:
        """Some model may be listened to."""
        return any(s.model is not None and s.model.trusted for s in self._state.symbols.values())

    async def load(self, symbols: Sequence[str], timeframe_ms: int) -> LiveForecaster:
        """The forecaster of these symbols. Files that are not right are told of."""
        self._symbols, self._timeframe_ms = tuple(symbols), timeframe_ms
        await self._follow()
        return self.forecaster

    def begin(self, state: State, put: Callable[[Event], None], clock: Clock, bars: Callable[[str], Bars]) -> None:
        """Tell the core which models serve, where it knows otherwise; from here on it hears of every change.

        Args:
            state: the core's; read only.
            put: the engine's queue.
            clock: for the time of the events.
            bars: closed decision bars of a symbol.
        """
        self._state, self._put, self._clock, self._bars = state, put, clock, bars
        for symbol in self._symbols:
            self._tell(symbol)
            known = self._known(symbol)
            if (
                known is not None and known.distrusted
            ):  # it drifted, and the engine stopped before the shelf heard of it
                self.forecaster.distrust(symbol, known.model, known.distrusted)
                self._dirty.add(symbol)

    def catch_up(self) -> None:
        """Score what came due while no engine ran; call when the bars of that time are loaded."""
        for symbol in self._symbols:
            s = self._state.symbols.get(symbol)
            bars = self._bars(symbol)
            if s is None or not s.waiting or len(bars) == 0:
                continue
            due = {one.forecast.bar_time + one.forecast.horizon_ms for one in s.waiting}
            closes = tuple(
                (at, float(bars.close[i]))
                for at in sorted(due)
                if (i := int(bars.open_time.searchsorted(at))) < len(bars) and int(bars.open_time[i]) == at
            )
            if closes:
                self._put(OutcomesKnown(at=self._now(), symbol=symbol, closes=closes))

    def committed(self, entries: Iterable[Entry]) -> None:
        """A batch was journaled: a model that drifted speaks untrusted, and what was scored is to be kept."""
        for entry in entries:
            if isinstance(entry.event, BarClosed | OutcomesKnown | ForecasterSet):
                self._dirty.add(entry.event.symbol)
            for decision in entry.decisions:
                if isinstance(decision, ModelDistrusted):
                    self.forecaster.distrust(decision.symbol, decision.model, decision.reason)

    async def run(self) -> None:
        """Follow the shelf, and keep how the models do, until cancelled."""
        kept = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            kept += LOOK_S
            if self._shelf.stamp() != self._stamp:
                await self._follow()
            if kept >= KEEP_S:
                kept = 0.0
                await self.flush()

    async def flush(self) -> None:
        """Write what has changed."""
        dirty, self._dirty = self._dirty, set()
        models = {}
        for symbol in dirty:
            model = self._known(symbol)
            if model is not None and model.live.scored:
                models[model.model] = model
        if models:
            await asyncio.to_thread(self._record, models)

    def _record(self, models: Mapping[str, ModelInUse]) -> None:
        try:
            self._shelf.record(models)
        except (BadInput, OSError) as error:
            self._warn(f"how models do cannot be kept: {error}")

    async def _follow(self) -> None:
        """Serve what the shelf says now, and tell the core of what is different."""
        self._stamp = self._shelf.stamp()
        chosen = await asyncio.to_thread(self._choose)
        if chosen is None:
            return
        for symbol in self._symbols:
            one = chosen.get(symbol)
            if one is None:
                self._chosen.pop(symbol, None)
                self.forecaster.serve(symbol, None)
            else:
                self._chosen[symbol] = one.in_use
                self.forecaster.serve(symbol, self._models[one.path], one.standing.demoted)
            if self._clock is not None:
                self._tell(symbol)

    def _choose(self) -> dict[str, Kept] | None:
        """The model of each symbol that has one, loaded; None where the shelf cannot be read."""
        try:
            kept, wrong = self._shelf.kept()
        except BadInput as error:
            self._warn(str(error))
            return None
        for sentence in wrong:
            self._warn(sentence)
        chosen: dict[str, Kept] = {}
        for symbol in self._symbols:
            one = _of(kept, symbol, self._timeframe_ms)
            if one is not None and self._loaded(one.path):
                chosen[symbol] = one if one.standing.promoted else self._shelf.use(one)
        self._models = {one.path: self._models[one.path] for one in chosen.values()}
        return chosen

    def _loaded(self, path: Path) -> bool:
        if path not in self._models:
            from engine.forecast.inference import Model

            try:
                self._models[path] = Model.load(path)
            except BadInput as error:
                self._warn(str(error))
                return False
        return True

    def _known(self, symbol: str) -> ModelInUse | None:
        s = self._state.symbols.get(symbol)
        return s.model if s is not None else None

    def _tell(self, symbol: str) -> None:
        """Put the model of a symbol into the queue, unless the core knows it so."""
        model = self._chosen.get(symbol)
        if _same(self._known(symbol), model):
            return
        forecast = self.forecaster.forecast(symbol, self._bars(symbol))
        self._put(ForecasterSet(at=self._now(), symbol=symbol, model=model, forecast=forecast))

    def _warn(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._told(sentence)

    def _now(self) -> int:
        return self._clock.now() if self._clock is not None else 0


def _same(known: ModelInUse | None, model: ModelInUse | None) -> bool:
    """Nothing to tell: the same model in the same round, and the shelf has not distrusted it for another reason."""
    if known is None or model is None:
        return known is model
    distrusted = model.distrusted in {"", known.distrusted}  # a drift may be journaled and not yet on the shelf
    return (known.model, known.round) == (model.model, model.round) and distrusted


def _of(kept: Sequence[Kept], symbol: str, timeframe_ms: int) -> Kept | None:
    fitting = [one for one in kept if (one.header.symbol, one.header.timeframe_ms) == (symbol, timeframe_ms)]
    promoted = [one for one in fitting if one.standing.promoted]
    shipped = [one for one in fitting if one.path.parent == FOLDER]
    return next(iter(promoted + shipped), None)
