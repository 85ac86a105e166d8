"""The engine's voters: a candidate becomes a question of the bars, the account's side of it and the news of the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from engine.ai.brief import Brief, PositionFact
from engine.ai.committee import Committee
from engine.ai.facts import LEAST_BARS, brief_of, reading_facts
from engine.ai.voter import Question
from engine.core.state import State, SymbolState
from engine.market import Market
from engine.model.decision import AskVotes
from engine.model.settings import Settings
from engine.model.vote import Vote, abstention
from engine.news.desk import NewsDesk
from engine.ports import Clock
from headless.asking import Told, committee_of
from headless.ensemble_config import EnsembleConfig
from storage.home import Home

FEW = "too few bars for a question"


class Voting:
    """Answers `AskVotes`.

    Args:
        config: seats, deadline and budget.
        home: where questions are kept.
        clock: wall time.
        simulated: addresses of the simulated models by provider, in a demo; None asks the configured ones.
        news: where headlines come from.
        told: hears why kept keys could not be read.
        funding: newest funding rate of a symbol, a fraction, or None where it is not known.
    """

    def __init__(
        self,
        config: EnsembleConfig,
        home: Home,
        clock: Clock,
        simulated: Mapping[str, str] | None,
        news: NewsDesk,
        told: Told = lambda _: None,
        funding: Callable[[str], float | None] = lambda _: None,
    ) -> None:
        self.committee: Committee = committee_of(config, home, clock, simulated=simulated, told=told)
        self.news = news
        self._config = config
        self._funding = funding
        self._clock = clock

    def settings(self, settings: Settings) -> Settings:
        """`settings` with who votes, how long and how sure."""
        seconds = self._config.seconds(settings.timeframe_ms)
        return replace(
            settings,
            voters=self.committee.names,
            vote_ms=round(seconds * 1000),
            vote_confidence=self._config.confidence,
        )

    async def ask(self, asked: AskVotes, market: Market, state: State) -> tuple[Vote, ...]:
        """One vote or abstention of each seat before the deadline."""
        bars = market.decision(asked.symbol)
        if len(bars) < LEAST_BARS:
            return tuple(abstention(seat.voter, seat.model, FEW) for seat in self.committee.seats)
        brief = self._brief(asked, market, state)
        seconds = max(0.0, (asked.deadline - self._clock.now()) / 1000)
        return await self.committee.ask(Question(brief, abs(asked.score)), seconds, asked.benched)

    def _brief(self, asked: AskVotes, market: Market, state: State) -> Brief:
        s = state.symbols[asked.symbol]
        quote = s.quote
        sizes = quote.bid_lots + quote.ask_lots
        frame = state.settings.timeframe_ms
        rate = self._funding(asked.symbol)
        return brief_of(
            asked.symbol,
            frame,
            market.decision(asked.symbol),
            candidate=asked.side,
            score=asked.score,
            readings=reading_facts(s.sides, s.records),
            cost_percent=asked.cost * 100,
            funding_percent=rate * 100 if rate is not None else None,
            spread_bps=(quote.ask - quote.bid) / quote.bid * 10_000 if quote.bid > 0 else None,
            imbalance=(quote.bid_lots - quote.ask_lots) / sizes if sizes else None,
            position=position_fact(s, state, frame),
            headlines=self.news.headlines(asked.symbol),
            mood=self.news.mood,
        )


def position_fact(s: SymbolState, state: State, frame: int) -> PositionFact | None:
    """The position as the models may know it: no size, no money."""
    position = s.position
    if position is None:
        return None
    value = position.lots * s.mark * state.instruments[s.symbol].unit
    profit = (value - position.cost) / abs(position.cost) * 100 if position.cost else 0.0
    return PositionFact(position.side, profit, max(0, state.market_time - position.opened) // frame)
