"""The chart: candles with volume, overlays, levels and fills; zoom, scroll and a crosshair."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import MouseScrollDown, MouseScrollUp

from engine.model.forecast import Outlook
from engine.model.market import TIMEFRAMES
from engine.view import FillView, InstrumentView, OrderView, PositionView
from engine.view_bars import BarsView
from engine.view_market import QuoteView
from widgets import format as fmt
from widgets.chart_candles import DEFAULT_ZOOM, ZOOMS
from widgets.chart_levels import Level, levels_of
from widgets.chart_paint import Picture, Plan, crosshair_index, paint, plan_of
from widgets.chart_scale import DAY_MS
from widgets.chart_window import LEAST_HEIGHT, LEAST_WIDTH
from widgets.line import Line, Piece, fit, sentences, width_of
from widgets.panel import Panel
from widgets.tones import signed_tone
from widgets.watchlist import STALE_MS, mid_spread

BANDS_HEIGHT = 18
SHOWN_TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")


def change_of(bars: BarsView, last: float) -> float | None:
    """Change over 24 h, a fraction; None where the bars do not reach back that far."""
    if not bars.bars or not last:
        return None
    since = bars.bars[-1].open_time + bars.timeframe_ms - DAY_MS
    if bars.bars[0].open_time > since:
        return None
    then = next(bar for bar in bars.bars if bar.open_time >= since)
    return last / then.open - 1.0 if then.open else None


def timeframe_pieces(timeframe_ms: int) -> list[Piece]:
    """The timeframes with the current one in brackets."""
    current = next((name for name, ms in TIMEFRAMES.items() if ms == timeframe_ms), "")
    names = [name for name in TIMEFRAMES if name in SHOWN_TIMEFRAMES or name == current]
    pieces: list[Piece] = []
    for name in names:
        pieces.append((f"[{name}]", "accent bold") if name == current else (name, "dim"))
        pieces.append((" ", "text"))
    return pieces[:-1]


class CandleChart(Panel, can_focus=True):
    """One symbol on one timeframe; set `plain` where the terminal has no colour."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.plain = False
        self._funding = ""
        self._bars: BarsView | None = None
        self._instrument: InstrumentView | None = None
        self._quote: QuoteView | None = None
        self._levels: tuple[Level, ...] = ()
        self._fills: tuple[FillView, ...] = ()
        self._stale = False
        self._outlook: Outlook | None = None
        self._change: float | None = None
        self._key: tuple[object, ...] = ()
        self._series: tuple[str, int] = ("", 0)
        self._newest = 0
        self._zoom = DEFAULT_ZOOM
        self._behind = 0
        self._hidden: frozenset[str] | None = None
        self._crosshair: tuple[int, int] | None = None
        self._plan: Plan | None = None

    def show(
        self,
        bars: BarsView | None,
        instrument: InstrumentView | None,
        quote: QuoteView | None,
        position: PositionView | None,
        orders: Sequence[OrderView],
        fills: Sequence[FillView],
        now: int,
        *,
        change: float | None = None,
        outlook: Outlook | None = None,
        funding: str = "",
    ) -> None:
        """Show the newest picture at `now`, ms UTC; cheap when nothing of it changed.

        Args:
            bars: the chart's bars and overlays, or None while they are on their way.
            instrument: the symbol's contract.
            quote: its newest quote.
            position: its position, if any.
            orders: open orders (others' symbols are ignored).
            fills: executions (others' symbols are ignored).
            now: ms UTC.
            change: 24 h change, a fraction; None takes it from the bars if they reach back that far.
            outlook: the forecast to draw behind the newest candle.
            funding: the next funding in words (see `widgets.format.funding`), empty where it is not known.
        """
        levels = levels_of(instrument, position, orders)
        symbol = instrument.symbol if instrument else ""
        mine = tuple(fill for fill in fills if fill.symbol == symbol)
        stale = quote is not None and now - quote.at >= STALE_MS
        newest = bars.bars[-1] if bars is not None and bars.bars else None
        ends = tuple(column[-1] for column in bars.overlays.values() if column) if bars is not None else ()
        count = len(bars.bars) if bars is not None else 0
        prices = (quote.last, quote.bid, quote.ask) if quote else ()
        key = (id(bars), count, newest, ends, instrument, prices, levels, mine, stale, change, outlook, funding)
        if key == self._key:
            return
        self._key = key
        self._follow(bars)
        self._bars, self._instrument, self._quote = bars, instrument, quote
        self._levels, self._fills, self._stale, self._change = levels, mine, stale, change
        self._outlook, self._funding = outlook, funding
        self.subtitle(f"funding {funding}" if funding else "")
        self.update()

    def _follow(self, bars: BarsView | None) -> None:
        """Another series begins at now; in the same one a scrolled view stays with its candles."""
        series = (bars.symbol, bars.timeframe_ms) if bars is not None else ("", 0)
        newest = bars.bars[-1].open_time if bars is not None and bars.bars else 0
        if series != self._series:
            self._series, self._behind, self._crosshair = series, 0, None
        elif bars is not None and self._behind and newest > self._newest:
            span = bars.timeframe_ms * ZOOMS[self._zoom].bars
            self._behind += newest // span - self._newest // span
        self._newest = newest

    @property
    def crosshair_on(self) -> bool:
        """The crosshair is shown."""
        return self._crosshair is not None

    def zoom(self, step: int) -> None:
        """Larger (+) or smaller (-) candles; the right edge stays where it is."""
        after = max(0, min(len(ZOOMS) - 1, self._zoom + step))
        if after != self._zoom:
            self._behind = self._behind * ZOOMS[self._zoom].bars // ZOOMS[after].bars
            self._zoom = after
            self.update()

    def scroll(self, columns: int) -> None:
        """Go back (+) or forward (-) in time by columns."""
        zoom = ZOOMS[self._zoom]
        step = -(-abs(columns) // zoom.pitch) * (1 if columns > 0 else -1)
        count = len(self._bars.bars) // zoom.bars if self._bars is not None else 0
        after = max(0, min(max(0, count - 10), self._behind + step))
        if after != self._behind:
            self._behind = after
            self.update()

    def home(self) -> None:
        """Back to now."""
        self._behind = 0
        self.update()

    def toggle_overlay(self, name: str) -> None:
        """Hide or show one overlay."""
        self._hidden = self._out_of_sight() ^ {name}
        self.update()

    def _out_of_sight(self) -> frozenset[str]:
        """What a person hid; until then a low chart draws no bands over its few rows of candles."""
        if self._hidden is not None:
            return self._hidden
        names = self._bars.overlays if self._bars is not None and self.content_size.height < BANDS_HEIGHT else ()
        return frozenset(name for name in names if name.startswith("BB"))

    def cycle_overlays(self) -> None:
        """All overlays, then each alone, then none, then all again."""
        names = list(self._bars.overlays) if self._bars is not None else []
        if not names:
            return
        every = frozenset(names)
        stages = [frozenset[str](), *(every - {name} for name in names), every]
        hidden = self._out_of_sight() & every
        index = stages.index(hidden) if hidden in stages else -1
        self._hidden = stages[(index + 1) % len(stages)]
        self.update()

    def set_crosshair(self, on: bool) -> None:  # noqa: FBT001 - a switch has no better name than its verb
        """Show the crosshair at the newest candle, or hide it."""
        plan = self._plan
        if not on or plan is None:
            self._crosshair = None
        elif self._crosshair is None:
            column = plan.window.middle(len(plan.window.candles) - 1)
            self._crosshair = (column, plan.scale.row(plan.window.candles[-1].close))
        self.update()

    def move_crosshair(self, dx: int, dy: int) -> None:
        """Move the crosshair by candles and rows; beyond an edge the chart scrolls."""
        plan = self._plan
        if self._crosshair is None or plan is None:
            return
        pitch = plan.window.zoom.pitch
        index = (crosshair_index(plan) or 0) + dx
        last = len(plan.window.candles) - 1
        if index < 0:
            self.scroll(-index * pitch)
        elif index > last:
            self.scroll((last - index) * pitch)
        row = max(0, min(plan.parts.plot_height - 1, self._crosshair[1] + dy))
        self._crosshair = (max(0, min(last, index)) * pitch, row)
        self.update()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel zooms; with shift it goes back in time."""
        event.stop()
        if event.shift:
            self.scroll(6)
        else:
            self.zoom(1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel zooms; with shift it goes forward in time."""
        event.stop()
        if event.shift:
            self.scroll(-6)
        else:
            self.zoom(-1)

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The chart, or the sentence that stands for it."""
        self._head(width)
        bars = self._bars
        self._plan = None
        if bars is None:
            return sentences("Loading bars ...", width)
        if not bars.bars:
            return sentences("No bar yet. The first one is drawn when the market has traded.", width)
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return sentences("Too small for a chart.", width)
        instrument, quote = self._instrument, self._quote
        last = quote.last * float(instrument.tick_size) if instrument and quote and quote.last else 0.0
        if instrument is not None and instrument.symbol != bars.symbol:
            last = 0.0
        picture = Picture(
            bars,
            instrument,
            last,
            self._levels,
            self._fills,
            ZOOMS[self._zoom],
            self._behind,
            self._out_of_sight(),
            self._crosshair,
            plain=self.plain,
            outlook=self._outlook,
        )
        self._plan = plan_of(picture, width, height)
        return paint(self._plan, width, height)

    def _head(self, width: int) -> None:
        instrument, quote, bars = self._instrument, self._quote, self._bars
        symbol = instrument.symbol if instrument else bars.symbol if bars else "Chart"
        cells: list[tuple[int, list[Piece]]] = [(0, [(symbol, "strong")])]
        if bars is not None:
            cells.append((4, timeframe_pieces(bars.timeframe_ms)))
        if instrument is not None and quote is not None:
            tone = "dim" if self._stale else "strong"
            cells.append((0, [(fmt.price(instrument, quote.last), tone)]))
            last = quote.last * float(instrument.tick_size)
            change = self._change if self._change is not None or bars is None else change_of(bars, last)
            if change is not None:
                cells.append((1, [(fmt.percent(change), signed_tone(change))]))
            spread = mid_spread(quote)
            if spread is not None:
                cells.append((3, [("spread ", "dim"), (fmt.bps(spread), "text")]))
            if self._stale:
                cells.append((2, [("STALE", "warn bold")]))
        room = max(8, width - 4)
        if bars is not None and sum(width_of(pieces) + 2 for _, pieces in cells) - 2 > room:
            current = [piece for piece in timeframe_pieces(bars.timeframe_ms) if piece[0].startswith("[")]
            cells[1] = (0, current)
        self.retitle(*fit(cells, room))
