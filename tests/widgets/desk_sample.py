"""A rich, deterministic desk and chart for tests and pictures: the same `now` always gives the same desk."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import msgspec

from engine.model.instrument import unit_of
from engine.model.market import Bar
from engine.model.money import MONEY_SCALE
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.model.signal import Action, Gate, Signal, SignalStatus, Verdict
from engine.view import (
    AccountView,
    Desk,
    FillView,
    InstrumentView,
    NoteView,
    OrderView,
    PositionView,
    StatusView,
    StepView,
    empty_desk,
)
from engine.view_bars import BarsView
from engine.view_board import BoardView, ReadingView
from engine.view_market import DepthView, QuoteView, TradeView, WatchView
from tests.widgets.coin_table import COINS, Coin, decimals_of, symbol_of, ticks_of

NOW = 1_747_750_000_000  # 2025-05-20 14:06:40 UTC
STRATEGIES = ("supertrend", "rsi-ema", "macd-stochastic", "ichimoku", "bollinger", "ema-cross")
BARS_END = NOW
__all__ = ["NOW", "sample_bars", "sample_desk", "symbol_of", "ticks_of"]


def _instrument(coin: Coin) -> InstrumentView:
    symbol = symbol_of(coin.base)
    tick, lot = Decimal(coin.tick), Decimal(coin.lot)
    return InstrumentView(
        symbol=symbol,
        tick_size=tick,
        lot_size=lot,
        price_decimals=decimals_of(coin.tick),
        lot_decimals=decimals_of(coin.lot),
        unit=unit_of(symbol, tick, lot),
        min_notional=5 * MONEY_SCALE,
        max_leverage=50,
        maker_ppm=200,
        taker_ppm=500,
        maintenance_ppm=5_000,
    )


def _quote(coin: Coin, now: int, age: int) -> QuoteView:
    last = ticks_of(coin.base)
    half = max(1, last // 40_000)
    return QuoteView(symbol_of(coin.base), last - half, last + half, last, last, now - age)


def _watch(coin: Coin, seed: int) -> WatchView:
    rng = random.Random(seed)
    price = float(coin.price)
    change = 0.0124 if coin.base == "BTC" else round(rng.gauss(0.0, 0.03), 4)
    values = [price * (1.0 - change)]
    for step in range(23):
        pull = (price - values[-1]) / (24 - step)
        values.append(values[-1] + pull + rng.gauss(0.0, price * 0.002))
    return WatchView(symbol_of(coin.base), change, rng.uniform(1e4, 9e6), (*values[1:], price))


def _board(coin: Coin, seed: int, now: int) -> BoardView:
    rng = random.Random(seed)
    sides = (1, 1, 0, 1, -1, 1) if coin.base == "BTC" else tuple(rng.choice((-1, 0, 1)) for _ in STRATEGIES)
    weights = (0.31, 0.18, 0.12, 0.16, 0.14, 0.09)
    score = sum(side * weight for side, weight in zip(sides, weights, strict=True))
    readings = tuple(
        ReadingView(name, side, weight, rng.randint(5, 120), rng.uniform(0.35, 0.62), rng.gauss(0.0004, 0.0012))
        for name, side, weight in zip(STRATEGIES, sides, weights, strict=True)
    )
    zone = (score > 0.34) - (score < -0.34)
    last = ticks_of(coin.base)
    return BoardView(
        symbol=symbol_of(coin.base),
        score=score,
        zone=zone,
        readings=readings,
        record=ReadingView("board", zone, 1.0, 48, 0.5625, 0.0011),
        held="held by person: sold by hand at 13:58" if coin.base == "ETH" else "",
        bar_time=now - now % 900_000 - 900_000,
        stop_ticks=last // 80,
        target_ticks=last // 40,
    )


def _position(base: str, lots: int, entry: int, now: int, **given: int | str | None) -> PositionView:
    coin = next(c for c in COINS if c.base == base)
    unit = _instrument(coin).unit
    mark = ticks_of(base)
    side = 1 if lots > 0 else -1
    fields: dict[str, object] = {
        "stop": entry - side * (entry // 100),
        "target": entry + side * (entry // 50),
        "stop_confirmed": now - 12_000,
        "stop_id": f"{base}-88{lots:+d}",
        "target_id": f"{base}-89{lots:+d}",
        "target_confirmed": now - 12_000,
        "liquidation": entry - side * (entry * 3 // 10),
        "opened": now - 3_900_000,
        "origin": "signal:41",
    }
    fields.update(given)
    return PositionView(
        symbol=symbol_of(base),
        lots=lots,
        entry=float(entry),
        mark=mark,
        unrealised=lots * (mark - entry) * unit,
        realised=0,
        fees=abs(lots) * entry * unit * 500 // 1_000_000,
        funding=-3_120_000,
        margin=abs(lots) * entry * unit // 3,
        leverage=3,
        **fields,  # type: ignore[arg-type]  # a table of overrides keyed by field name
    )


def _positions(now: int) -> dict[str, PositionView]:
    rows = (
        _position("BTC", 31, 637_020, now),
        _position("ETH", -900, 339_010, now, origin="person:keyboard", opened=now - 480_000),
        _position("SOL", 52, 16_810, now, stop_confirmed=0, target=17_760, opened=now - 4_000, origin="signal:44"),
    )
    return {row.symbol: row for row in rows}


def _order(
    number: int, base: str, side: Side, kind: OrderKind, purpose: Purpose, now: int, **given: object
) -> OrderView:
    fields: dict[str, object] = {
        "status": OrderStatus.WORKING,
        "lots": 31,
        "filled": 0,
        "price": None,
        "trigger": None,
        "reduce_only": purpose is not Purpose.ENTRY,
        "created": now - 60_000 * number,
        "confirmed": now - 60_000 * number + 80,
        "origin": "protection" if purpose in {Purpose.STOP, Purpose.TARGET} else "signal:41",
    }
    fields.update(given)
    return OrderView(
        client_id=f"tf-3-{number:06d}",
        symbol=symbol_of(base),
        side=side,
        kind=kind,
        purpose=purpose,
        **fields,  # type: ignore[arg-type]  # a table of overrides keyed by field name
    )


def _orders(now: int) -> dict[str, OrderView]:
    stop, take, limit = OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET, OrderKind.LIMIT
    buy, sell = Side.BUY, Side.SELL
    rows = (
        _order(1, "BTC", sell, stop, Purpose.STOP, now, trigger=630_650),
        _order(2, "BTC", sell, take, Purpose.TARGET, now, trigger=649_760),
        _order(3, "ETH", buy, stop, Purpose.STOP, now, lots=900, trigger=342_400),
        _order(4, "ETH", buy, take, Purpose.TARGET, now, lots=900, trigger=332_230),
        _order(
            5, "SOL", sell, stop, Purpose.STOP, now, lots=52, trigger=16_642, status=OrderStatus.UNKNOWN, confirmed=0
        ),
        _order(6, "SOL", sell, take, Purpose.TARGET, now, lots=52, trigger=17_760),
        _order(7, "LINK", buy, limit, Purpose.ENTRY, now, lots=340, filled=120, price=17_120, origin="person:keyboard"),
        _order(
            8,
            "BNB",
            sell,
            OrderKind.POST_ONLY,
            Purpose.ENTRY,
            now,
            lots=210,
            price=61_000,
            status=OrderStatus.INTENT,
            confirmed=0,
        ),
    )
    return {row.client_id: row for row in rows}


_FREE_GATES = (
    Gate("fresh", Verdict.PASS, "0.2 s", "<= 5.0 s", "the quote is fresh"),
    Gate("spread", Verdict.PASS, "0.3 bp", "<= 3.0 bp", "the spread is narrow"),
    Gate("slippage", Verdict.PASS, "0.8 bp", "<= 5.0 bp", "the book is deep enough"),
    Gate("reward", Verdict.PASS, "1.91", "> 1.50", "reward to risk after costs"),
    Gate("record", Verdict.PASS, "+0.04 %", "> 0", "48 shadow trades, lower bound of expectancy"),
    Gate("risk", Verdict.PASS, "3 of 5", "<= 5 positions", "every limit of risk holds"),
)
_LATE_GATES = (
    Gate("forecast", Verdict.SKIPPED, "", "agrees", "no forecaster is configured"),
    Gate("votes", Verdict.SKIPPED, "", "2 of 3", "no voter is configured"),
)
_NOT_ASKED = tuple(Gate(g.name, Verdict.NOT_ASKED, "", g.threshold, "an earlier gate failed") for g in _LATE_GATES)


def _gates(failed: str = "") -> tuple[Gate, ...]:
    if not failed:
        return _FREE_GATES + _LATE_GATES
    gates = tuple(
        Gate(g.name, Verdict.FAIL, "4.1 bp", g.threshold, "the spread is too wide") if g.name == failed else g
        for g in _FREE_GATES
    )
    return gates + _NOT_ASKED


def _signals(now: int) -> dict[int, Signal]:
    table: tuple[tuple[str, Action, SignalStatus, str, str], ...] = (
        ("ADA", Action.LONG, SignalStatus.EXPIRED, "", "nobody approved it in time"),
        ("XRP", Action.SHORT, SignalStatus.REFUSED, "record", "record: 41 shadow trades, lower bound -0.02 %"),
        ("BTC", Action.LONG, SignalStatus.FILLED, "", "filled 0.031 at 63,702.0"),
        ("DOT", Action.SHORT, SignalStatus.OBSERVED, "", "observe: shown, not sent"),
        ("LTC", Action.CLOSE, SignalStatus.FILLED, "", "the board turned: closed"),
        ("SOL", Action.LONG, SignalStatus.FILLED, "", "filled 5.2 at 168.10"),
        ("UNI", Action.SHORT, SignalStatus.REJECTED, "", "rejected by keyboard"),
        ("ETH", Action.LONG, SignalStatus.REFUSED, "spread", "spread 4.1 bp > 3.0 bp"),
        ("AVAX", Action.LONG, SignalStatus.REFUSED, "risk", "risk: five positions are open"),
        ("LINK", Action.LONG, SignalStatus.SENT, "", "sent buy 34.0"),
        ("NEAR", Action.SHORT, SignalStatus.WAITING, "", "waits for a person"),
        ("BNB", Action.SHORT, SignalStatus.WAITING, "", "waits for a person"),
    )
    signals = {}
    for index, (base, action, status, failed, reason) in enumerate(table):
        at = now - (len(table) - index) * 430_000 if status is not SignalStatus.WAITING else now - (12 - index) * 24_000
        last = ticks_of(base)
        side = action.side
        signals[index + 36] = Signal(
            id=index + 36,
            symbol=symbol_of(base),
            action=action,
            status=status,
            at=at,
            bar_time=at - at % 900_000 - 900_000,
            score=0.42 * side,
            price=last,
            stop=last - side * (last // 100) if side else 0,
            target=last + side * (last // 50) if side else 0,
            lots=120,
            gates=_gates(failed),
            reason=reason,
            expires=at + 300_000 if status is SignalStatus.WAITING else 0,
            client_id=f"tf-3-{index:06d}" if status in {SignalStatus.SENT, SignalStatus.FILLED} else "",
        )
    return signals


def _fills(now: int) -> list[FillView]:
    rows = (
        ("BTC", Side.BUY, 637_020, 31, Purpose.ENTRY, 65),
        ("BTC", Side.SELL, 640_100, 20, Purpose.EXIT, 420),
        ("BTC", Side.BUY, 636_000, 20, Purpose.ENTRY, 900),
        ("ETH", Side.SELL, 339_010, 900, Purpose.ENTRY, 8),
        ("SOL", Side.BUY, 16_810, 52, Purpose.ENTRY, 1),
        ("LTC", Side.SELL, 8_440, 300, Purpose.STOP, 130),
    )
    fills = [
        FillView(
            trade_id=f"t{index}",
            symbol=symbol_of(base),
            side=side,
            ticks=ticks,
            lots=lots,
            fee=79_000_000,
            purpose=purpose,
            at=now - minutes * 60_000,
        )
        for index, (base, side, ticks, lots, purpose, minutes) in enumerate(rows)
    ]
    return sorted(fills, key=lambda fill: fill.at)


def _notes(now: int) -> list[NoteView]:
    table = (
        ("info", "bar closed, board +0.42", "BTC"),
        ("good", "filled buy 0.031 at 63,702.0, fee 0.79", "BTC"),
        ("info", "stop placed at 63,065.0, confirmed in 80 ms", "BTC"),
        ("warn", "refused: spread 4.1 bp > 3.0 bp", "ETH"),
        ("info", "quotes are flowing again after 2.1 s", ""),
        ("good", "target reached: closed with +42.10", "BTC"),
        ("warn", "asked the venue what became of tf-3-000005", "SOL"),
        ("alarm", "the stop is not confirmed yet", "SOL"),
    )
    count = 40
    return [
        NoteView(
            now - (count - index) * 37_000,
            table[index % len(table)][0],
            table[index % len(table)][1],
            symbol_of(table[index % len(table)][2]) if table[index % len(table)][2] else "",
            1_000 + index,
        )
        for index in range(count)
    ]


def _depth(base: str, now: int) -> DepthView:
    rng = random.Random(f"{base} book")
    last = ticks_of(base)
    half = max(1, last // 40_000)
    bids, asks = (
        tuple((last + side * (half + step * 3), int(rng.lognormvariate(6.0, 0.8))) for step in range(20))
        for side in (-1, 1)
    )
    return DepthView(symbol_of(base), bids, asks, now - 120)


def _tape(base: str, now: int) -> list[TradeView]:
    rng = random.Random(f"{base} tape")
    last = ticks_of(base)
    return [
        TradeView(
            now - 340 * (60 - n),
            last + rng.randint(-30, 30),
            int(rng.lognormvariate(4.0, 1.3)) + 1,
            rng.choice((-1, 1)),
        )
        for n in range(60)
    ]


STEPS = (
    StepView("database", 1, 1),
    StepView("markets", 30, 30),
    StepView("history", 30, 30),
    StepView("account", 1, 1),
    StepView("live quotes", 30, 30),
)


def sample_desk(now: int, *, mode: str = "demo") -> Desk:
    """A desk at `now` (ms UTC): 30 symbols, three positions (one unprotected), eight orders, twelve signals."""
    positions = _positions(now)
    unrealised = sum(row.unrealised for row in positions.values())
    status = StatusView(
        mode=mode,
        venue="binance" if mode == "live" else "paper",
        autonomy="approve",
        ready=True,
        steps=STEPS,
        feed_up=True,
        feed_age_ms=120,
        venue_up=True,
        epoch=3,
        timeframe_ms=900_000,
        clock=now,
        pid=4711,
        day_loss_limit=0.03,
        max_positions=5,
        max_leverage=3,
        risk_fraction=0.005,
    )
    account = AccountView(
        equity=1_021_431_000_000,
        cash=1_021_431_000_000 - unrealised,
        unrealised=unrealised,
        day_pnl=18_240_000_000,
        day_start=1_003_191_000_000,
        drawdown=0.006,
        exposure=0.62,
        day_loss_used=0.0,
    )
    ages = {"ATOM": 4_200, "MKR": 61_000}
    return Desk(
        status=status,
        account=account,
        instruments={symbol_of(c.base): _instrument(c) for c in COINS},
        quotes={symbol_of(c.base): _quote(c, now, ages.get(c.base, 150)) for c in COINS},
        watch={symbol_of(c.base): _watch(c, seed) for seed, c in enumerate(COINS)},
        depths={symbol_of("BTC"): _depth("BTC", now)},
        tapes={symbol_of("BTC"): _tape("BTC", now)},
        boards={symbol_of(c.base): _board(c, seed, now) for seed, c in enumerate(COINS)},
        signals=_signals(now),
        positions=positions,
        orders=_orders(now),
        fills=_fills(now),
        notes=_notes(now),
    )


def _ema(values: list[float], span: int) -> list[float | None]:
    out: list[float | None] = [None] * len(values)
    if len(values) < span:
        return out
    level = sum(values[:span]) / span
    out[span - 1] = level
    for index in range(span, len(values)):
        level += (values[index] - level) * 2.0 / (span + 1)
        out[index] = level
    return out


def sample_bars(symbol: str, timeframe_ms: int, n: int = 300) -> BarsView:
    """A chart that ends at `NOW` at the sample's last price of `symbol`, with three overlays."""
    base = symbol.split("/", maxsplit=1)[0]
    coin = next((c for c in COINS if c.base == base), COINS[0])
    rng = random.Random(f"{base}|{timeframe_ms}")
    scale = math.sqrt(timeframe_ms / 60_000) * 0.0006
    closes = [float(coin.price)]
    for _ in range(n):
        closes.append(closes[-1] * math.exp(rng.gauss(0.00008, scale)))
    closes.reverse()
    digits = decimals_of(coin.tick)
    start = BARS_END - BARS_END % timeframe_ms - (n - 1) * timeframe_ms
    bars = []
    for index in range(n):
        opened, closed = round(closes[index], digits), round(closes[index + 1], digits)
        high = round(max(opened, closed) * (1.0 + abs(rng.gauss(0.0, scale * 0.5))), digits)
        low = round(min(opened, closed) * (1.0 - abs(rng.gauss(0.0, scale * 0.5))), digits)
        volume = 40.0 * math.exp(rng.gauss(0.0, 0.6)) * (1.0 + abs(closed - opened) / opened / scale)
        bars.append(Bar(start + index * timeframe_ms, opened, high, low, closed, volume))
    overlays = {
        "EMA 12": _ema([bar.close for bar in bars], 12),
        "EMA 26": _ema([bar.close for bar in bars], 26),
        "EMA 200": _ema([bar.close for bar in bars], 200),
    }
    return BarsView(symbol=symbol, timeframe_ms=timeframe_ms, bars=bars, overlays=overlays)


def idle_desk() -> Desk:
    """An engine that runs and has done nothing yet."""
    desk = empty_desk()
    desk.status = msgspec.structs.replace(desk.status, ready=True, feed_up=True, venue_up=True, pid=4711)
    return desk
