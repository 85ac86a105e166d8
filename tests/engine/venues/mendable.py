"""What a person can mend, and the codes by which each venue says it."""

from __future__ import annotations

MENDABLE: dict[str, dict[str, tuple[str, ...]]] = {
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
