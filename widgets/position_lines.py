"""Positions and orders as lines: entry, mark, *profit, protection with its proof, liquidation, origin. Pure."""

from __future__ import annotations

from typing import NamedTuple

from engine.model.order import OrderKind, OrderStatus, Purpose
from engine.view import InstrumentView, OrderView, PositionView, StatusView
from widgets import format as fmt
from widgets.line import Line, Piece, fit
from widgets.tones import side_arrow, side_tone, side_word, signed_tone

Cell = tuple[int, list[Piece]]
ONE_LINE = 118
FULL_STOP = 60
HALF_STOP = 34
NEAR_LIQUIDATION = 0.10
SETTLING_MS = 3_000

KIND_WORDS = {
    OrderKind.MARKET: "market",
    OrderKind.LIMIT: "limit",
    OrderKind.POST_ONLY: "post-only",
    OrderKind.STOP_MARKET: "stop",
    OrderKind.TAKE_PROFIT_MARKET: "take-profit",
}
STATUS_TONES = {
    OrderStatus.WORKING: "text",
    OrderStatus.INTENT: "accent",
    OrderStatus.CANCELING: "warn",
    OrderStatus.UNKNOWN: "alarm",
}


def distance(mark: int, level: int) -> float:
    """How far `level` lies from the mark, a signed fraction of the mark."""
    return (level - mark) / mark if mark else 0.0


def protected(position: PositionView) -> bool:
    """The venue has confirmed a stop."""
    return position.stop is not None and position.stop_confirmed > 0


def _leg(
    name: str, level: int | None, confirmed: int, row: PositionView, instrument: InstrumentView | None, when: When
) -> list[Piece]:
    if level is None:
        word = "no stop ✗ UNPROTECTED" if name == "stop" else f"no {name}"
        return [(f" {word} ", "alarm")] if name == "stop" else [(word, "dim")]
    tone = "stop" if name == "stop" else "target"
    pieces: list[Piece] = [
        (f"{name} ", "dim"),
        (fmt.price(instrument, level), tone),
        (f" {fmt.percent(distance(row.mark, level), decimals=1)} ", "dim"),
    ]
    if confirmed:
        pieces.append((f"✓{fmt.age(when.wall - confirmed):<3}", "profit"))
    elif name == "stop":
        wait = when.market - row.opened
        pieces.append((" ✗ unprotected ", "alarm" if wait > SETTLING_MS else "warn bold"))
    else:
        pieces.append(("✗ not placed", "warn"))
    return pieces


def _identity(row: PositionView, instrument: InstrumentView | None, size: int) -> list[Piece]:
    side = (row.lots > 0) - (row.lots < 0)
    return [
        (f"{side_arrow(side)} ", f"{side_tone(side)} bold"),
        (f"{fmt.base_of(row.symbol)[:8]:<5}", "strong"),
        (f"{side_word(side):<5} ", f"{side_tone(side)} bold"),
        (fmt.quantity(instrument, row.lots, size), "text"),
    ]


def _profit(row: PositionView) -> list[Cell]:
    share = row.unrealised / row.margin if row.margin else 0.0
    tone = signed_tone(row.unrealised)
    return [
        (0, [(fmt.money(row.unrealised, sign=True, width=9), f"{tone} bold")]),
        (2, [(fmt.percent(share, decimals=1, width=7), tone)]),
    ]


def _liquidation(row: PositionView, instrument: InstrumentView | None) -> list[Piece]:
    if row.liquidation is None:
        return [("no liq", "dim")]
    away = abs(distance(row.mark, row.liquidation))
    tone = "alarm" if away < NEAR_LIQUIDATION else "dim"
    return [("liq ", "dim"), (fmt.price(instrument, row.liquidation), "dim"), (f" {away * 100:.0f} %", tone)]


class When(NamedTuple):
    """Now by both clocks, ms UTC: orders are dated by ours, positions by the market's (simulated in a replay)."""

    wall: int
    market: int


def when_of(status: StatusView, now: int) -> When:
    """Both clocks at `now`; the market's runs on while no quote comes."""
    return When(now, status.clock + max(0, status.feed_age_ms) if status.clock else now)


class Widths(NamedTuple):
    """Characters of the columns that depend on what is held, so that rows stand under each other."""

    size: int
    price: int


def widths_of(rows: list[tuple[PositionView, InstrumentView | None]]) -> Widths:
    """The widest quantity and price."""
    sizes = [len(fmt.quantity(instrument, row.lots)) for row, instrument in rows]
    prices = [len(fmt.price(instrument, ticks)) for row, instrument in rows for ticks in (row.entry, row.mark)]
    return Widths(max(sizes, default=1), max(prices, default=1))


def position_lines(
    row: PositionView, instrument: InstrumentView | None, when: When, width: int, rows: int, widths: Widths
) -> list[Line]:
    """A position in one line (wide, or `rows` is 1) or in two."""
    stop = _leg("stop", row.stop, row.stop_confirmed, row, instrument, when)
    single = width >= ONE_LINE or rows < 2
    short = width < (FULL_STOP if single else HALF_STOP)
    if short and row.stop is not None:
        stop = [("stop ", "dim"), stop[-1]]
    target = _leg("target", row.target, row.target_confirmed, row, instrument, when)
    identity: Cell = (0, _identity(row, instrument, widths.size))
    entry: Cell = (3, [("@ ", "dim"), (fmt.price(instrument, row.entry, widths.price), "text")])
    mark: Cell = (4, [("→ ", "dim"), (fmt.price(instrument, row.mark, widths.price), "text")])
    profit = _profit(row)
    proof: list[Cell] = [(0 if short else 1, stop), (5, target)]
    liquidation: Cell = (6, _liquidation(row, instrument))
    leverage: Cell = (8, [(f"{row.leverage}x", "dim")])
    origin: Cell = (9, [(row.origin, "dim")])
    age: Cell = (7, [(fmt.age(when.market - row.opened), "dim")])
    if single:
        return [Line(tuple(fit([identity, entry, mark, *profit, *proof, liquidation, leverage, origin, age], width)))]
    return [
        Line(tuple(fit([identity, entry, mark, *profit, leverage, age], width))),
        Line((("  ", "text"), *fit([*proof, liquidation, origin], width - 2))),
    ]


def order_line(row: OrderView, instrument: InstrumentView | None, now: int, width: int) -> Line:
    """An open order: what, where, how much of it is filled, its status and age."""
    level = row.price if row.price is not None else row.trigger
    word = "BUY" if row.side > 0 else "SELL"
    protective = row.purpose in {Purpose.STOP, Purpose.TARGET}
    quiet = "dim" if protective else "text"
    size = fmt.quantity(instrument, row.lots)
    if row.filled:
        size = f"{fmt.quantity(instrument, row.filled)}/{size}"
    at = f"@ {fmt.price(instrument, level)}" if level is not None else "at market"
    proof = f"✓{fmt.age(now - row.confirmed)}" if row.confirmed else "unconfirmed"
    what: list[Piece] = [
        (f"{'┊' if protective else '○'} ", quiet),
        (f"{fmt.base_of(row.symbol)[:8]:<5}", quiet if protective else "strong"),
        (f"{word:<5} ", quiet if protective else side_tone(int(row.side))),
        (f"{size:>9}", quiet),
        (f" {at:<12}", quiet),
    ]
    cells: list[Cell] = [
        (0, what),
        (2, [(f"{KIND_WORDS[row.kind]:<11}", quiet)]),
        (
            1,
            [
                (
                    f"{row.status.value:<8}",
                    "dim" if protective and row.confirmed else STATUS_TONES.get(row.status, "text"),
                )
            ],
        ),
        (3, [(f"{proof:<11}", quiet if row.confirmed else "warn")]),
        (4, [(f"{fmt.age(now - row.created):>4}", "dim")]),
        (5, [("reduce-only", "dim")] if row.reduce_only and not protective else []),
        (6, [(row.origin, "dim")]),
    ]
    return Line(tuple(fit(cells, width)))
