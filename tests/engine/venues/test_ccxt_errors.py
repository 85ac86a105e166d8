"""What exchanges answer, as ccxt throws it, becomes one of our errors with the exchange's code and a way out."""

from __future__ import annotations

import pytest

from engine.venues.ccxt_errors import translated
from engine.venues.exchanges import EXCHANGES, manners_of

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

BINANCE = [
    ("DDoSProtection", '429 Too Many {"code":-1003,"msg":"Too many requests."}', "VenueRateLimited", "-1003"),
    ("DDoSProtection", '{"code":-2015,"msg":"Invalid API-key, IP, or permissions."}', "VenueRejected", "-2015"),
    ("InvalidNonce", '{"code":-1021,"msg":"Timestamp is off."}', "VenueRejected", "-1021"),
    ("RequestTimeout", "binanceusdm POST https://x", "VenueUnknown", ""),
    ("ExchangeNotAvailable", "binanceusdm POST https://x", "VenueUnknown", ""),
    ("ExchangeNotAvailable", '503 {"code":-1007,"msg":"Timeout."}', "VenueUnknown", "-1007"),
    ("BadResponse", '{"code":-1006,"msg":"Unexpected response."}', "VenueUnknown", "-1006"),
    ("BadResponse", '{"code":-1007,"msg":"Timeout."}', "VenueUnknown", "-1007"),
    ("InvalidOrder", '{"code":-4164,"msg":"Too small."}', "VenueRejected", "-4164"),
    ("InsufficientFunds", '{"code":-2019,"msg":"Margin is insufficient."}', "VenueRejected", "-2019"),
    ("OrderNotFound", '{"code":-2013,"msg":"Order does not exist."}', "VenueRejected", "-2013"),
    ("ExchangeError", "", "VenueRejected", ""),
    ("ExchangeError", "binanceusdm {not json", "VenueRejected", ""),
]
OKX = [
    (
        "InsufficientFunds",
        'okx {"code":"1","data":[{"clOrdId":"a","sCode":"51008","sMsg":"Insufficient USDT"}],"msg":"All failed"}',
        "VenueRejected",
        "51008",
    ),
    (
        "InvalidOrder",
        'okx {"code":"2","data":[{"sCode":"0","sMsg":""},{"sCode":"51020","sMsg":"Too small"}],"msg":""}',
        "VenueRejected",
        "51020",
    ),
    ("OrderNotFound", 'okx {"code":"51603","data":[],"msg":"Order does not exist"}', "VenueRejected", "51603"),
    ("RateLimitExceeded", 'okx {"code":"50011","data":[],"msg":"Too Many Requests"}', "VenueRateLimited", "50011"),
    ("ExchangeError", 'okx {"code":"50061","data":[],"msg":"Order rate limit"}', "VenueRateLimited", "50061"),
    ("RequestTimeout", 'okx {"code":"50004","data":[],"msg":"Endpoint request timeout"}', "VenueUnknown", "50004"),
    ("ExchangeNotAvailable", 'okx {"code":"50013","data":[],"msg":"Systems are busy"}', "VenueUnknown", "50013"),
    ("ExchangeError", 'okx {"code":"50119","data":[],"msg":"API key doesn\'t exist"}', "VenueRejected", "50119"),
    ("InvalidNonce", 'okx {"code":"50102","data":[],"msg":"Timestamp request expired"}', "VenueRejected", "50102"),
    ("NetworkError", "okx GET https://x", "VenueUnknown", ""),
]
BYBIT = [
    ("InsufficientFunds", 'bybit {"retCode":110007,"retMsg":"ab not enough","result":{}}', "VenueRejected", "110007"),
    ("RateLimitExceeded", 'bybit {"retCode":10006,"retMsg":"Too many visits."}', "VenueRateLimited", "10006"),
    ("ExchangeError", 'bybit {"retCode":10429,"retMsg":"System level frequency"}', "VenueRateLimited", "10429"),
    ("RateLimitExceeded", "bybit GET https://x 403 Forbidden <html>", "VenueRateLimited", "429"),
    ("ExchangeError", 'bybit {"retCode":10016,"retMsg":"Server error"}', "VenueUnknown", "10016"),
    ("ExchangeError", 'bybit {"retCode":10000,"retMsg":"Server Timeout"}', "VenueUnknown", "10000"),
    ("AuthenticationError", 'bybit {"retCode":10003,"retMsg":"API key is invalid."}', "VenueRejected", "10003"),
    ("AuthenticationError", 'bybit {"retCode":33004,"retMsg":"Your api key has expired."}', "VenueRejected", "33004"),
    ("InvalidNonce", 'bybit {"retCode":10002,"retMsg":"check your server timestamp"}', "VenueRejected", "10002"),
    ("InvalidOrder", 'bybit {"retCode":110072,"retMsg":"OrderLinkedID is duplicate"}', "VenueRejected", "110072"),
]
CASES = [(name, *case) for name, cases in (("binance", BINANCE), ("okx", OKX), ("bybit", BYBIT)) for case in cases]


@pytest.mark.parametrize(("exchange", "kind", "text", "name", "code"), CASES)
def test_ccxts_exceptions_become_ours(exchange: str, kind: str, text: str, name: str, code: str) -> None:
    import ccxt

    codes = manners_of(exchange).codes
    error = translated(getattr(ccxt, kind)(text), codes)
    assert (type(error).__name__, error.code) == (name, code)
    assert "\n" not in str(error)
    assert error.reason
    if code in codes.advice:
        assert error.reason.endswith(codes.advice[code])


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_codes_of_an_exchange_mean_one_thing_each(exchange: str) -> None:
    codes = manners_of(exchange).codes
    groups = [
        codes.clock,
        codes.duplicate,
        codes.unknown_order,
        codes.no_change,
        codes.key,
        codes.unknown_outcome,
        codes.too_often,
        codes.order_limit,
    ]
    assert sum(len(group) for group in groups) == len(frozenset().union(*groups))


def test_no_two_limits_have_one_name() -> None:
    names = [limit.name for one in EXCHANGES.values() for limit in one.limits]
    assert len(names) == len(set(names))
