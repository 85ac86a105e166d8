"""Where a client goes and what it signs, without going there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import BadInput
from engine.venues.ccxt_client import RECV_WINDOW_MS, Access, make_client

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s


def rest_of(client: Any, *names: str) -> str:
    """An address of requests."""
    urls = client.urls["api"]
    for name in names:
        urls = urls[name]
    return str(client.implode_hostname(urls))


def binance(client: Any) -> tuple[str, str]:
    return rest_of(client, "fapiPrivate"), client.get_ws_url("linear", "private")


def okx(client: Any) -> tuple[str, str]:
    return rest_of(client, "rest"), client.get_url("", "private")


def bybit(client: Any) -> tuple[str, str]:
    return rest_of(client, "private"), rest_of(client, "ws", "private", "contract")


@pytest.mark.parametrize(
    ("exchange", "network", "addresses", "rest", "ws"),
    [
        ("binance", "live", binance, "https://fapi.binance.com/fapi/v1", "wss://fstream.binance.com/private/ws"),
        ("binance", "testnet", binance, "https://demo-fapi.binance.com/fapi/v1", "binancefuture.com"),
        ("binance", "demo", binance, "https://demo-fapi.binance.com/fapi/v1", "binancefuture.com"),
        ("okx", "live", okx, "https://www.okx.com", "wss://ws.okx.com:443/ws/v5/private"),
        ("okx", "testnet", okx, "https://www.okx.com", "wss://wspap.okx.com:443/ws/v5/private"),
        ("okx", "demo", okx, "https://www.okx.com", "wss://wspap.okx.com:443/ws/v5/private"),
        ("bybit", "live", bybit, "https://api.bybit.com", "wss://stream.bybit.com/v5/private"),
        ("bybit", "testnet", bybit, "https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com/v5/private"),
        ("bybit", "demo", bybit, "https://api-demo.bybit.com", "wss://stream-demo.bybit.com/v5/private"),
    ],
)
async def test_each_network_has_its_hosts(
    exchange: str, network: str, addresses: Callable[[Any], tuple[str, str]], rest: str, ws: str
) -> None:
    client = make_client(Access(exchange=exchange, network=network), {})
    try:
        found = addresses(client)
        assert found[0] == rest
        assert ws in found[1]
        assert (client.headers or {}).get("x-simulated-trading") == (
            "1" if rest_is_simulated(exchange, network) else None
        )
    finally:
        await client.close()


def rest_is_simulated(exchange: str, network: str) -> bool:
    """OKX's demo account is told apart by a header."""
    return exchange == "okx" and network != "live"


@pytest.mark.parametrize(
    ("access", "field"), [(Access(exchange="kraken"), "exchange"), (Access(exchange="okx", network="moon"), "network")]
)
async def test_what_there_is_not_is_refused(access: Access, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        make_client(access, {})
    assert refused.value.field == field


async def test_an_order_at_okx_is_void_after_the_receive_window() -> None:
    client = make_client(Access(exchange="okx", api_key="k", secret="s", passphrase="p"), {})
    try:
        client.options["timeDifference"] = 1_000_000
        before = client.nonce()
        signed = client.sign("trade/order", ["private"], "POST", {"instId": "BTC-USDT-SWAP", "clOrdId": "a"})
        assert before <= int(signed["headers"]["expTime"]) - RECV_WINDOW_MS <= client.nonce()
        assert "expTime" not in client.sign("account/balance", ["private"], "GET", {})["headers"]
        assert "brokerId" not in signed["body"]
        assert "tag" not in signed["body"]
    finally:
        await client.close()


@pytest.mark.parametrize("exchange", ["binance", "okx", "bybit"])
async def test_an_access_does_not_show_what_it_holds(exchange: str) -> None:
    access = Access("", "", "key-1", "secret-1", exchange=exchange, passphrase="pass-1")
    assert not [word for word in ("key-1", "secret-1", "pass-1") if word in repr(access)]
