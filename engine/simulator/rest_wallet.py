"""Wallet endpoints of Binance (sapi), as far as a futures client asks for them: coins, margin pairs, the key's rights."""

from __future__ import annotations

from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import money_text


def coins(sim: Simulation, params: Parameters) -> object:
    """GET capital/config/getall: one coin."""
    coin = {
        "coin": "USDT",
        "name": "TetherUS",
        "trading": True,
        "isLegalMoney": False,
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "free": money_text(sim.exchange.account.wallet),
        "locked": "0",
        "freeze": "0",
        "networkList": [],
    }
    return [coin]


def api_restrictions(sim: Simulation, params: Parameters) -> object:
    """GET account/apiRestrictions: what the key may do."""
    return {
        "ipRestrict": bool(sim.rights.addresses),
        "createTime": 0,
        "enableReading": True,
        "enableFutures": sim.rights.trade,
        "enableWithdrawals": sim.rights.withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableSpotAndMarginTrading": False,
        "enableVanillaOptions": False,
    }


def margin_pairs(sim: Simulation, params: Parameters) -> object:
    """GET margin/allPairs: none."""
    return []
