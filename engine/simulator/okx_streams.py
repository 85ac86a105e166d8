"""The market's messages in OKX's words: quotes, books, trades, marks, tickers and bars of one symbol."""

from __future__ import annotations

import orjson

from engine.model.market import TIMEFRAMES, Bar
from engine.simulator.account import FUNDING_INTERVAL_MS, funding_rate_e8
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.market import Step
from engine.simulator.okx_words import BARS, LOTS_A_CONTRACT, contracts, inst_id
from engine.simulator.sockets import Hub
from engine.simulator.symbol_stream import SymbolStream
from engine.simulator.wire import exact, money_text

PREFIX = "okx:"
PUBLIC = frozenset({"bbo-tbt", "books5", "tickers", "trades", "mark-price", "funding-rate"})
BUSINESS = frozenset(f"candle{name}" for name in BARS)
_LENGTHS = {f"candle{name}": TIMEFRAMES[ours] for name, ours in BARS.items()}


class OkxStreams(SymbolStream):
    """See `SymbolStream`."""

    def __init__(self, exchange: Exchange, symbol: str, candles: Candles, hub: Hub) -> None:
        super().__init__(exchange, symbol, candles, hub, PREFIX, inst_id(exchange.instruments[symbol]))

    def say_top(self, at: int) -> None:
        """bbo-tbt and books5."""
        for channel, levels in (("bbo-tbt", 1), ("books5", 5)):
            if channel in self.wanted:
                self._say(channel, self.book(levels, at))

    def say_trade(self, step: Step) -> None:
        """Trades, and the running candles."""
        if "trades" in self.wanted:
            row = {
                "instId": self.name,
                "tradeId": str(self.trade_id),
                "px": self.wire.price(step.trade),
                "sz": contracts(step.trade_lots),
                "side": "sell" if step.buyer_maker else "buy",
                "ts": str(step.at),
                "count": "1",
            }
            self._say("trades", row)
        for channel in self.wanted & BUSINESS:
            bar = self.candles.running(_LENGTHS[channel])
            if bar is not None:
                self._say(channel, self._candle(bar, closed=False))

    def say_closed(self, bar: Bar, at: int) -> None:
        """The candles that close with the base bar, and how the longer ones stand."""
        for channel in self.wanted & BUSINESS:
            shown, closed = self.longer(bar, _LENGTHS[channel])
            self._say(channel, self._candle(shown, closed=closed))

    def say_second(self, at: int) -> None:
        """Marks and tickers."""
        if "mark-price" in self.wanted:
            self._say("mark-price", self.mark(at))
        if "funding-rate" in self.wanted:
            self._say("funding-rate", self.funding(at))
        if "tickers" in self.wanted:
            self._say("tickers", self.ticker(at))

    def book(self, levels: int, at: int) -> dict[str, object]:
        """An order book: price, contracts, nothing, orders."""
        bids, asks = self.depth(levels)
        return {
            "asks": [[self.wire.price(ticks), contracts(lots), "0", "1"] for ticks, lots in asks],
            "bids": [[self.wire.price(ticks), contracts(lots), "0", "1"] for ticks, lots in bids],
            "instId": self.name,
            "ts": str(at),
            "seqId": self.update,
        }

    def mark(self, at: int) -> dict[str, object]:
        """The mark price."""
        holding = self.exchange.account.holdings[self.symbol]
        return {"instType": "SWAP", "instId": self.name, "markPx": self.wire.price(holding.mark), "ts": str(at)}

    def funding(self, at: int) -> dict[str, object]:
        """The rate of the next funding time; OKX calls the one after it the next."""
        due = self.exchange.next_funding()
        return {
            "instType": "SWAP",
            "instId": self.name,
            "method": "current_period",
            "fundingRate": money_text(funding_rate_e8(self.symbol, due)),
            "nextFundingRate": "",
            "fundingTime": str(due),
            "nextFundingTime": str(due + FUNDING_INTERVAL_MS),
            "ts": str(at),
        }

    def ticker(self, at: int) -> dict[str, object]:
        """The day so far."""
        first, high, low, last, volume = self.candles.day(at)
        bid, bid_lots, ask, ask_lots = self.top
        lots = volume / float(self.wire.instrument.lot_size)
        return {
            "instType": "SWAP",
            "instId": self.name,
            "last": exact(last),
            "lastSz": "1",
            "askPx": self.wire.price(ask),
            "askSz": contracts(ask_lots),
            "bidPx": self.wire.price(bid),
            "bidSz": contracts(bid_lots),
            "open24h": exact(first),
            "high24h": exact(high),
            "low24h": exact(low),
            "volCcy24h": exact(volume),
            "vol24h": exact(round(lots / LOTS_A_CONTRACT, 8)),
            "sodUtc0": exact(first),
            "sodUtc8": exact(first),
            "ts": str(at),
        }

    def _candle(self, bar: Bar, *, closed: bool) -> list[str]:
        lots = bar.volume / float(self.wire.instrument.lot_size)
        prices = [exact(price) for price in (bar.open, bar.high, bar.low, bar.close)]
        volumes = [exact(round(lots / LOTS_A_CONTRACT, 8)), exact(bar.volume), exact(round(bar.volume * bar.close, 8))]
        return [str(bar.open_time), *prices, *volumes, "1" if closed else "0"]

    def _say(self, channel: str, row: object) -> None:
        message = {"arg": {"channel": channel, "instId": self.name}, "data": [row]}
        self.publish(channel, orjson.dumps(message))
