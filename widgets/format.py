"""Numbers and times as text. Pure; fixed-width variants never change their width, so that columns never jump."""

from __future__ import annotations

from engine.model.money import MONEY_SCALE, Money
from engine.view import InstrumentView

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
UNKNOWN = "-"


def fixed(text: str, width: int) -> str:
    """`text` right-aligned in exactly `width` characters; what does not fit ends in an ellipsis."""
    return text.rjust(width) if len(text) <= width else text[: max(0, width - 1)] + "…"


def left(text: str, width: int) -> str:
    """`text` left-aligned in exactly `width` characters; what does not fit ends in an ellipsis."""
    return text.ljust(width) if len(text) <= width else text[: max(0, width - 1)] + "…"


def base_of(symbol: str) -> str:
    """``BTC`` of ``BTC/USDT:USDT``."""
    return symbol.partition("/")[0]


def price(instrument: InstrumentView | None, ticks: float, width: int = 0) -> str:
    """A price with the contract's decimals and thousands separators.

    Args:
        instrument: the contract; None gives ``-``.
        ticks: price in (possibly fractional) ticks; 0 is not known.
        width: right-align in this many characters, 0 for none.
    """
    text = UNKNOWN
    if instrument is not None and ticks:
        text = f"{ticks * float(instrument.tick_size):,.{instrument.price_decimals}f}"
    return fixed(text, width) if width else text


def quote_price(value: float, decimals: int) -> str:
    """A price given in quote currency."""
    return f"{value:,.{decimals}f}"


def quantity(instrument: InstrumentView | None, lots: int, width: int = 0) -> str:
    """A quantity in base currency with the contract's decimals, without sign."""
    text = UNKNOWN
    if instrument is not None:
        text = f"{abs(lots) * float(instrument.lot_size):,.{instrument.lot_decimals}f}"
    return fixed(text, width) if width else text


def signed(value: float, decimals: int, *, sign: bool) -> str:
    """A number with thousands separators and fixed decimals; `sign` shows a plus too. Zero never has a sign."""
    rounded = round(value, decimals) or 0.0
    return f"{rounded:+,.{decimals}f}" if sign and rounded else f"{rounded:,.{decimals}f}"


def money(value: Money, *, sign: bool = False, decimals: int = 2, width: int = 0) -> str:
    """1e-8 quote units as quote currency with thousands separators; `sign` shows a plus too (never on zero)."""
    text = signed(value / MONEY_SCALE, decimals, sign=sign)
    return fixed(text, width) if width else text


def percent(fraction: float, *, sign: bool = True, decimals: int = 2, width: int = 0) -> str:
    """A fraction as ``+1.24 %``; without `sign` only a minus is shown."""
    text = f"{signed(fraction * 100.0, decimals, sign=sign)} %"
    return fixed(text, width) if width else text


def bps(fraction: float, width: int = 0) -> str:
    """A fraction in basis points: ``0.02 bp``, ``0.3 bp``, ``198 bp``."""
    value = fraction * 10_000.0
    digits = 2 if 0.0 < abs(value) < 0.1 else 1 if abs(value) < 100 else 0
    text = f"{value:.{digits}f} bp"
    return fixed(text, width) if width else text


def duration(ms: int) -> str:
    """A length of time in its largest unit, at most four characters: 0.2s, 12s, 4m, 3h, 9d."""
    ms = max(0, ms)
    if ms < 10 * SECOND_MS:
        return f"{ms // 100 / 10:.1f}s"
    for unit, name, limit in ((SECOND_MS, "s", MINUTE_MS), (MINUTE_MS, "m", HOUR_MS), (HOUR_MS, "h", 2 * DAY_MS)):
        if ms < limit:
            return f"{ms // unit}{name}"
    return f"{min(999, ms // DAY_MS)}d"


def age(ms: int, width: int = 0) -> str:
    """An age in whole seconds and larger units (so that it changes once a second at most): 4s, 12m, 3h."""
    text = f"{max(0, ms) // SECOND_MS}s" if ms < MINUTE_MS else duration(ms)
    return fixed(text, width) if width else text


def countdown(ms: int) -> str:
    """Time left as ``4:12`` or ``1:04:12``; ``0:00`` when it is over. Rounds up, as a clock for people does."""
    seconds = -(-max(0, ms) // SECOND_MS)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def funding(rate: float, left_ms: int) -> str:
    """``+0.0100 % in 3h41`` for what longs pay shorts, a fraction, in so many ms."""
    hours, minutes = divmod(max(0, left_ms) // MINUTE_MS, 60)
    return f"{percent(rate, decimals=4)} in {hours}h{minutes:02d}"


def clock(at: int, *, seconds: bool = True) -> str:
    """Time of day UTC of ms UTC: ``14:03:21`` or ``14:03``."""
    total = at % DAY_MS // SECOND_MS
    text = f"{total // 3600:02d}:{total % 3600 // 60:02d}"
    return f"{text}:{total % 60:02d}" if seconds else text


def compact(value: float) -> str:
    """A size in at most six characters: 950, 12.3k, 4.56M."""
    for limit, scale, unit in ((1e3, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M")):
        if abs(value) < limit:
            scaled = value / scale
            digits = 0 if abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2
            return f"{scaled:.{digits}f}{unit}"
    return f"{value / 1e9:.1f}G"
