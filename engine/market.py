"""The live market beside the core: newest quotes, bar windows, and the closed decision bars it hands to the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec.structs import replace

from engine.bars import Bars, BarWindow, aggregate
from engine.model.event import BarClosed, BarCorrected, Event
from engine.model.market import Bar, MarketView, Quote
from engine.ports import Clock, Forecaster, Readings

BASE_KEPT = 3_000
DECISION_KEPT = 2_500


class MarketWatcher(Protocol):
    """Told of every quote and bar, for the screen and the paper venue. Cheap and synchronous."""

    def quoted(self, symbol: str, quote: Quote) -> None:
        """A new quote."""
        ...

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """The current or just closed base bar."""
        ...


class Market:
    """Implements FeedSink.

    Args:
        symbols: traded symbols.
        base_ms: timeframe of the feed's bars.
        timeframe_ms: decision timeframe, a multiple of `base_ms`.
        readings: what the strategies say at a close.
        clock: for received times.
        put: the engine's queue.
        forecaster: says what comes next at a close, or None.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        base_ms: int,
        timeframe_ms: int,
        readings: Readings,
        clock: Clock,
        put: Callable[[Event], None],
        forecaster: Forecaster | None = None,
    ) -> None:
        self.symbols = frozenset(symbols)
        self.base_ms = base_ms
        self.timeframe_ms = timeframe_ms
        self.quotes: dict[str, Quote] = {}
        self.quoted = 0
        self.closed = 0
        self.newest_close = 0
        self.reconnects = 0
        self.current: dict[str, Bar] = {}
        self._readings = readings
        self._clock = clock
        self._put = put
        self._forecaster = forecaster
        self._base = {symbol: BarWindow(BASE_KEPT) for symbol in symbols}
        self._decision = {symbol: BarWindow(DECISION_KEPT) for symbol in symbols}
        self._forming: dict[str, Bar] = {}
        self._watchers: list[MarketWatcher] = []
        self._links: list[Callable[[str, bool, str], None]] = []

    def watch(self, watcher: MarketWatcher) -> None:
        """Tell `watcher` of everything from now on."""
        self._watchers.append(watcher)

    def on_link(self, callback: Callable[[str, bool, str], None]) -> None:
        """Tell `callback` when the feed comes or goes: name, up, reason."""
        self._links.append(callback)

    def view(self, symbols: Iterable[str]) -> MarketView:
        """The newest quotes of `symbols`."""
        quotes = self.quotes
        return MarketView(tuple((s, quotes[s]) for s in dict.fromkeys(symbols) if s in quotes))

    def base(self, symbol: str) -> Bars:
        """Closed base bars, oldest first; valid until the next one."""
        return self._base[symbol].view()

    def decision(self, symbol: str) -> Bars:
        """Closed decision bars, oldest first; valid until the next one."""
        return self._decision[symbol].view()

    def last_base(self, symbol: str) -> int:
        """Open time of the newest closed base bar, ms UTC, or 0."""
        return self._base[symbol].last_open_time

    def load(self, symbol: str, base: Bars, decision: Bars) -> None:
        """History before the live bars; `decision` holds only whole bars. The rest of `base` begins the next one."""
        self._base[symbol].load(base)
        self._decision[symbol].load(decision)
        self.newest_close = max(self.newest_close, self._base[symbol].last_open_time)
        if self.timeframe_ms == self.base_ms or len(base) == 0:
            return
        after = int(decision.open_time[-1]) + self.timeframe_ms if len(decision) else 0
        rest = base[int(base.open_time.searchsorted(after)) :]
        groups = list(aggregate(rest, self.timeframe_ms))
        if groups:
            self._forming[symbol] = groups[-1]

    # FeedSink

    def quote(self, symbol: str, quote: Quote) -> None:
        """A quote from the feed."""
        self.quotes[symbol] = quote
        self.quoted += 1
        for watcher in self._watchers:
            watcher.quoted(symbol, quote)

    def bar(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """A base bar from the feed."""
        if closed:
            self.closed += 1
            self.newest_close = max(self.newest_close, bar.open_time)
            self._base[symbol].append(bar)
            self.current.pop(symbol, None)
            self._close(symbol, bar)
        else:
            self.current[symbol] = bar
        for watcher in self._watchers:
            watcher.barred(symbol, bar, closed=closed)

    def corrected(self, symbol: str, before: Bar, after: Bar) -> None:
        """The venue changed a closed base bar."""
        if self._base[symbol].last_open_time == after.open_time:
            self._base[symbol].append(after)
        if self.base_ms == self.timeframe_ms and self._decision[symbol].last_open_time == after.open_time:
            self._decision[symbol].append(after)
        self._put(
            BarCorrected(at=self._clock.now(), symbol=symbol, timeframe_ms=self.base_ms, before=before, after=after)
        )

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """The feed came or went."""
        if not up:
            self.reconnects += 1
        for callback in self._links:
            callback(name, up, reason)

    def _close(self, symbol: str, bar: Bar) -> None:
        if self.timeframe_ms == self.base_ms:
            self._decide(symbol, bar)
            return
        group = bar.open_time // self.timeframe_ms * self.timeframe_ms
        forming = self._forming.get(symbol)
        if forming is not None and forming.open_time != group:
            self._decide(symbol, forming)  # its last base bars never came: the gap closed it
            forming = None
        forming = merge(forming, bar, group)
        if bar.open_time + self.base_ms == group + self.timeframe_ms:
            self._forming.pop(symbol, None)
            self._decide(symbol, forming)
        else:
            self._forming[symbol] = forming

    def forming(self, symbol: str) -> Bar | None:
        """The unfinished decision bar, the current base bar included."""
        if self.timeframe_ms == self.base_ms:
            return self.current.get(symbol)
        forming, current = self._forming.get(symbol), self.current.get(symbol)
        if current is None:
            return forming
        group = current.open_time // self.timeframe_ms * self.timeframe_ms
        return merge(forming if forming is not None and forming.open_time == group else None, current, group)

    def _decide(self, symbol: str, bar: Bar) -> None:
        window = self._decision[symbol]
        if bar.open_time <= window.last_open_time:
            return
        window.append(bar)
        bars = window.view()
        reading = self._readings.read(symbol, bars)
        forecast = self._forecaster.forecast(symbol, bars) if self._forecaster is not None else None
        self._put(
            BarClosed(
                at=self._clock.now(),
                symbol=symbol,
                bar=bar,
                readings=reading.sides,
                stops=reading.stops,
                targets=reading.targets,
                view=self.view((symbol,)),
                forecast=forecast,
            )
        )


def merge(forming: Bar | None, bar: Bar, open_time: int) -> Bar:
    """A longer bar with one more base bar in it."""
    if forming is None:
        return replace(bar, open_time=open_time)
    return Bar(
        open_time,
        forming.open,
        max(forming.high, bar.high),
        min(forming.low, bar.low),
        bar.close,
        forming.volume + bar.volume,
    )
