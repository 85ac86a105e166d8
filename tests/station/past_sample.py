"""A past for tests and pictures: closed positions, trails, equity and signals as an engine would answer them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from engine.errors import TrefoilError
from engine.ledger import EquityRow, FillRow, OrderRow, PositionRow, SignalRow, Trail
from engine.model.signal import Gate, Verdict
from tests.widgets.coin_table import COINS, decimals_of, symbol_of
from tests.widgets.desk_sample import NOW, sample_desk

HOUR = 3_600_000
BTC = symbol_of("BTC")
GATES = ("data fresh", "spread", "slippage", "reward/risk", "record", "positions", "exposure", "cool-down")


def closed_positions(count: int = 240) -> list[PositionRow]:
    """Newest first; every seventh symbol is BTC."""
    dice = random.Random("closed")
    rows = []
    for index in range(count):
        coin = COINS[0] if index % 7 == 0 else dice.choice(COINS)
        digits = decimals_of(coin.tick)
        price = Decimal(coin.price)
        side = dice.choice((1, -1))
        move = Decimal(str(round(dice.gauss(0.001, 0.01), 5)))
        entered = (Decimal(800) / price).quantize(Decimal(coin.lot)) or Decimal(coin.lot)
        leave = (price * (1 + side * move)).quantize(Decimal(1).scaleb(-digits))
        realised = ((leave - price) * entered * side).quantize(Decimal("1e-8"))
        fees = (price * entered * Decimal("0.001")).quantize(Decimal("1e-8"))
        closed = NOW - index * 47 * 60_000 - 600_000
        rows.append(
            PositionRow(
                id=10_000_000 - index * 1_000,
                symbol=symbol_of(coin.base),
                side=side,
                quantity=Decimal(0),
                entered=entered,
                entry=price,
                exit=leave,
                opened=closed - dice.randrange(5, 400) * 60_000,
                closed=closed,
                origin=f"signal:{900 - index}" if index % 3 else "person:station",
                leverage=3,
                realised=realised,
                fees=fees,
                funding=Decimal("-0.0312"),
                net=realised - fees - Decimal("0.0312"),
            )
        )
    return rows


def _order(number: int, purpose: str, side: int, created: int, **given: Any) -> OrderRow:
    fields: dict[str, Any] = {
        "id": number * 100_000,
        "client_id": f"tf-3-{number:06d}",
        "venue_id": f"88{number:04d}",
        "symbol": BTC,
        "side": side,
        "kind": "market",
        "purpose": purpose,
        "quantity": Decimal("0.031"),
        "price": None,
        "trigger": None,
        "reduce_only": purpose != "entry",
        "leverage": 3,
        "origin": "signal:38" if purpose == "entry" else "protection",
        "status": "working",
        "filled": Decimal(0),
        "average": None,
        "fees": Decimal(0),
        "created": created,
        "updated": created + 90,
        "reason": "",
    }
    fields.update(given)
    return OrderRow(**fields)


def _fill(number: int, order: OrderRow, price: str, quantity: str, at: int, **given: Any) -> FillRow:
    return FillRow(
        id=order.id + number,
        client_id=order.client_id,
        trade_id=f"t{number}",
        symbol=order.symbol,
        side=order.side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=(Decimal(price) * Decimal(quantity) / 2_000).quantize(Decimal("1e-8")),
        realised=Decimal(given.get("realised", "0")),
        maker=False,
        backfilled=False,
        outside=False,
        at=at,
        venue_time=at,
    )


def open_trail() -> Trail:
    """An entry in two fills, a stop that was replaced, a target."""
    at = NOW - 65 * 60_000
    entry = _order(1, "entry", 1, at, status="filled", filled=Decimal("0.031"), average=Decimal(63702))
    first = _order(
        2, "stop", -1, at + 120, kind="stop_market", trigger=Decimal("62900.0"), status="canceled",
        updated=at + 900_000, reason="replaced by a new one",
    )  # fmt: skip
    target = _order(3, "target", -1, at + 121, kind="take_profit_market", trigger=Decimal("64976.0"))
    stop = _order(4, "stop", -1, at + 899_000, kind="stop_market", trigger=Decimal("63065.0"))
    fills = (_fill(1, entry, "63701.9", "0.020", at + 95), _fill(2, entry, "63702.2", "0.011", at + 131))
    accepted = {order.client_id: order.created + 80 for order in (entry, first, target, stop)}
    return Trail(position=None, orders=(entry, first, target, stop), fills=fills, accepted=accepted)


def closed_trail(row: PositionRow) -> Trail:
    """An entry, and a stop that took the position out."""
    at = row.opened
    entry = _order(8, "entry", row.side, at, symbol=row.symbol, quantity=row.entered, status="filled")
    stop = _order(
        9, "stop", -row.side, at + 100, symbol=row.symbol, quantity=row.entered, status="filled",
        kind="stop_market", trigger=row.exit,
    )  # fmt: skip
    fills = (
        _fill(1, entry, f"{row.entry}", f"{row.entered}", at + 95),
        _fill(2, stop, f"{row.exit}", f"{row.entered}", row.closed or at, realised=f"{row.realised}"),
    )
    return Trail(position=row, orders=(entry, stop), fills=fills, accepted={entry.client_id: at + 80})


def equity_rows(count: int, every: int) -> list[EquityRow]:
    """Newest first, ending at the sample desk's equity."""
    dice = random.Random("equity")
    value = float(sample_desk(NOW).account.equity) / 1e8
    rows = []
    for index in range(count):
        shown = Decimal(str(round(value, 2)))
        rows.append(EquityRow(at=NOW - (index + 1) * every, market_time=0, equity=shown, cash=shown))
        value -= dice.gauss(0.25, 4.0) + 1.5 * math.sin(index / 40)
    return rows


def past_signals(count: int = 320) -> list[SignalRow]:
    """Newest first, older than the sample desk's own (whose ids begin at 36)."""
    dice = random.Random("signals")
    rows = []
    for index in range(count):
        coin = dice.choice(COINS)
        price = Decimal(coin.price)
        side = dice.choice((1, -1))
        failed = dice.choices(("", *GATES), weights=(6, 1, 4, 2, 3, 9, 2, 1, 2))[0]
        traded = not failed and index % 2 == 0
        at = NOW - 6 * HOUR - index * 11 * 60_000
        rows.append(
            SignalRow(
                id=5_000_000 - index * 100,
                signal_id=1_000 + count - index,
                symbol=symbol_of(coin.base),
                action="long" if side > 0 else "short",
                status="filled" if traded else "refused" if failed else "observed",
                at=at,
                bar_time=at - at % 900_000 - 900_000,
                score=0.4 * side,
                price=price,
                stop=price * (1 - side * Decimal("0.01")),
                target=price * (1 + side * Decimal("0.02")),
                quantity=Decimal(coin.lot) * 40,
                gates=tuple(_gate(name, {failed, GATES[index % 40]} if failed else set()) for name in GATES)
                if index % 40 < len(GATES)
                else tuple(_gate(name, {failed}) for name in GATES),
                reason=f"{failed} failed" if failed else "sent" if traded else "observe mode: shown, not traded",
                expires=0,
                client_id=f"tf-2-{index:06d}" if traded else "",
            )
        )
    return rows


def _gate(name: str, failed: set[str]) -> Gate:
    if name in failed:
        return Gate(name, Verdict.FAIL, "4.1 bp", "<= 3.0 bp", f"{name} is out of bounds")
    return Gate(name, Verdict.PASS, "0.9 bp", "<= 3.0 bp")


class Past:
    """Answers queries as the engine's history does: newest first, page by page.

    Attributes:
        asked: every query, in order.
        trouble: raised by every query while it is not empty.
    """

    def __init__(
        self,
        positions: Sequence[PositionRow] = (),
        signals: Sequence[SignalRow] = (),
        equity: bool = False,  # noqa: FBT001, FBT002 - a switch of a fake
        trails: dict[tuple[str, str | int], Trail] | None = None,
    ) -> None:
        self._rows: dict[str, Sequence[Any]] = {"closed": positions, "signals": signals}
        self._equity = equity
        self._trails = trails or {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.trouble = ""

    def query(self, name: str, args: dict[str, Any]) -> msgspec.Raw:
        """One page or one trail."""
        self.asked.append((name, dict(args)))
        if self.trouble:
            raise TrefoilError(self.trouble)
        if name == "trail":
            (of,) = args.items()
            nothing = Trail(position=None, orders=(), fills=(), accepted={})
            return msgspec.Raw(msgspec.json.encode(self._trails.get(of, nothing)))
        if name == "equity":
            rows: Sequence[Any] = []
            if self._equity:
                rows = equity_rows(min(args["limit"], (NOW - args["since"]) // args["every"] - 1), args["every"])
            return _page(rows, None)
        rows = [row for row in self._rows.get(name, ()) if args.get("symbol") in {None, "", row.symbol}]
        start = int(args.get("before") or 0)
        until = start + args["limit"]
        return _page(rows[start:until], str(until) if until < len(rows) else None)


def _page(rows: Sequence[Any], cursor: str | None) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({"rows": rows, "next": cursor}))


def rich_past() -> Past:
    """Much of everything."""
    closed = closed_positions()
    trails: dict[tuple[str, str | int], Trail] = {("position", row.id): closed_trail(row) for row in closed[:20]}
    trails["symbol", BTC] = open_trail()
    trails["signal", 38] = msgspec.structs.replace(open_trail(), position=_traded())
    return Past(closed, past_signals(), equity=True, trails=trails)


def _traded() -> PositionRow:
    row = closed_positions(1)[0]
    return msgspec.structs.replace(row, origin="signal:38", side=1)
