"""Every symbol with its price, its change, and how fresh both are."""

from __future__ import annotations

from typing import NamedTuple

from textual.message import Message

from engine.model.signal import SignalStatus
from engine.view import Desk, InstrumentView
from engine.view_market import QuoteView, WatchView
from widgets import format as fmt
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences
from widgets.spark import sparkline
from widgets.tones import signed_tone

STALE_MS = 5_000
NAME, PRICE, CHANGE, SPREAD, AGE, VOLUME = 6, 10, 9, 8, 5, 8
SPARK_LEAST, SPARK_MOST = 5, 20


class Columns(NamedTuple):
    """Cells of each column, 0 where it is not shown."""

    name: int
    change: int
    spark: int
    age: int
    spread: int
    volume: int


def columns_for(width: int) -> Columns:
    """Which columns `width` cells have room for; they come in the order of their worth."""
    room = width - 1 - NAME - PRICE
    taken: dict[str, int] = {}
    for name, size in (
        ("change", CHANGE),
        ("spark", 1 + SPARK_LEAST),
        ("age", AGE),
        ("spread", SPREAD),
        ("vol", VOLUME),
    ):
        if room < size:
            break
        taken[name] = size
        room -= size
    wide_name = min(3, room)
    room -= wide_name
    spark = taken.get("spark", 0)
    if spark:
        spark = min(1 + SPARK_MOST, spark + room)
    return Columns(
        NAME + wide_name,
        taken.get("change", 0),
        spark,
        taken.get("age", 0),
        taken.get("spread", 0),
        taken.get("vol", 0),
    )


class Facts(NamedTuple):
    """Everything one row shows; two equal facts paint the same row."""

    instrument: InstrumentView | None
    quote: QuoteView | None
    watch: WatchView | None
    held: int
    waiting: bool
    stale: int
    columns: Columns


def mid_spread(quote: QuoteView) -> float | None:
    """Spread over mid price, a fraction; None while a side is not known."""
    if quote.bid <= 0 or quote.ask <= 0:
        return None
    return (quote.ask - quote.bid) * 2.0 / (quote.ask + quote.bid)


def row_line(symbol: str, facts: Facts) -> Line:
    """A row of the list. `facts.stale` is its age in ms where that is too old, else 0."""
    columns, quote, watch = facts.columns, facts.quote, facts.watch
    stale = facts.stale > 0 or quote is None
    marker = "▲" if facts.held > 0 else "▼" if facts.held < 0 else "●" if facts.waiting else " "
    tone = "long bold" if facts.held > 0 else "short bold" if facts.held < 0 else "warn bold"
    name = fmt.left(fmt.base_of(symbol), columns.name)
    waits = facts.waiting and facts.held != 0
    pieces: list[Piece] = [(marker, tone)]
    if waits:
        pieces += [(fmt.left(fmt.base_of(symbol), columns.name - 1), "strong"), ("●", "warn bold")]
    else:
        pieces.append((name, "dim" if stale else "strong"))
    pieces.append((fmt.price(facts.instrument, quote.last if quote else 0, PRICE), "dim" if stale else "text"))
    change = watch.change if watch else 0.0
    if columns.change:
        if facts.stale and not columns.age:
            pieces.append((fmt.fixed(f"stale {fmt.age(facts.stale)}", columns.change), "warn"))
        else:
            text = fmt.percent(change, width=columns.change) if watch else fmt.fixed(fmt.UNKNOWN, columns.change)
            pieces.append((text, "dim" if stale or not watch else signed_tone(change)))
    if columns.spark:
        text = sparkline(watch.spark, columns.spark - 1) if watch else " " * (columns.spark - 1)
        pieces.append((" " + text, "faint" if stale else "up" if change >= 0 else "down"))
    if columns.spread:
        share = mid_spread(quote) if quote else None
        pieces.append((fmt.bps(share, columns.spread) if share is not None else " " * columns.spread, "dim"))
    if columns.volume:
        pieces.append((fmt.fixed(fmt.compact(watch.volume) if watch else "", columns.volume), "dim"))
    if columns.age:
        pieces.append((fmt.age(facts.stale, columns.age) if facts.stale else " " * columns.age, "warn"))
    return Line(tuple(pieces))


class Watchlist(CursorPanel):
    """The list of symbols; the row under the cursor is the desk's symbol."""

    class Chosen(Message):
        """A person moved to a symbol."""

        def __init__(self, symbol: str) -> None:
            self.symbol = symbol
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._desk: Desk | None = None
        self._now = 0
        self._facts: dict[str, tuple[Facts, Line]] = {}

    def show(self, desk: Desk, selected: str, now: int) -> None:
        """Show the newest desk at `now`, ms UTC, with the cursor on `selected`."""
        self._desk, self._now = desk, now
        if selected:
            self._cursor = selected
        self.update()

    def chosen(self, key: str) -> None:
        """Tell of the symbol."""
        self.post_message(self.Chosen(key))

    def moved(self, key: str) -> None:
        """Moving the cursor is choosing: chart and board follow it."""
        self.post_message(self.Chosen(key))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """One row a symbol."""
        desk = self._desk
        symbols = list(desk.instruments) if desk else []
        if desk is None or not symbols:
            self.retitle(("Watch", "text"))
            return sentences("No symbol yet. The engine names them when it has loaded the markets.", width)
        columns = columns_for(width)
        waiting = {signal.symbol for signal in desk.signals.values() if signal.status is SignalStatus.WAITING}
        rows: list[Row] = []
        stale = 0
        for symbol in symbols:
            line, old = self._row(desk, symbol, columns, waits=symbol in waiting)
            stale += old
            rows.append((symbol, line))
        self._count(len(symbols), stale)
        return self.place(rows, height)

    def _row(self, desk: Desk, symbol: str, columns: Columns, *, waits: bool) -> tuple[Line, bool]:
        quote, position = desk.quotes.get(symbol), desk.positions.get(symbol)
        age = self._now - quote.at if quote else 0
        held = (position.lots > 0) - (position.lots < 0) if position else 0
        facts = Facts(
            desk.instruments.get(symbol),
            quote,
            desk.watch.get(symbol),
            held,
            waits,
            age - age % 1_000 if age >= STALE_MS else 0,
            columns,
        )
        known = self._facts.get(symbol)
        # Identity first: most symbols have the very same quote as a tenth of a second ago.
        if known is None or any(a is not b and a != b for a, b in zip(known[0], facts, strict=True)):
            known = (facts, row_line(symbol, facts))
            self._facts[symbol] = known
        return known[1], facts.stale > 0 or quote is None

    def _count(self, count: int, stale: int) -> None:
        title: list[Piece] = [("Watch ", "text"), (f"{count}", "strong")]
        if stale:
            title.append((f"  {stale} stale", "warn bold"))
        self.retitle(*title)
