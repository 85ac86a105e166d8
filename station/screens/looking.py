"""What a person looks at on the desk: symbol, timeframe, panel; and the keys that change it. Nothing here trades."""

from __future__ import annotations

from engine.model.market import TIMEFRAMES
from headless.source import Source
from station.screens.acting import Acting
from widgets.candle_chart import CandleChart

CHARTED = ("1m", "3m", "5m", "15m", "30m", "1h", "4h")
PANELS = ("#positions", "#signals", "#watch", "#board", "#ensemble", "#log")
WIDE_PANELS = (*PANELS, "#chart", "#chart2", "#depth", "#tape")


class Looking(Acting):
    """A screen over the replica.

    Args:
        source: replica and asks.
        keys: the person's own keys.
        symbol: chosen at first; None takes the first there is.
    """

    def __init__(self, source: Source, keys: dict[str, str], symbol: str | None) -> None:
        super().__init__(source, keys, symbol)
        self._timeframe_ms = 0
        self._crosshair = False

    @property
    def panels(self) -> tuple[str, ...]:
        """A wide terminal has more of them."""
        return WIDE_PANELS if self.has_class("-wide") else PANELS

    @property
    def timeframe_ms(self) -> int:
        """Of the chart; the decision timeframe until another is chosen."""
        return self._timeframe_ms or self.desk.status.timeframe_ms or TIMEFRAMES["1m"]

    @property
    def longer_ms(self) -> int:
        """Timeframe of the second chart."""
        longer = [TIMEFRAMES[name] for name in CHARTED if TIMEFRAMES[name] > self.timeframe_ms]
        return longer[min(2, len(longer) - 1)] if longer else self.timeframe_ms

    def _do_next_symbol(self) -> None:
        self._step_symbol(1)

    def _do_previous_symbol(self) -> None:
        self._step_symbol(-1)

    def _step_symbol(self, by: int) -> None:
        symbols = self.symbols()
        if symbols:
            self.choose(symbols[(symbols.index(self.symbol) + by) % len(symbols)])

    def _do_longer(self) -> None:
        self._frame(1)

    def _do_shorter(self) -> None:
        self._frame(-1)

    def _frame(self, by: int) -> None:
        frames = [TIMEFRAMES[name] for name in CHARTED]
        now = frames.index(self.timeframe_ms) if self.timeframe_ms in frames else 0
        self._timeframe_ms = frames[max(0, min(len(frames) - 1, now + by))]
        self._dirty = True

    @property
    def _charts(self) -> CandleChart:
        return self.query_one("#chart", CandleChart)

    def _do_zoom_in(self) -> None:
        self._charts.zoom(1)

    def _do_zoom_out(self) -> None:
        self._charts.zoom(-1)

    def _do_back(self) -> None:
        self._move(-1)

    def _do_forth(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        if self._crosshair:
            self._charts.move_crosshair(by, 0)
        else:
            self._charts.scroll(-4 * by)

    def _do_newest(self) -> None:
        self._charts.home()

    def _do_crosshair(self) -> None:
        self._crosshair = not self._crosshair
        self._charts.set_crosshair(self._crosshair)

    def _do_overlays(self) -> None:
        self._charts.cycle_overlays()
