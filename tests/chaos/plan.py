"""What a seed means: at which venue it plays, which faults strike, and where the engine is killed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# Faults of the wire: what the simulated exchange's switchboard is told.
WIRE: dict[str, tuple[str, ...]] = {
    "timeout after accept": ("lost-ack:share=0.5", "lost-ack:share=0.5,method=DELETE"),
    "5xx after accept": ("server-error:status=503,after,share=0.5",),
    "5xx before accept": ("server-error:status=503,before,share=0.5",),
    "duplicate messages": ("duplicate:target=user,share=0.7",),
    "late messages": ("delay:target=user,ms=400,share=0.7",),
    "reordered messages": ("reorder:target=user,share=0.6",),
    "lost messages": ("lose:target=user,share=0.5",),
    "socket drop": ("drop:target=all,every=400ms,count=3",),
    "half-open socket": ("half-open:target=user,after=100ms,count=1",),
    "429": ("rate-limit:retry=1,count=3",),
    "418": ("ban:retry=2,count=1",),
    "clock skew": ("skew:ms=8000",),
    "stop rejected": ("reject:code=-2021,path=algoOrder,count=1",),
    "insufficient margin": ("reject:code=-2019,path=v1/order,share=0.5",),
}

# Where a venue says it in words or at a place of its own.
OWN_WIRE: dict[tuple[str, str], tuple[str, ...]] = {
    ("clock skew", "okx"): ("skew:ms=40000",),
    ("stop rejected", "okx"): ("reject:code=51280,path=order-algo,count=1",),
    ("stop rejected", "bybit"): ("reject:code=110093,path=/conditional,count=1",),
    ("insufficient margin", "okx"): ("reject:code=51008,path=trade/order,share=0.5",),
    ("insufficient margin", "bybit"): ("reject:code=110007,path=order/create,share=0.5",),
}

# Places on an order's way at which the engine is killed (`engine.probe.POINTS`).
CRASHES: dict[str, str] = {
    "crash before the intent is kept": "before_commit",
    "crash before the send": "after_commit",
    "crash while sending": "sent",
    "crash before ack": "accepted_not_acked",
    "crash between fill and journal": "filled_not_booked",
    "crash before protection": "filled_not_protected",
    "crash while protection is resized": "resizing_protection",
    "crash within a snapshot": "mid_snapshot",
}

MOST_VISITS = {"crash while protection is resized": 1, "crash before protection": 2}  # of points that are seldom passed

# What happens at the exchange or to the machine, see `tests.chaos.happenings`.
HAPPENINGS: tuple[str, ...] = (
    "listen key expiry",
    "partial fill then cancel",
    "cancel and fill race",
    "liquidation",
    "ADL",
    "funding between",
    "manual close",
    "manual order",
    "outlier price",
    "stale price",
    "database locked",
    "disk full",
    "second engine",
)

NAMES: tuple[str, ...] = (*WIRE, *CRASHES, *HAPPENINGS)
ONLY_BINANCE = frozenset({"listen key expiry"})
VENUES = ("binance", "okx", "bybit")
TURNS = (("binance", False), ("okx", True), ("binance", True), ("bybit", True))  # venue, live
DEEDS = 14


def wire(name: str, venue: str) -> tuple[str, ...]:
    """What a venue's switchboard is told."""
    return OWN_WIRE.get((name, venue), WIRE[name])


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        seed: of everything.
        faults: their names; the first is the seed's own.
        at: the deed before which each fault strikes.
        crash: ``POINT:COUNT`` of the first life, empty for none.
        venue: whose account it is.
        live: the engine is started as for real money, with keys and a lease; otherwise as a demo.
    """

    seed: int
    faults: tuple[str, ...]
    at: tuple[int, ...]
    crash: str
    venue: str
    live: bool

    @property
    def command(self) -> str:
        """What runs this seed again."""
        return f"python -m tests.chaos --seeds {self.seed}:{self.seed + 1}"


def plan(seed: int) -> Plan:
    """Each name is some seed's first fault in turn, and each venue has its turns; most seeds have one or two faults more."""
    dice = Random(f"chaos {seed}")
    first = NAMES[seed % len(NAMES)]
    venue, live = TURNS[seed % len(TURNS)]  # as many turns as have no divisor in common with the names
    if first in ONLY_BINANCE:
        venue = "binance"
    others = [name for name in NAMES if name != first and (venue == "binance" or name not in ONLY_BINANCE)]
    more = dice.sample(others, dice.choice((0, 1, 1, 2)))
    crashes = [name for name in (first, *more) if name in CRASHES]
    visit = dice.randint(1, 3)
    crash = f"{CRASHES[crashes[0]]}:{min(visit, MOST_VISITS.get(crashes[0], visit))}" if crashes else ""
    chosen = tuple(name for name in (first, *more) if name not in crashes[1:])  # an engine dies once a life
    at = tuple(sorted(dice.randrange(1, 5) for _ in chosen))
    return Plan(seed, chosen, at, crash, venue, live)
