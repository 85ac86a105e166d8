"""Settings that contradict each other, or that real money must not meet, are refused before the engine starts."""

from __future__ import annotations

import math
from decimal import Decimal

from engine.core.levels import needs_stop
from engine.errors import BadInput
from engine.model.settings import Exits, Settings, Sizing
from engine.strategies import NAMES

REAL = frozenset({"live", "paper"})
PRESETS = ("default", "reference", "open")


def check_settings(settings: Settings, mode: str) -> None:
    """Raise BadInput naming the first setting that cannot be used in `mode` (``live``, ``paper``, ``demo``, ``backtest``)."""
    if settings.strategy not in NAMES:
        raise BadInput("strategy", settings.strategy, f"use one of {', '.join(NAMES)}")
    if settings.preset not in PRESETS:
        raise BadInput("preset", settings.preset, f"use one of {', '.join(PRESETS)}")
    if mode in REAL and not needs_stop(settings):
        raise BadInput("exits", settings.exits.value, f"{mode} trading needs a stop on every position: use strategy")
    if mode == "live" and settings.preset == "open":
        raise BadInput("preset", "open", "live trading needs its gates: use default or reference")
    _check_exits(settings)
    _check_size(settings)


def _check_exits(settings: Settings) -> None:
    if settings.exits is not Exits.FIXED:
        return
    if not 0.0 <= settings.stop_fraction < 1.0:
        raise BadInput("stop", settings.stop_fraction, "use a fraction of the price from 0 to 1, 0.02 for 2 %")
    if not 0.0 <= settings.target_fraction < 10.0:
        raise BadInput("target", settings.target_fraction, "use a fraction of the price, 0.04 for 4 %")
    if not (settings.stop_fraction or settings.target_fraction):
        raise BadInput("exits", "fixed", "give a stop, a target or both")


def _check_size(settings: Settings) -> None:
    amounts: dict[Sizing, tuple[str, float | Decimal]] = {
        Sizing.RISK: ("risk_fraction", settings.risk_fraction),
        Sizing.EQUITY: ("size_share", settings.size_share),
        Sizing.NOTIONAL: ("size_notional", settings.size_notional),
        Sizing.QUANTITY: ("size_quantity", settings.size_quantity),
    }
    name, amount = amounts[settings.sizing]
    if not math.isfinite(amount) or amount <= 0:
        raise BadInput(name, amount, "must be positive")
    if settings.sizing in {Sizing.RISK, Sizing.EQUITY} and amount > 1:
        raise BadInput(name, amount, "is a share of equity: 0 to 1")
    if settings.sizing is Sizing.RISK and not needs_stop(settings):
        raise BadInput("sizing", "risk", "risk to the stop needs a stop: use strategy exits or a fixed stop")
