"""What a person may set: ``config.toml`` in the data directory, then ``TREFOIL_*`` environment variables."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.errors import BadInput
from engine.model.command import Autonomy
from engine.model.market import TIMEFRAMES
from engine.model.money import to_money
from engine.model.settings import Settings


class Trading(BaseModel):
    """Section ``[trading]``: the numbers of the decision and of risk; see `engine.model.settings.Settings`."""

    model_config = ConfigDict(extra="forbid")

    timeframe: str = "15m"
    autonomy: Autonomy = Autonomy.AUTO
    preset: str = Field(default="default", pattern="^(default|reference)$")
    entry_score: float = Field(default=0.34, gt=0, le=1)
    approve_seconds: int = Field(default=300, gt=0)
    fresh_ms: int = Field(default=5_000, gt=0)
    max_spread_bps: float = Field(default=3.0, gt=0)
    max_slippage_bps: float = Field(default=5.0, gt=0)
    min_reward_risk: float = Field(default=1.5, gt=0)
    record_trades: int = Field(default=30, ge=2)
    weight_trades: int = Field(default=20, ge=1)
    risk_fraction: float = Field(default=0.005, gt=0, le=0.1)
    max_positions: int = Field(default=5, ge=1)
    max_exposure: float = Field(default=3.0, gt=0)
    max_symbol_exposure: float = Field(default=1.0, gt=0)
    max_leverage: int = Field(default=3, ge=1, le=125)
    day_loss: float = Field(default=0.03, gt=0, le=1)
    max_drawdown: float = Field(default=0.15, gt=0, le=1)
    cooldown_minutes: int = Field(default=15, ge=0)
    stop_atr: float = Field(default=2.0, gt=0)
    target_ratio: float = Field(default=2.0, gt=0)
    paper_balance: Decimal = Field(default=Decimal(10_000), gt=0)

    def settings(self) -> Settings:
        """As the core takes them; raises BadInput for an unknown timeframe."""
        if self.timeframe not in TIMEFRAMES:
            raise BadInput("trading.timeframe", self.timeframe, f"use one of {', '.join(TIMEFRAMES)}")
        same = set(Settings.__struct_fields__) & set(type(self).model_fields)
        values: dict[str, Any] = {name: getattr(self, name) for name in same}
        values["paper_balance"] = to_money(self.paper_balance)
        return Settings(
            timeframe_ms=TIMEFRAMES[self.timeframe],
            approve_ms=self.approve_seconds * 1000,
            cooldown_ms=self.cooldown_minutes * 60_000,
            **values,
        )


class FeedConfig(BaseModel):
    """Section ``[feed]``: which symbols, and other addresses for the public market data."""

    model_config = ConfigDict(extra="forbid")

    symbols: tuple[str, ...] = (
        "BTC/USDT:USDT",
        "ETH/USDT:USDT",
        "SOL/USDT:USDT",
        "BNB/USDT:USDT",
        "XRP/USDT:USDT",
        "DOGE/USDT:USDT",
    )
    rest: str = ""
    ws: str = ""


class Config(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix="TREFOIL_", env_nested_delimiter="__")

    trading: Trading = Trading()
    feed: FeedConfig = FeedConfig()
    theme: str = "trefoil"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file."""
        return env_settings, init_settings


def read_config(path: Path) -> Config:
    """The checked configuration; raises BadInput naming key, value and what is allowed."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("config file", path, f"it is no TOML: {error}") from error
    try:
        return Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise BadInput(f"{path.name} key", key, "no such setting; see docs/configuration.md") from error
        raise BadInput(f"{path.name} {key}", first.get("input"), str(first["msg"])) from error
