"""What happens to the account of the simulated exchange, before any venue's words.

Whoever hears of it words it at once: orders and holdings go on changing.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.model.money import Money
from engine.simulator.account import Holding
from engine.simulator.orders import SimOrder, Trade


class OrderMoved(msgspec.Struct, frozen=True):
    """A plain order changed without an execution; `what` is NEW, CANCELED, EXPIRED or AMENDMENT."""

    order: SimOrder
    what: str


class OrderTraded(msgspec.Struct, frozen=True):
    """An order executed."""

    trade: Trade


class AlgoMoved(msgspec.Struct, frozen=True):
    """A conditional order changed; its `algo_state` says how."""

    order: SimOrder
    reason: str = ""


class AccountMoved(msgspec.Struct, frozen=True):
    """Wallet and one position changed; `reason` is ORDER or FUNDING_FEE, `change` is funding booked (1e-8 units)."""

    holding: Holding
    reason: str
    change: Money


class LeverageSet(msgspec.Struct, frozen=True):
    """The leverage of a symbol changed."""

    holding: Holding


Happening: TypeAlias = OrderMoved | OrderTraded | AlgoMoved | AccountMoved | LeverageSet
