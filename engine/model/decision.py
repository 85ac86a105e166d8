"""Everything the core can answer. Decisions are journaled with their event and carried out after the commit."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from engine.model.order import Approved, OrderRequest
from engine.model.signal import Signal
from engine.model.venue import VenueOrder
from engine.model.vote import Score


class Level(Enum):
    """How loud a note is. ALARM is money at risk."""

    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    ALARM = "alarm"


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The intent: send this order once."""

    approved: Approved[OrderRequest]


class CancelSent(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Ask the venue to cancel."""

    client_id: str


class QueryOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Ask the venue what became of an order."""

    client_id: str


class RequestReport(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Ask the venue for everything: something does not add up."""

    reason: str


class SignalDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A signal was made or moved on in its life; the newest with an id is the truth."""

    signal: Signal


class AskVotes(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Ask the voters about a candidate; the answer is `VotesCast`, no later than `deadline` (ms UTC, wall time).

    The prompt is made by the shell, of the bars and news of the moment; its hash comes back in every vote. `close` is the
    price of the bar that decided (quote currency), from which the votes will be judged; `cost` of both ways, a fraction.
    """

    signal_id: int
    symbol: str
    side: int
    score: float
    bar_time: int
    close: float
    cost: float
    deadline: int
    benched: tuple[str, ...] = ()


class VoteScored(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The horizon of a vote has passed."""

    score: Score


class VoterBenched(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A voter is not asked any more, or is again."""

    voter: str
    benched: bool


class ModelDistrusted(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A model drifts: its forecasts go on and are scored, but nobody listens to them any more."""

    symbol: str
    model: str
    reason: str


class PlanSet(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Where the position that `symbol` has or is about to have is protected, ticks; None keeps none."""

    symbol: str
    stop: int | None
    target: int | None


class EntryPlanned(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An entry that waits for the opposite position to be flat (a flip). `lots` 0 forgets the plan."""

    symbol: str
    side: int
    lots: int
    stop: int
    target: int
    origin: str
    signal_id: int = 0


class TimerSet(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Send `TimerFired(timer)` at wall time `deadline`, ms UTC."""

    timer: str
    deadline: int


class ModeSet(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Autonomy, pause and halt after this decision. `halt` is the reason entries are halted, or empty."""

    autonomy: str
    paused: bool
    halt: str


class CashSet(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The wallet balance as the venue has it, 1e-8 quote units: the first one, or a correction."""

    cash: int
    reason: str


class PositionAdopted(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The desk takes the venue's word for a position: signed `lots` (0 is flat) at signed `cost`, 1e-8 quote units.

    `taken`: a person made it the desk's own, whoever opened it.
    """

    symbol: str
    lots: int
    cost: int
    leverage: int
    reason: str
    taken: bool = False


class PositionIgnored(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """So many lots of the venue's position are somebody else's, by order of a person."""

    symbol: str
    lots: int


class OutsideCanceled(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Ask the venue to cancel an order that the journal does not know."""

    order: VenueOrder


class SymbolHeld(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Automatic trading of a symbol is held because of `reason`; empty gives it back."""

    symbol: str
    reason: str


class CommandAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The result of a command: one sentence."""

    command_id: str
    ok: bool
    text: str


class Noted(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """One line for the log (and, from WARN up, for whoever is notified)."""

    level: Level
    text: str
    symbol: str = ""


Decision: TypeAlias = (
    SubmitOrder
    | CancelSent
    | QueryOrder
    | RequestReport
    | SignalDecided
    | AskVotes
    | VoteScored
    | VoterBenched
    | ModelDistrusted
    | PlanSet
    | EntryPlanned
    | TimerSet
    | ModeSet
    | CashSet
    | PositionAdopted
    | PositionIgnored
    | OutsideCanceled
    | SymbolHeld
    | CommandAnswered
    | Noted
)
