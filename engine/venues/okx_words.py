"""OKX's words for orders, fills and positions of swaps, and ours. Pure.

Quantities travel in contracts. A lot of ours is OKX's `lotSz` contracts, so lots and contracts map without rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.money import Money, to_money
from engine.model.order import CONDITIONAL, Fill, OrderKind, OrderRequest, OrderStatus, Side
from engine.model.venue import VenueOrder, VenuePosition
from engine.venues.account_api import Found
from engine.venues.asked import asked
from engine.venues.okx_ids import from_okx, to_okx

KINDS = {OrderKind.MARKET: "market", OrderKind.LIMIT: "limit", OrderKind.POST_ONLY: "post_only"}
OPEN = frozenset({"live", "partially_filled"})
CANCELED = frozenset({"canceled", "mmp_canceled"})
ALGO_OPEN = frozenset({"live", "pause", "partially_effective"})
BY_USER = "1"
POST_ONLY_WOULD_TAKE = "31"
ALGO = "algo:"


def lot_in_coins(row: dict[str, Any]) -> Decimal:
    """What one lot of a listed swap is worth in coins."""
    return Decimal(row["ctVal"]) * Decimal(row["ctMult"] or "1") * Decimal(row["lotSz"])


class Words:
    """Translates for a set of contracts.

    Args:
        instruments: the contracts that are traded.
    """

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.by_id = {i.venue_id: i for i in instruments}
        self.by_symbol = {i.symbol: i for i in instruments}
        self._contracts: dict[str, Decimal] = {}

    def list_contracts(self, rows: list[dict[str, Any]]) -> None:
        """Learn how many contracts a lot is; refuses a contract that is not what it was when it was listed for us."""
        for row in rows:
            instrument = self.by_id.get(row["instId"])
            if instrument is None:
                continue
            if lot_in_coins(row) != instrument.lot_size:
                text = (
                    f"{instrument.symbol}: a lot is {lot_in_coins(row):f} coins at OKX and {instrument.lot_size:f} here"
                )
                raise VenueRejected(f"{text}; start again to read the contracts anew", "contract")
            self._contracts[instrument.venue_id] = Decimal(row["lotSz"])
        missing = [name for name in self.by_id if name not in self._contracts]
        if missing:
            raise VenueRejected(f"OKX does not list {missing[0]} any more", "contract")

    def venue_id(self, symbol: str) -> str:
        """OKX's name of a symbol."""
        return self.by_symbol[symbol].venue_id

    def contracts(self, symbol: str, lots: int) -> str:
        """Lots as a number of contracts."""
        return f"{(self._contracts[self.venue_id(symbol)] * lots).normalize():f}"

    def lots(self, venue_id: str, contracts: str) -> int:
        """A number of contracts as whole lots."""
        return int(Decimal(contracts or "0") / self._contracts[venue_id])

    def order(self, request: OrderRequest) -> dict[str, str]:
        """The parameters of a new order: a plain one, or for the conditional kinds one of the algo endpoint."""
        instrument = self.by_symbol[request.symbol]
        params = {
            "instId": instrument.venue_id,
            "tdMode": "isolated",
            "side": request.side.name.lower(),
            "sz": self.contracts(request.symbol, request.lots),
        }
        if request.reduce_only:
            params["reduceOnly"] = "true"
        if request.kind not in CONDITIONAL:
            if request.price is not None:
                params["px"] = f"{instrument.price(request.price):f}"
            return params | {"ordType": KINDS[request.kind], "clOrdId": to_okx(request.client_id)}
        leg = "sl" if request.kind is OrderKind.STOP_MARKET else "tp"
        name = to_okx(request.client_id)
        return params | {
            "ordType": "conditional",
            "algoClOrdId": name,
            "clOrdId": name,  # or ccxt makes one up
            f"{leg}TriggerPx": f"{instrument.price(request.trigger or 0):f}",
            f"{leg}TriggerPxType": "mark",
            f"{leg}OrdPx": "-1",
        }

    def client_id(self, row: dict[str, Any]) -> str:
        """Our id of an order; one that a conditional order of ours became bears that one's."""
        own = row.get("algoClOrdId") or row.get("clOrdId") or ""
        return from_okx(own) if own else f"okx:{row.get('ordId') or row.get('algoId')}"

    def fill(self, row: dict[str, Any], client_id: str, fee: str) -> Fill:
        """An execution, of the stream or of REST; OKX's `fee` is negative where it is paid."""
        instrument = self.by_id[row["instId"]]
        return Fill(
            trade_id=row["tradeId"],
            client_id=client_id,
            symbol=instrument.symbol,
            side=Side[row["side"].upper()],
            ticks=instrument.nearest_ticks(Decimal(row["fillPx"])),
            lots=self.lots(instrument.venue_id, row["fillSz"]),
            fee=-to_money(fee or "0"),
            maker=row.get("execType") == "M",
            venue_time=int(row.get("fillTime") or row["ts"]),
        )

    def open_order(self, row: dict[str, Any]) -> VenueOrder:
        """A plain order that works."""
        instrument = self.by_id[row["instId"]]
        lots = self.lots(row["instId"], row.get("sz") or "0")
        return VenueOrder(
            client_id=self.client_id(row),
            venue_id=row["ordId"],
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=self.lots(row["instId"], row["accFillSz"]),
            reduce_only=row.get("reduceOnly") == "true",
            venue_time=int(row["uTime"]),
            **asked(instrument, row.get("side"), lots, row.get("px")),
        )

    def open_algo(self, row: dict[str, Any]) -> VenueOrder:
        """A conditional order that waits."""
        instrument = self.by_id[row["instId"]]
        trigger = row.get("slTriggerPx") or row.get("tpTriggerPx") or row.get("triggerPx")
        lots = self.lots(row["instId"], row.get("sz") or "0")
        return VenueOrder(
            client_id=self.client_id(row),
            venue_id=f"{ALGO}{row['algoId']}",
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=0,
            reduce_only=row.get("reduceOnly") == "true",
            venue_time=int(row.get("uTime") or row["cTime"]),
            conditional=True,
            **asked(instrument, row.get("side"), lots, "", trigger),
        )

    def position(self, row: dict[str, Any]) -> VenuePosition:
        """A net position; lots are 0 for a contract that is not traded here."""
        instrument, entry = self.by_id.get(row["instId"]), float(row["avgPx"] or 0)
        if instrument is None:
            return VenuePosition(symbol=row["instId"], lots=0, entry=entry)
        leverage = int(float(row.get("lever") or 1))
        lots = self.lots(instrument.venue_id, row["pos"])
        return VenuePosition(symbol=instrument.symbol, lots=lots, entry=entry, leverage=leverage)

    def found(self, row: dict[str, Any], fills: tuple[Fill, ...] = ()) -> Found:
        """What a plain order's row says became of it."""
        state, venue_id, time = row["state"], row["ordId"], int(row["uTime"])
        if state in OPEN:
            return Found(status=OrderStatus.WORKING, venue_id=venue_id, venue_time=time, fills=fills)
        if state not in CANCELED:
            return Found(status=OrderStatus.FILLED, venue_id=venue_id, venue_time=time, fills=fills)
        source = row.get("cancelSource") or ""
        if source == POST_ONLY_WOULD_TAKE:
            reason = "the post-only order would have taken: move its price away from the market"
            code = f"cancelSource {source}"
            return Found(status=OrderStatus.REJECTED, venue_id=venue_id, venue_time=time, reason=reason, code=code)
        status = OrderStatus.CANCELED if source == BY_USER else OrderStatus.EXPIRED
        reason = "cancelled" if source == BY_USER else f"cancelled by the exchange (cancelSource {source})"
        return Found(status=status, venue_id=venue_id, venue_time=time, fills=fills, reason=reason)


def wallet(balance: list[dict[str, Any]], positions: list[dict[str, Any]]) -> Money:
    """Realised cash in USDT: what lies in the account, and what isolated positions hold as margin."""
    details = [row for account in balance for row in account["details"] if row["ccy"] == "USDT"]
    cash = sum(to_money(row["cashBal"] or "0") for row in details)
    held = (row for row in positions if row["mgnMode"] == "isolated" and row.get("ccy", "USDT") == "USDT")
    return cash + sum(to_money(row["margin"] or "0") for row in held)
