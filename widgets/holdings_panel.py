"""Every position in one row: what it is, what it makes, how it is protected. What is not protected is red."""

from __future__ import annotations

from textual.geometry import Size
from textual.message import Message

from engine.view import Desk, InstrumentView, PositionView
from widgets import format as fmt
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences
from widgets.outside_lines import unsettled
from widgets.position_lines import SETTLING_MS, distance, protected, when_of
from widgets.position_words import UNKNOWN_YET, at_level, net_now, who
from widgets.positions_panel import OUTSIDE, outside_rows
from widgets.tones import side_arrow, side_tone, side_word, signed_tone

COLUMNS = (
    Column("", 2, 0, right=False),
    Column("symbol", 8, 0, right=False),
    Column("side", 5, 0, right=False),
    Column("size", 10, 3),
    Column("entry", 11, 4),
    Column("mark", 11, 5),
    Column("unrealised", 11, 0),
    Column("net", 10, 6),
    Column("stop", 11, 1),
    Column("away", 8, 2),
    Column("at risk", 10, 1),
    Column("proof", 13, 0, right=False),
    Column("target", 11, 7),
    Column("away", 8, 8),
    Column("liq", 7, 5),
    Column("lev", 4, 9),
    Column("age", 4, 9),
    Column("opened by", 22, 10, right=False),
)
NEAR = 0.10


def _proof(position: PositionView, since: int, now: int) -> Piece:
    if protected(position):
        return f"✓ {fmt.age(now - position.stop_confirmed)}", "profit bold"
    if since <= SETTLING_MS:
        return "… placing", "warn bold"
    return "✗ UNPROTECTED" if position.stop is None else "✗ UNCONFIRMED", "alarm"


def cells_of(position: PositionView, instrument: InstrumentView | None, market: int, now: int) -> list[Piece]:
    """A position's cells; `market` and `now` are the two clocks, ms UTC."""
    side = (position.lots > 0) - (position.lots < 0)
    stop, target, liquidation = position.stop, position.target, position.liquidation
    risk = at_level(position, instrument, stop)[0] if stop is not None and instrument is not None else None
    away = abs(distance(position.mark, liquidation)) if liquidation is not None else None
    net = net_now(position)
    return [
        (side_arrow(side), f"{side_tone(side)} bold"),
        (fmt.base_of(position.symbol), "strong"),
        (side_word(side), f"{side_tone(side)} bold"),
        (fmt.quantity(instrument, position.lots), "text"),
        (fmt.price(instrument, position.entry), "text"),
        (fmt.price(instrument, position.mark), "text"),
        (fmt.money(position.unrealised, sign=True), f"{signed_tone(position.unrealised)} bold"),
        (fmt.money(net, sign=True), signed_tone(net)),
        (fmt.price(instrument, stop) if stop is not None else "none", "stop" if stop is not None else "alarm"),
        (fmt.percent(distance(position.mark, stop)) if stop is not None else "", "dim"),
        (fmt.money(risk, sign=True) if risk is not None else "NO LIMIT", "text" if risk is not None else "alarm"),
        _proof(position, market - position.opened, now),
        (fmt.price(instrument, target) if target is not None else "none", "target" if target is not None else "dim"),
        (fmt.percent(distance(position.mark, target)) if target is not None else "", "dim"),
        (f"{away * 100:.1f} %" if away is not None else "none", "alarm" if away is not None and away < NEAR else "dim"),
        (f"{position.leverage}x", "dim"),
        (fmt.age(market - position.opened), "dim"),
        (who(position.origin), "dim"),
    ]


class HoldingsPanel(CursorPanel):
    """The open positions; the row under the cursor is the one that keys mean."""

    class Moved(Message):
        """The cursor came to the position of a symbol, or it was chosen."""

        def __init__(self, symbol: str) -> None:
            self.symbol = symbol
            super().__init__()

    class OutsideChosen(Message):
        """A person chose something from outside: a symbol, or ``order CLIENT_ID``."""

        def __init__(self, key: str) -> None:
            self.key = key
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._desk: Desk | None = None
        self._now = 0
        self._only = ""
        self._count = 0

    def show(self, desk: Desk, now: int, only: str = "") -> None:
        """Show the newest desk at `now`, ms UTC; `only` is the one symbol wanted, empty for all."""
        self._desk, self._now, self._only = desk, now, only
        count = len(desk.positions) + len(desk.outside) + len(desk.outside_orders)
        if count != self._count:
            self._count = count
            self.refresh(layout=True)
        self.update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A header, a row a position, and a row for each thing from outside."""
        return 1 + max(1, self._count)

    def moved(self, key: str) -> None:
        """Tell of it."""
        self.post_message(self.Moved(key))

    def chosen(self, key: str) -> None:
        """Enter or a click."""
        if key.startswith(OUTSIDE):
            self.post_message(self.OutsideChosen(key[len(OUTSIDE) :]))
        else:
            self.post_message(self.Moved(key))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A header and a row a position: unprotected ones first, then by symbol."""
        desk = self._desk
        held = [p for p in desk.positions.values() if self._only in {"", p.symbol}] if desk is not None else []
        strange = outside_rows(desk, width) if desk is not None and not self._only else []
        if desk is None or not (held or strange):
            self.place([], height)
            if desk is None or not desk.status.ready:
                self.retitle(("Positions", "text"))
                return sentences(UNKNOWN_YET, width)
            self.retitle(("Positions 0", "text"))
            if self._only:
                return sentences(f"No open position in {self._only}. Press / for all symbols.", width)
            return sentences("No open position. On the desk b buys and s sells, or let the desk decide.", width)
        when = when_of(desk.status, self._now)
        held.sort(key=lambda p: (protected(p), p.symbol))
        naked = [p for p in held if not protected(p)]
        total = sum(p.unrealised for p in held)
        title: list[Piece] = [(f"Positions {len(held)}  ", "text")]
        title.append((fmt.money(total, sign=True), f"{signed_tone(total)} bold"))
        if naked:
            title.append((f"  {len(naked)} UNPROTECTED ", "alarm"))
        elif held:
            title.append(("  all stops confirmed by the exchange", "profit"))
        undecided = len(unsettled(desk)) + len(desk.outside_orders)
        if undecided and not self._only:
            title.append((f"  {undecided} FROM OUTSIDE", "warn bold"))
        self.retitle(*title)
        keys = [p.symbol for p in held] + [key for key, _ in strange]
        if self._cursor not in keys:
            self._cursor = keys[0]
        chosen = kept(COLUMNS, width)
        rows: list[Row] = []
        for position in held:
            instrument = desk.instruments.get(position.symbol)
            cells = cells_of(position, instrument, when.market, self._now)
            under = "" if protected(position) else "under-live"
            mark = "›" if position.symbol == self.cursor else " "
            cells[0] = (cells[0][0] + mark, cells[0][1])
            rows.append((position.symbol, row(COLUMNS, chosen, cells, under)))
        return self.place([*rows, *strange], height, [header(COLUMNS, chosen)] if rows else [])
