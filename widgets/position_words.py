"""What a position means in money and words: what is at risk, what its legs would bring, who opened it. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from engine.model.money import Money, fee_of
from engine.view import InstrumentView, PositionView
from widgets.position_lines import distance

UNKNOWN_YET = "Positions are known when the engine has started."


def who(origin: str) -> str:
    """``signal 41``, ``a person (keyboard)`` or ``outside Trefoil`` for an origin as the journal keeps it."""
    if origin == "outside":
        return "outside Trefoil"
    kind, _, rest = origin.partition(":")
    if kind == "person":
        return f"a person ({rest.removeprefix('station:')})" if rest else "a person"
    return f"{kind} {rest}" if rest else kind


def at_level(row: PositionView, instrument: InstrumentView, level: int) -> tuple[Money, Money]:
    """What a move from the mark to `level` would bring, and the position's whole net result when closed there.

    Both in 1e-8 quote units; the second is after all fees and funding, with a taker fee for the close.
    """
    value = abs(row.lots) * level * instrument.unit
    from_here = row.lots * (level - row.mark) * instrument.unit
    gross = round(row.lots * (level - row.entry) * instrument.unit)
    return from_here, gross + row.realised - row.fees + row.funding - fee_of(value, instrument.taker_ppm)


def net_now(row: PositionView) -> Money:
    """Unrealised and realised profit after fees and funding, 1e-8 quote units."""
    return row.unrealised + row.realised - row.fees + row.funding


def stops_to_liquidation(row: PositionView) -> float | None:
    """Liquidation distance over stop distance, both from the entry; None where one of them is not known."""
    if row.liquidation is None or row.stop is None:
        return None
    to_stop = abs(distance(round(row.entry), row.stop))
    return abs(distance(round(row.entry), row.liquidation)) / to_stop if to_stop else None


def plain(value: Decimal) -> str:
    """A decimal with thousands separators and without the zeros at its end."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def mean(value: Decimal) -> str:
    """A mean price: seven significant digits, without zeros at the end."""
    return plain(Decimal(f"{value:.7g}"))


def cash(value: Decimal, *, sign: bool = True) -> str:
    """Quote currency with two decimals; zero has no sign."""
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{rounded:+,.2f}" if sign and rounded else f"{rounded or abs(rounded):,.2f}"
