"""Signals of the history beside those of the replica: one list, filtered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from engine.ledger import SignalRow
from engine.model.signal import Action, Signal, SignalStatus
from engine.view import InstrumentView

S = SignalStatus
STATUSES: tuple[tuple[str, frozenset[SignalStatus]], ...] = (
    ("", frozenset(S)),
    ("waiting", frozenset({S.WAITING, S.VOTING})),
    ("traded", frozenset({S.SENT, S.FILLED})),
    ("refused", frozenset({S.REFUSED})),
    ("observed", frozenset({S.OBSERVED})),
    ("rejected or expired", frozenset({S.REJECTED, S.EXPIRED})),
)
"""What the status key steps through: words, and what they mean."""


def grid_of(row: SignalRow, known: InstrumentView | None) -> tuple[Decimal, Decimal]:
    """Tick and lot size of a row: the contract's, or the last digit of its numbers where it is traded no more."""
    if known is not None:
        return known.tick_size, known.lot_size
    return _last_digit(row.price), _last_digit(row.quantity)


def _last_digit(value: Decimal) -> Decimal:
    return Decimal(1).scaleb(int(value.as_tuple().exponent))


def contract_of(row: SignalRow) -> InstrumentView:
    """What a contract that is traded no more needs to be shown: its grid."""
    tick, lot = grid_of(row, None)
    return InstrumentView(
        symbol=row.symbol,
        tick_size=tick,
        lot_size=lot,
        price_decimals=max(0, -int(tick.as_tuple().exponent)),
        lot_decimals=max(0, -int(lot.as_tuple().exponent)),
        unit=0,
        min_notional=0,
        max_leverage=1,
        maker_ppm=0,
        taker_ppm=0,
        maintenance_ppm=0,
    )


def signal_of(row: SignalRow, known: InstrumentView | None) -> Signal:
    """A row as the replica has its signals, in ticks and lots."""
    tick, lot = grid_of(row, known)
    return Signal(
        id=row.signal_id,
        symbol=row.symbol,
        action=Action(row.action),
        status=SignalStatus(row.status),
        at=row.at,
        bar_time=row.bar_time,
        score=row.score,
        price=round(row.price / tick),
        stop=round(row.stop / tick) if row.stop is not None else 0,
        target=round(row.target / tick) if row.target is not None else 0,
        lots=round(row.quantity / lot),
        gates=row.gates,
        reason=row.reason,
        expires=row.expires,
        client_id=row.client_id,
    )


def together(live: Mapping[int, Signal], past: Iterable[Signal], symbol: str) -> list[Signal]:
    """Waiting ones by the time they have left, then all others newest first; the replica's version counts.

    Args:
        live: of the replica.
        past: of the history.
        symbol: the only one wanted; empty for all.
    """
    found = {signal.id: signal for signal in past}
    found.update(live)
    chosen = [signal for signal in found.values() if symbol in {"", signal.symbol}]
    chosen.sort(key=lambda s: (s.status is not S.WAITING, s.expires if s.status is S.WAITING else -s.at, -s.id))
    return chosen
