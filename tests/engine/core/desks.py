"""Desks in the states that commands meet, and the order a person types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.model import command as c
from engine.model.order import OrderKind, Side
from tests.engine.core.contracts import BTC, ETH, contract
from tests.engine.core.scenario import Desk

M = OrderKind.MARKET
L = OrderKind.LIMIT


def place(quantity: str = "0.01", kind: OrderKind = M, **options: Any) -> c.PlaceOrder:
    prices: dict[str, Any] = {
        name: Decimal(options.pop(name)) for name in ("price", "stop", "target") if name in options
    }
    values: dict[str, Any] = {"symbol": BTC, "side": Side.BUY, **options}
    return c.PlaceOrder(kind=kind, quantity=Decimal(quantity), **values, **prices)


def flat() -> Desk:
    desk = Desk()
    desk.bar()
    return desk


def cold() -> Desk:
    return Desk()


def long() -> Desk:
    desk = Desk()
    desk.hold()
    return desk


def paused() -> Desk:
    desk = flat()
    desk.ask(c.SetPaused(paused=True))
    return desk


def paused_long() -> Desk:
    desk = long()
    desk.ask(c.SetPaused(paused=True))
    return desk


def differing() -> Desk:
    """The venue has a position that the desk has not."""
    desk = flat()
    desk.report(lots={ETH: 3})
    desk.report(lots={ETH: 3})
    return desk


def closing() -> Desk:
    desk = long()
    desk.ask(c.ReducePosition(symbol=BTC))
    return desk


def dear() -> Desk:
    desk = Desk(contracts=(contract("BTC", "0.1", "0.001", min_notional=200 * 100_000_000),))
    desk.bar()
    return desk


def voting() -> Desk:
    """Three voters are configured."""
    desk = Desk(voters=("gpt", "claude", "llama"))
    desk.bar()
    return desk


def resting() -> Desk:
    """A working limit entry, desk-1-1."""
    desk = flat()
    assert desk.ask(place(kind=L, price="99000", stop="98000")).ok
    desk.settle()
    return desk
