"""How long Bybit wants to be left alone: told by its own clock, whatever ours says."""

from __future__ import annotations

import pytest

from engine.venues.bybit_manners import BYBIT, DEFAULT_RETRY_MS

RESET = "x-bapi-limit-reset-timestamp"
LONG_AGO = 1_600_000_000_000


@pytest.mark.parametrize(
    ("headers", "body", "wait_ms"),
    [
        ({RESET: str(LONG_AGO + 700)}, f'{{"retCode":10006,"time":{LONG_AGO}}}', 700),
        ({RESET: str(LONG_AGO)}, f'{{"retCode":10006,"time":{LONG_AGO + 5}}}', 1),
        ({RESET: str(LONG_AGO + 700)}, '{"retCode":10006}', DEFAULT_RETRY_MS),
        ({RESET: str(LONG_AGO + 700)}, "<html>", DEFAULT_RETRY_MS),
        ({RESET: "soon"}, f'{{"time":{LONG_AGO}}}', DEFAULT_RETRY_MS),
        ({"retry-after": "600"}, "access too frequent", 600_000),
        ({}, "", DEFAULT_RETRY_MS),
    ],
)
def test_the_wait_is_counted_by_the_clock_of_the_answer(headers: dict[str, str], body: str, wait_ms: int) -> None:
    assert BYBIT.retry_ms(headers, body) == wait_ms
