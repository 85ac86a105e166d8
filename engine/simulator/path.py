"""The path of prices inside a bar: trades that touch exactly its open, high, low and close."""

from __future__ import annotations

from random import Random

LOW_FIRST_WHEN_UP = 0.7


def pivots(open_: int, high: int, low: int, close: int, dice: Random) -> tuple[int, int, int, int]:
    """Open, the two extremes in a plausible order (an up bar usually falls first), close; ticks."""
    low_first = dice.random() < (LOW_FIRST_WHEN_UP if close >= open_ else 1.0 - LOW_FIRST_WHEN_UP)
    return (open_, low, high, close) if low_first else (open_, high, low, close)


def walk(open_: int, high: int, low: int, close: int, count: int, dice: Random) -> list[int]:
    """`count` >= 4 trade prices, ticks: the four pivots with a noisy walk between them, never outside [low, high]."""
    corners = pivots(open_, high, low, close, dice)
    if count <= 4:
        return list(corners)
    first = 1 + dice.randrange(max(1, (count - 3) // 2 + 1))
    second = first + 1 + dice.randrange(max(1, count - 2 - first))
    places = (0, first, second, count - 1)
    noise = max(1.0, (high - low) * 0.12)
    prices: list[int] = []
    for leg in range(3):
        begin, end = places[leg], places[leg + 1]
        start, stop = corners[leg], corners[leg + 1]
        span = end - begin
        wander = 0.0
        prices.append(start)
        for k in range(1, span):
            wander = wander * 0.8 + (dice.random() - 0.5) * noise
            price = round(start + (stop - start) * k / span + wander)
            prices.append(low if price < low else min(price, high))
    prices.append(close)
    return prices


def shares(total: int, count: int) -> list[int]:
    """`total` lots over `count` trades, as even as whole lots go, at least one each."""
    each, rest = divmod(max(total, count), count)
    return [each + (k < rest) for k in range(count)]
