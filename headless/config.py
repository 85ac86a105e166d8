"""What a person may set: ``config.toml`` in the data directory, then ``TREFOIL_*`` environment variables."""

from __future__ import annotations

import json
import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from engine.errors import BadInput, InvariantBroken
from engine.model.command import Autonomy
from engine.model.market import TIMEFRAMES
from engine.model.money import to_money
from engine.model.settings import Settings
from headless.ensemble_config import EnsembleConfig
from headless.toml_lines import line_of

PREFIX = "TREFOIL_"
SEPARATOR = "__"
MOST_MONEY = Decimal(1_000_000_000)


class Trading(BaseModel):
    """Section ``[trading]``: the numbers of the decision and of risk; see `engine.model.settings.Settings`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

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
    paper_balance: Decimal = Field(default=Decimal(10_000), ge=1, le=MOST_MONEY)

    @field_validator("*", mode="before")
    @classmethod
    def no_switch(cls, value: object) -> object:
        """True is not 1 here."""
        if isinstance(value, bool):
            raise ValueError("true and false mean nothing here")  # noqa: TRY004 - pydantic takes a ValueError
        return value

    @field_validator("timeframe")
    @classmethod
    def known(cls, name: str) -> str:
        """One of the names we have bars for."""
        if name not in TIMEFRAMES:
            raise ValueError(f"use one of {', '.join(TIMEFRAMES)}")
        return name

    def settings(self) -> Settings:
        """As the core takes them."""
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

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    symbols: tuple[str, ...] = Field(
        default=(
            "BTC/USDT:USDT",
            "ETH/USDT:USDT",
            "SOL/USDT:USDT",
            "BNB/USDT:USDT",
            "XRP/USDT:USDT",
            "DOGE/USDT:USDT",
        ),
        min_length=1,
    )
    rest: str = Field(default="", pattern=r"^(https?://\S+)?$")
    ws: str = Field(default="", pattern=r"^(wss?://\S+)?$", validate_default=True)

    @field_validator("symbols")
    @classmethod
    def once(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        """Every symbol stands once."""
        if len(set(symbols)) != len(symbols):
            raise ValueError("name every symbol once")
        return symbols

    @field_validator("ws")
    @classmethod
    def both(cls, ws: str, info: ValidationInfo) -> str:
        """Requests and streams come from one place."""
        if "rest" in info.data and bool(ws) != bool(info.data["rest"]):
            raise ValueError("give rest and ws together, or neither")
        return ws


class Config(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix=PREFIX, env_nested_delimiter=SEPARATOR)

    trading: Trading = Trading()
    feed: FeedConfig = FeedConfig()
    ensemble: EnsembleConfig = EnsembleConfig()
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
    """The checked configuration; a file that is not there sets nothing.

    Raises BadInput with file and line, or environment variable, the key, its value and what is allowed.
    """
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("config file", path, f"it is no TOML: {error}") from error
    for key in values:
        if key not in Config.model_fields:
            raise _unknown(path, text, (key,))
    _check_sections()
    try:
        return Config(**values)
    except ValidationError as error:
        raise _refusal(path, text, error.errors()[0]) from error
    except SettingsError as error:
        raise _no_json() from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise BadInput("config file", path, f"it is no UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise BadInput("config file", path, f"it cannot be read: {error.strerror or error}") from error


def _check_sections() -> None:
    """A variable with a separator names a section; a misspelt one would say nothing."""
    for name in _names():
        section = name.removeprefix(PREFIX.lower()).partition(SEPARATOR)[0]
        if SEPARATOR in name and section not in Config.model_fields:
            raise BadInput("environment", name.upper(), "no such setting; see docs/configuration.md")


def _refusal(path: Path, text: str, first: ErrorDetails) -> BadInput:
    """The sentence for the first thing that is wrong; the environment is at fault where it sets the key."""
    keys = tuple(part for part in first["loc"] if isinstance(part, str))
    dotted = ".".join(str(part) for part in first["loc"])
    remedy = str(first["msg"]).removeprefix("Value error, ").replace("Input should", "it should", 1)
    if first["type"] == "model_type":
        remedy = f"it must be a section: [{dotted}] with its keys below"
    variable = f"{PREFIX}{SEPARATOR.join(keys)}".upper()
    from_environment = variable.lower() in _names()
    if first["type"] == "extra_forbidden":
        if from_environment:
            return BadInput("environment", variable, "no such setting; see docs/configuration.md")
        return _unknown(path, text, keys)
    place = f"environment {variable}" if from_environment else f"{_place(path, text, keys)} {dotted}"
    return BadInput(place, first["input"], remedy)


def _unknown(path: Path, text: str, keys: tuple[str, ...]) -> BadInput:
    return BadInput(f"{_place(path, text, keys)} key", ".".join(keys), "no such setting; see docs/configuration.md")


def _place(path: Path, text: str, keys: tuple[str, ...]) -> str:
    line = line_of(text, keys)
    return path.name if line is None else f"{path.name} line {line}"


def _names() -> dict[str, str]:
    """Our environment variables by lower-case name, as pydantic matches them."""
    return {name.lower(): value for name, value in os.environ.items() if name.lower().startswith(PREFIX.lower())}


def _no_json() -> BadInput:
    """Variables of a whole section or of a list are JSON; the first that is not."""
    given = _names()
    sections: dict[str, type[BaseModel]] = {"trading": Trading, "feed": FeedConfig, "ensemble": EnsembleConfig}
    for section, keys in ((name, model.model_fields) for name, model in sections.items()):
        whole = f"{PREFIX}{section}".lower()
        lists = [f"{whole}{SEPARATOR}{key}" for key, field in keys.items() if get_origin(field.annotation) is tuple]
        for name in (whole, *lists):
            if name in given and not _is_json(given[name]):
                return BadInput(f"environment {name.upper()}", given[name], 'it must be JSON, e.g. ["BTC/USDT:USDT"]')
    raise InvariantBroken("the environment's settings cannot be read")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
