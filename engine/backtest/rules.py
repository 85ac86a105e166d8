"""What a backtest assumes: costs, leverage, size, exits, and the grid of prices and quantities."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any

import msgspec
import numpy as np

from engine.bars import Bars, Floats
from engine.errors import BadInput
from engine.model.instrument import Instrument, unit_of
from engine.model.money import MONEY_SCALE, PPM, Money, to_money

MAX_DECIMALS = 10
MAX_DIGITS = 10  # of a price in ticks: products with leverage and rates then fit 64 bits
GRID_TOLERANCE = 1e-6  # of a step: how far a float64 price may lie from its decimal


class Exits(IntEnum):
    """How a position ends.

    NONE: with the wanted side alone. STRATEGY: at the strategy's own stop and target, or when the side turns. FIXED: at
    fractions of the decision price, or when the side turns.
    """

    NONE = 0
    STRATEGY = 1
    FIXED = 2


class Sizing(IntEnum):
    """How much is bought: a share of equity (compounding), a fixed value, a fixed quantity, or a risk to the stop."""

    EQUITY = 0
    NOTIONAL = 1
    QUANTITY = 2
    RISK = 3


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The assumptions of a run.

    Attributes:
        exits: see `Exits`.
        stop: distance of the stop from the decision price, fraction; 0 for none. FIXED only.
        target: distance of the target from the decision price, fraction; 0 for none. FIXED only.
        taker_ppm: fee of market orders, parts per million of notional.
        maker_ppm: fee of resting orders, likewise.
        slippage: taken from every market fill, fraction of its price.
        spread: half of it is added to the slippage, fraction of price.
        volatility_share: share of the mean true range of the 20 bars before, added to the slippage.
        leverage: isolated margin is notional / leverage.
        maintenance_ppm: maintenance margin rate, parts per million of notional.
        sizing: see `Sizing`.
        size: share of equity for EQUITY and RISK (0.02 risks 2 % to the stop), quote currency for NOTIONAL, base currency
            for QUANTITY.
        capital: cash at the start, 1e-8 quote units.
        maker_target: the target rests in the book (maker fee, no slippage); else it is a take-profit at market.
    """

    exits: Exits = Exits.NONE
    stop: float = 0.0
    target: float = 0.0
    taker_ppm: int = 500
    maker_ppm: int = 200
    slippage: float = 0.0001
    spread: float = 0.0
    volatility_share: float = 0.0
    leverage: int = 1
    maintenance_ppm: int = 5_000
    sizing: Sizing = Sizing.EQUITY
    size: float = 1.0
    capital: Money = 10_000 * MONEY_SCALE
    maker_target: bool = False

    def checked(self) -> Rules:
        """The rules themselves; raises BadInput naming the first that makes no sense."""
        for field, value, ok, remedy in _bounds(self):
            if not ok:
                raise BadInput(field, value, remedy)
        if self.exits is Exits.FIXED and not (self.stop or self.target):
            raise BadInput("exits", "fixed", "give --stop, --target or both")
        if self.exits is not Exits.FIXED and (self.stop or self.target):
            raise BadInput("exits", self.exits.name.lower(), "a stop or target in fractions needs fixed exits")
        if self.sizing is Sizing.RISK and (self.exits is Exits.NONE or (self.exits is Exits.FIXED and not self.stop)):
            raise BadInput("sizing", "risk", "risk to the stop needs a stop: use strategy exits or --stop")
        reach = liquidation_distance(self.leverage, self.maintenance_ppm)
        if self.stop >= reach:
            raise BadInput("stop", self.stop, f"at {self.leverage}x liquidation comes first, {reach:.4f} away")
        return self

    @property
    def slippage_varies(self) -> bool:
        """The slippage is another at every bar."""
        return self.volatility_share > 0.0


def liquidation_distance(leverage: int, maintenance_ppm: int) -> float:
    """How far a long's liquidation price lies below its entry, fraction: ``1 - (1 - 1/L) / (1 - m)``."""
    return 1.0 - (1.0 - 1.0 / leverage) / (1.0 - maintenance_ppm / PPM)


def _bps(fraction: float) -> str:
    """A fraction as the command line has it: in basis points."""
    return f"{fraction * 10_000:g}"


def _bounds(r: Rules) -> tuple[tuple[str, Any, bool, str], ...]:
    return (
        ("leverage", r.leverage, 1 <= r.leverage <= 125, "use 1 to 125"),
        (
            "maintenance",
            r.maintenance_ppm,
            0 <= r.maintenance_ppm < PPM // max(1, r.leverage),
            "must be below 1 / leverage",
        ),
        ("fee", _bps(r.taker_ppm / PPM), 0 <= r.taker_ppm <= 50_000, "use 0 to 500 basis points"),
        ("maker fee", _bps(r.maker_ppm / PPM), -1_000 <= r.maker_ppm <= 50_000, "use -10 to 500 basis points"),
        ("slippage", _bps(r.slippage), 0.0 <= r.slippage <= 0.05, "use 0 to 500 basis points"),
        ("spread", _bps(r.spread), 0.0 <= r.spread <= 0.05, "use 0 to 500 basis points"),
        ("volatility share", r.volatility_share, 0.0 <= r.volatility_share <= 1.0, "use 0 to 1"),
        ("stop", r.stop, 0.0 <= r.stop < 1.0, "use a fraction of the price from 0 to 1, 0.02 for 2 %"),
        ("target", r.target, 0.0 <= r.target < 10.0, "use a fraction of the price, 0.04 for 4 %"),
        (
            "capital",
            f"{r.capital / MONEY_SCALE:g}",
            0 < r.capital <= 10**9 * MONEY_SCALE,
            "use more than 0 and at most 1,000,000,000",
        ),
        ("size", r.size, 0.0 < r.size < float("inf"), "must be positive"),
        (
            "size",
            r.size,
            r.size <= 1.0 or r.sizing in (Sizing.NOTIONAL, Sizing.QUANTITY),
            "is a share of equity: 0 to 1",
        ),
    )


class Grid(msgspec.Struct, frozen=True):
    """Steps of price (quote currency) and quantity (base currency), and the smallest order in lots and 1e-8 units."""

    tick_size: Decimal
    lot_size: Decimal
    min_lots: int = 1
    min_notional: Money = 5 * MONEY_SCALE

    @property
    def unit(self) -> Money:
        """Value of one tick of one lot, 1e-8 quote units; BadInput where the grid is finer than that."""
        return unit_of("grid", self.tick_size, self.lot_size)

    def instrument(self, symbol: str, rules: Rules) -> Instrument:
        """The contract of this grid under these rules, as the core takes it."""
        return Instrument(
            symbol=symbol,
            venue_id=symbol,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            min_lots=self.min_lots,
            max_lots=2**62,
            min_notional=self.min_notional,
            max_leverage=125,
            maintenance_ppm=rules.maintenance_ppm,
            maker_ppm=rules.maker_ppm,
            taker_ppm=rules.taker_ppm,
            unit=self.unit,
        )


def grid_of(bars: Bars) -> Grid:
    """The coarsest decimal tick all prices lie on, and the finest lot that keeps a tick of it a whole 1e-8.

    Prices are taken with at most ten digits and ten decimals.
    """
    most = min(MAX_DECIMALS, max(0, MAX_DIGITS - len(str(int(bars.high.max())))))
    decimals = max(_decimals(column, most) for column in (bars.open, bars.high, bars.low, bars.close))
    return Grid(Decimal(1).scaleb(-decimals), Decimal(1).scaleb(decimals - 8))


def grid_from(bars: Bars, tick_size: str | None, lot_size: str | None, min_notional: float) -> Grid:
    """The bars' grid with what a person says about it instead; raises BadInput."""
    grid = grid_of(bars)
    tick = _step("tick-size", tick_size) if tick_size is not None else grid.tick_size
    lot = _step("lot-size", lot_size) if lot_size is not None else Decimal(1).scaleb(-8) / tick
    if not 0.0 <= min_notional < float("inf"):
        raise BadInput("min-notional", min_notional, "use 0 or more")
    made = Grid(tick, lot, 1, to_money(repr(min_notional)))
    unit_of("grid", tick, lot)
    return made


def _step(field: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BadInput(field, text, "must be a positive number like 0.1") from error
    if not (value.is_finite() and value > 0):
        raise BadInput(field, text, "must be a positive number like 0.1")
    return value


def _decimals(prices: Floats, most: int) -> int:
    for decimals in range(most):
        scaled = prices * 10.0**decimals
        if bool((np.abs(scaled - np.rint(scaled)) <= np.maximum(GRID_TOLERANCE, 4e-16 * scaled)).all()):
            return decimals
    return most


def slippage_of(bars: Bars, rules: Rules) -> Floats:
    """Slippage per bar, fraction of price: one value where it is the same at every bar.

    ``slippage + spread / 2 + volatility_share x mean(true range / close of the 20 bars before)``: a bar's own range is not
    known when it opens.
    """
    fixed = rules.slippage + rules.spread / 2.0
    if not rules.slippage_varies:
        return np.array([fixed])
    before = np.concatenate((bars.close[:1], bars.close[:-1]))
    span = (np.maximum(bars.high, before) - np.minimum(bars.low, before)) / before
    sums = np.concatenate(([0.0], np.cumsum(span)))
    ends = np.arange(len(bars))
    begins = np.maximum(0, ends - 20)
    mean = (sums[ends] - sums[begins]) / np.maximum(1, ends - begins)
    return fixed + rules.volatility_share * np.asarray(mean)
