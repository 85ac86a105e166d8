"""The same signals for Trefoil and for an independent library, and what the library made of them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.backtest.rules import Exits, Rules, Sizing, grid_of
from engine.backtest.run import Backtest, Result, Wanted, wanted
from engine.bars import Bars, Floats
from engine.candle_file import read_candles
from engine.model.money import MONEY_SCALE
from engine.strategies.base import Sides

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-crosscheck" / "bin" / "python"
PEERS = Path(__file__).parent / "peers"
CAPITAL = 10_000_000  # enough that a fixed quantity is never too large: no library has to say no
FEE = 0.0005
STOP, TARGET = 0.02, 0.04

Trade = tuple[int, int, int, float, float, float]  # entry bar, exit bar, side, quantity, entry price, exit price


@dataclass(frozen=True)
class Case:
    """Bars, the wanted side at each close, and the prices of stop and target of a position decided at each close."""

    bars: Bars
    timeframe_ms: int
    sides: Sides
    quantity: float
    exits: bool
    stops: Floats
    targets: Floats

    def ours(self) -> Result:
        rules = Rules(
            exits=Exits.FIXED if self.exits else Exits.NONE,
            stop=STOP if self.exits else 0.0,
            target=TARGET if self.exits else 0.0,
            taker_ppm=round(FEE * 1_000_000),
            slippage=0.0,
            sizing=Sizing.QUANTITY,
            size=self.quantity,
            capital=CAPITAL * MONEY_SCALE,
        )
        return Backtest(self.bars, self.timeframe_ms, rules).run_sides(Wanted(self.sides, np.zeros(1), np.zeros(1)))

    def write(self, path: Path) -> None:
        bars = self.bars
        np.savez(
            path,
            time=bars.open_time,
            open=bars.open,
            high=bars.high,
            low=bars.low,
            close=bars.close,
            volume=bars.volume,
            sides=self.sides,
            stops=self.stops,
            targets=self.targets,
            quantity=self.quantity,
            exits=self.exits,
            capital=CAPITAL,
            fee=FEE,
        )


@dataclass(frozen=True)
class Answer:
    """What a library says: closed trades, trades still open (entry bar, side, entry price), equity at the last close."""

    trades: list[Trade]
    open: list[tuple[int, int, float]]
    equity: float


def case_of(file: Path, strategy: str, quantity: float, *, exits: bool, bars: int | None = None) -> Case:
    """Signals of a strategy over the first `bars` bars of a file (all by default)."""
    candles = read_candles(file)
    taken = candles.bars[:bars]
    sides = wanted(strategy, taken, Rules()).sides
    return Case(taken, candles.timeframe_ms, sides, quantity, exits, *levels(taken, sides))


def levels(bars: Bars, sides: Sides) -> tuple[Floats, Floats]:
    """Prices of stop and target of positions decided at each close, on the bars' own ticks."""
    per_unit = float(1 / grid_of(bars).tick_size)
    last = np.rint(bars.close * per_unit)
    tick = float(grid_of(bars).tick_size)
    stops = (last - sides * np.rint(bars.close * STOP / tick)) / per_unit
    targets = (last + sides * np.rint(bars.close * TARGET / tick)) / per_unit
    return stops, targets


def ask(library: str, case: Case, folder: Path, *arguments: str) -> Answer:
    """Run a library over a case in its own process and environment."""
    file = folder / "case.npz"
    case.write(file)
    command = [str(PYTHON), str(PEERS / f"{library}_side.py"), str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    return Answer([tuple(row) for row in said["trades"]], [tuple(row) for row in said["open"]], said["equity"])


def trades_of(result: Result) -> list[Trade]:
    """Our trades in the shape of the libraries', those the end of the data closed included."""
    grid = result.backtest.grid
    return [
        (
            int(row["entry_bar"]),
            int(row["exit_bar"]),
            int(row["side"]),
            float(int(row["lots"]) * grid.lot_size),
            float(int(row["entry_ticks"]) * grid.tick_size),
            float(int(row["exit_ticks"]) * grid.tick_size),
        )
        for row in result.trades
    ]
