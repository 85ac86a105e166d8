"""Account endpoints of OKX: balance, positions, configuration, leverage, fees, bills."""

from __future__ import annotations

from engine.errors import VenueRejected
from engine.model.money import PPM, Money
from engine.simulator.okx_market import contract_of
from engine.simulator.okx_words import inst_id, position_row
from engine.simulator.orders import Income
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import money_text

BILL_TYPES = {"REALIZED_PNL": "2", "COMMISSION": "2", "FUNDING_FEE": "8"}


def config(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/config: futures mode, net or hedged positions, and what the key may do."""
    allowed = ["read_only", *(["trade"] if sim.rights.trade else []), *(["withdraw"] if sim.rights.withdraw else [])]
    return [
        {
            "uid": "1",
            "mainUid": "1",
            "acctLv": "2",
            "posMode": "long_short_mode" if sim.exchange.hedged else "net_mode",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "label": "simulated",
            "perm": ",".join(allowed),
            "ip": ",".join(sim.rights.addresses),
            "level": "Lv1",
        }
    ]


def cash(sim: Simulation) -> Money:
    """What lies outside of isolated positions."""
    return sim.exchange.account.wallet - sim.exchange.account.margin


def balance_row(sim_cash: Money, isolated: Money, equity: Money, available: Money, now: int) -> dict[str, object]:
    """The account's one currency."""
    return {
        "ccy": "USDT",
        "cashBal": money_text(sim_cash),
        "eq": money_text(equity),
        "isoEq": money_text(isolated),
        "availBal": money_text(max(0, available)),
        "availEq": money_text(max(0, available)),
        "frozenBal": money_text(isolated),
        "ordFrozen": "0",
        "upl": "0",
        "uTime": str(now),
    }


def balance(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/balance."""
    state, now = sim.exchange.account, sim.exchange.now
    isolated = state.margin + state.unrealised
    row = balance_row(cash(sim), isolated, state.balance, sim.exchange.available, now)
    return [{"uTime": str(now), "totalEq": money_text(state.balance), "isoEq": money_text(isolated), "details": [row]}]


def positions(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/positions: those that are open."""
    name = params.maybe("instId")
    symbol = contract_of(sim, name).symbol if name else ""
    return [
        position_row(holding, sim.exchange.wires[held])
        for held, holding in sim.exchange.account.holdings.items()
        if holding.lots and (not symbol or held == symbol)
    ]


def set_leverage(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """POST account/set-leverage of a contract in isolated margin."""
    instrument = contract_of(sim, params.text("instId"))
    if params.text("mgnMode") != "isolated" or params.maybe("posSide") not in {"", "net"}:
        raise VenueRejected("Parameter mgnMode error", "51000")
    value = params.needed("lever")
    sim.exchange.set_leverage(instrument.symbol, value)
    return [{"instId": inst_id(instrument), "lever": str(value), "mgnMode": "isolated", "posSide": "net"}]


def leverage(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/leverage-info."""
    instrument = contract_of(sim, params.text("instId"))
    value = sim.exchange.account.holdings[instrument.symbol].leverage
    return [{"instId": inst_id(instrument), "lever": str(value), "mgnMode": "isolated", "posSide": "net"}]


def set_position_mode(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """POST account/set-position-mode."""
    mode = params.text("posMode")
    try:
        sim.exchange.set_hedge_mode(hedged=mode == "long_short_mode")
    except VenueRejected as refused:
        if refused.code != "-4059":
            text = "Setting failed. Cancel any open orders, close positions, and stop trading bots first."
            raise VenueRejected(text, "59000") from refused
    return [{"posMode": mode}]


def fees(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/trade-fee: rates that are paid are negative."""
    instrument = next(iter(sim.exchange.instruments.values()))
    maker, taker = (f"{-ppm / PPM:.6f}" for ppm in (instrument.maker_ppm, instrument.taker_ppm))
    return [{"instType": "SWAP", "makerU": maker, "takerU": taker, "level": "Lv1", "ts": str(sim.exchange.now)}]


def bills(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET account/bills of the last week, newest first."""
    kind, begin, end = params.maybe("type"), params.whole("begin") or 0, params.whole("end")
    rows = [
        row
        for row in sim.exchange.income[::-1]
        if (not kind or BILL_TYPES[row.kind] == kind) and row.time >= begin and (end is None or row.time <= end)
    ]
    return [_bill(sim, row) for row in rows[: params.limit(100, 100)]]


def _bill(sim: Simulation, row: Income) -> dict[str, object]:
    return {
        "billId": str(row.tran_id),
        "type": BILL_TYPES[row.kind],
        "subType": ("174" if row.amount > 0 else "173") if row.kind == "FUNDING_FEE" else "1",
        "instType": "SWAP",
        "instId": inst_id(sim.exchange.instruments[row.symbol]),
        "ccy": "USDT",
        "mgnMode": "isolated",
        "balChg": "0",
        "posBalChg": money_text(row.amount),
        "pnl": money_text(row.amount),
        "fee": "0",
        "ts": str(row.time),
    }


def currencies(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET asset/currencies: none to move."""
    return []
