"""What the desk holds and how it is protected, then what it has asked for."""

from __future__ import annotations

from textual.message import Message

from engine.model.order import Purpose
from engine.view import Desk, OrderView
from widgets import format as fmt
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, say, sentences
from widgets.outside_lines import left_alone, position_line, strange_orders, unsettled
from widgets.outside_lines import order_line as strange_line
from widgets.position_lines import ONE_LINE, order_line, position_lines, protected, when_of, widths_of
from widgets.position_words import UNKNOWN_YET
from widgets.tones import signed_tone

_POSITION, _ORDER = "p:", "o:"
OUTSIDE = "x:"
"""How keys of rows begin that are from outside."""
_PROTECTIVE = {Purpose.STOP, Purpose.TARGET}


def order_rank(order: OrderView) -> tuple[bool, str, int]:
    """Entries and exits before protection, then by symbol, newest first."""
    return order.purpose in _PROTECTIVE, order.symbol, -order.created


class PositionsPanel(CursorPanel):
    """Positions, then open orders, under one cursor."""

    class PositionChosen(Message):
        """A person chose a position."""

        def __init__(self, symbol: str) -> None:
            self.symbol = symbol
            super().__init__()

    class OrderChosen(Message):
        """A person chose an order."""

        def __init__(self, client_id: str) -> None:
            self.client_id = client_id
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

    @property
    def position_symbol(self) -> str | None:
        """Symbol of the position under the cursor."""
        return self.cursor[len(_POSITION) :] if self.cursor.startswith(_POSITION) else None

    @property
    def order_id(self) -> str | None:
        """Client id of the order under the cursor."""
        return self.cursor[len(_ORDER) :] if self.cursor.startswith(_ORDER) else None

    def show(self, desk: Desk, now: int) -> None:
        """Show the newest desk at `now`, ms UTC."""
        self._desk, self._now = desk, now
        self.update()

    def chosen(self, key: str) -> None:
        """Tell of the position, the order or what is from outside."""
        if key.startswith(OUTSIDE):
            self.post_message(self.OutsideChosen(key[len(OUTSIDE) :]))
        elif key.startswith(_POSITION):
            self.post_message(self.PositionChosen(key[len(_POSITION) :]))
        else:
            self.post_message(self.OrderChosen(key[len(_ORDER) :]))

    def lay_out(self, width: int, height: int) -> list[Line]:
        """What is from outside, positions, a rule, orders."""
        desk = self._desk
        if desk is None or not (desk.positions or desk.orders or desk.outside or desk.outside_orders):
            if desk is None or not desk.status.ready:
                self.retitle(("Positions", "text"))
                return sentences(UNKNOWN_YET, width)
            self.retitle(("Positions 0", "text"))
            return sentences("No position. Press b to buy or s to sell, or let the desk decide.", width)
        self._head(desk)
        positions = [desk.positions[key] for key in sorted(desk.positions)]
        orders = sorted(desk.orders.values(), key=order_rank)
        widths = widths_of([(row, desk.instruments.get(row.symbol)) for row in positions])
        each = 1 if width >= ONE_LINE or 2 * len(positions) > height else 2
        when = when_of(desk.status, self._now)
        rows = outside_rows(desk, width)
        for position in positions:
            instrument = desk.instruments.get(position.symbol)
            lines = position_lines(position, instrument, when, width, each, widths)
            rows.extend((_POSITION + position.symbol, line) for line in lines)
        if not (positions or rows):
            rows.append(("", say("No position.")))
        if orders and len(rows) + len(orders) < height:
            rows.append(("", say("─" * width, "faint")))
        for order in orders:
            line = order_line(order, desk.instruments.get(order.symbol), self._now, width)
            rows.append((_ORDER + order.client_id, line))
        return self.place(rows, height)

    def _head(self, desk: Desk) -> None:
        total = sum(position.unrealised for position in desk.positions.values())
        naked = sum(not protected(position) for position in desk.positions.values())
        title: list[Piece] = [(f"Positions {len(desk.positions)} / orders {len(desk.orders)}  ", "text")]
        if desk.positions:
            title.append((fmt.money(total, sign=True), f"{signed_tone(total)} bold"))
        if naked:
            title.append((f"  {naked} UNPROTECTED", "loss bold"))
        strange = len(unsettled(desk)) + len(desk.outside_orders)
        if strange:
            title.append((f"  {strange} FROM OUTSIDE", "warn bold"))
        self.retitle(*title)


def outside_rows(desk: Desk, width: int) -> list[Row]:
    """Everything from outside as rows that can be chosen."""
    rows: list[Row] = [
        (OUTSIDE + row.symbol, position_line(row, desk, width)) for row in (*unsettled(desk), *left_alone(desk))
    ]
    rows += [(f"{OUTSIDE}order {one.client_id}", strange_line(one, desk, width)) for one in strange_orders(desk)]
    return rows
