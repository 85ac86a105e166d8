"""The market's messages in Binance's words: encoded once a stream, and only where somebody listens."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from engine.model.market import TIMEFRAMES, Bar
from engine.simulator.account import funding_rate_e8
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.market import Step
from engine.simulator.sockets import Hub
from engine.simulator.wire import Wire, exact, money_text

SECOND_MS = 1_000
DEPTH_LEVELS = 20
EVERY_MS = {"depth@100ms": 100, "depth@500ms": 500, "depth": 250}
ALL_STREAMS = frozenset({"!bookTicker", "!miniTicker@arr", "!ticker@arr", "!markPrice@arr", "!markPrice@arr@1s"})
_PLAIN = ("bookTicker", "miniTicker", "ticker", "markPrice", "markPrice@1s", "aggTrade", "trade")


def known_channels() -> frozenset[str]:
    """What may follow ``symbol@``."""
    klines = {f"kline_{name}" for name in TIMEFRAMES}
    depth = set(EVERY_MS) | {
        f"depth{levels}{suffix}" for levels in (5, 10, 20) for suffix in ("", "@100ms", "@250ms", "@500ms")
    }
    return frozenset(klines | depth | set(_PLAIN))


class SymbolStreams:
    """The streams of one symbol.

    Args:
        exchange: the state that messages speak of.
        symbol: unified symbol.
        candles: its candles.
        hub: the subscribers.
    """

    def __init__(self, exchange: Exchange, symbol: str, candles: Candles, hub: Hub) -> None:
        self._exchange = exchange
        self._symbol = symbol
        self._candles = candles
        self._hub = hub
        self._wire: Wire = exchange.wires[symbol]
        self._id = exchange.instruments[symbol].venue_id
        self._prefix = self._id.lower() + "@"
        self._top = (0, 0, 0, 0)
        self._second = -1
        self._update = 1_000
        self._trade_id = 0
        self._depth_sent: dict[str, tuple[int, int]] = {}
        self._depth_shown: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self._known_version = -1
        self._klines: tuple[tuple[str, int], ...] = ()
        self._depths: tuple[str, ...] = ()
        self._wanted: frozenset[str] = frozenset()

    @property
    def update_id(self) -> int:
        """Number of the newest change of the book."""
        return self._update

    def step(self, step: Step) -> None:
        """Publish what a step changed."""
        if self._hub.version != self._known_version:
            self._look_up()
        top = (step.bid, step.bid_lots, step.ask, step.ask_lots)
        if top != self._top:
            self._top = top
            self._update += 1
            self._publish_top(step.at)
        if not self._wanted:
            return
        closed_before = step.closed is not None and step.at >= step.closed.open_time + self._candles.timeframe_ms
        if step.closed is not None and closed_before:
            self._publish_second(step.at)
            self._publish_closed(step.closed, step.at)
        if step.trade:
            self._publish_trade(step)
        # The mark goes out before the close of a bar, so that whoever decides on the bar has it.
        second = step.at // SECOND_MS
        if second != self._second or (step.closed is not None and not closed_before):
            self._second = second
            self._publish_second(step.at)
        if step.closed is not None and not closed_before:
            self._publish_closed(step.closed, step.at)
        for channel in self._depths:
            self._publish_depth(channel, step.at)

    def _look_up(self) -> None:
        """Which of this symbol's streams have subscribers."""
        self._known_version = self._hub.version
        names = {
            stream.removeprefix(self._prefix)
            for stream in self._hub.subscribers
            if stream.startswith(self._prefix) or stream in ALL_STREAMS
        }
        self._wanted = frozenset(names)
        self._klines = tuple((name, TIMEFRAMES[name[6:]]) for name in names if name.startswith("kline_"))
        self._depths = tuple(name for name in names if name.startswith("depth"))
        for gone in set(self._depth_shown) - set(self._depths):
            del self._depth_shown[gone]

    def _publish_top(self, at: int) -> None:
        if not self._wanted & {"bookTicker", "!bookTicker"}:
            return
        bid, bid_lots, ask, ask_lots = self._top
        wire = self._wire
        data = (
            f'{{"e":"bookTicker","u":{self._update},"E":{at},"T":{at},"s":"{self._id}",'
            f'"b":"{wire.price(bid)}","B":"{wire.quantity(bid_lots)}",'
            f'"a":"{wire.price(ask)}","A":"{wire.quantity(ask_lots)}"}}'
        ).encode()
        self._hub.publish(self._prefix + "bookTicker", data)
        self._hub.publish("!bookTicker", data)

    def _publish_trade(self, step: Step) -> None:
        self._trade_id += 1
        price, size = self._wire.price(step.trade), self._wire.quantity(step.trade_lots)
        maker = "true" if step.buyer_maker else "false"
        number = self._trade_id
        if "aggTrade" in self._wanted:
            text = (
                f'{{"e":"aggTrade","E":{step.at},"s":"{self._id}","a":{number},"p":"{price}","q":"{size}",'
                f'"f":{number},"l":{number},"T":{step.at},"m":{maker}}}'
            )
            self._hub.publish(self._prefix + "aggTrade", text.encode())
        if "trade" in self._wanted:
            text = (
                f'{{"e":"trade","E":{step.at},"T":{step.at},"s":"{self._id}","t":{number},"p":"{price}","q":"{size}",'
                f'"X":"MARKET","m":{maker}}}'
            )
            self._hub.publish(self._prefix + "trade", text.encode())
        for channel, timeframe_ms in self._klines:
            bar = self._candles.running(timeframe_ms)
            if bar is not None:
                self._publish_kline(channel, timeframe_ms, bar, step.at, closed=False)

    def _publish_closed(self, bar: Bar, at: int) -> None:
        """The base bar closed: so do the longer bars that end with it."""
        base = self._candles.timeframe_ms
        end = bar.open_time + base
        for channel, timeframe_ms in self._klines:
            shown = bar if timeframe_ms == base else self._candles.group_of(bar, timeframe_ms)
            self._publish_kline(channel, timeframe_ms, shown, at, closed=end % timeframe_ms == 0)

    def _publish_kline(self, channel: str, timeframe_ms: int, bar: Bar, at: int, *, closed: bool) -> None:
        value = exact(round(bar.volume * bar.close, 8))
        text = (
            f'{{"e":"kline","E":{at},"s":"{self._id}","k":{{"t":{bar.open_time},"T":{bar.open_time + timeframe_ms - 1},'
            f'"s":"{self._id}","i":"{channel[6:]}","f":{self._trade_id},"L":{self._trade_id},"o":"{exact(bar.open)}",'
            f'"c":"{exact(bar.close)}","h":"{exact(bar.high)}","l":"{exact(bar.low)}","v":"{exact(bar.volume)}","n":1,'
            f'"x":{"true" if closed else "false"},"q":"{value}","V":"0","Q":"0","B":"0"}}}}'
        )
        self._hub.publish(self._prefix + channel, text.encode())

    def _publish_second(self, at: int) -> None:
        """What comes once a second: mark price and tickers."""
        makers: tuple[tuple[tuple[str, ...], tuple[str, ...], Callable[[int], dict[str, object]]], ...] = (
            (("markPrice", "markPrice@1s"), ("!markPrice@arr", "!markPrice@arr@1s"), self.mark_price),
            (("miniTicker",), ("!miniTicker@arr",), self.mini_ticker),
            (("ticker",), ("!ticker@arr",), self.ticker),
        )
        for own, everyone, make in makers:
            if not self._wanted.intersection(own) and not self._wanted.intersection(everyone):
                continue
            data = orjson.dumps(make(at))
            for channel in own:
                self._hub.publish(self._prefix + channel, data)
            for channel in everyone:
                self._hub.publish(channel, b"[" + data + b"]")

    def mark_price(self, at: int) -> dict[str, object]:
        """markPriceUpdate; the mark price is the last price on the tick grid."""
        holding = self._exchange.account.holdings[self._symbol]
        price = self._wire.price(holding.mark)
        funding = self._exchange.next_funding()
        return {
            "e": "markPriceUpdate",
            "E": at,
            "s": self._id,
            "p": price,
            "i": price,
            "P": price,
            "r": money_text(funding_rate_e8(self._symbol, funding)),
            "T": funding,
        }

    def mini_ticker(self, at: int) -> dict[str, object]:
        """24hrMiniTicker."""
        first, high, low, last, volume = self._candles.day(at)
        return {
            "e": "24hrMiniTicker",
            "E": at,
            "s": self._id,
            "c": exact(last),
            "o": exact(first),
            "h": exact(high),
            "l": exact(low),
            "v": exact(volume),
            "q": exact(round(volume * last, 8)),
        }

    def ticker(self, at: int) -> dict[str, object]:
        """24hrTicker."""
        mini = self.mini_ticker(at)
        first, _, _, last, _ = self._candles.day(at)
        change = last - first
        return mini | {
            "e": "24hrTicker",
            "p": exact(round(change, 8)),
            "P": f"{change / first * 100 if first else 0.0:.3f}",
            "w": exact(last),
            "Q": "0",
            "O": at - 86_400_000,
            "C": at,
            "F": 0,
            "L": self._trade_id,
            "n": self._trade_id,
        }

    def depth(self, levels: int) -> tuple[list[list[str]], list[list[str]]]:
        """Bids and asks from the top outwards; each further tick holds twice the size, as the matching book executes."""
        bid, bid_lots, ask, ask_lots = self._top
        wire = self._wire
        bids = [[wire.price(bid - i), wire.quantity(bid_lots << min(i, 20))] for i in range(levels) if bid - i > 0]
        asks = [[wire.price(ask + i), wire.quantity(ask_lots << min(i, 20))] for i in range(levels) if ask > 0]
        return bids, asks

    def _publish_depth(self, channel: str, at: int) -> None:
        name, _, pace = channel.partition("@")
        period = int(pace.removesuffix("ms")) if pace else 250
        last_slot, last_update = self._depth_sent.get(channel, (-1, self._update))
        slot = at // period
        if slot == last_slot or (last_slot >= 0 and last_update == self._update):
            return
        levels = int(name[5:] or DEPTH_LEVELS)
        bids, asks = self.depth(levels)
        self._depth_sent[channel] = (slot, self._update)
        if name == "depth":
            bids, asks = self._changes(channel, bids, asks)
        message = {
            "e": "depthUpdate",
            "E": at,
            "T": at,
            "s": self._id,
            "U": last_update + 1 if last_slot >= 0 else self._update,
            "u": self._update,
            "pu": last_update,
            "b": bids,
            "a": asks,
        }
        self._hub.publish(self._prefix + channel, orjson.dumps(message))

    def _changes(
        self, channel: str, bids: list[list[str]], asks: list[list[str]]
    ) -> tuple[list[list[str]], list[list[str]]]:
        """What differs from the levels shown before; a level that is gone has size 0."""
        before = self._depth_shown.get(channel, ({}, {}))
        now = (_by_price(bids), _by_price(asks))
        self._depth_shown[channel] = now
        changed = []
        for old, new in zip(before, now, strict=True):
            rows = [[price, size] for price, size in new.items() if old.get(price) != size]
            changed.append(rows + [[price, "0"] for price in old if price not in new])
        return changed[0], changed[1]


def _by_price(levels: list[list[str]]) -> dict[str, str]:
    return {level[0]: level[1] for level in levels}
