"""What a person can mend is answered with the venue's own code and one sentence on what to do, on every venue."""

from __future__ import annotations

import ccxt
import pytest

from engine.errors import VenueError
from engine.venues.binance_manners import BINANCE
from engine.venues.bybit_manners import BYBIT
from engine.venues.ccxt_errors import translated
from engine.venues.manners import Manners
from engine.venues.okx_manners import OKX

CASES: dict[str, dict[str, tuple[str, ...]]] = {
    "wrong key": {"binance": ("-2014", "-2015"), "okx": ("50111",), "bybit": ("10003",)},
    "wrong secret": {"binance": ("-1022",), "okx": ("50113",), "bybit": ("10004",)},
    "missing permission": {"binance": ("-2015",), "okx": ("50120",), "bybit": ("10005",)},
    "address not allowed": {"binance": ("-2015",), "okx": ("50110",), "bybit": ("10010",)},
    "expired key": {"binance": ("-2015",), "okx": ("50119",), "bybit": ("33004",)},
    "wrong passphrase": {"okx": ("50105",)},
    "hedge mode": {"binance": ("-4061",), "okx": ("51000",), "bybit": ("110025",)},
    "unsupported symbol": {"binance": ("-1121",), "okx": ("51001",), "bybit": ("10001", "10029")},
    "insufficient margin": {"binance": ("-2018", "-2019"), "okx": ("51008", "51131"), "bybit": ("110007", "110004")},
    "price outside the band": {"binance": ("-4016", "-4024"), "okx": ("51006", "51136", "51137"), "bybit": ("110003",)},
    "minimum notional": {"binance": ("-4164",), "okx": ("51020",), "bybit": ("110094",)},
    "nothing to reduce": {"binance": ("-2022",), "okx": ("51169",), "bybit": ("110017",)},
}
VENUES = {"binance": BINANCE, "okx": OKX, "bybit": BYBIT}
ROWS = [
    pytest.param(VENUES[venue], code, id=f"{case}, {venue} {code}")
    for case, by_venue in CASES.items()
    for venue, codes in by_venue.items()
    for code in codes
]


def body(venue: str, code: str) -> str:
    """An answer as the venue words it."""
    if venue == "okx":
        return f'okx {{"code":"1","data":[{{"sCode":"{code}","sMsg":"The venue says no."}}],"msg":"All failed"}}'
    if venue == "bybit":
        return f'bybit {{"retCode":{code},"retMsg":"The venue says no.","result":{{}}}}'
    return f'binanceusdm {{"code":{code},"msg":"The venue says no."}}'


@pytest.mark.parametrize(("manners", "code"), ROWS)
def test_the_venues_code_and_one_sentence_on_what_to_do(manners: Manners, code: str) -> None:
    error = translated(ccxt.ExchangeError(body(manners.name, code)), manners.codes)
    assert isinstance(error, VenueError)
    assert error.code == code
    words, _, advice = str(error).partition("The venue says no: ")
    assert advice.startswith(manners.codes.advice[code])
    assert len(advice) > 10
    assert "\n" not in words + advice
