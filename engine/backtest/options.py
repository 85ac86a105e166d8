"""What a person types about a backtest, as rules and parameters."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backtest.rules import Exits, Rules, Sizing
from engine.errors import BadInput
from engine.model.money import to_money
from engine.strategies import BOARD, NAMES, STRATEGIES, strategy
from engine.strategies.base import Params

ALL = "all"
SIZINGS = {"equity": 1.0, "notional": None, "quantity": None, "risk": 0.01}


def names_of(text: str) -> tuple[str, ...]:
    """``ema-cross``, ``ema-cross,board`` or ``all``; raises BadInput for one that is not known."""
    if text == ALL:
        return NAMES
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names or (text,):
        if name not in NAMES:
            raise BadInput("strategy", name, f"use {', '.join(NAMES)}, several with commas, or all")
    return tuple(dict.fromkeys(names))


def params_of(name: str, pairs: Sequence[str]) -> Params | None:
    """``["fast=10", "slow=30"]`` as a strategy's parameters, None for its defaults; raises BadInput."""
    values: dict[str, float] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        try:
            values[key.strip()] = float(text)
        except ValueError as error:
            raise BadInput("--set", pair, "use name=number, e.g. fast=10") from error
        if not equals or not key.strip():
            raise BadInput("--set", pair, "use name=number, e.g. fast=10")
    if not values:
        return None
    if name == BOARD:
        raise BadInput("--set", ", ".join(values), "the board weighs the strategies with their defaults")
    return strategy(name).make(**values)


def exits_of(text: str | None, stop: float, target: float) -> Exits:
    """The exits named, or those that a stop or target imply."""
    if text is None:
        return Exits.FIXED if stop or target else Exits.NONE
    try:
        return Exits[text.upper()]
    except KeyError as error:
        raise BadInput("exits", text, "use none, strategy or fixed") from error


def sizing_of(text: str) -> tuple[Sizing, float]:
    """``equity``, ``equity:0.5``, ``notional:1000``, ``quantity:0.01`` or ``risk:0.01``."""
    kind, _, amount = text.partition(":")
    if kind not in SIZINGS:
        raise BadInput("sizing", text, "use equity, equity:0.5, notional:1000, quantity:0.01 or risk:0.01")
    try:
        size = float(amount) if amount else SIZINGS[kind]
    except ValueError as error:
        raise BadInput("sizing", text, "the amount after the colon must be a number") from error
    if size is None:
        raise BadInput("sizing", text, f"say how much, e.g. {kind}:{1000 if kind == 'notional' else 0.01}")
    return Sizing[kind.upper()], size


def rules_of(
    *,
    exits: str | None = None,
    stop: float = 0.0,
    target: float = 0.0,
    fee_bps: float = 5.0,
    maker_fee_bps: float = 2.0,
    slippage_bps: float = 1.0,
    spread_bps: float = 0.0,
    volatility_share: float = 0.0,
    leverage: int = 1,
    maintenance: float = 0.005,
    sizing: str = "equity",
    capital: float = 10_000.0,
    maker_target: bool = False,
) -> Rules:
    """Checked rules; basis points for costs, fractions for distances, quote currency for capital; raises BadInput."""
    for name, value in (("fee-bps", fee_bps), ("slippage-bps", slippage_bps), ("capital", capital)):
        if not abs(value) < float("inf"):
            raise BadInput(name, value, "must be a number")
    kind, size = sizing_of(sizing)
    return Rules(
        exits=exits_of(exits, stop, target),
        stop=stop,
        target=target,
        taker_ppm=round(fee_bps * 100),
        maker_ppm=round(maker_fee_bps * 100),
        slippage=slippage_bps / 10_000,
        spread=spread_bps / 10_000,
        volatility_share=volatility_share,
        leverage=leverage,
        maintenance_ppm=round(maintenance * 1_000_000),
        sizing=kind,
        size=size,
        capital=to_money(repr(capital)),
        maker_target=maker_target,
    ).checked()


def check_warm(name: str, params: Params | None, bars: int, source: str) -> None:
    """Raise BadInput where there are too few bars for the strategy's first answer."""
    members = STRATEGIES.values() if name == BOARD else (strategy(name),)
    needed = max(m.warmup(params if params is not None else m.params()) for m in members) + 2
    if bars < needed:
        raise BadInput(f"{source} bars", bars, f"{name} needs at least {needed} to answer and to trade once")
