"""Account endpoints of Binance USD-M: balances, positions, leverage, fees, income, listen keys."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import VenueRejected
from engine.model.money import Money
from engine.simulator.account import Holding
from engine.simulator.orders import Income
from engine.simulator.parameters import Parameters
from engine.simulator.rest_market import fee_rate
from engine.simulator.simulation import Simulation
from engine.simulator.wire import money_text


def account(sim: Simulation, params: Parameters) -> object:
    """GET account, version 3: only positions that are open or have orders."""
    return _account(sim, _in_use(sim))


def account_v2(sim: Simulation, params: Parameters) -> object:
    """GET account, version 2: every symbol."""
    return _account(sim, sim.exchange.account.holdings.values())


def balance(sim: Simulation, params: Parameters) -> object:
    """GET balance."""
    state = sim.exchange.account
    row = {
        "accountAlias": "sim",
        "asset": "USDT",
        "balance": money_text(state.wallet),
        "crossWalletBalance": money_text(state.wallet - state.margin),
        "crossUnPnl": money_text(0),
        "availableBalance": money_text(max(0, sim.exchange.available)),
        "maxWithdrawAmount": money_text(max(0, sim.exchange.available)),
        "marginAvailable": True,
        "updateTime": sim.exchange.now,
    }
    return [row]


def _account(sim: Simulation, holdings: Iterable[Holding]) -> dict[str, object]:
    state = sim.exchange.account
    waiting: Money = sum(sim.exchange.order_margin(order) for order in sim.exchange.active())
    available = money_text(max(0, sim.exchange.available))
    asset: dict[str, object] = {
        "asset": "USDT",
        "walletBalance": money_text(state.wallet),
        "unrealizedProfit": money_text(state.unrealised),
        "marginBalance": money_text(state.balance),
        "maintMargin": money_text(state.maintenance),
        "initialMargin": money_text(state.margin + waiting),
        "positionInitialMargin": money_text(state.margin),
        "openOrderInitialMargin": money_text(waiting),
        "crossWalletBalance": money_text(state.wallet - state.margin),
        "crossUnPnl": money_text(0),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "marginAvailable": True,
        "updateTime": sim.exchange.now,
    }
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": sim.exchange.now,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "totalInitialMargin": asset["initialMargin"],
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": asset["walletBalance"],
        "totalUnrealizedProfit": asset["unrealizedProfit"],
        "totalMarginBalance": asset["marginBalance"],
        "totalPositionInitialMargin": asset["positionInitialMargin"],
        "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
        "totalCrossWalletBalance": asset["crossWalletBalance"],
        "totalCrossUnPnl": asset["crossUnPnl"],
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "assets": [asset],
        "positions": [_position(sim, holding) for holding in holdings],
    }


def _in_use(sim: Simulation) -> list[Holding]:
    with_orders = {order.new.symbol for order in sim.exchange.active()}
    return [h for h in sim.exchange.account.holdings.values() if h.lots or h.instrument.symbol in with_orders]


def _position(sim: Simulation, holding: Holding) -> dict[str, object]:
    """The fields that account and positionRisk share."""
    wire = sim.exchange.wires[holding.instrument.symbol]
    margin = money_text(holding.margin)
    return {
        "symbol": holding.instrument.venue_id,
        "positionSide": "BOTH",
        "positionAmt": wire.quantity(holding.lots),
        "unrealizedProfit": money_text(holding.unrealised),
        "isolatedMargin": money_text(holding.margin + holding.unrealised if holding.lots else 0),
        "notional": money_text(holding.notional),
        "isolatedWallet": margin,
        "initialMargin": margin,
        "maintMargin": money_text(holding.maintenance),
        "positionInitialMargin": margin,
        "openOrderInitialMargin": "0",
        "leverage": str(holding.leverage),
        "isolated": True,
        "entryPrice": wire.entry(holding.cost, holding.lots),
        "breakEvenPrice": wire.entry(holding.cost, holding.lots),
        "maxNotional": "100000000",
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": holding.updated,
    }


def position_risk(sim: Simulation, params: Parameters) -> object:
    """GET positionRisk, version 3: only positions that are open or have orders."""
    return _risk(sim, params, _in_use(sim))


def position_risk_v2(sim: Simulation, params: Parameters) -> object:
    """GET positionRisk, version 2: every symbol."""
    return _risk(sim, params, sim.exchange.account.holdings.values())


def _risk(sim: Simulation, params: Parameters, holdings: Iterable[Holding]) -> list[dict[str, object]]:
    name = params.maybe("symbol")
    if name:
        holdings = [sim.exchange.account.holdings[sim.instrument(name).symbol]]
    rows = []
    for holding in holdings:
        wire = sim.exchange.wires[holding.instrument.symbol]
        position = _position(sim, holding)
        position["unRealizedProfit"] = position.pop("unrealizedProfit")
        rows.append(
            position
            | {
                "markPrice": wire.price(holding.mark),
                "liquidationPrice": wire.price(holding.liquidation or 0),
                "marginType": "isolated",
                "isAutoAddMargin": "false",
                "maxNotionalValue": "100000000",
                "marginAsset": "USDT",
                "adl": 1,
                "adlQuantile": 1,
            }
        )
    return rows


def leverage(sim: Simulation, params: Parameters) -> object:
    """POST leverage."""
    instrument = sim.instrument(params.text("symbol"))
    value = params.needed("leverage")
    sim.exchange.set_leverage(instrument.symbol, value)
    return {"symbol": instrument.venue_id, "leverage": value, "maxNotionalValue": "100000000"}


def margin_type(sim: Simulation, params: Parameters) -> object:
    """POST marginType: to isolated margin, and never back."""
    symbol = sim.instrument(params.text("symbol")).symbol
    if params.text("marginType") == "ISOLATED":
        if symbol not in sim.crossed:
            raise VenueRejected("No need to change margin type.", "-4046")
        sim.crossed.remove(symbol)
        return {"code": 200, "msg": "success"}
    raise VenueRejected("Margin type cannot be changed: this simulated account holds isolated margin.", "-4048")


def position_mode(sim: Simulation, params: Parameters) -> object:
    """GET positionSide/dual: one-way or hedge."""
    return {"dualSidePosition": sim.exchange.hedged}


def set_position_mode(sim: Simulation, params: Parameters) -> object:
    """POST positionSide/dual."""
    sim.exchange.set_hedge_mode(hedged=params.flag("dualSidePosition"))
    return {"code": 200, "msg": "success"}


def leverage_bracket(sim: Simulation, params: Parameters) -> object:
    """GET leverageBracket: one bracket a symbol."""
    name = params.maybe("symbol")
    asked = [sim.instrument(name)] if name else list(sim.exchange.instruments.values())
    return [
        {
            "symbol": instrument.venue_id,
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": instrument.max_leverage,
                    "notionalCap": 100_000_000,
                    "notionalFloor": 0,
                    "maintMarginRatio": instrument.maintenance_ppm / 1_000_000,
                    "cum": 0.0,
                }
            ],
        }
        for instrument in asked
    ]


def commission_rate(sim: Simulation, params: Parameters) -> object:
    """GET commissionRate."""
    instrument = sim.instrument(params.text("symbol"))
    return {
        "symbol": instrument.venue_id,
        "makerCommissionRate": fee_rate(instrument.maker_ppm),
        "takerCommissionRate": fee_rate(instrument.taker_ppm),
    }


def symbol_config(sim: Simulation, params: Parameters) -> object:
    """GET symbolConfig."""
    name = params.maybe("symbol")
    asked = [sim.instrument(name)] if name else list(sim.exchange.instruments.values())
    return [
        {
            "symbol": instrument.venue_id,
            "marginType": "ISOLATED",
            "isAutoAddMargin": "false",
            "leverage": sim.exchange.account.holdings[instrument.symbol].leverage,
            "maxNotionalValue": "100000000",
        }
        for instrument in asked
    ]


def account_config(sim: Simulation, params: Parameters) -> object:
    """GET accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def income(sim: Simulation, params: Parameters) -> object:
    """GET income, oldest first."""
    name, kind = params.maybe("symbol"), params.maybe("incomeType")
    symbol = sim.instrument(name).symbol if name else ""
    since, until = params.whole("startTime") or 0, params.whole("endTime")
    rows = [
        row
        for row in sim.exchange.income
        if row.time >= since
        and (until is None or row.time <= until)
        and (not symbol or row.symbol == symbol)
        and (not kind or row.kind == kind)
    ]
    limit = params.limit(100, 1000)
    chosen = rows[:limit] if since else rows[-limit:]
    return [_income(sim, row) for row in chosen]


def _income(sim: Simulation, row: Income) -> dict[str, object]:
    return {
        "symbol": sim.exchange.instruments[row.symbol].venue_id,
        "incomeType": row.kind,
        "income": money_text(row.amount),
        "asset": "USDT",
        "info": row.kind,
        "time": row.time,
        "tranId": row.tran_id,
        "tradeId": row.trade_id,
    }


def create_listen_key(sim: Simulation, params: Parameters) -> object:
    """POST listenKey."""
    return {"listenKey": sim.users.create_key()}


def extend_listen_key(sim: Simulation, params: Parameters) -> object:
    """PUT listenKey."""
    return {"listenKey": sim.users.extend_key()}


def close_listen_key(sim: Simulation, params: Parameters) -> object:
    """DELETE listenKey."""
    sim.users.close_key()
    return {}
