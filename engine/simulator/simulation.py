"""Everything the simulated venue is made of, put together; still without a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.money import Money
from engine.simulator.bybit_streams import BybitStreams
from engine.simulator.bybit_users import tell_bybit
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.faults import Switchboard
from engine.simulator.happenings import Happening
from engine.simulator.lockstep import Lockstep
from engine.simulator.market import MarketSource, Step
from engine.simulator.okx_streams import OkxStreams
from engine.simulator.okx_users import tell_okx
from engine.simulator.private_sockets import PrivateSockets
from engine.simulator.rate_limits import RateLimits
from engine.simulator.rights import Rights
from engine.simulator.signing import keys_of
from engine.simulator.sockets import Hub
from engine.simulator.stream_binance import SymbolStreams
from engine.simulator.user_events import worded
from engine.simulator.user_stream import UserStream


def wall_ms() -> int:
    """Wall time, ms UTC."""
    return time.time_ns() // 1_000_000


class Simulation:
    """The venue's state and its streams.

    Args:
        source: the market to play.
        seed: of keys, listen keys and faults' dice.
        balance: wallet balance, 1e-8 quote units.
        faults: switched on from the start; raises BadInput when one is wrong.
        wall: wall clock, ms UTC; signatures and listen keys are judged by it.
    """

    def __init__(
        self,
        source: MarketSource,
        seed: int,
        balance: Money,
        faults: tuple[str, ...] = (),
        wall: Callable[[], int] = wall_ms,
    ) -> None:
        instruments = tuple(source.instruments)
        self.source = source
        self.wall = wall
        self.keys = keys_of(seed)
        self.rights = Rights()
        self.switchboard = Switchboard(seed)
        self.switchboard.add(list(faults))
        self.lockstep = Lockstep()
        self.users = UserStream(seed, self.lockstep, wall)
        self.private = PrivateSockets()
        self.limits = RateLimits()
        self.refused_by_endpoint = {"okx": 0, "bybit": 0}
        self.hub = Hub()
        self.exchange = Exchange(instruments, balance, source.start, self._tell)
        self.candles = {i.symbol: Candles(i, source.history(i.symbol), source.timeframe_ms) for i in instruments}
        self.streams = {
            i.symbol: SymbolStreams(self.exchange, i.symbol, self.candles[i.symbol], self.hub) for i in instruments
        }
        self.okx = {
            i.symbol: OkxStreams(self.exchange, i.symbol, self.candles[i.symbol], self.hub) for i in instruments
        }
        self.bybit = {
            i.symbol: BybitStreams(self.exchange, i.symbol, self.candles[i.symbol], self.hub) for i in instruments
        }
        self.by_venue_id = {i.venue_id: i for i in instruments}
        self.recent: dict[str, list[tuple[int, int, int, int, bool]]] = {i.symbol: [] for i in instruments}
        self.bybit_margin_mode = "REGULAR_MARGIN"
        self.crossed: set[str] = set()  # symbols that Binance's account holds cross margin of
        self.bars_closed = 0
        self.steps_played = 0
        self.watchers: list[Callable[[Happening], None]] = []
        self.started = False
        self.ended = False
        self.clock_ms: Callable[[], int] = lambda: self.exchange.now
        self._start = source.start
        self._wall_start = wall()
        self._trade_numbers = count(1)
        for instrument in instruments:
            self._open_at_last_close(instrument)

    def apply(self, step: Step) -> None:
        """Move the market by one step and publish it."""
        candles = self.candles[step.symbol]
        closed = step.closed
        before_trade = closed is not None and step.at >= closed.open_time + candles.timeframe_ms
        if closed is not None and before_trade:
            candles.close(closed)
        if step.trade:
            candles.trade(step.at, step.trade, step.trade_lots)
            rows = self.recent[step.symbol]
            rows.append((next(self._trade_numbers), step.at, step.trade, step.trade_lots, step.buyer_maker))
            if len(rows) > 2_000:
                del rows[:1_000]
        if closed is not None and not before_trade:
            candles.close(closed)
        self.exchange.step(step)
        self.streams[step.symbol].step(step)
        self.okx[step.symbol].step(step)
        self.bybit[step.symbol].step(step)
        self.steps_played += 1
        self.bars_closed += closed is not None

    def server_time(self) -> int:
        """What `/fapi/v1/time` says: simulated time, plus a skew that is switched on."""
        return self.clock_ms() + self.switchboard.skew_ms()

    def limit_clock(self) -> float:
        """Seconds that the rate limits count by: simulated and wall time together, so that neither holds them up."""
        return (self.exchange.now - self._start + self.wall() - self._wall_start) / 1000

    def instrument(self, venue_id: str) -> Instrument:
        """The instrument of a venue symbol; refused (-1121) when there is none."""
        found = self.by_venue_id.get(venue_id.upper())
        if found is None:
            raise VenueRejected("Invalid symbol.", "-1121")
        return found

    def _tell(self, happening: Happening) -> None:
        """Each venue's private streams tell of a happening in their own words, after whoever watches from inside."""
        for watcher in self.watchers:
            watcher(happening)
        self.users.tell(lambda: worded(self.exchange, happening))
        if self.private.sockets():
            tell_okx(self.exchange, self.private, happening)
            tell_bybit(self.exchange, self.private, happening)

    def _open_at_last_close(self, instrument: Instrument) -> None:
        """Before the first trade the mark price is the last close."""
        last = self.candles[instrument.symbol].last
        if last > 0:
            self.exchange.account.holdings[instrument.symbol].mark = instrument.nearest_ticks(last)
