"""What leaves a run: trades as rows with exact decimals, and one JSON object that sums it up."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import msgspec

from engine.backtest.inputs import timeframe_name
from engine.backtest.result import REASONS
from engine.backtest.run import Result
from engine.errors import BadInput
from engine.strategies import STRATEGIES

_COLUMNS = (
    "entry_time", "exit_time", "side", "lots", "entry_ticks", "exit_ticks", "fee", "funding", "pnl", "reason",
)  # fmt: skip
_PERCENT_STEP = Decimal("0.000001")


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade for a file. Prices and quantities are whole steps of the run's grid, money has eight places: all exact.

    Attributes:
        entry_time: open of the bar of the fill, ISO 8601 in UTC: ``2025-05-01T00:00:00Z``.
        entry_price: quote currency, slippage included.
        exit_time: open of the bar (or detail bar) of the fill; a trade that ends with the data fills at that bar's close.
        exit_price: quote currency, slippage included.
        side: "long" or "short".
        quantity: base currency.
        fee: of entry and exit together, quote currency.
        funding: paid (+) or received (-), quote currency.
        pnl: ``side x quantity x (exit_price - entry_price)``: before fee and funding.
        net: ``pnl - fee - funding``.
        pnl_pct: net in percent of the entry's notional, six places.
        reason: one of `result.REASONS`.
    """

    entry_time: str
    entry_price: Decimal
    exit_time: str
    exit_price: Decimal
    side: str
    quantity: Decimal
    fee: Decimal
    funding: Decimal
    pnl: Decimal
    net: Decimal
    pnl_pct: Decimal
    reason: str


FIELDS = tuple(f.name for f in msgspec.structs.fields(TradeRow))


def iso(time: int) -> str:
    """A time in ms UTC as ``2025-05-01T00:00:00Z``, with milliseconds only where there are some."""
    moment = datetime.fromtimestamp(time // 1_000, UTC)
    fraction = f".{time % 1_000:03d}" if time % 1_000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def params_of(result: Result) -> dict[str, float]:
    """The parameters a run had, defaults included; none for the board and for sides of one's own."""
    if result.params is not None:
        return msgspec.structs.asdict(result.params)
    return msgspec.structs.asdict(STRATEGIES[result.name].params()) if result.name in STRATEGIES else {}


def trade_rows(result: Result) -> list[TradeRow]:
    """The trades of a run, oldest first; their `net` adds up to final equity - capital, to the last digit."""
    grid = result.backtest.grid
    tick, lot, unit = grid.tick_size, grid.lot_size, grid.unit
    columns = (result.trades[name].tolist() for name in _COLUMNS)
    rows = []
    for entry_time, exit_time, side, lots, entry, leave, fee, funding, pnl, reason in zip(*columns, strict=True):
        net = pnl - fee - funding
        share = Decimal(100 * net) / (lots * entry * unit)
        rows.append(
            TradeRow(
                entry_time=iso(entry_time),
                entry_price=entry * tick,
                exit_time=iso(exit_time),
                exit_price=leave * tick,
                side="long" if side > 0 else "short",
                quantity=lots * lot,
                fee=_money(fee),
                funding=_money(funding),
                pnl=_money(pnl),
                net=_money(net),
                pnl_pct=share.quantize(_PERCENT_STEP, ROUND_HALF_EVEN),
                reason=REASONS[reason],
            )
        )
    return rows


def _money(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-8)


def trades_csv(rows: Iterable[TradeRow]) -> str:
    """Rows as CSV with a header of `FIELDS`; decimals are written in full, never with an exponent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        values = msgspec.structs.astuple(row)
        writer.writerow([f"{value:f}" if isinstance(value, Decimal) else value for value in values])
    return out.getvalue()


def write_trades(result: Result, path: Path) -> int:
    """Write the trades of a run to a CSV file, whole or not at all; says how many. BadInput where it cannot be written."""
    write_whole(path, trades_csv(trade_rows(result)).encode())
    return len(result.trades)


def summary(result: Result, elapsed_ms: float) -> dict[str, Any]:
    """The run as one JSON object: what ran, over what, every metric of `Metrics`, and how long it took.

    `from` is the first bar's open, `to` the last bar's end: given back as --from and --to they choose the same bars.
    Numbers are as in `Metrics`; None stands where a metric is not defined.
    """
    test = result.backtest
    return {
        "strategy": result.name,
        "symbol": test.symbol or None,
        "timeframe": timeframe_name(test.timeframe_ms),
        "engine": result.engine,
        "params": params_of(result),
        "from": iso(int(result.times[0])),
        "to": iso(int(result.times[-1]) + test.timeframe_ms),
        **msgspec.structs.asdict(result.metrics),
        "elapsed_ms": round(elapsed_ms, 3),
    }


def summary_json(result: Result, elapsed_ms: float) -> str:
    """`summary` as text, indented by two."""
    return msgspec.json.format(msgspec.json.encode(summary(result, elapsed_ms)), indent=2).decode()


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one. BadInput where that is not possible."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise BadInput("file", path, f"cannot be written ({error.strerror})") from error
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise BadInput("file", path, f"cannot be written ({error.strerror})") from error
