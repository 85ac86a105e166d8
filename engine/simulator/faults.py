"""The switchboard of faults: what can go wrong between a client and the exchange, on demand and seeded.

A fault is written ``kind`` or ``kind:key=value,key=value``:

====================  ==================================================================================
drop                  close sockets after ``after`` or every ``every`` (``10s``, ``500ms``)
half-open             sockets stay open and fall silent, after ``after`` or every ``every``
delay                 answers and messages come ``ms`` late; a request is carried out after (``when=before``) or
                      before (``when=after``) the wait
reject                an order request is refused with ``code`` before it is looked at
rate-limit            a request is answered 429 with ``retry`` seconds
ban                   a request is answered 418 with ``retry`` seconds
lost-ack              an order request is carried out and never answered: the connection closes
server-error          a request is carried out (``when=after``) or not (``when=before``) and answered ``status``
duplicate             a stream message is sent twice
reorder               a stream message is sent after the next one
lose                  a stream message is not sent
skew                  the server's clock is ``ms`` off
====================  ==================================================================================

All take ``share`` (0..1, default 1), ``count`` (only the first n hits) and ``seed``. Request faults take ``path`` (a part
of the path; that of a conditional order at Bybit ends in ``/conditional``), order faults also ``method`` (``POST``, ``PUT``, ``DELETE`` or ``any``; default POST). Stream and socket
faults take ``target`` (``user``, ``market`` or ``all``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from engine.errors import BadInput

_COMMON: Final = {"share": "1", "count": "0", "seed": "0"}
_REQUEST: Final = _COMMON | {"path": ""}
_ORDER: Final = _COMMON | {"path": "rder", "method": "POST"}
_STREAM: Final = _COMMON | {"target": "all"}
_TIMED: Final = _COMMON | {"target": "all", "after": "0", "every": "0"}

# kind -> its keys with their defaults
KINDS: Final[dict[str, dict[str, str]]] = {
    "drop": _TIMED,
    "half-open": _TIMED,
    "delay": _REQUEST | {"target": "rest", "ms": "200", "when": "before", "method": "any"},
    "reject": _ORDER | {"code": "-2010"},
    "rate-limit": _REQUEST | {"status": "429", "retry": "1"},
    "ban": _REQUEST | {"status": "418", "retry": "2"},
    "lost-ack": _ORDER,
    "server-error": _ORDER | {"status": "503", "when": "after"},
    "duplicate": _STREAM,
    "reorder": _STREAM,
    "lose": _STREAM,
    "skew": _COMMON | {"ms": "1000"},
}
TIMED: Final = frozenset({"drop", "half-open"})
STREAM: Final = frozenset({"delay", "duplicate", "reorder", "lose"})
REQUEST: Final = frozenset({"delay", "reject", "rate-limit", "ban", "lost-ack", "server-error"})
_CHOICES: Final = {
    "target": ("all", "user", "market", "rest"),
    "when": ("after", "before"),
    "method": ("POST", "PUT", "DELETE", "any"),
}
_DURATIONS: Final = frozenset({"after", "every"})
_WORDS: Final = frozenset({"path"})


@dataclass(frozen=True)
class Fault:
    """One fault: its text, kind, and every key with its value."""

    text: str
    kind: str
    values: dict[str, str]

    def number(self, key: str) -> float:
        """A numeric key; durations are seconds."""
        return seconds(self.values[key]) if key in _DURATIONS else float(self.values[key])


def parse(text: str) -> Fault:
    """Read one fault; raises BadInput that names the wrong part and what there is."""
    kind, _, rest = text.strip().partition(":")
    if kind not in KINDS:
        raise BadInput("fault", kind, f"use one of {', '.join(KINDS)}")
    values = dict(KINDS[kind])
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        key, mark, value = part.partition("=")
        if not mark:
            key, value = _bare(part)
        if key not in values:
            raise BadInput(f"fault {kind}", part, f"use one of {', '.join(values)} as key=value")
        _check(kind, key, value)
        values[key] = value
    return Fault(text, kind, values)


def _bare(part: str) -> tuple[str, str]:
    """`after` and `before` alone say when."""
    return ("when", part) if part in _CHOICES["when"] else (part, "")


def _check(kind: str, key: str, value: str) -> None:
    field = f"fault {kind} {key}"
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise BadInput(field, value, f"use one of {', '.join(_CHOICES[key])}")
    elif key in _DURATIONS:
        seconds(value, field)
    elif key not in _WORDS:
        number = _number(value)
        if number is None or (key == "share" and not 0 <= number <= 1):
            raise BadInput(field, value, "use a number from 0 to 1" if key == "share" else "use a number")
        if key in {"count", "code", "status", "seed", "retry"} and number != int(number):
            raise BadInput(field, value, "use a whole number")


def _number(text: str) -> float | None:
    plain = text.removeprefix("-")
    return float(text) if plain.replace(".", "", 1).isdigit() else None


def seconds(text: str, field: str = "duration") -> float:
    """``10s``, ``500ms``, ``2m`` or plain seconds -> seconds."""
    for unit, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("", 1.0)):
        if text.endswith(unit):
            number = _number(text.removesuffix(unit) if unit else text)
            if number is None or number < 0:
                raise BadInput(field, text, "use a duration such as 500ms, 10s or 2m")
            return number * factor
    raise BadInput(field, text, "use a duration such as 500ms, 10s or 2m")


class _Live:
    """A fault that is switched on, with its dice and its hits."""

    def __init__(self, fault: Fault, seed: int) -> None:
        self.fault = fault
        self.hits = 0
        self._dice = random.Random(f"{seed}:{fault.text}:{fault.values['seed']}")
        self._share = fault.number("share")
        self._count = int(fault.values["count"])

    def strikes(self) -> bool:
        """Throw the dice once."""
        if (self._count and self.hits >= self._count) or self._dice.random() >= self._share:
            return False
        self.hits += 1
        return True


class Switchboard:
    """The faults that are on. Asked at every request and message; changed at run time.

    Args:
        seed: of the dice; the same faults then strike the same requests.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._live: list[_Live] = []
        self.version = 0
        self.market_quiet = True
        self.user_quiet = True

    def add(self, texts: list[str]) -> None:
        """Switch faults on; refuses all of them when one is wrong."""
        self._live += [_Live(fault, self._seed) for fault in [parse(text) for text in texts]]
        self._changed()

    def clear(self) -> None:
        """Switch all faults off."""
        self._live = []
        self._changed()

    def report(self) -> list[dict[str, object]]:
        """Every fault with its hits."""
        return [{"fault": live.fault.text, "hits": live.hits} for live in self._live]

    @property
    def hits(self) -> int:
        """Hits of all faults that are on."""
        return sum(live.hits for live in self._live)

    def request(self, method: str, path: str) -> list[Fault]:
        """The faults that strike a request."""
        found = []
        for live in self._live:
            values = live.fault.values
            if live.fault.kind not in REQUEST or values.get("target", "rest") not in {"rest", "all"}:
                continue
            if values.get("method", "any") in {method, "any"} and values["path"] in path and live.strikes():
                found.append(live.fault)
        return found

    def message(self, target: str) -> list[Fault]:
        """The faults that strike a stream message of `target` (user or market)."""
        return [
            live.fault
            for live in self._live
            if live.fault.kind in STREAM and live.fault.values["target"] in {target, "all"} and live.strikes()
        ]

    def timed(self) -> list[tuple[Fault, _Live]]:
        """The faults that strike by time."""
        return [(live.fault, live) for live in self._live if live.fault.kind in TIMED]

    def skew_ms(self) -> int:
        """How far the server's clock is off."""
        return sum(int(live.fault.number("ms")) for live in self._live if live.fault.kind == "skew")

    def _changed(self) -> None:
        self.version += 1
        targets = {live.fault.values["target"] for live in self._live if live.fault.kind in STREAM}
        self.market_quiet = not targets & {"market", "all"}
        self.user_quiet = not targets & {"user", "all"}
