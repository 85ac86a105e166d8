"""The order book: asks above, bids below, the spread between them, and how much stands on each side."""

from __future__ import annotations

from engine.view import Desk, InstrumentView
from engine.view_market import DepthView
from widgets import format as fmt
from widgets.line import EMPTY, Line, Piece, say, sentences
from widgets.panel import Panel
from widgets.spark import bar
from widgets.watchlist import STALE_MS

SIZE = 8
LEAST_BAR = 3

Level = tuple[int, int]


def balance(book: DepthView) -> float:
    """Share of the lots shown that stand at the bid; 0.5 where the book is empty."""
    bids, asks = sum(lots for _, lots in book.bids), sum(lots for _, lots in book.asks)
    return bids / (bids + asks) if bids + asks else 0.5


def levels_for(book: DepthView, height: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Bids and asks from the best outwards, as many as `height` lines hold around the line of the spread."""
    each = max(0, (height - 1) // 2)
    return book.bids[:each], book.asks[:each]


def level_line(
    level: Level, instrument: InstrumentView, most: int, places: tuple[int, int], tones: tuple[str, str]
) -> Line:
    """Price, size in base currency, and a bar: `most` lots fill it. `places` are the cells of price and bar."""
    ticks, lots = level
    price, length = places
    size = fmt.compact(lots * float(instrument.lot_size))
    pieces: list[Piece] = [(fmt.price(instrument, ticks, price), tones[0]), (fmt.fixed(size, SIZE), "text")]
    if length:
        pieces.append((" " + bar(lots / most if most else 0.0, length), tones[1]))
    return Line(tuple(pieces))


def depth_lines(book: DepthView, instrument: InstrumentView, width: int, height: int) -> list[Line]:
    """The book in `height` lines; the spread stands in the middle whatever either side holds."""
    bids, asks = levels_for(book, height)
    shown = (*bids, *asks)
    if not shown:
        return sentences("The book is empty.", width)
    most = max(lots for _, lots in shown)
    price = max(len(fmt.price(instrument, ticks)) for ticks, _ in shown)
    length = width - price - SIZE - 1
    places = (price, length if length >= LEAST_BAR else 0)
    each = max(0, (height - 1) // 2)
    up = [level_line(level, instrument, most, places, ("loss", "down-faint")) for level in reversed(asks)]
    down = [level_line(level, instrument, most, places, ("profit", "up-faint")) for level in bids]
    middle = say("one side only", "warn")
    if bids and asks:
        gap = asks[0][0] - bids[0][0]
        share = 2.0 * gap / (asks[0][0] + bids[0][0])
        middle = Line(((fmt.price(instrument, gap, price), "strong"), (f"  spread {fmt.bps(share)}", "dim")))
    return [*[EMPTY] * (each - len(up)), *up, middle, *down]


class DepthPanel(Panel, can_focus=True):
    """The book of the desk's symbol."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._book: DepthView | None = None
        self._instrument: InstrumentView | None = None
        self._stale = 0

    def show(self, desk: Desk, symbol: str, now: int) -> None:
        """Show the newest book of `symbol` at `now`, ms UTC."""
        book, instrument = desk.depths.get(symbol), desk.instruments.get(symbol)
        age = now - book.at if book is not None else 0
        stale = age - age % 1_000 if age >= STALE_MS else 0
        if book is self._book and instrument is self._instrument and stale == self._stale and self._title:
            return
        self._book, self._instrument, self._stale = book, instrument, stale
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Asks, spread, bids."""
        book, instrument = self._book, self._instrument
        if book is None or instrument is None:
            self.retitle(("Depth", "text"))
            return sentences(
                "No book yet. It comes a moment after the symbol is chosen; a replay at full speed has none.", width
            )
        share = balance(book)
        side = "bid" if share >= 0.5 else "ask"
        tone = "profit bold" if share >= 0.5 else "loss bold"
        head: list[Piece] = [("Depth ", "text"), (f"{max(share, 1 - share) * 100:.0f} % {side}", tone)]
        if self._stale:
            head.append((f"  stale {fmt.age(self._stale)}", "warn bold"))
        self.retitle(*head)
        return depth_lines(book, instrument, width, height)
