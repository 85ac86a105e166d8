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
from tests.engine.venues.mendable import MENDABLE

VENUES = {"binance": BINANCE, "okx": OKX, "bybit": BYBIT}
ROWS = [
    pytest.param(VENUES[venue], code, id=f"{case}, {venue} {code}")
    for case, by_venue in MENDABLE.items()
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
