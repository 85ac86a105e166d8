"""What a seed means: which faults strike, how the exchange's own doings mix in, and where the engine is killed. Pure."""

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
DEEDS = 14


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        seed: of everything.
        faults: their names; the first is the seed's own.
        at: the deed before which each fault strikes.
        crash: ``POINT:COUNT`` of the first life, empty for none.
    """

    seed: int
    faults: tuple[str, ...]
    at: tuple[int, ...]
    crash: str

    @property
    def command(self) -> str:
        """What runs this seed again."""
        return f"python -m tests.chaos --seeds {self.seed}:{self.seed + 1}"


def plan(seed: int) -> Plan:
    """Each name is some seed's first fault in turn; every other seed has up to two more."""
    dice = Random(f"chaos {seed}")
    first = NAMES[seed % len(NAMES)]
    more = dice.sample([name for name in NAMES if name != first], dice.choice((0, 1, 1, 2)))
    crashes = [name for name in (first, *more) if name in CRASHES]
    crash = f"{CRASHES[crashes[0]]}:{dice.randint(1, 3)}" if crashes else ""
    chosen = tuple(name for name in (first, *more) if name not in crashes[1:])  # an engine dies once a life
    return Plan(seed, chosen, tuple(sorted(dice.randrange(1, 5) for _ in chosen)), crash)
