"""What others hold at the account, as lines: a position the desk did not make, an order it did not send. Pure."""

from __future__ import annotations

from engine.model.money import Money
from engine.view import Desk, InstrumentView, OutsideOrderView, OutsideView
from widgets import format as fmt
from widgets.line import Line, Piece, fit
from widgets.tones import side_tone, side_word

FLAG = "⚑"
NONE = "none"


def unsettled(desk: Desk) -> list[OutsideView]:
    """Positions from outside on which nobody has decided yet, by symbol."""
    return [desk.outside[key] for key in sorted(desk.outside) if not desk.outside[key].left]


def left_alone(desk: Desk) -> list[OutsideView]:
    """Positions from outside that a person has left alone, by symbol."""
    return [desk.outside[key] for key in sorted(desk.outside) if desk.outside[key].left]


def strange_orders(desk: Desk) -> list[OutsideOrderView]:
    """Orders from outside, by symbol, oldest first."""
    return sorted(desk.outside_orders.values(), key=lambda order: (order.symbol, order.at, order.client_id))


def holding(lots: int, instrument: InstrumentView | None) -> str:
    """``LONG 0.500`` or ``none``."""
    side = (lots > 0) - (lots < 0)
    return f"{side_word(side)} {fmt.quantity(instrument, lots)}" if lots else NONE


def unrealised(row: OutsideView, desk: Desk) -> Money | None:
    """Profit of the exchange's position at the newest mark, 1e-8 quote units; None where a price is not known."""
    instrument, quote = desk.instruments.get(row.symbol), desk.quotes.get(row.symbol)
    if instrument is None or quote is None or not row.entry or not (quote.mark or quote.last):
        return None
    return round(row.theirs * ((quote.mark or quote.last) - row.entry) * instrument.unit)


def position_line(row: OutsideView, desk: Desk, width: int) -> Line:
    """One position from outside."""
    instrument = desk.instruments.get(row.symbol)
    side = (row.theirs > 0) - (row.theirs < 0)
    entry = f" @ {fmt.price(instrument, row.entry)}" if row.theirs and row.entry else ""
    what: list[Piece] = [
        (f"{FLAG} ", "dim" if row.left else "warn bold"),
        (f"{fmt.base_of(row.symbol)[:8]:<5}", "strong"),
        (" left alone " if row.left else " FROM OUTSIDE ", "dim" if row.left else "alarm"),
    ]
    theirs: list[Piece] = [
        ("exchange ", "dim"),
        (holding(row.theirs, instrument), f"{side_tone(side)} bold" if row.theirs else "text"),
    ]
    cells: list[tuple[int, list[Piece]]] = [
        (0, what),
        (0, theirs),
        (1, [("desk ", "dim"), (holding(row.ours, instrument), "text")]),
        (3, [(entry.strip(), "dim")] if entry else []),
        (2, [("adopt, ignore or close?", "dim" if row.left else "warn")]),
    ]
    return Line(tuple(fit(cells, width)))


def what_order(row: OutsideOrderView, instrument: InstrumentView | None) -> str:
    """``SELL 0.500 stop @ 3,400.00``, as far as the exchange tells it."""
    side = {1: "BUY", -1: "SELL"}.get(row.side, "an order")
    size = f" {fmt.quantity(instrument, row.lots)}" if row.lots else ""
    level = row.trigger if row.trigger is not None else row.price
    kind = " conditional" if row.conditional else " limit" if row.price is not None else ""
    return f"{side}{size}{kind}" + (f" @ {fmt.price(instrument, level)}" if level is not None else "")


def order_line(row: OutsideOrderView, desk: Desk, width: int) -> Line:
    """One order from outside."""
    cells: list[tuple[int, list[Piece]]] = [
        (
            0,
            [
                (f"{FLAG} ", "warn bold"),
                (f"{fmt.base_of(row.symbol)[:8]:<5}", "strong"),
                (" FROM OUTSIDE ", "warn bold"),
            ],
        ),
        (0, [(what_order(row, desk.instruments.get(row.symbol)), side_tone(row.side) if row.side else "text")]),
        (2, [("cancel or leave it?", "warn")]),
        (3, [(row.client_id[:28], "dim")]),
    ]
    return Line(tuple(fit(cells, width)))


def consequences(row: OutsideView, instrument: InstrumentView | None) -> dict[str, str]:
    """What adopt, ignore and close would do, one sentence each; close is not there where nothing is held."""
    base = fmt.base_of(row.symbol)
    held = f"{base} is not traded automatically until you release it"
    if row.theirs == 0:
        return {
            "adopt": f"The desk books its {holding(row.ours, instrument)} as closed and cancels its stop; {held}.",
            "ignore": f"The desk keeps its own book and sends nothing; {held}.",
        }
    what = holding(row.theirs, instrument)
    return {
        "adopt": f"{what} is the desk's from now on, with a stop and a target; {held}.",
        "ignore": f"It is neither protected nor closed by the desk; {held}.",
        "close": f"All of {what} is closed at market, reduce-only; {held}.",
    }


def comparison(row: OutsideView, desk: Desk) -> list[tuple[str, str, str]]:
    """Rows of the table: what, the desk's word, the exchange's word."""
    instrument = desk.instruments.get(row.symbol)
    profit = unrealised(row, desk)

    def side(lots: int) -> str:
        return side_word((lots > 0) - (lots < 0)) if lots else NONE

    def size(lots: int) -> str:
        return fmt.quantity(instrument, lots) if lots else "0"

    def price(entry: float) -> str:
        return fmt.price(instrument, entry) if entry else "-"

    return [
        ("side", side(row.ours), side(row.theirs)),
        ("quantity", size(row.ours), size(row.theirs)),
        ("entry", price(row.our_entry if row.ours else 0.0), price(row.entry if row.theirs else 0.0)),
        ("leverage", "-", f"{row.leverage}x" if row.leverage and row.theirs else "-"),
        ("unrealised", "-", fmt.money(profit, sign=True) if profit is not None and row.theirs else "-"),
    ]
