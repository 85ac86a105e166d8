"""What the core knows. `engine.core.apply` says how events and decisions change it."""

from __future__ import annotations

import msgspec

from engine.model import decision as d
from engine.model.command import Autonomy
from engine.model.forecast import Forecast, ModelInUse, Outlook
from engine.model.instrument import Instrument
from engine.model.market import Bar, Quote
from engine.model.money import PPM, Money
from engine.model.order import Order, OrderStatus, Purpose
from engine.model.position import Position
from engine.model.record import Record, Shadow
from engine.model.settings import Settings
from engine.model.signal import Signal
from engine.model.venue import VenueOrder, VenuePosition
from engine.model.vote import Consensus, Stance, Vote, VoterRecord

DAY_MS = 86_400_000
KEEP_MS = DAY_MS
NO_QUOTE = Quote(0, 0, 0, 0, 0, 0, 0, 0)
DAY_LOSS = "day loss"
DIFFERS = "position differs"  # how the reason begins for which the desk itself holds a symbol
OUTSIDE = "outside"  # origin of a position that somebody else opened
ADOPTED = "adopted"  # origin of a position that somebody else opened and the desk took over
TRACKED = 7
KEPT_TRADES = 16  # an order remembers the ids of so many of its newest executions
REPORT_TIMER = "report"


class SymbolState(msgspec.Struct, kw_only=True):
    """One traded symbol.

    Attributes:
        quote: newest quote an event carried.
        bar: newest decision bar.
        sides: wanted side of the six strategies and, last, the board's zone, at that bar.
        side_before: the deciding side one bar earlier (the present one while there is nothing to compare with).
        stop_distance: the deciding strategy's stop distance, quote currency; `target_distance` likewise.
        plan_stop: where the position is to be protected, ticks; `plan_target` likewise.
        planned: an entry that waits for flat.
        held: why automatic trading is off, or empty.
        cooldown_until: no entries before this market time, ms UTC.
        orders: client ids of open orders, oldest first.
        mismatches: reports in a row whose position differed from ours.
        theirs: the position in the venue's newest report, None for flat.
        ignored: lots of it that a person left to somebody else.
        forecast: made at `bar`, or None.
        model: that forecasts the symbol, or None.
        waiting: its forecasts that have not come due, oldest first, with the closes they start from.
    """

    symbol: str
    quote: Quote = NO_QUOTE
    bar: Bar | None = None
    sides: list[int] = msgspec.field(default_factory=lambda: [0] * TRACKED)
    side_before: int = 0
    known: bool = False
    score: float = 0.0
    weights: tuple[float, ...] = (1 / 6,) * 6
    records: list[Record] = msgspec.field(default_factory=lambda: [Record()] * TRACKED)
    shadows: list[Shadow | None] = msgspec.field(default_factory=lambda: [None] * TRACKED)
    stop_distance: float = 0.0
    target_distance: float = 0.0
    plan_stop: int | None = None
    plan_target: int | None = None
    planned: d.EntryPlanned | None = None
    held: str = ""
    cooldown_until: int = 0
    position: Position | None = None
    orders: list[str] = msgspec.field(default_factory=list)
    mismatches: int = 0
    theirs: VenuePosition | None = None
    ignored: int = 0
    forecast: Forecast | None = None
    model: ModelInUse | None = None
    waiting: list[Outlook] = msgspec.field(default_factory=list)

    @property
    def zone(self) -> int:
        """Side of the board score beyond its threshold, or 0."""
        return self.sides[-1]

    @property
    def differs_by(self) -> int:
        """Lots that the venue's newest report has more than the desk, without those that are ignored."""
        theirs = self.theirs.lots if self.theirs is not None else 0
        return theirs - (self.position.lots if self.position is not None else 0) - self.ignored

    @property
    def mark(self) -> int:
        """Mark price in ticks; the middle of the quote where no mark is known; 0 where nothing is."""
        quote = self.quote
        return quote.mark or (quote.bid + quote.ask) // 2


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What one voter (or the ensemble, or the strategies) said, to be judged at `due`, ms UTC by the bars.

    `confidence` is 0 to 100; `followed`: by its word alone the candidate would have been traded; `cost` 1e-8 USD, None
    where it is not known.
    """

    voter: str
    stance: Stance
    confidence: float
    due: int
    followed: bool
    cost: Money | None = 0


class Ballot(msgspec.Struct, kw_only=True):
    """The votes on one candidate that are not judged yet.

    `bar_time` is the open of the deciding bar (ms UTC), `close` its close (quote currency), `cost` of both ways of a trade
    (fraction), `score` the board's.
    """

    symbol: str
    side: int
    bar_time: int
    close: float
    cost: float
    score: float
    claims: list[Claim] = msgspec.field(default_factory=list)


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """The newest votes on a candidate of a symbol, and what they amounted to when they came.

    `side` is the candidate's, `at` when they came (ms UTC), `least` the confidence they needed.
    """

    signal_id: int
    side: int
    at: int
    votes: tuple[Vote, ...]
    found: Consensus
    least: float


class Answered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A command's first result and when it was given."""

    at: int
    ok: bool
    text: str


class State(msgspec.Struct, kw_only=True):
    """Everything the core knows. `cash` is None until the venue or the paper balance has told it.

    `decider` is the place in `SymbolState.sides` of the strategy whose side decides.
    `ballots` by signal id, `heard` by symbol, `voters` the records by voter, `benched` the voters that are not asked.
    `now` is received time of the newest event, `market_time` the newest venue time seen; both ms UTC. `timers` are the
    deadlines that have not passed (ms UTC), `booked` the executions of the last day (``client id|trade id``) and when they
    were booked, `outside` the orders of the venue's newest report that are nobody's here (by client id), `recovering` is true from a restart until the venue has been asked.
    """

    instance: str = ""
    epoch: int = 0
    mode: str = "paper"
    venue: str = ""
    settings: Settings = msgspec.field(default_factory=Settings)
    decider: int = -1
    instruments: dict[str, Instrument] = msgspec.field(default_factory=dict)
    symbols: dict[str, SymbolState] = msgspec.field(default_factory=dict)
    orders: dict[str, Order] = msgspec.field(default_factory=dict)
    signals: dict[int, Signal] = msgspec.field(default_factory=dict)
    ballots: dict[int, Ballot] = msgspec.field(default_factory=dict)
    heard: dict[str, Heard] = msgspec.field(default_factory=dict)
    voters: dict[str, VoterRecord] = msgspec.field(default_factory=dict)
    benched: list[str] = msgspec.field(default_factory=list)
    answered: dict[str, Answered] = msgspec.field(default_factory=dict)
    booked: dict[str, int] = msgspec.field(default_factory=dict)
    outside: dict[str, VenueOrder] = msgspec.field(default_factory=dict)
    links: dict[str, bool] = msgspec.field(default_factory=dict)
    timers: dict[str, int] = msgspec.field(default_factory=dict)
    recovering: bool = False
    cash: Money | None = None
    autonomy: Autonomy = Autonomy.AUTO
    paused: bool = False
    halt: str = ""
    halted_day: int = -1
    waived_day: int = -2
    day: int = -1
    day_start: Money = 0
    peak: Money = 0
    last_equity: Money = 0
    sequence: int = 0
    last_signal: int = 0
    trades: int = 0
    now: int = 0
    market_time: int = 0
    fills_until: int = 0

    def equity(self) -> Money:
        """Cash and unrealised profit at mark, 1e-8 units: what the venue calls the margin balance."""
        total = self.cash or 0
        for name, s in self.symbols.items():
            position = s.position
            if position is not None:
                quote = s.quote
                mark = quote.mark or (quote.bid + quote.ask) // 2
                if mark:  # before the first quote nothing is known of a position's profit
                    total += position.lots * mark * self.instruments[name].unit - position.cost
        return total

    def exposure(self) -> Money:
        """Sum of the positions' notionals at mark and of working entries, 1e-8 units."""
        total = 0
        for name, s in self.symbols.items():
            if s.position is None and not s.orders:
                continue
            unit = self.instruments[name].unit
            if s.position is not None:
                total += abs(s.position.lots) * s.mark * unit
            for client_id in s.orders:
                order = self.orders[client_id]
                if order.request.purpose is Purpose.ENTRY:
                    total += order.remaining * (order.request.price or s.mark) * unit
        return total

    def day_loss_is_over(self) -> bool:
        """Entries are halted by the loss of a day that has passed."""
        return self.halt == DAY_LOSS and self.day > self.halted_day

    def open_orders(self, symbol: str) -> list[Order]:
        """Open orders of a symbol, oldest first."""
        return [self.orders[client_id] for client_id in self.symbols[symbol].orders]

    def busy(self) -> bool:
        """Some order awaits its acknowledgement or the rest of its fills at market."""
        for s in self.symbols.values():
            for client_id in s.orders:
                if self.orders[client_id].status in AWAITING or not _rests(self.orders[client_id]):
                    return True
        return False


AWAITING = frozenset({OrderStatus.INTENT, OrderStatus.UNKNOWN, OrderStatus.CANCELING})


def _rests(order: Order) -> bool:
    return order.request.price is not None or order.request.trigger is not None


def cost_fraction(instrument: Instrument) -> float:
    """Cost of one side of a shadow trade as a fraction: taker fee and one basis point of slippage."""
    return instrument.taker_ppm / PPM + 0.0001
