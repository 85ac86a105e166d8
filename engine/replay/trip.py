"""A round trip of one symbol, live or replayed: from flat to flat, or to the reversal."""

from __future__ import annotations

from enum import Enum

import msgspec

from engine.model.money import Money


class Ended(Enum):
    """Why a round trip ended. PROTECTION: the desk itself flattened it; VENUE: liquidated or closed by the venue."""

    SIGNAL = "signal"
    STOP = "stop"
    TARGET = "target"
    PERSON = "person"
    PROTECTION = "protection"
    VENUE = "venue"
    OUTSIDE = "outside"
    OPEN = "open"


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One round trip.

    Attributes:
        symbol: unified symbol.
        side: +1 long, -1 short.
        lots: everything that was entered, lots.
        unit: value of one tick of one lot, 1e-8 quote units.
        opened: venue time of the first fill, ms UTC.
        closed: venue time of the last fill, ms UTC; of the last known price while it is open.
        entry_value: what was entered at its prices, 1e-8 quote units, positive.
        exit_value: what was closed at its prices, and what is still open at the last known price; likewise.
        fees: paid, 1e-8 quote units; of an open one only those of its entry.
        funding: received (+) or paid (-), 1e-8 quote units.
        origin: who opened it: ``signal:<id>``, ``person:<source>``, ``outside``.
        ended: why it ended.
        ender: who ended it: the origin of the order, empty while it is open.
        bar_time: open time of the bar that decided the entry, ms UTC; 0 where no bar did.
        carried: opened before the period.
        client_id: the order that ended it, empty where there is none.
    """

    symbol: str
    side: int
    lots: int
    unit: Money
    opened: int
    closed: int
    entry_value: Money
    exit_value: Money
    fees: Money
    funding: Money
    origin: str
    ended: Ended
    ender: str = ""
    bar_time: int = 0
    carried: bool = False
    client_id: str = ""

    @property
    def entry(self) -> float:
        """Mean entry price, ticks."""
        return self.entry_value / (self.lots * self.unit)

    @property
    def exit(self) -> float:
        """Mean exit price, ticks."""
        return self.exit_value / (self.lots * self.unit)

    @property
    def net(self) -> Money:
        """Profit after fees and funding, 1e-8 quote units."""
        return self.side * (self.exit_value - self.entry_value) - self.fees + self.funding

    @property
    def open(self) -> bool:
        """It has no end yet."""
        return self.ended is Ended.OPEN

    @property
    def signal(self) -> int:
        """Id of the signal that opened it, 0 where none did."""
        kind, _, key = self.origin.partition(":")
        return int(key) if kind == "signal" else 0

    def covers(self, at: int) -> bool:
        """It was open at `at`, ms UTC."""
        return self.opened <= at and (self.open or at < self.closed)
