"""The market's messages in Bybit's words: books, trades, tickers and bars of one symbol."""

from __future__ import annotations

import orjson

from engine.model.market import TIMEFRAMES, Bar
from engine.simulator.account import funding_rate_e8
from engine.simulator.bybit_words import INTERVALS
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.market import Step
from engine.simulator.sockets import Hub
from engine.simulator.symbol_stream import SymbolStream
from engine.simulator.wire import exact, money_text

PREFIX = "bybit:"
DEPTHS = {"orderbook.1": 1, "orderbook.50": 20}
_LENGTHS = {f"kline.{name}": TIMEFRAMES[ours] for name, ours in INTERVALS.items()}
CHANNELS = frozenset({*DEPTHS, *_LENGTHS, "tickers", "publicTrade"})


class BybitStreams(SymbolStream):
    """See `SymbolStream`."""

    def __init__(self, exchange: Exchange, symbol: str, candles: Candles, hub: Hub) -> None:
        super().__init__(exchange, symbol, candles, hub, PREFIX, exchange.instruments[symbol].venue_id)

    def say_top(self, at: int) -> None:
        """Order books, always whole."""
        for channel, levels in DEPTHS.items():
            if channel in self.wanted:
                self._say(channel, self.book(levels), at, {"cts": at})

    def say_trade(self, step: Step) -> None:
        """Trades, and the running bars."""
        if "publicTrade" in self.wanted:
            row = {
                "T": step.at,
                "s": self.name,
                "S": "Sell" if step.buyer_maker else "Buy",
                "v": self.wire.quantity(step.trade_lots),
                "p": self.wire.price(step.trade),
                "L": "ZeroPlusTick",
                "i": str(self.trade_id),
                "BT": False,
            }
            self._say("publicTrade", [row], step.at)
        for channel in self.wanted & _LENGTHS.keys():
            bar = self.candles.running(_LENGTHS[channel])
            if bar is not None:
                self._say_bar(channel, bar, step.at, closed=False)

    def say_closed(self, bar: Bar, at: int) -> None:
        """The bars that close with the base bar, and how the longer ones stand."""
        for channel in self.wanted & _LENGTHS.keys():
            shown, closed = self.longer(bar, _LENGTHS[channel])
            self._say_bar(channel, shown, at, closed=closed)

    def say_second(self, at: int) -> None:
        """Tickers, with the mark price."""
        if "tickers" in self.wanted:
            self._say("tickers", self.ticker(at), at, {"cs": self.update})

    def book(self, levels: int) -> dict[str, object]:
        """An order book: price and size."""
        bids, asks = self.depth(levels)
        return {
            "s": self.name,
            "b": [[self.wire.price(ticks), self.wire.quantity(lots)] for ticks, lots in bids],
            "a": [[self.wire.price(ticks), self.wire.quantity(lots)] for ticks, lots in asks],
            "u": self.update,
            "seq": self.update,
        }

    def ticker(self, at: int) -> dict[str, object]:
        """The day so far, mark and funding."""
        first, high, low, last, volume = self.candles.day(at)
        bid, bid_lots, ask, ask_lots = self.top
        mark = self.wire.price(self.exchange.account.holdings[self.symbol].mark)
        funding = self.exchange.next_funding()
        return {
            "symbol": self.name,
            "lastPrice": exact(last),
            "markPrice": mark,
            "indexPrice": mark,
            "prevPrice24h": exact(first),
            "price24hPcnt": f"{(last - first) / first if first else 0.0:.6f}",
            "highPrice24h": exact(high),
            "lowPrice24h": exact(low),
            "volume24h": exact(volume),
            "turnover24h": exact(round(volume * last, 8)),
            "openInterest": "0",
            "openInterestValue": "0",
            "fundingRate": money_text(funding_rate_e8(self.symbol, funding)),
            "nextFundingTime": str(funding),
            "bid1Price": self.wire.price(bid),
            "bid1Size": self.wire.quantity(bid_lots),
            "ask1Price": self.wire.price(ask),
            "ask1Size": self.wire.quantity(ask_lots),
        }

    def _say_bar(self, channel: str, bar: Bar, at: int, *, closed: bool) -> None:
        row = {
            "start": bar.open_time,
            "end": bar.open_time + _LENGTHS[channel] - 1,
            "interval": channel.removeprefix("kline."),
            "open": exact(bar.open),
            "close": exact(bar.close),
            "high": exact(bar.high),
            "low": exact(bar.low),
            "volume": exact(bar.volume),
            "turnover": exact(round(bar.volume * bar.close, 8)),
            "confirm": closed,
            "timestamp": at,
        }
        self._say(channel, [row], at)

    def _say(self, channel: str, data: object, at: int, more: dict[str, object] | None = None) -> None:
        message = {"topic": f"{channel}.{self.name}", "type": "snapshot", "ts": at, "data": data} | (more or {})
        self.publish(channel, orjson.dumps(message))
