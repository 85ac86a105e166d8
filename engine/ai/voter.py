"""One seat at work: cache, circuit, budget, queue, question, retry within the deadline, and a vote in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

import stamina
import stamina.instrumentation
from msgspec.structs import replace

from engine.ai.answer import contradictions, parse
from engine.ai.brief import Brief
from engine.ai.guards import Breaker, Budget, Cache
from engine.ai.models.base import NOTHING, Model, Reply, Trouble
from engine.ai.prompts import Prompt, prompt_for
from engine.ai.seats import CHARACTERS_PER_TOKEN, Seat
from engine.errors import InvariantBroken
from engine.model.money import Money
from engine.model.vote import Stance, Vote, VoteStatus, abstention
from engine.ports import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ATTEMPTS = 4
SIMULATED = "SIMULATED"  # how the names of simulated models begin
FIRST_WAIT_S = 0.2
BUSY = "busy: no free place before the deadline"
LATE = "no answer before the deadline"

# A retry is no news: the vote tells how it ended. Left alone, stamina would write to the standard output.
stamina.instrumentation.set_on_retry_hooks(())


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the facts, and how urgent it is (|score| of the candidate; the highest goes first)."""

    brief: Brief
    urgency: float = 0.0


Keep = Callable[[Seat, Prompt, Brief, Vote, str], None]


class Places:
    """So many at once; whoever waits is served by urgency, then in order of arrival."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._turn = count()

    @asynccontextmanager
    async def place(self, urgency: float) -> AsyncIterator[None]:
        """Hold a place; cancelling the wait gives it up."""
        if self._free:
            self._free -= 1
        else:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (-urgency, next(self._turn), future))
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self._release()
                raise
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        while self._waiting:
            *_, future = heappop(self._waiting)
            if not future.done():
                future.set_result(None)
                return
        self._free += 1


class Voter:
    """A seat with its model.

    Args:
        seat: who it is.
        make: makes the model; called in a thread at the first question, since it imports an SDK.
        budget: shared by all voters.
        clock: wall time.
        keep: told of every question that was sent, with the vote and the raw text.
    """

    def __init__(
        self, seat: Seat, make: Callable[[], Model], budget: Budget, clock: Clock, keep: Keep | None = None
    ) -> None:
        self.seat = seat
        self.breaker = Breaker()
        self._make = make
        self._budget = budget
        self._clock = clock
        self._keep = keep
        self._cache = Cache()
        self._places = Places(seat.concurrency)
        self._model: asyncio.Task[Model] | None = None

    def begin(self) -> asyncio.Task[Model]:
        """Import the SDK and make the model in a thread, once, so that the first question need not wait for it."""
        if self._model is None:
            self._model = asyncio.create_task(asyncio.to_thread(self._make))
        return self._model

    async def ready(self) -> None:
        """Wait until the SDK is imported; whatever hinders that is told by the first vote."""
        await asyncio.wait({self.begin()})

    async def vote(self, question: Question, until: float) -> Vote:
        """A vote or an abstention no later than `until` (the loop's clock, seconds); raises only what is a bug."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        prompt = prompt_for(self.seat.role, question.brief)
        vote = await self._vote(question, prompt, until)
        took = round((loop.time() - began) * 1000)
        return replace(vote, latency_ms=took, prompt_hash=prompt.hash, simulated=vote.simulated or self.seat.simulated)

    async def close(self) -> None:
        """Release connections."""
        if self._model is not None:
            self._model.cancel()
            done = await asyncio.gather(self._model, return_exceptions=True)
            if self._model.done() and not isinstance(done[0], BaseException):
                await done[0].close()

    async def _vote(self, question: Question, prompt: Prompt, until: float) -> Vote:
        seat, brief = self.seat, question.brief
        key = (seat.voter, seat.model, brief.symbol, brief.bar_time, prompt.hash)
        cached = self._cache.get(key, self._clock.now())
        if cached is not None:
            return replace(cached, cached=True, cost=0, tokens_in=0, tokens_out=0)
        entered = False
        troubles: list[str] = []
        try:
            async with asyncio.timeout_at(until), self._places.place(question.urgency):
                entered = True
                vote = await self._asked(question, prompt, until, troubles)
        except TimeoutError:
            if not entered:
                return abstention(seat.voter, seat.model, BUSY)
            why = f"{LATE}: {troubles[-1]}" if troubles else LATE
            vote = abstention(seat.voter, seat.model, why, cost=seat.cost(_sent(prompt), 0))
            self._kept(prompt, brief, vote, "")
            return vote
        self._cache.put(key, self._clock.now(), vote)
        return vote

    def _kept(self, prompt: Prompt, brief: Brief, vote: Vote, text: str) -> None:
        if self._keep is not None:
            self._keep(self.seat, prompt, brief, vote, text)

    async def _asked(self, question: Question, prompt: Prompt, until: float, troubles: list[str]) -> Vote:
        seat, now = self.seat, self._clock.now()
        if not self.breaker.admits(now):
            rest = self.breaker.remaining(now) // 1000
            return abstention(seat.voter, seat.model, f"resting after failures, {rest} s more")
        most = seat.most(len(prompt.system) + len(prompt.user))
        refusal = self._budget.reserve(now, most)
        if refusal:
            self.breaker.gave_up(now)
            return abstention(seat.voter, seat.model, refusal)
        charge = seat.charge(_sent(prompt), 0)  # unless an answer tells
        try:
            vote, text, charge = await self._answered(question, prompt, until, troubles)
        except asyncio.CancelledError:
            self.breaker.failed(self._clock.now())
            raise
        finally:
            self._budget.settle(self._clock.now(), most, charge)
        if vote.valid:
            self.breaker.succeeded()
        else:
            self.breaker.failed(self._clock.now())
        self._kept(prompt, question.brief, vote, text)
        return vote

    async def _answered(
        self, question: Question, prompt: Prompt, until: float, troubles: list[str]
    ) -> tuple[Vote, str, Money]:
        """A vote, the raw text, and what the budget is to be charged for both."""
        seat = self.seat
        try:
            reply = await self._reply(prompt, until, troubles)
        except Trouble as trouble:
            used_in, used_out = trouble.used if trouble.used is not None else (_sent(prompt), 0)
            cost = seat.cost(used_in, used_out)
            vote = abstention(seat.voter, seat.model, str(trouble), tokens_in=used_in, tokens_out=used_out, cost=cost)
            return vote, "", seat.charge(used_in, used_out)
        vote = vote_of(seat, question.brief, reply)
        return vote, reply.text, charge_of(seat, vote, len(prompt.system) + len(prompt.user), len(reply.text))

    async def _reply(self, prompt: Prompt, until: float, troubles: list[str]) -> Reply:
        model = await asyncio.shield(self.begin())
        loop = asyncio.get_running_loop()

        def again(error: Exception) -> bool | float:
            if not isinstance(error, Trouble) or not error.retry:
                return False
            troubles.append(str(error))
            if error.after_s is None:
                return True
            return error.after_s if loop.time() + error.after_s < until else False

        left = max(0.0, until - loop.time())
        async for attempt in stamina.retry_context(
            on=again, attempts=ATTEMPTS, timeout=left, wait_initial=FIRST_WAIT_S, wait_jitter=FIRST_WAIT_S
        ):
            with attempt:
                return await _once(model, prompt)
        raise InvariantBroken("a voter's retries ended without an attempt")


async def _once(model: Model, prompt: Prompt) -> Reply:
    try:
        return await model.ask(prompt)
    except ExceptionGroup as group:  # anyio's: a connection that could not even be tried, say over an impossible proxy
        raise Trouble("the connection failed", used=NOTHING) from group


def _sent(prompt: Prompt) -> int:
    """About how many tokens a question is: what is paid for one that was sent and never answered."""
    return (len(prompt.system) + len(prompt.user)) // CHARACTERS_PER_TOKEN


def charge_of(seat: Seat, vote: Vote, asked: int, answered: int) -> Money:
    """What the budget is charged for a vote: its cost; else its tokens, guessed where nobody counted them, at some price.

    Args:
        seat: whose vote it is.
        vote: with its tokens and cost.
        asked: characters of the prompt.
        answered: characters of the answer.
    """
    if vote.cost is not None:
        return vote.cost
    guessed = (asked // CHARACTERS_PER_TOKEN, answered // CHARACTERS_PER_TOKEN)
    return seat.charge(*((vote.tokens_in, vote.tokens_out) if vote.tokens_in or vote.tokens_out else guessed))


def vote_of(seat: Seat, brief: Brief | None, reply: Reply) -> Vote:
    """A reply as a vote: an abstention with its reason where it is not within the schema; flagged where there is a brief."""
    cost = seat.cost(reply.tokens_in, reply.tokens_out) if reply.tokens_in or reply.tokens_out else seat.unsaid
    answer = parse(reply.text)
    if isinstance(answer, str):
        return abstention(
            seat.voter, reply.model, answer, tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, cost=cost
        )
    return Vote(
        voter=seat.voter,
        model=reply.model,
        status=VoteStatus.OK,
        stance=Stance(answer.side),
        confidence=answer.confidence,
        horizon=answer.horizon,
        reasons=answer.reasons,
        risks=answer.risk_notes,
        flags=contradictions(answer, brief) if brief is not None else (),
        simulated=seat.simulated or reply.model.startswith(SIMULATED),
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cost=cost,
    )
