"""A report as plain values: what the command prints as JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN
from typing import Any

from engine.model.instrument import Instrument
from engine.model.money import to_decimal
from engine.replay.compare import Report, Row
from engine.replay.trip import Trip


def values(report: Report) -> dict[str, Any]:
    """Decimals for money and prices (quote currency) and quantities (base currency); times are ms UTC of the market."""
    totals = report.totals
    return {
        "from": report.begin,
        "to": report.end,
        "mode": report.mode,
        "venue": report.venue,
        "bars": report.bars,
        "missed_bars": report.missed,
        "slippage_bps": report.slippage_bps,
        "trades": [_row(row, report.instruments[row.symbol]) for row in report.rows],
        "totals": {
            "live": totals.live,
            "backtest": totals.replayed,
            "matched": totals.matched,
            "live_net": to_decimal(totals.live_net),
            "backtest_net": to_decimal(totals.replayed_net),
            "difference": to_decimal(totals.difference),
            "causes": {
                name: {"trades": count, "difference": to_decimal(money)}
                for name, (count, money) in totals.causes.items()
            },
        },
    }


def _row(row: Row, instrument: Instrument) -> dict[str, Any]:
    gap = row.difference
    return {
        "symbol": row.symbol,
        "live": _trip(row.live, instrument),
        "backtest": _trip(row.replayed, instrument),
        "difference": {
            name: to_decimal(getattr(gap, name)) for name in ("total", "entry", "exit", "size", "fees", "funding")
        }
        | {"entry_bps": round(gap.entry_bps, 4), "exit_bps": round(gap.exit_bps, 4)},
        "cause": row.cause.value,
        "reason": row.reason,
    }


def _trip(trip: Trip | None, instrument: Instrument) -> dict[str, Any] | None:
    if trip is None:
        return None
    return {
        "side": "long" if trip.side > 0 else "short",
        "quantity": instrument.quantity(trip.lots),
        "entry_time": trip.opened,
        "entry_price": price(trip.entry_value, trip, instrument),
        "exit_time": None if trip.open else trip.closed,
        "exit_price": None if trip.open else price(trip.exit_value, trip, instrument),
        "ended": trip.ended.value,
        "opened_by": trip.origin,
        "ended_by": trip.ender,
        "exit_order": trip.client_id,
        "carried_in": trip.carried,
        "fees": to_decimal(trip.fees),
        "funding": to_decimal(trip.funding),
        "net": to_decimal(trip.net),
    }


def price(value: int, trip: Trip, instrument: Instrument) -> Any:
    """Mean price of a value of all the trip's lots, quote currency, a digit finer than the tick."""
    exact = to_decimal(value) / instrument.quantity(trip.lots)
    return exact.quantize(instrument.tick_size / 10, ROUND_HALF_EVEN).normalize() + 0
