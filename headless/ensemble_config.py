"""Section ``[ensemble]``: the voters, their models and addresses, deadlines, budgets, and the news they are told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from engine.ai.guards import Budget
from engine.ai.prompts import Role
from engine.ai.seats import CLAUDE, GPT, LLAMA, Seat
from engine.model.money import to_money


class VoterConfig(BaseModel):
    """One seat; what is left out is the seat's default. Keys have no place in a file: see `trefoil keys`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    enabled: bool = True
    model: str = ""
    base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    role: Role | None = None
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=200, le=32_000)
    concurrency: int | None = Field(default=None, ge=1, le=16)

    def seat(self, default: Seat) -> Seat:
        """The seat as configured; another model has its listed price, or none that is known, unless one is given."""
        given = self.model_dump(exclude={"enabled", "model"}, exclude_defaults=True)
        return replace(default.with_model(self.model or default.model), **given)


class NewsConfig(BaseModel):
    """Section ``[ensemble.news]``; with neither feeds nor mood there is no request at all."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    feeds: tuple[str, ...] = ()
    mood_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    max_age_hours: float = Field(default=24.0, gt=0, le=168)
    refresh_minutes: float = Field(default=10.0, ge=1)


class EnsembleConfig(BaseModel):
    """The whole section."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    deadline_seconds: float = Field(default=15.0, gt=0, le=300)
    deadline_share: float = Field(default=0.2, gt=0, le=1)
    confidence: float = Field(default=70.0, ge=0, lt=100)
    hour_budget: Decimal = Field(default=Decimal(1), ge=0, le=10_000)
    day_budget: Decimal = Field(default=Decimal(5), ge=0, le=100_000)
    gpt: VoterConfig = VoterConfig()
    claude: VoterConfig = VoterConfig()
    llama: VoterConfig = VoterConfig()
    news: NewsConfig = NewsConfig()

    def seats(self) -> tuple[Seat, ...]:
        """The seats that are not switched off."""
        pairs = ((self.gpt, GPT), (self.claude, CLAUDE), (self.llama, LLAMA))
        return tuple(config.seat(default) for config, default in pairs if config.enabled)

    def budget(self) -> Budget:
        """What all seats together may spend."""
        return Budget(to_money(self.hour_budget), to_money(self.day_budget))

    def seconds(self, timeframe_ms: int) -> float:
        """The deadline of a question on bars of `timeframe_ms`."""
        return min(self.deadline_seconds, self.deadline_share * timeframe_ms / 1000)
