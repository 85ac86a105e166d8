"""Account endpoints of Bybit: key, margin mode, wallet, positions, leverage, fees."""

from __future__ import annotations

from typing import Any

from engine.errors import VenueRejected
from engine.model.money import PPM
from engine.simulator.bybit_market import contract_of
from engine.simulator.bybit_words import position_row
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import money_text


def query_api(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET user/query-api: what the key may do."""
    return {
        "id": "1",
        "note": "simulated",
        "apiKey": sim.keys.api_key,
        "readOnly": 0 if sim.rights.trade else 1,
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Wallet": ["AccountTransfer", "Withdraw"] if sim.rights.withdraw else ["AccountTransfer"],
            "Spot": [],
            "Derivatives": [],
        },
        "ips": list(sim.rights.addresses) or ["*"],
        "type": 1,
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "isMaster": True,
        "expiredAt": "2099-01-01T00:00:00Z",
    }


def info(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET account/info: a unified account and its margin mode."""
    return {
        "marginMode": sim.bybit_margin_mode,
        "unifiedMarginStatus": 5,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "updatedTime": str(sim.exchange.now),
    }


def set_margin_mode(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST account/set-margin-mode."""
    mode = params.text("setMarginMode")
    if mode not in {"ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"}:
        raise VenueRejected("params error: setMarginMode invalid", "10001")
    sim.bybit_margin_mode = mode
    return {"reasons": []}


def wallet_balance(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET account/wallet-balance: one coin."""
    state = sim.exchange.account
    coin = {
        "coin": "USDT",
        "walletBalance": money_text(state.wallet),
        "equity": money_text(state.balance),
        "usdValue": money_text(state.balance),
        "unrealisedPnl": money_text(state.unrealised),
        "totalPositionIM": money_text(state.margin),
        "totalPositionMM": money_text(state.maintenance),
        "totalOrderIM": "0",
        "availableToWithdraw": "",
        "locked": "0",
        "borrowAmount": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
    }
    account = {
        "accountType": "UNIFIED",
        "totalWalletBalance": money_text(state.wallet),
        "totalEquity": money_text(state.balance),
        "totalAvailableBalance": money_text(max(0, sim.exchange.available)),
        "totalPerpUPL": money_text(state.unrealised),
        "coin": [coin],
    }
    return {"list": [account]}


def positions(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET position/list: of one symbol, open or not (two sides in hedge mode); else those that are open."""
    name, wires = params.maybe("symbol"), sim.exchange.wires
    rows: list[dict[str, object]] = []
    if name:
        symbol = contract_of(sim, params).symbol
        indices = (1, 2) if sim.exchange.hedged else (0,)
        rows = [position_row(sim.exchange.account.holdings[symbol], wires[symbol], index) for index in indices]
    elif not params.maybe("settleCoin"):
        raise VenueRejected("Missing some parameters that must be filled in, symbol or settleCoin", "10001")
    else:
        held = sim.exchange.account.holdings.items()
        rows = [position_row(holding, wires[symbol]) for symbol, holding in held if holding.lots]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def set_leverage(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST position/set-leverage; refused (110043) when it is that already."""
    instrument = contract_of(sim, params)
    buy, sell = params.needed("buyLeverage"), params.needed("sellLeverage")
    if buy != sell:
        raise VenueRejected("buy and sell leverage must be equal in one-way mode", "10001")
    if sim.exchange.account.holdings[instrument.symbol].leverage == buy:
        raise VenueRejected("leverage not modified", "110043")
    sim.exchange.set_leverage(instrument.symbol, buy)
    return {}


def switch_mode(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """POST position/switch-mode: 0 one-way, 3 hedge."""
    try:
        sim.exchange.set_hedge_mode(hedged=params.needed("mode") == 3)
    except VenueRejected as refused:
        code = "110025" if refused.code == "-4059" else "110024"
        raise VenueRejected("position mode is not modified", code) from refused
    return {}


def fee_rate(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET account/fee-rate."""
    instrument = contract_of(sim, params)
    maker, taker = (f"{ppm / PPM:.6f}" for ppm in (instrument.maker_ppm, instrument.taker_ppm))
    return {"list": [{"symbol": instrument.venue_id, "makerFeeRate": maker, "takerFeeRate": taker}]}


def coins(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET asset/coin/query-info: none to move."""
    return {"rows": []}
