"""Who sits in the ensemble: which model at which address, in which role, at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.ai.prompts import Role
from engine.errors import BadInput
from engine.model.money import MONEY_SCALE, Money

PER_TOKENS = 1_000_000
CHARACTERS_PER_TOKEN = 3  # a careful guess, for what a question may cost at most


@dataclass(frozen=True, slots=True)
class Seat:
    """One voter.

    Attributes:
        voter: its name.
        provider: openai, anthropic or ollama: whose SDK and protocol.
        role: what it looks at.
        model: name of the model.
        base_url: address of the endpoint; empty leaves it to the SDK and its environment variable.
        key: secret; empty leaves it to the SDK.
        price_in, price_out: USD for a million tokens.
        max_tokens: of an answer, thinking included.
        concurrency: questions at once.
        simulated: a heuristic answers, and every vote says so.
    """

    voter: str
    provider: str
    role: Role
    model: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    price_in: float = 0.0
    price_out: float = 0.0
    max_tokens: int = 4_000
    concurrency: int = 2
    simulated: bool = False

    def cost(self, tokens_in: int, tokens_out: int) -> Money:
        """Price of an answer, 1e-8 USD, rounded up."""
        return -int(-(tokens_in * self.price_in + tokens_out * self.price_out) * MONEY_SCALE // PER_TOKENS)

    def most(self, characters: int) -> Money:
        """What a question of so many characters may cost at most, 1e-8 USD."""
        return self.cost(characters // CHARACTERS_PER_TOKEN + 1, self.max_tokens)


GPT = Seat("gpt", "openai", Role.NEWS, "gpt-6.1-terra", price_in=1.0, price_out=5.0)
CLAUDE = Seat("claude", "anthropic", Role.RISK, "claude-sonnet-5-5", price_in=2.0, price_out=10.0)
LLAMA = Seat("llama", "ollama", Role.TECHNICAL, "llama3.1:8b", max_tokens=1_000, concurrency=1)
DEFAULTS = (GPT, CLAUDE, LLAMA)
VOTERS = tuple(seat.voter for seat in DEFAULTS)

# What tells that a seat is configured, and the sentence where nothing does.
_KEYS = {"openai": ("OPENAI_API_KEY",), "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), "ollama": ()}
_ADDRESSES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL", "ollama": "OLLAMA_HOST"}
MISSING = {
    "openai": "not configured: set OPENAI_API_KEY",
    "anthropic": "not configured: set ANTHROPIC_API_KEY",
    "ollama": "not configured: set OLLAMA_HOST",
}
NO_KEY = "none"  # sent to an address that was given without a key: local servers want none, the SDKs insist on one


def configured(seat: Seat, environ: Mapping[str, str]) -> Seat | None:
    """The seat ready to be asked, or None where neither a key nor an address is known for it.

    Keys and addresses of `environ` are left to the SDKs, which read them themselves.
    """
    has_key = bool(seat.key) or any(environ.get(name) for name in _KEYS[seat.provider])
    has_address = bool(seat.base_url) or bool(environ.get(_ADDRESSES[seat.provider]))
    if has_key or (has_address and seat.provider == "ollama"):
        return seat
    return replace(seat, key=NO_KEY) if has_address else None


def check_seats(seats: tuple[Seat, ...]) -> None:
    """Raise BadInput for a name that stands twice or a provider that is none of ours."""
    names = [seat.voter for seat in seats]
    for seat in seats:
        if names.count(seat.voter) > 1:
            raise BadInput("voter", seat.voter, "name every voter once")
        if seat.provider not in MISSING:
            raise BadInput(f"voter {seat.voter} provider", seat.provider, f"use one of {', '.join(MISSING)}")
