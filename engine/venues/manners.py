"""What differs between exchanges before an order is spoken of: names, limits, codes, and how a message is told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.venues.weight import Lane, Limit


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange's error codes by what they mean to us.

    Attributes:
        clock: the timestamp is wrong; the request was not carried out.
        duplicate: the client order id exists: the first attempt was accepted.
        unknown_order: there is no such order, or it has ended.
        no_change: it is already as asked.
        key: the key is refused, whatever ccxt takes it for.
        unknown_outcome: carried out or not, the exchange does not say.
        too_often: a request limit; not carried out.
        order_limit: a limit for new orders only, so that cancels may go on.
        advice: code -> what to do, put after the exchange's own words.
    """

    clock: frozenset[str]
    duplicate: frozenset[str]
    unknown_order: frozenset[str]
    no_change: frozenset[str]
    key: frozenset[str] = frozenset()
    unknown_outcome: frozenset[str] = frozenset()
    too_often: frozenset[str] = frozenset()
    order_limit: frozenset[str] = frozenset()
    advice: dict[str, str] = {}


Weights = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Manners:
    """How one exchange is dealt with.

    Attributes:
        name: ours.
        ccxt: ccxt's name of it.
        limits: its request limits.
        lanes: (method, ccxt's path) -> lane; what is missing is the account's upkeep.
        weights: a request's weight by limit name, from the client, the entry of ccxt's table and the parameters.
        heard: the exchange's own counts by limit name, from an answer's headers and the request's weights.
        retry_ms: how long to leave it alone after a refusal for the rate, from the answer's headers and body.
        codes: its error codes.
        topic: what a stream message is about, as handlers are named; empty for what ccxt deals with.
        order_paths: paths of POST requests that place orders.
        options: ccxt's options.
    """

    name: str
    ccxt: str
    limits: tuple[Limit, ...]
    lanes: Mapping[tuple[str, str], Lane]
    weights: Callable[[Any, Any, Any], Weights]
    heard: Callable[[Mapping[str, str], Weights], dict[str, int]]
    retry_ms: Callable[[Mapping[str, str], str], int]
    codes: Codes
    topic: Callable[[dict[str, Any]], str]
    order_paths: frozenset[str]
    options: dict[str, Any] = field(default_factory=dict)


def seconds_to_wait(headers: Mapping[str, str], otherwise_ms: int) -> int:
    """The wait that a Retry-After header asks for, ms; `otherwise_ms` without one."""
    seconds = headers.get("retry-after", "")
    return int(seconds) * 1000 if seconds.isdigit() else otherwise_ms
