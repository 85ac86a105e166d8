"""Who sits in the ensemble: which model at which address, in which role, at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.ai.prices import CAREFUL, LISTED
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
        price_in, price_out: USD for a million tokens; None where it is not known.
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
    price_in: float | None = None
    price_out: float | None = None
    max_tokens: int = 4_000
    concurrency: int = 2
    simulated: bool = False

    def cost(self, tokens_in: int, tokens_out: int) -> Money | None:
        """Price of an answer, 1e-8 USD, rounded up; None where the model's price is not known."""
        if self.price_in is None or self.price_out is None:
            return None
        return _times(tokens_in, self.price_in, tokens_out, self.price_out)

    @property
    def unsaid(self) -> Money | None:
        """Cost of an answer whose tokens nobody counted: not known, unless the model is free."""
        return 0 if self.price_in == 0 and self.price_out == 0 else None

    def charge(self, tokens_in: int, tokens_out: int) -> Money:
        """What the budget is charged for it, 1e-8 USD: its cost, or `CAREFUL` prices where that is not known."""
        known = self.cost(tokens_in, tokens_out)
        return known if known is not None else _times(tokens_in, CAREFUL.tokens_in, tokens_out, CAREFUL.tokens_out)

    def most(self, characters: int) -> Money:
        """What a question of so many characters may be charged at most, 1e-8 USD."""
        return self.charge(characters // CHARACTERS_PER_TOKEN + 1, self.max_tokens)

    def with_model(self, model: str) -> Seat:
        """The same seat with another model at its listed price; one that runs locally costs what the seat cost."""
        if model == self.model or self.provider == LOCAL:
            return replace(self, model=model)
        listed = LISTED.get(model)
        return replace(
            self,
            model=model,
            price_in=listed.tokens_in if listed is not None else None,
            price_out=listed.tokens_out if listed is not None else None,
        )


def _times(tokens_in: int, price_in: float, tokens_out: int, price_out: float) -> Money:
    return -int(-(tokens_in * price_in + tokens_out * price_out) * MONEY_SCALE // PER_TOKENS)


LOCAL = "ollama"
GPT = Seat("gpt", "openai", Role.NEWS, "").with_model("gpt-6.1-terra")
CLAUDE = Seat("claude", "anthropic", Role.RISK, "").with_model("claude-sonnet-5-5")
# A model on one's own machine sends no bill.
LLAMA = Seat(
    "llama", LOCAL, Role.TECHNICAL, "llama3.1:8b", price_in=0.0, price_out=0.0, max_tokens=1_000, concurrency=1
)
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
