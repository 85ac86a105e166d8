"""The round trips that were really traded, from the executions of the journal."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.state import OUTSIDE
from engine.errors import InvariantBroken
from engine.model.decision import SignalDecided, SubmitOrder
from engine.model.event import BarClosed, EngineStarted, FundingPaid, OrderFilled
from engine.model.instrument import Instrument
from engine.model.money import Money
from engine.model.order import Fill, OrderRequest, Purpose
from engine.ports import Entry
from engine.replay.trip import Ended, Trip

# Client ids under which Binance (and the simulated exchange) closes a position that can no longer pay its margin.
_VENUE_IDS = ("autoclose-", "adl_autoclose", "settlement_autoclose-")


class _Open:
    """A round trip under way; money is 1e-8 quote units."""

    def __init__(self, fill: Fill, lots: int, unit: Money, origin: str, bar_time: int) -> None:
        self.first = fill
        self.unit = unit
        self.origin = origin
        self.bar_time = bar_time
        self.left = 0
        self.entered = 0
        self.entry_value = 0
        self.exit_value = 0
        self.fees = 0
        self.funding = 0
        self.add(fill, lots, fill.fee, unit)

    def add(self, fill: Fill, lots: int, fee: Money, unit: Money) -> None:
        """`lots` more on the same side; a venue may change a tick, and so `unit`, while it is open."""
        self.left += lots
        self.entered += lots
        self.entry_value += lots * fill.ticks * unit
        self.fees += fee

    def reduce(self, fill: Fill, lots: int, fee: Money, unit: Money) -> None:
        """`lots` less."""
        self.left -= lots
        self.exit_value += lots * fill.ticks * unit
        self.fees += fee

    def trip(self, closed: int, ended: Ended, ender: str, client_id: str, exit_value: Money) -> Trip:
        """As it is at `closed`, ms UTC, with `exit_value` for all of it."""
        return Trip(
            symbol=self.first.symbol,
            side=int(self.first.side),
            lots=self.entered,
            unit=self.unit,
            opened=self.first.venue_time,
            closed=closed,
            entry_value=self.entry_value,
            exit_value=exit_value,
            fees=self.fees,
            funding=self.funding,
            origin=self.origin,
            ended=ended,
            ender=ender,
            bar_time=self.bar_time,
            client_id=client_id,
        )


class Trips:
    """Follows the executions of a journal from its first entry on.

    `closed` are the finished round trips in the order of their ends.
    """

    def __init__(self) -> None:
        self.closed: list[Trip] = []
        self._open: dict[str, _Open] = {}
        self._instruments: dict[str, Instrument] = {}
        self._requests: dict[str, OrderRequest] = {}
        self._bars: dict[int, int] = {}
        self._seen: set[tuple[str, str]] = set()
        self._last: dict[str, tuple[int, Money]] = {}  # open time and value of a lot at the close

    def take(self, entry: Entry) -> None:
        """The next entry."""
        for decision in entry.decisions:
            if isinstance(decision, SubmitOrder):
                request = decision.approved.request
                self._requests[request.client_id] = request
            elif isinstance(decision, SignalDecided):
                self._bars[decision.signal.id] = decision.signal.bar_time
        match entry.event:
            case EngineStarted(instruments=instruments):
                self._instruments.update({one.symbol: one for one in instruments})
            case OrderFilled(fill=fill) if fill.symbol in self._instruments:
                self._fill(fill)
            case FundingPaid(symbol=symbol, amount=amount) if symbol in self._open:
                self._open[symbol].funding += amount
            case BarClosed(symbol=symbol, bar=bar) if symbol in self._instruments:
                one = self._instruments[symbol]
                self._last[symbol] = bar.open_time, one.nearest_ticks(bar.close) * one.unit
            case _:
                pass

    def still_open(self) -> list[Trip]:
        """Those without an end, valued at the last closed bar (their entry where there is none)."""
        out = []
        for symbol, one in self._open.items():
            at, worth = self._last.get(symbol, (one.first.venue_time, one.first.ticks * one.unit))
            value = one.exit_value + one.left * worth
            out.append(one.trip(max(at, one.first.venue_time), Ended.OPEN, "", "", value))
        return out

    def _fill(self, fill: Fill) -> None:
        execution = fill.client_id, fill.trade_id
        if execution in self._seen:
            return
        self._seen.add(execution)
        held = self._open.get(fill.symbol)
        if held is None:
            self._begin(fill, fill.lots)
        elif held.first.side is fill.side:
            held.add(fill, fill.lots, fill.fee, self._instruments[fill.symbol].unit)
        else:
            self._reduce(held, fill)

    def _begin(self, fill: Fill, lots: int) -> None:
        request = self._requests.get(fill.client_id)
        origin = request.origin if request is not None else OUTSIDE
        kind, _, key = origin.partition(":")
        bar_time = self._bars.get(int(key), 0) if kind == "signal" else 0
        unit = self._instruments[fill.symbol].unit
        self._open[fill.symbol] = _Open(fill, lots, unit, origin, bar_time)

    def _reduce(self, held: _Open, fill: Fill) -> None:
        lots = min(held.left, fill.lots)
        fee = fill.fee * lots // fill.lots  # as the history tables split it
        held.reduce(fill, lots, fee, self._instruments[fill.symbol].unit)
        if held.left:
            return
        del self._open[fill.symbol]
        request = self._requests.get(fill.client_id)
        ended, ender = _ending(fill, request)
        self.closed.append(held.trip(fill.venue_time, ended, ender, fill.client_id, held.exit_value))
        if fill.lots > lots:  # through zero: the rest begins the next one
            self._begin(fill, fill.lots - lots)
            self._open[fill.symbol].fees = fill.fee - fee


def live_trades(entries: Iterable[Entry]) -> list[Trip]:
    """Every round trip of a journal (from its first entry on), by the time it was opened; open ones included."""
    trips = Trips()
    for entry in entries:
        trips.take(entry)
    return sorted([*trips.closed, *trips.still_open()], key=lambda trip: (trip.opened, trip.symbol))


def _ending(fill: Fill, request: OrderRequest | None) -> tuple[Ended, str]:
    if request is None:
        return (Ended.VENUE if fill.client_id.startswith(_VENUE_IDS) else Ended.OUTSIDE), OUTSIDE
    kind = request.origin.partition(":")[0]
    match request.purpose:
        case Purpose.STOP:
            return Ended.STOP, request.origin
        case Purpose.TARGET:
            return Ended.TARGET, request.origin
        case _ if kind in _ENDS:
            return _ENDS[kind], request.origin
        case _:
            raise InvariantBroken(f"order {request.client_id} was asked for by {request.origin}")


_ENDS = {"signal": Ended.SIGNAL, "person": Ended.PERSON, "protection": Ended.PROTECTION, "risk": Ended.PROTECTION}
