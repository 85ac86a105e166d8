"""The tape: every trade of the market, newest at the top, and who was the taker."""

from __future__ import annotations

from collections.abc import Sequence

from engine.view import Desk, InstrumentView
from engine.view_market import TradeView
from widgets import format as fmt
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel
from widgets.tones import side_arrow, side_tone

CLOCK = 8
SIZE = 8
LARGE = 4.0
"""A trade of so many times the mean size shown stands out."""


def bought(trades: Sequence[TradeView]) -> float:
    """Share of the traded lots that takers bought; 0.5 without a trade."""
    total = sum(trade.lots for trade in trades)
    return sum(trade.lots for trade in trades if trade.side > 0) / total if total else 0.5


def trade_line(trade: TradeView, instrument: InstrumentView, price: int, width: int, *, large: bool) -> Line:
    """Time UTC, the taker's side, price and size in base currency; the time goes first where it is narrow."""
    tone = side_tone(trade.side)
    size = fmt.compact(trade.lots * float(instrument.lot_size))
    pieces: list[Piece] = []
    if width >= CLOCK + 3 + price + SIZE:
        pieces.append((fmt.clock(trade.at) + " ", "dim"))
    pieces += [
        (f"{side_arrow(trade.side)} ", tone),
        (fmt.price(instrument, trade.ticks, price), f"{tone} bold" if large else tone),
        (fmt.fixed(size, SIZE), "strong" if large else "text"),
    ]
    return Line(tuple(pieces))


def tape_lines(trades: Sequence[TradeView], instrument: InstrumentView, width: int, height: int) -> list[Line]:
    """The newest `height` trades, newest first."""
    shown = trades[-height:] if height > 0 else ()
    price = max((len(fmt.price(instrument, trade.ticks)) for trade in shown), default=0)
    mean = sum(trade.lots for trade in shown) / len(shown) if shown else 0.0
    return [trade_line(trade, instrument, price, width, large=trade.lots >= LARGE * mean) for trade in reversed(shown)]


class TapePanel(Panel, can_focus=True):
    """The tape of the desk's symbol."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._trades: tuple[TradeView, ...] = ()
        self._instrument: InstrumentView | None = None

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest trades of `symbol`."""
        trades, instrument = tuple(desk.tapes.get(symbol, ())), desk.instruments.get(symbol)
        if trades == self._trades and instrument is self._instrument and self._title:
            return
        self._trades, self._instrument = trades, instrument
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """One line a trade."""
        if not self._trades or self._instrument is None:
            self.retitle(("Tape", "text"))
            return sentences("No trade yet since the symbol was chosen.", width)
        share = bought(self._trades)
        tone = "profit bold" if share >= 0.5 else "loss bold"
        self.retitle(("Tape ", "text"), (f"{share * 100:.0f} % bought", tone))
        return tape_lines(self._trades, self._instrument, width, height)
