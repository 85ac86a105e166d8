"""The three seats together: asked side by side, one deadline for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from engine.ai.guards import Budget
from engine.ai.models.base import BAD_ADDRESS, NOTHING, Model, Trouble
from engine.ai.seats import MISSING, Seat, check_seats, configured
from engine.ai.voter import Keep, Question, Voter
from engine.model.money import MONEY_SCALE, Money
from engine.model.vote import Vote, abstention
from engine.ports import Clock

HOUR_BUDGET: Money = MONEY_SCALE  # 1 USD
DAY_BUDGET: Money = 5 * MONEY_SCALE
BENCHED = "benched"


class Committee:
    """Asks its seats.

    Args:
        seats: at most three; those that `environ` and their own settings leave unconfigured abstain.
        clock: wall time.
        environ: the process's environment, which the SDKs read keys and addresses from.
        budget: of all seats together.
        keep: told of every question that was sent.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        clock: Clock,
        environ: Mapping[str, str],
        *,
        budget: Budget | None = None,
        keep: Keep | None = None,
    ) -> None:
        check_seats(tuple(seats))
        self.seats = tuple(seats)
        self.budget = budget or Budget(HOUR_BUDGET, DAY_BUDGET)
        self._voters: dict[str, Voter] = {}
        for seat in seats:
            ready = configured(seat, environ)
            if ready is not None:
                self._voters[seat.voter] = Voter(ready, maker(ready), self.budget, clock, keep)

    @property
    def names(self) -> tuple[str, ...]:
        """The configured voters."""
        return tuple(self._voters)

    def begin(self) -> None:
        """Import the SDKs of the configured seats in threads."""
        for voter in self._voters.values():
            voter.begin()

    async def ready(self) -> None:
        """Wait until the SDKs are imported."""
        for voter in self._voters.values():
            await voter.ready()

    async def ask(self, question: Question, seconds: float, benched: Collection[str] = ()) -> tuple[Vote, ...]:
        """One vote or abstention of every seat, in their order, no later than `seconds` from now."""
        until = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._one(seat, question, until, benched)) for seat in self.seats]
        return tuple(task.result() for task in asked)

    async def _one(self, seat: Seat, question: Question, until: float, benched: Collection[str]) -> Vote:
        if seat.voter in benched:
            return abstention(seat.voter, seat.model, BENCHED)
        voter = self._voters.get(seat.voter)
        if voter is None:
            return abstention(seat.voter, seat.model, MISSING[seat.provider])
        return await voter.vote(question, until)

    async def close(self) -> None:
        """Release all connections."""
        for voter in self._voters.values():
            await voter.close()


def maker(seat: Seat) -> Callable[[], Model]:
    """Makes the model of a seat; call it in a thread, since it imports an SDK. It raises Trouble."""
    return _Make(seat)


class _Make:
    """Makes the model of a seat; its SDK is imported here and nowhere else."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def __call__(self) -> Model:
        try:
            return self._made()
        except ImportError as error:  # it is not installed, or a proxy of the environment needs what is not
            raise Trouble(f"its SDK cannot be used: {error}", used=NOTHING) from error

    def _made(self) -> Model:
        match self._seat.provider:
            case "openai":
                from engine.ai.models.openai_model import OpenAIModel

                return OpenAIModel(self._seat)
            case "anthropic":
                from engine.ai.models.anthropic_model import AnthropicModel

                return AnthropicModel(self._seat)
            case _:
                import httpx

                try:
                    from engine.ai.models.ollama_model import OllamaModel
                except (ValueError, httpx.InvalidURL) as error:  # the SDK makes a client of OLLAMA_HOST on its import
                    raise Trouble(BAD_ADDRESS, used=NOTHING) from error
                return OllamaModel(self._seat)
